//! The parent that a route attaches to.

use serde::{Deserialize, Serialize};

use super::object::GROUP;

/// A parent of a route: a `Gateway`, or a `Service` of the mesh.
///
/// The Gateway API's [`ParentReference`](https://gateway-api.sigs.k8s.io/reference/spec/#parentreference).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParentRef {
    /// The API group. Default: `gateway.networking.k8s.io`; empty for a `Service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The kind. Default: `Gateway`. Istio also takes `ListenerSet`, `Service` and `ServiceEntry`, and ignores others
    /// without any status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The namespace. Default: the route's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name. Required.
    pub name: String,
    /// The name of a listener. Default: every listener. Istio ignores it for a `Service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section_name: Option<String>,
    /// The port of the listener or of the `Service`, 1 to 65535. Default: every port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u32>,
}

impl ParentRef {
    /// The `Gateway` of this name, as `name` or `namespace/name`.
    pub fn gateway(name: impl Into<String>) -> Self {
        let (namespace, name) = split(name.into());
        Self { namespace, name, ..Self::default() }
    }

    /// The `Service` of this name, as `name` or `namespace/name`: a route for requests inside the mesh.
    pub fn service(name: impl Into<String>) -> Self {
        let (namespace, name) = split(name.into());
        Self {
            group: Some(String::new()),
            kind: Some("Service".to_owned()),
            namespace,
            name,
            ..Self::default()
        }
    }

    /// Narrows the reference to the listener of this name.
    #[must_use]
    pub fn section(mut self, name: impl Into<String>) -> Self {
        self.section_name = Some(name.into());
        self
    }

    /// Narrows the reference to this port.
    #[must_use]
    pub fn port(mut self, port: u32) -> Self {
        self.port = Some(port);
        self
    }

    /// The API group, or its default.
    pub fn group_or_default(&self) -> &str {
        self.group.as_deref().unwrap_or(GROUP)
    }

    /// The kind, or its default.
    pub fn kind_or_default(&self) -> &str {
        self.kind.as_deref().unwrap_or("Gateway")
    }

    /// Returns true for a `Gateway` of the Gateway API.
    pub fn is_gateway(&self) -> bool {
        self.group_or_default() == GROUP && self.kind_or_default() == "Gateway"
    }

    /// Returns true for a `Service` of the core group.
    pub fn is_service(&self) -> bool {
        self.group_or_default().is_empty() && self.kind_or_default() == "Service"
    }
}

/// The parts of `namespace/name` or `name`.
pub(super) fn split(text: String) -> (Option<String>, String) {
    match text.split_once('/') {
        Some((namespace, name)) => (Some(namespace.to_owned()), name.to_owned()),
        None => (None, text),
    }
}
