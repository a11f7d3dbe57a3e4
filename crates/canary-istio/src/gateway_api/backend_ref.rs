//! Backends that requests go to.

use serde::{Deserialize, Serialize};

use super::{
    backend_object_ref::{BackendObjectRef, is_service},
    filter::RouteFilter,
    parent_ref::split,
};

/// A backend of a rule, and its share of the requests.
///
/// The Gateway API's [`HTTPBackendRef`](https://gateway-api.sigs.k8s.io/reference/spec/#httpbackendref) and
/// `GRPCBackendRef`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendRef {
    /// The API group. Default: empty, which is the core group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The kind. Default: `Service`. Istio also takes `ServiceImport` and `Hostname`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The name. Required.
    pub name: String,
    /// The namespace. Default: the route's. Another one needs a `ReferenceGrant`, except for routes of the mesh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The port of the service, 1 to 65535. Required for a `Service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u32>,
    /// The share, as this number over the sum of the rule's weights, 0 to 1000000. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
    /// Filters of requests that take this backend. Istio takes the two header modifiers; any other type removes the
    /// whole route from the proxies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<Vec<RouteFilter>>,
}

impl BackendRef {
    /// The `Service` of this name, as `name` or `namespace/name`, without port and weight.
    pub fn service(name: impl Into<String>) -> Self {
        let (namespace, name) = split(name.into());
        Self { name, namespace, ..Self::default() }
    }

    /// Sets the port of the service.
    #[must_use]
    pub fn port(mut self, port: u32) -> Self {
        self.port = Some(port);
        self
    }

    /// Sets the weight.
    #[must_use]
    pub fn weight(mut self, weight: i32) -> Self {
        self.weight = Some(weight);
        self
    }

    /// Adds a filter of requests that take this backend.
    #[must_use]
    pub fn filter(mut self, filter: RouteFilter) -> Self {
        self.filters.get_or_insert_default().push(filter);
        self
    }

    /// The weight, or its default of 1.
    pub fn weight_or_default(&self) -> i32 {
        self.weight.unwrap_or(1)
    }

    /// The object that is referred to.
    pub fn object(&self) -> BackendObjectRef {
        BackendObjectRef {
            group: self.group.clone(),
            kind: self.kind.clone(),
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            port: self.port,
        }
    }

    /// Returns true for a `Service` of the core group.
    pub fn is_service(&self) -> bool {
        is_service(self.group.as_deref(), self.kind.as_deref())
    }
}
