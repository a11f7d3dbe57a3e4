//! A stock Envoy that istiod configures as the sidecar of a client.

use std::{net::SocketAddr, path::Path};

use canary_core::rollout::Result;
use serde_json::{Value, json};

use super::proxy::{Proxy, metadata};
use crate::envoy::LogLine;

/// The address by which istiod knows the client. Nothing listens there.
const ADDRESS: &str = "127.255.255.253";
/// The label `app` of the client.
const CLIENT: &str = "client";

/// The sidecar of a client without a server: Envoy with the label `app: client`, configured by istiod over incremental
/// ADS. Dropping it stops it.
///
/// Loopback has no `iptables` rules that lead a client's requests to its sidecar, so it listens where a `Sidecar` object
/// says ([`Sidecar::object`]), at [`Sidecar::LISTENS_AT`], and the request names the Service in its header `Host`.
#[derive(Debug)]
pub struct Sidecar(Proxy);

impl Sidecar {
    /// The address at which it listens: on loopback, apart from everything else there.
    pub const LISTENS_AT: &str = "127.255.255.252";

    /// Starts Envoy as the sidecar of a pod in the namespace and waits until it has its first configuration from istiod
    /// at `discovery`. `log` is called, on a thread of its own, with each line of the access log.
    ///
    /// # Errors
    /// [`Error::Cluster`](canary_core::rollout::Error::Cluster) when it cannot be started or does not become ready, with
    /// the end of its log.
    pub fn start(
        binary: &Path,
        namespace: &str,
        discovery: SocketAddr,
        log: impl FnMut(LogLine) + Send + 'static,
    ) -> Result<Self> {
        let node = json!({
            "id": format!("sidecar~{ADDRESS}~{CLIENT}.{namespace}~{namespace}.svc.cluster.local"),
            "cluster": format!("{CLIENT}.{namespace}"),
            "metadata": metadata(namespace, &json!({"app": CLIENT})),
        });
        Proxy::start(binary, "sidecar", &node, discovery, log).map(Self)
    }

    /// The `Sidecar` object by which it listens for the requests to this port of Services; a sidecar with such a listener
    /// knows no other ports.
    pub fn object(namespace: &str, port: u16) -> Value {
        json!({
            "apiVersion": "networking.istio.io/v1",
            "kind": "Sidecar",
            "metadata": {"name": CLIENT, "namespace": namespace},
            "spec": {
                "workloadSelector": {"labels": {"app": CLIENT}},
                "egress": [{
                    "port": {"number": port, "protocol": "HTTP", "name": "http"},
                    "bind": Self::LISTENS_AT,
                    "captureMode": "NONE",
                    "hosts": ["./*"],
                }],
            },
        })
    }

    /// The body of a page of Envoy's administration interface, such as `/config_dump`.
    ///
    /// # Errors
    /// [`Error::Cluster`](canary_core::rollout::Error::Cluster) when it does not answer with 200.
    pub fn page(&self, path: &str) -> Result<String> {
        self.0.page(path)
    }
}
