//! Envoy's bootstrap configuration and its listeners.

use std::path::Path;

use serde_json::{Value, json};

use super::{clusters::METADATA, filters};

/// The file of clusters in the folder of a process.
pub(super) const CLUSTERS: &str = "clusters.json";
/// The file of listeners in the folder of a process.
pub(super) const LISTENERS: &str = "listeners.json";
/// The response header that names the subset; the lab's own gateway sets it too.
const SUBSET: &str = "x-canary-subset";
/// The request header by which a client finds its request in the access log.
const TAG: &str = "x-canary-tag";

/// The source of a listener's routes.
#[derive(Clone, Copy, Debug)]
pub enum Routes<'r> {
    /// A route configuration that never changes.
    Inline(&'r Value),
    /// A file with the route configuration of this name, read again whenever it is replaced.
    File(&'r Path, &'r str),
}

/// A listener on a free port of loopback with the filters of Istio's gateways.
///
/// Paths are normalised as Istio's default `pathNormalization` says: segments `.` and `..` are resolved and escapes of
/// unreserved characters undone, while slashes are neither merged nor unescaped.
pub fn listener(name: &str, routes: Routes<'_>) -> Value {
    let mut manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "codec_type": "AUTO",
        "access_log": [access_log()],
        "http_filters": [
            {
                "name": filters::FAULT,
                "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault"},
            },
            {
                "name": filters::CORS,
                "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors"},
            },
            router(),
        ],
        "use_remote_address": true,
        "normalize_path": true,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "server_name": "istio-envoy",
        "forward_client_cert_details": "SANITIZE_SET",
        "set_current_client_cert_details": {"subject": true, "cert": true, "dns": true, "uri": true},
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "stream_idle_timeout": "0s",
    });
    match routes {
        Routes::Inline(configuration) => manager["route_config"] = configuration.clone(),
        Routes::File(path, name) => {
            manager["rds"] = json!({"route_config_name": name, "config_source": file_source(path)});
        }
    }
    listener_with(name, &manager)
}

fn listener_with(name: &str, manager: &Value) -> Value {
    json!({
        "name": name,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": manager,
        }]}],
    })
}

fn router() -> Value {
    json!({
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    })
}

/// One line of JSON for each request, on standard output; [`super::LogLine`] reads it.
pub fn access_log() -> Value {
    json!({
        "name": "envoy.access_loggers.stdout",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
            "log_format": {"json_format": log_format()},
        },
    })
}

/// The fields of a line of the access log; [`super::LogLine`] reads it.
pub(crate) fn log_format() -> Value {
    json!({
        "tag": format!("%REQ({TAG})%"),
        "authority": "%REQ(:AUTHORITY)%",
        "status": "%RESPONSE_CODE%",
        "flags": "%RESPONSE_FLAGS%",
        "route": "%ROUTE_NAME%",
        "cluster": "%UPSTREAM_CLUSTER%",
        "upstream": "%UPSTREAM_HOST%",
        "milliseconds": "%DURATION%",
    })
}

/// Adds the name of the subset to every response of a route configuration.
pub(crate) fn mark(configuration: &mut Value) {
    let value = format!("%CLUSTER_METADATA({METADATA}:subset)%");
    configuration["response_headers_to_add"] = json!([{
        "header": {"key": SUBSET, "value": value},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }]);
}

/// A file as the source of a kind of configuration.
fn file_source(path: &Path) -> Value {
    json!({"resource_api_version": "V3", "path_config_source": {"path": path}})
}

/// The bootstrap: everything else comes from files in `folder`.
pub(super) fn bootstrap(folder: &Path) -> Value {
    let ready = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": READY,
        "http_filters": [router()],
        "route_config": {"virtual_hosts": [{
            "name": READY,
            "domains": ["*"],
            "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}],
        }]},
    });
    json!({
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "node": {"id": "canary-lab", "cluster": "canary-lab"},
        "dynamic_resources": {
            "cds_config": file_source(&folder.join(CLUSTERS)),
            "lds_config": file_source(&folder.join(LISTENERS)),
        },
        // Istio raises the limit on the size of regular expressions.
        "layered_runtime": {"layers": [{
            "name": "static",
            "static_layer": {"re2.max_program_size.error_level": 32768},
        }]},
        "static_resources": {"listeners": [listener_with(READY, &ready)]},
    })
}

/// The name of the listener that answers 200 as soon as Envoy is ready.
pub(super) const READY: &str = "ready";
