//! The configuration that istiod sends to its proxies, made fit for a stock Envoy that runs many such proxies side by side.
//!
//! Only these parts are changed: listeners get addresses on loopback and names of their own, routes stand within them,
//! clusters carry the name of their proxy, access logs are those of the tests, and filters that are Istio's own are left
//! out. Where a proxy would connect to wherever its client was going, a server of the tests answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use canary_tests::meshes::compare::PASSED;
use serde_json::{Value, json};

/// The filters of HTTP that a stock Envoy has and that decide what is compared.
const HTTP_FILTERS: [&str; 4] = [
    "envoy.filters.http.cors",
    "envoy.filters.http.fault",
    "envoy.filters.http.grpc_stats",
    "envoy.filters.http.router",
];
const MANAGER: &str = "envoy.filters.network.http_connection_manager";
const TCP: &str = "envoy.filters.network.tcp_proxy";

/// A proxy of one mesh within the common Envoy.
#[derive(Debug, Default)]
pub(crate) struct Fitted {
    /// The listeners, under names that begin with that of the proxy.
    pub(crate) listeners: Vec<Value>,
    /// The clusters that the listeners use.
    pub(crate) clusters: Vec<Value>,
    /// The routes by the name under which Envoy logs them.
    pub(crate) routes: BTreeMap<String, Value>,
    /// The names of listeners that speak HTTP.
    pub(crate) http: BTreeSet<String>,
}

/// Fits the configuration of the proxy `name`; `passed` answers what is passed through.
pub(crate) fn fit(configuration: &Value, name: &str, passed: SocketAddr) -> Fitted {
    let mut fitted = Fitted::default();
    let mut used = BTreeSet::new();
    for listener in list(&configuration["listeners"]) {
        let mut listener = listener.clone();
        let own = text(&listener["name"]).to_owned();
        // Those of single addresses are for services that are not HTTP.
        if own != "virtualOutbound" && !own.starts_with("0.0.0.0_") {
            continue;
        }
        let full = format!("{name}/{own}");
        if prepare(&mut listener, configuration, name, &full, &mut fitted, &mut used) {
            fitted.http.insert(full);
        }
        fitted.listeners.push(listener);
    }
    for cluster in list(&configuration["clusters"]) {
        let own = format!("{name}|{}", text(&cluster["name"]));
        if used.contains(&own) {
            fitted.clusters.push(fit_cluster(cluster, &own, passed));
        }
    }
    fitted
}

/// Returns true when the listener speaks HTTP.
fn prepare(
    listener: &mut Value,
    configuration: &Value,
    proxy: &str,
    name: &str,
    fitted: &mut Fitted,
    used: &mut BTreeSet<String>,
) -> bool {
    listener["name"] = json!(name);
    listener["address"] =
        json!({"socket_address": {"address": "127.0.0.1", "port_value": 0, "protocol": "TCP"}});
    let fields = listener.as_object_mut().unwrap();
    for field in [
        "bind_to_port",
        "additional_addresses",
        "use_original_dst",
        "access_log",
        "traffic_direction",
        "enable_reuse_port",
    ] {
        fields.remove(field);
    }
    if let Some(filters) = fields.get_mut("listener_filters").and_then(Value::as_array_mut) {
        filters.retain(|filter| {
            ["envoy.filters.listener.http_inspector", "envoy.filters.listener.tls_inspector"]
                .contains(&text(&filter["name"]))
        });
    }
    let mut speaks = false;
    let mut chains: Vec<&mut Value> = Vec::new();
    for (field, value) in fields {
        match field.as_str() {
            "filter_chains" => chains.extend(value.as_array_mut().into_iter().flatten()),
            "default_filter_chain" => chains.push(value),
            _ => {}
        }
    }
    for chain in chains {
        let filters = chain["filters"].as_array_mut().unwrap();
        filters.retain(|filter| [MANAGER, TCP].contains(&text(&filter["name"])));
        for filter in filters {
            let http = filter["name"] == MANAGER;
            speaks |= http;
            let settings = &mut filter["typed_config"];
            if http {
                manage(settings, configuration, name, fitted);
            }
            rename(settings, proxy, used);
            let logs = http.then(canary_lab::envoy::access_log);
            settings["access_log"] = json!(logs.into_iter().collect::<Vec<_>>());
        }
    }
    speaks
}

