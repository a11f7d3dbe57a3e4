//! The limits on connections and requests of a service.

use serde::{Deserialize, Serialize};

use super::duration::Duration;

/// Limits on connections to a service, held by each client proxy on its own.
///
/// Istio's [`ConnectionPoolSettings`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConnectionPoolSettings {
    /// Limits for every connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpSettings>,
    /// Limits for HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpSettings>,
}

/// Limits for every connection, HTTP or not.
///
/// Istio's [`TCPSettings`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings-TCPSettings).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TcpSettings {
    /// The limit on connections. Default 2³²−1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<i32>,
    /// The time that connecting may take. Default 10 s. At least 1 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<Duration>,
    /// Keep-alive probes of the socket. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp_keepalive: Option<TcpKeepalive>,
    /// The time that a connection may live. Default: no limit. At least 1 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connection_duration: Option<Duration>,
    /// The time that a TCP connection may be idle; `0s` means forever. Default 1 h.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<Duration>,
}

/// Keep-alive probes of a socket.
///
/// Istio's [`TcpKeepalive`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings-TCPSettings-TcpKeepalive).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TcpKeepalive {
    /// The number of unanswered probes that end the connection. Default: the operating system's, 9 on Linux.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probes: Option<u32>,
    /// The time that a connection is idle before the first probe. Default: the operating system's, 2 h
    /// on Linux.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Duration>,
    /// The time between probes. Default: the operating system's, 75 s on Linux.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
}

/// Limits for HTTP/1.1, HTTP/2 and gRPC.
///
/// Istio's [`HTTPSettings`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings-HTTPSettings).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpSettings {
    /// The limit on requests that wait for a connection. Default 2³²−1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http1_max_pending_requests: Option<i32>,
    /// The limit on concurrent requests. Default 2³²−1. Despite the name it counts HTTP/1.1 too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http2_max_requests: Option<i32>,
    /// The number of requests that a connection serves before it is closed; 1 switches keep-alive off.
    /// Default 0: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_requests_per_connection: Option<i32>,
    /// The limit on concurrent retries. Default 2³²−1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<i32>,
    /// The time that a connection without requests is kept. Default 1 h. At least 1 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<Duration>,
    /// The upgrade of HTTP/1.1 to HTTP/2 on the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub h2_upgrade_policy: Option<H2UpgradePolicy>,
    /// Use the protocol that the client used. Default `false`. No upgrade happens then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_client_protocol: Option<bool>,
    /// The limit on concurrent streams of one HTTP/2 connection. Default 2³¹−1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrent_streams: Option<i32>,
    /// Keep-alive by HTTP/2 pings. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http2_keep_alive: Option<ConnectionKeepalive>,
}

/// The upgrade of HTTP/1.1 to HTTP/2 on the way.
///
/// Istio's [`H2UpgradePolicy`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings-HTTPSettings-H2UpgradePolicy).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum H2UpgradePolicy {
    /// The setting of the mesh.
    #[default]
    #[serde(rename = "DEFAULT")]
    Default,
    /// Never.
    #[serde(rename = "DO_NOT_UPGRADE")]
    DoNotUpgrade,
    /// Always.
    #[serde(rename = "UPGRADE")]
    Upgrade,
}

/// Keep-alive by HTTP/2 pings.
///
/// Istio's [`ConnectionKeepalive`](https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings-HTTPSettings-ConnectionKeepalive).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConnectionKeepalive {
    /// The time between pings. At least 1 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// The time that an answer may take before the connection is closed. At least 1 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}
