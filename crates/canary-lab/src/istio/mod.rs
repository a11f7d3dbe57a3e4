//! Istio's own control plane on loopback: istiod on a Kubernetes API server, a stock Envoy as the ingress gateway that it
//! configures, and the objects that stand for the gateway's Service and for the pods behind Services.
//!
//! A stock Envoy lacks the filters of Istio's proxy, so istiod is configured to leave them out: the metrics of `istio.stats`,
//! the exchange of metadata between proxies, the ALPN filter. There is no agent that could provide certificates, so
//! there is no mutual TLS.

#[cfg(feature = "istio")]
mod api_server;
#[cfg(feature = "istio")]
mod desired;
mod gateway;
mod istiod;
#[cfg(feature = "istio")]
mod mirror;
mod objects;
#[cfg(feature = "istio")]
mod parts;
mod proxy;
mod sidecar;

#[cfg(feature = "istio")]
pub(crate) use self::{
    api_server::ApiServer,
    desired::{Desired, MARKER},
    mirror::{Mirror, Wanted},
};
#[cfg(feature = "istio")]
pub use parts::IstioParts;

pub use gateway::IngressGateway;
pub use istiod::Istiod;
pub use objects::{GATEWAY_NAMESPACE, free_node_port, gateway_objects, ready_node, workload_entry};
pub use sidecar::Sidecar;
