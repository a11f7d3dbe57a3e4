//! The process of a stock Envoy that istiod configures, whatever its place in the mesh.

use std::{
    io,
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use canary_core::rollout::Result;
use serde_json::{Value, json};

use super::istiod::failure;
use crate::{
    envoy::{LogLine, admin_address, follow_log, get, start},
    program::{Folder, Program},
};

/// The longest that a proxy may take until istiod has configured its listeners.
const TIMEOUT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);

/// The name of istiod's cluster in the bootstrap.
const DISCOVERY: &str = "xds-grpc";

/// A running Envoy; dropping it stops it.
#[derive(Debug)]
pub(super) struct Proxy {
    // Before its folder, so that it stops before the folder is removed.
    _program: Program,
    _folder: Folder,
    admin: SocketAddr,
}

impl Proxy {
    /// Starts Envoy as this node of the mesh, and waits until it has its first configuration from istiod at `discovery`.
    pub(super) fn start(
        binary: &Path,
        name: &str,
        node: &Value,
        discovery: SocketAddr,
        log: impl FnMut(LogLine) + Send + 'static,
    ) -> Result<Self> {
        let action = || format!("start {}", binary.display());
        let failed = |error: io::Error| failure(action(), error.to_string());
        let folder = Folder::new(name).map_err(failed)?;
        let bootstrap = bootstrap(node, discovery);
        let mut program = start(binary, folder.path(), &bootstrap).map_err(failed)?;
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

    /// The body of a page of Envoy's administration interface.
    pub(super) fn page(&self, path: &str) -> Result<String> {
        get(self.admin, path).map_err(|error| failure(format!("read {path}"), error.to_string()))
    }
}

/// The metadata by which istiod knows a proxy.
pub(super) fn metadata(namespace: &str, labels: &Value) -> Value {
    json!({
        "LABELS": labels,
        "NAMESPACE": namespace,
        "CLUSTER_ID": "Kubernetes",
        "ISTIO_VERSION": "1.31.0",
        "INTERCEPTION_MODE": "NONE",
    })
}

/// The bootstrap of a proxy: everything comes from istiod.
fn bootstrap(node: &Value, discovery: SocketAddr) -> Value {
    let ads = json!({"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"});
    json!({
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "node": node,
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
