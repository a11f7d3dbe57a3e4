//! Backends without a share.

use serde::{Deserialize, Serialize};

use super::parent_ref::split;

/// A backend without a share, such as that of a mirror.
///
/// The Gateway API's [`BackendObjectReference`](https://gateway-api.sigs.k8s.io/reference/spec/#backendobjectreference).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendObjectRef {
    /// The API group. Default: empty, which is the core group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The kind. Default: `Service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The name. Required.
    pub name: String,
    /// The namespace. Default: the route's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The port of the service, 1 to 65535. Required for a `Service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u32>,
}

impl BackendObjectRef {
    /// The `Service` of this name, as `name` or `namespace/name`, without port.
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

    /// Returns true for a `Service` of the core group.
    pub fn is_service(&self) -> bool {
        is_service(self.group.as_deref(), self.kind.as_deref())
    }
}

/// Returns true for a `Service` of the core group, by its defaults.
pub(super) fn is_service(group: Option<&str>, kind: Option<&str>) -> bool {
    group.unwrap_or_default().is_empty() && kind.unwrap_or("Service") == "Service"
}
