//! `VirtualService`: the routes of requests to a host.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

use super::{
    http_route::HttpRoute,
    l4_route::{TcpRoute, TlsRoute},
    object,
};
use crate::resource::Version;

/// The routes of requests to certain hosts.
///
/// Istio's [`VirtualService`](https://istio.io/latest/docs/reference/config/networking/virtual-service/).
#[derive(Clone, Debug, Default)]
pub struct VirtualService {
    /// Name, namespace, labels and annotations.
    pub metadata: ObjectMeta,
    /// The desired state.
    pub spec: VirtualServiceSpec,
    /// The state that the control plane reports; written by others.
    pub status: Option<serde_json::Value>,
    /// The version in which it is written.
    pub(super) version: Version,
}

object::istio_object!(VirtualService, VirtualServiceSpec, "virtualservices");

/// The routes of requests to certain hosts, by protocol, in the order of the rules.
///
/// Istio's [`VirtualService`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VirtualServiceSpec {
    /// The hosts this is about: DNS names, with `*` for the leftmost label, or IP addresses; short
    /// names are completed with the object's namespace. Empty only for a delegate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<String>>,
    /// The gateways that apply these routes, as `name` or `namespace/name`; `mesh` means all
    /// sidecars. Default: `mesh` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateways: Option<Vec<String>>,
    /// Rules for HTTP, tried in order; the first that matches decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<Vec<HttpRoute>>,
    /// Rules for TLS that is not ended here, by SNI, tried in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Vec<TlsRoute>>,
    /// Rules for opaque TCP, tried in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp: Option<Vec<TcpRoute>>,
    /// The namespaces that see this object: `*` all, `.` its own, or names. Default: what the mesh
    /// is configured to, usually all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export_to: Option<Vec<String>>,
}