/// Makes an HTTP connection manager's routes a part of it, each route under a name of its own.
fn manage(settings: &mut Value, configuration: &Value, listener: &str, fitted: &mut Fitted) {
    if let Some(filters) = settings["http_filters"].as_array_mut() {
        filters.retain(|filter| HTTP_FILTERS.contains(&text(&filter["name"])));
    }
    let fields = settings.as_object_mut().unwrap();
    for field in ["tracing", "request_id_extension"] {
        fields.remove(field);
    }
    let named = fields.remove("rds").map(|rds| text(&rds["route_config_name"]).to_owned());
    let mut routes = match named {
        Some(named) => list(&configuration["routes"])
            .find(|routes| routes["name"] == named.as_str())
            .cloned()
            .unwrap_or_else(|| json!({"name": named})),
        None => fields.get("route_config").cloned().unwrap_or_default(),
    };
    routes["validate_clusters"] = json!(false);
    let mut count = 0;
    for host in routes["virtual_hosts"].as_array_mut().into_iter().flatten() {
        let domains = host["domains"].to_string();
        for route in host["routes"].as_array_mut().into_iter().flatten() {
            count += 1;
            let name = format!("{}#{listener}#{count}", text(&route["name"]));
            let mut kept = route.clone();
            kept["domains"] = json!(domains);
            fitted.routes.insert(name.clone(), kept);
            route["name"] = json!(name);
        }
    }
    settings["route_config"] = routes;
}

/// Puts the name of the proxy before every name of a cluster.
fn rename(value: &mut Value, proxy: &str, used: &mut BTreeSet<String>) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(|one| rename(one, proxy, used)),
        Value::Object(fields) => {
            for (field, value) in fields {
                match field.as_str() {
                    "cluster" => put(value, proxy, used),
                    "weighted_clusters" => {
                        for one in value["clusters"].as_array_mut().into_iter().flatten() {
                            put(&mut one["name"], proxy, used);
                        }
                    }
                    // `config` of filters may hold names that are none of clusters.
                    _ => rename(value, proxy, used),
                }
            }
        }
        _ => {}
    }
}

fn put(name: &mut Value, proxy: &str, used: &mut BTreeSet<String>) {
    if let Some(text) = name.as_str() {
        let full = format!("{proxy}|{text}");
        used.insert(full.clone());
        *name = json!(full);
    }
}

fn fit_cluster(cluster: &Value, name: &str, passed: SocketAddr) -> Value {
    let mut cluster = cluster.clone();
    let fields = cluster.as_object_mut().unwrap();
    for field in ["transport_socket", "transport_socket_matches", "filters", "alt_stat_name"] {
        fields.remove(field);
    }
    if fields.get("type").is_some_and(|kind| kind == "ORIGINAL_DST") {
        fields.insert("type".to_owned(), json!("STATIC"));
        fields.insert("lb_policy".to_owned(), json!("ROUND_ROBIN"));
        fields.remove("original_dst_lb_config");
        let socket = json!({"address": passed.ip().to_string(), "port_value": passed.port()});
        let endpoint = json!({"endpoint": {"address": {"socket_address": socket}}});
        fields.insert(
            "load_assignment".to_owned(),
            json!({"cluster_name": PASSED, "endpoints": [{"lb_endpoints": [endpoint]}]}),
        );
    }
    fields.insert("name".to_owned(), json!(name));
    cluster
}

/// The entries of a list; none when it is not a list.
pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A text; empty when it is none.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
