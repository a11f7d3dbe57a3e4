//! The policy for traffic to a service: load balancing, connections, ejection, TLS.

use serde::{Deserialize, Serialize};

use super::{
    client_tls::ClientTlsSettings, connection_pool::ConnectionPoolSettings,
    destination::PortSelector, duration::Duration, load_balancer::LoadBalancerSettings,
    number::Double, outlier_detection::OutlierDetection,
};

/// Settings of connections to a service, to one of its ports, or to a subset.
///
/// Istio's [`TrafficPolicy`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TrafficPolicy {
    /// The choice of an endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancerSettings>,
    /// The limits on connections and requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_pool: Option<ConnectionPoolSettings>,
    /// When a failing endpoint is taken out for a while.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outlier_detection: Option<OutlierDetection>,
    /// TLS towards the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ClientTlsSettings>,
    /// Policies for single ports. Each replaces the service's whole policy for its port; nothing is
    /// inherited. At most 4096.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_level_settings: Option<Vec<PortTrafficPolicy>>,
    /// Send TCP through an HTTP tunnel, by `CONNECT` or `POST`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<TunnelSettings>,
    /// Send the PROXY protocol's header towards the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_protocol: Option<ProxyProtocol>,
    /// The limit on concurrent retries, relative to the requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_budget: Option<RetryBudget>,
}

/// The policy for one port of a service.
///
/// Istio's [`PortTrafficPolicy`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy-PortTrafficPolicy).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PortTrafficPolicy {
    /// The port this is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<PortSelector>,
    /// The choice of an endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancerSettings>,
    /// The limits on connections and requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_pool: Option<ConnectionPoolSettings>,
    /// When a failing endpoint is taken out for a while.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outlier_detection: Option<OutlierDetection>,
    /// TLS towards the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ClientTlsSettings>,
}

/// TCP carried through an HTTP tunnel.
///
/// Istio's [`TunnelSettings`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy-TunnelSettings).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TunnelSettings {
    /// The method that opens the tunnel: `CONNECT` or `POST`. Default `CONNECT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The host at the other end of the tunnel. Required.
    pub target_host: String,
    /// The port at the other end of the tunnel. Required.
    pub target_port: u32,
}

/// The PROXY protocol's header, sent towards the service.
///
/// Istio's [`ProxyProtocol`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy-ProxyProtocol).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProxyProtocol {
    /// The version of the header. Default `V1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<ProxyProtocolVersion>,
}

/// A version of the PROXY protocol.
///
/// Istio's [`VERSION`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy-ProxyProtocol-VERSION).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ProxyProtocolVersion {
    /// Text.
    #[default]
    #[serde(rename = "V1")]
    V1,
    /// Binary.
    #[serde(rename = "V2")]
    V2,
}

/// A limit on concurrent retries, relative to the requests.
///
/// Istio's [`RetryBudget`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy-RetryBudget).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RetryBudget {
    /// The limit, in percent of the requests under way, 0 to 100. Default 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<Double>,
    /// The number of concurrent retries allowed whatever the percentage. Default 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_retry_concurrency: Option<u32>,
    /// The time over which requests are counted for the budget. Default: only requests under way
    /// are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_interval: Option<Duration>,
}
