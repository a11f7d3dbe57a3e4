//! `Gateway`: the ports and hosts of a load balancer at the edge of the mesh.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

use super::{
    object::{self, is_default},
    server_tls::ServerTlsSettings,
};
use crate::resource::Version;

/// Ports that a proxy at the edge of the mesh listens on, and the hosts served there.
///
/// Istio's [`Gateway`](https://istio.io/latest/docs/reference/config/networking/gateway/).
#[derive(Clone, Debug, Default)]
pub struct Gateway {
    /// Name, namespace, labels and annotations.
    pub metadata: ObjectMeta,
    /// The desired state.
    pub spec: GatewaySpec,
    /// The state that the control plane reports; written by others.
    pub status: Option<serde_json::Value>,
    /// The version in which it is written.
    pub(super) version: Version,
}

object::istio_object!(Gateway, GatewaySpec, "gateways");

/// The proxies that listen (`selector`), and their ports and hosts (`servers`).
///
/// Istio's [`Gateway`](https://istio.io/latest/docs/reference/config/networking/gateway/#Gateway).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GatewaySpec {
    /// The ports to listen on, with protocol, hosts and TLS of each. Istio wants at least one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub servers: Option<Vec<Server>>,
    /// Labels of the proxy pods that take this configuration. Searched in the gateway's own
    /// namespace unless the control plane is configured otherwise; empty means every proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<BTreeMap<String, String>>,
}

/// One port of a gateway, and the hosts served on it.
///
/// Istio's [`Server`](https://istio.io/latest/docs/reference/config/networking/gateway/#Server).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Server {
    /// The port to listen on. Required.
    #[serde(skip_serializing_if = "is_default")]
    pub port: Port,
    /// The IP address, or Unix socket (`unix:///path`, `unix://@abstract`), to listen on. Default:
    /// all addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bind: Option<String>,
    /// The hosts served here, each `dnsName` or `namespace/dnsName`; `*` stands for the leftmost
    /// label, `.` for the gateway's own namespace. Required. A `VirtualService` is bound when its
    /// hosts and these meet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<String>>,
    /// The TLS settings; required for `HTTPS` and `TLS` ports, absent for plain ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ServerTlsSettings>,
    /// Where the traffic goes when no route says otherwise: `127.0.0.1:port` or `unix:///path`.
    /// Accepted, and not implemented by Istio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_endpoint: Option<String>,
    /// A name for this server, unique within the gateway; used for statistics only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A port number with its protocol.
///
/// Istio's [`Port`](https://istio.io/latest/docs/reference/config/networking/gateway/#Port).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Port {
    /// The port number, 1 to 65535, or 0 for a Unix socket. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// One of `HTTP`, `HTTPS`, `GRPC`, `GRPC-WEB`, `HTTP2`, `MONGO`, `TCP`, `TLS` (in any case of
    /// letters). Required. `TLS` without termination is routed by SNI.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// A name for the port. Required, and unique among the servers of a gateway.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The port number on the endpoint. Deprecated by Istio, which no longer reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_port: Option<u32>,
}
