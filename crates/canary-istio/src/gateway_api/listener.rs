//! Listeners of a gateway.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{label_selector::LabelSelector, object::GROUP, object_ref::SecretRef};

/// One port of a gateway with its protocol, its host names and the routes that it takes.
///
/// The Gateway API's [`Listener`](https://gateway-api.sigs.k8s.io/reference/spec/#listener).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    /// A name, unique within the gateway. Required.
    pub name: String,
    /// The host name; `*.` may stand for the labels in front. Default: every host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The port, 1 to 65535. Required.
    pub port: u32,
    /// `HTTP`, `HTTPS`, `TLS` or `TCP`; `HBONE` for waypoints. Required.
    pub protocol: String,
    /// TLS settings; for `HTTPS` and `TLS` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ListenerTls>,
    /// The routes that may attach. Default: those of the gateway's namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_routes: Option<AllowedRoutes>,
}

/// TLS settings of a listener.
///
/// The Gateway API's [`ListenerTLSConfig`](https://gateway-api.sigs.k8s.io/reference/spec/#listenertlsconfig).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenerTls {
    /// The place where TLS ends. Default: `Terminate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<ListenerTlsMode>,
    /// The certificates, 64 at most. Required for `Terminate` unless there are options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_refs: Option<Vec<SecretRef>>,
    /// Options of the controller, 16 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<BTreeMap<String, String>>,
}

/// The place where TLS ends.
///
/// The Gateway API's `TLSModeType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ListenerTlsMode {
    /// At the gateway.
    #[default]
    Terminate,
    /// At the server behind it.
    Passthrough,
}

/// The routes that may attach to a listener.
///
/// The Gateway API's [`AllowedRoutes`](https://gateway-api.sigs.k8s.io/reference/spec/#allowedroutes).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AllowedRoutes {
    /// The namespaces of the routes. Default: the gateway's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<NamespaceSelection>,
    /// The kinds of the routes, 8 at most. Default: those of the protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<RouteGroupKind>>,
}

/// Namespaces, by their relation to the gateway or by their labels.
///
/// The Gateway API's `RouteNamespaces` and `ListenerNamespaces`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceSelection {
    /// The way of selection. Default: `Same` for routes, `None` for listeners.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<FromNamespaces>,
    /// The labels of the namespaces, with `Selector`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// The way in which namespaces are selected.
///
/// The Gateway API's `FromNamespaces`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FromNamespaces {
    /// All namespaces.
    All,
    /// Those that the selector selects.
    Selector,
    /// The gateway's.
    #[default]
    Same,
    /// No namespace; for listeners only.
    None,
}

/// A kind of routes.
///
/// The Gateway API's `RouteGroupKind`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteGroupKind {
    /// The API group. Default: `gateway.networking.k8s.io`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The kind, such as `HTTPRoute`. Required.
    pub kind: String,
}

/// The `ListenerSet`s that may attach to a gateway.
///
/// The Gateway API's `AllowedListeners`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AllowedListeners {
    /// Their namespaces. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<NamespaceSelection>,
}

impl RouteGroupKind {
    /// A kind of the Gateway API.
    pub fn new(kind: impl Into<String>) -> Self {
        Self { group: None, kind: kind.into() }
    }

    /// The API group, or its default.
    pub fn group_or_default(&self) -> &str {
        self.group.as_deref().unwrap_or(GROUP)
    }
}
