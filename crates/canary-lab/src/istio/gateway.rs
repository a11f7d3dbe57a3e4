//! A stock Envoy that istiod configures as an ingress gateway.

use std::{
    io,
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use canary_core::rollout::Result;
use serde_json::{Value, json};

use super::{
    istiod::failure,
    objects::{GATEWAY_LABEL, GATEWAY_NAMESPACE},
};
use crate::{
    envoy::{LogLine, admin_address, follow_log, get, start},
    program::{Folder, Program},
};

/// The longest that the gateway may take until istiod has configured its listeners.
const TIMEOUT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);

/// The name of istiod's cluster in the bootstrap.
const DISCOVERY: &str = "xds-grpc";
/// The address by which istiod knows the gateway. Nothing listens there: istiod would take a workload of the same
/// address for the gateway itself.
const ADDRESS: &str = "127.255.255.254";

/// An ingress gateway: Envoy with the labels `istio: ingressgateway` in the namespace `istio-system`, configured by
/// istiod over incremental ADS. Dropping it stops it.
#[derive(Debug)]
pub struct IngressGateway {
    // Before its folder, so that it stops before the folder is removed.
    _program: Program,
    _folder: Folder,
    admin: SocketAddr,
}

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
        let action = || format!("start {}", binary.display());
        let failed = |error: io::Error| failure(action(), error.to_string());
        let folder = Folder::new("gateway").map_err(failed)?;
        let mut program = start(binary, folder.path(), &bootstrap(discovery)).map_err(failed)?;
        follow_log(&mut program, log).map_err(failed)?;
        let started = Instant::now();
        loop {
            let admin = admin_address(folder.path());
            // Envoy is ready once it has received its first listeners, even an empty list.
            if let Some(admin) = admin.filter(|admin| get(*admin, "/ready").is_ok()) {
                return Ok(Self { _program: program, _folder: folder, admin });
            }
            if let Some(why) = program.failure(started, TIMEOUT) {
                return Err(failure(action(), why));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// The body of a page of Envoy's administration interface, such as `/config_dump`.
    ///
    /// # Errors
    /// [`Error::Cluster`](canary_core::rollout::Error::Cluster) when it does not answer with 200.
    pub fn page(&self, path: &str) -> Result<String> {
        get(self.admin, path).map_err(|error| failure(format!("read {path}"), error.to_string()))
    }
}

/// The bootstrap of a gateway: everything comes from istiod.
fn bootstrap(discovery: SocketAddr) -> Value {
    let (key, value) = GATEWAY_LABEL;
    let ads = json!({"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"});
    json!({
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "node": {
            "id": format!(
                "router~{ADDRESS}~gateway.{GATEWAY_NAMESPACE}~{GATEWAY_NAMESPACE}.svc.cluster.local"
            ),
            "cluster": format!("istio-ingressgateway.{GATEWAY_NAMESPACE}"),
            "metadata": {
                "LABELS": {key: value},
                "NAMESPACE": GATEWAY_NAMESPACE,
                "CLUSTER_ID": "Kubernetes",
                "ISTIO_VERSION": "1.31.0",
                "INTERCEPTION_MODE": "NONE",
            },
        },
        "dynamic_resources": {
            "lds_config": ads,
            "cds_config": ads,
            "ads_config": {
                "api_type": "DELTA_GRPC",
                "transport_api_version": "V3",
                "set_node_on_first_message_only": true,
                "grpc_services": [{"envoy_grpc": {"cluster_name": DISCOVERY}}],
            },
        },
        // Istio raises the limit on the size of regular expressions.
        "layered_runtime": {"layers": [{
            "name": "static",
            "static_layer": {"re2.max_program_size.error_level": 32768},
        }]},
        "static_resources": {"clusters": [{
            "name": DISCOVERY,
            "type": "STATIC",
            "connect_timeout": "1s",
            "typed_extension_protocol_options": {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                    "explicit_http_config": {"http2_protocol_options": {}},
                },
            },
            "load_assignment": {"cluster_name": DISCOVERY, "endpoints": [{"lb_endpoints": [{
                "endpoint": {"address": {"socket_address": {
                    "address": discovery.ip().to_string(), "port_value": discovery.port(),
                }}},
            }]}]},
        }]},
    })
}
