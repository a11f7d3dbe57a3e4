//! A stock Envoy that istiod configures as an ingress gateway.

use std::{net::SocketAddr, path::Path};

use canary_core::rollout::Result;
use serde_json::json;

use super::{
    objects::{GATEWAY_NAMESPACE, gateway_selector},
    proxy::{Proxy, metadata},
};
use crate::envoy::LogLine;

/// The address by which istiod knows the gateway. Nothing listens there: istiod would take a workload of the same
/// address for the gateway itself.
const ADDRESS: &str = "127.255.255.254";

/// An ingress gateway: Envoy with the labels `istio: ingressgateway` in the namespace `istio-system`, configured by
/// istiod over incremental ADS. Dropping it stops it.
#[derive(Debug)]
pub struct IngressGateway(Proxy);

impl IngressGateway {
    /// Starts Envoy and waits until it has its first configuration from istiod at `discovery`. `log` is called, on a
    /// thread of its own, with each line of the access log.
    ///
    /// It listens to the ports that its Service leads to, see [`gateway_objects`](super::gateway_objects), once a
    /// Gateway asks for them.
    ///
    /// # Errors
    /// [`Error::Cluster`](canary_core::rollout::Error::Cluster) when it cannot be started or does not become ready, with
    /// the end of its log.
    pub fn start(
        binary: &Path,
        discovery: SocketAddr,
        log: impl FnMut(LogLine) + Send + 'static,
    ) -> Result<Self> {
        let node = json!({
            "id": format!(
                "router~{ADDRESS}~gateway.{GATEWAY_NAMESPACE}~{GATEWAY_NAMESPACE}.svc.cluster.local"
            ),
            "cluster": format!("istio-ingressgateway.{GATEWAY_NAMESPACE}"),
            "metadata": metadata(GATEWAY_NAMESPACE, &gateway_selector()),
        });
        Proxy::start(binary, "gateway", &node, discovery, log).map(Self)
    }

    /// The body of a page of Envoy's administration interface, such as `/config_dump`.
    ///
    /// # Errors
    /// [`Error::Cluster`](canary_core::rollout::Error::Cluster) when it does not answer with 200.
    pub fn page(&self, path: &str) -> Result<String> {
        self.0.page(path)
    }
}
