//! Istio's `Gateway`, `VirtualService` and `DestinationRule`, with all their messages.

mod backend_utilization;
mod build;
mod client_tls;
mod connection_pool;
mod consistent_hash;
mod destination;
mod destination_rule;
mod duration;
mod fault;
mod gateway;
mod headers;
mod http_answer;
mod http_body;
mod http_match;
mod http_policy;
mod http_route;
mod l4_route;
mod load_balancer;
mod locality;
mod number;
pub(crate) mod object;
mod oneof;
mod outlier_detection;
mod percent;
mod server_tls;
mod string_match;
mod traffic_policy;
mod virtual_service;

pub use backend_utilization::BackendUtilization;
pub use client_tls::{ClientTlsMode, ClientTlsSettings};
pub use connection_pool::{
    ConnectionKeepalive, ConnectionPoolSettings, H2UpgradePolicy, HttpSettings, TcpKeepalive,
    TcpSettings,
};
pub use consistent_hash::{
    ConsistentHashLb, HashAlgorithm, HashKey, HttpCookie, HttpCookieAttribute, MagLev, RingHash,
};
pub use destination::{Destination, PortSelector};
pub use destination_rule::{DestinationRule, DestinationRuleSpec, Subset, WorkloadSelector};
pub use duration::{Duration, DurationError};
pub use fault::{Abort, Delay, ErrorType, HttpDelayType, HttpFaultInjection};
pub use gateway::{Gateway, GatewaySpec, Port, Server};
pub use headers::{HeaderOperations, Headers};
pub use http_answer::{
    HttpDirectResponse, HttpRedirect, HttpRewrite, RedirectPort, RedirectPortSelection,
    RegexRewrite,
};
pub use http_body::HttpBody;
pub use http_match::HttpMatchRequest;
pub use http_policy::{CorsPolicy, HttpMirrorPolicy, HttpRetry, UnmatchedPreflights};
pub use http_route::{Delegate, HttpRoute, HttpRouteDestination};
pub use l4_route::{L4MatchAttributes, RouteDestination, TcpRoute, TlsMatchAttributes, TlsRoute};
pub use load_balancer::{LbPolicy, LoadBalancerSettings, SimpleLb, WarmupConfiguration};
pub use locality::{
    Distribute, LocalityFailover, LocalityLoadBalancerSetting, ZoneAwareFailover,
    ZoneAwareLoadBalancerSetting,
};
pub use number::Double;
pub use outlier_detection::OutlierDetection;
pub use percent::Percent;
pub use server_tls::{ServerTlsMode, ServerTlsSettings, TlsCertificate, TlsProtocol};
pub use string_match::StringMatch;
pub use traffic_policy::{
    PortTrafficPolicy, ProxyProtocol, ProxyProtocolVersion, RetryBudget, TrafficPolicy,
    TunnelSettings,
};
pub use virtual_service::{VirtualService, VirtualServiceSpec};
