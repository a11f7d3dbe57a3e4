//! Rules for TLS and TCP.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::destination::Destination;

/// One rule for TLS that is not ended here, by the name the client asks for.
///
/// Istio's [`TLSRoute`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#TLSRoute).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TlsRoute {
    /// The conditions; one of them must hold. Required.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<Vec<TlsMatchAttributes>>,
    /// The destinations, with the share of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<Vec<RouteDestination>>,
}

/// One rule for opaque TCP.
///
/// Istio's [`TCPRoute`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#TCPRoute).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TcpRoute {
    /// The conditions; one of them must hold. Default: every connection matches.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<Vec<L4MatchAttributes>>,
    /// The destinations, with the share of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<Vec<RouteDestination>>,
}

/// A condition on TCP connections: all fields given must hold.
///
/// Istio's [`L4MatchAttributes`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#L4MatchAttributes).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct L4MatchAttributes {
    /// Addresses the client connects to, as IP or CIDR such as `10.0.0.0/8`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_subnets: Option<Vec<String>>,
    /// The port the client connects to, 1 to 65535.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u32>,
    /// The addresses the client may have, as IP or CIDR. Accepted, and not implemented by Istio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_subnet: Option<String>,
    /// Labels of the workload that connects; for sidecars only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_labels: Option<BTreeMap<String, String>>,
    /// The gateways where this condition holds, in place of the object's own list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateways: Option<Vec<String>>,
    /// The namespace of the workload that connects; for sidecars only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_namespace: Option<String>,
}

/// A condition on TLS connections: all fields given must hold.
///
/// Istio's [`TLSMatchAttributes`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#TLSMatchAttributes).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TlsMatchAttributes {
    /// Server names, with `*` for the leftmost label; each must lie within the object's hosts.
    /// Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sni_hosts: Option<Vec<String>>,
    /// Addresses the client connects to, as IP or CIDR.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_subnets: Option<Vec<String>>,
    /// The port the client connects to, 1 to 65535.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u32>,
    /// Labels of the workload that connects; for sidecars only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_labels: Option<BTreeMap<String, String>>,
    /// The gateways where this condition holds, in place of the object's own list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateways: Option<Vec<String>>,
    /// The namespace of the workload that connects; for sidecars only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_namespace: Option<String>,
}

/// One destination of a TLS or TCP rule, and its share of the connections.
///
/// Istio's [`RouteDestination`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#RouteDestination).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RouteDestination {
    /// The service, subset and port. Required.
    #[serde(skip_serializing_if = "Destination::is_absent")]
    pub destination: Destination,
    /// The share, as this number over the sum of the rule's weights. Default 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
}
