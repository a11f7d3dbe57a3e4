//! Clusters: one for each port of a service, and one more for each subset that a `DestinationRule` declares.

use std::collections::BTreeMap;

use canary_core::istio::{HashAlgorithm, LbPolicy, SimpleLb};
use serde_json::{Value, json};

use super::{
    inventory::{Backend, Inventory},
    policy::{Blocks, rule_for},
    rules::seconds,
};

/// The value that istiod writes where there is no limit.
const UNLIMITED: u32 = u32::MAX;
/// The namespace of the metadata from which responses take the name of the subset.
pub(super) const METADATA: &str = "canary";

/// The clusters of every service that has endpoints of its own.
pub(super) fn render(inventory: &Inventory) -> Vec<Value> {
    let mut clusters = Vec::new();
    for backend in inventory.backends.iter().filter(|backend| backend.external_name.is_none()) {
        let rule = rule_for(inventory, &backend.host);
        for port in &backend.ports {
            let blocks = rule.as_ref().map(|rule| rule.blocks(None, *port)).unwrap_or_default();
            clusters.push(cluster(backend, *port, "", &BTreeMap::new(), &blocks));
            let Some(rule) = &rule else { continue };
            for subset in &rule.subsets {
                let labels = subset.labels.clone().unwrap_or_default();
                let blocks = rule.blocks(Some(subset), *port);
                clusters.push(cluster(backend, *port, &subset.name, &labels, &blocks));
            }
        }
    }
    clusters
}

fn cluster(
    backend: &Backend,
    port: u16,
    subset: &str,
    labels: &BTreeMap<String, String>,
    blocks: &Blocks,
) -> Value {
    let name = format!("outbound|{port}|{subset}|{}", backend.host);
    let endpoints: Vec<Value> = backend
        .endpoints
        .iter()
        .filter(|endpoint| {
            labels.iter().all(|(key, value)| endpoint.labels.get(key) == Some(value))
        })
        .filter_map(|endpoint| endpoint.addresses.get(&port))
        .map(|address| {
            let (address, port) = (address.ip().to_string(), address.port());
            json!({"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}})
        })
        .collect();
    let mut out = json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "10s",
        "lb_policy": "LEAST_REQUEST",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": endpoints}],
        },
        // As istiod does where a port's protocol is unknown: the client's protocol is used.
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "use_downstream_protocol_config": {
                    "http_protocol_options": {},
                    "http2_protocol_options": {},
                },
            },
        },
        "metadata": {"filter_metadata": {METADATA: {"subset": subset}}},
    });
    balance(&mut out, blocks);
    limit(&mut out, blocks);
    eject(&mut out, blocks);
    out
}

fn balance(cluster: &mut Value, blocks: &Blocks) {
    match blocks.load_balancer.as_ref().and_then(|balancer| balancer.lb_policy.as_ref()) {
        Some(LbPolicy::Simple(SimpleLb::RoundRobin)) => cluster["lb_policy"] = json!("ROUND_ROBIN"),
        Some(LbPolicy::Simple(SimpleLb::Random)) => cluster["lb_policy"] = json!("RANDOM"),
        Some(LbPolicy::ConsistentHash(hash)) => match &hash.hash_algorithm {
            Some(HashAlgorithm::Maglev(maglev)) => {
                cluster["lb_policy"] = json!("MAGLEV");
                if let Some(size) = maglev.table_size {
                    cluster["maglev_lb_config"] = json!({"table_size": size});
                }
            }
            algorithm => {
                let size = match algorithm {
                    Some(HashAlgorithm::RingHash(ring)) => ring.minimum_ring_size,
                    _ => hash.minimum_ring_size,
                };
                cluster["lb_policy"] = json!("RING_HASH");
                let size = size.filter(|size| *size > 0).unwrap_or(1024);
                cluster["ring_hash_lb_config"] = json!({"minimum_ring_size": size});
            }
        },
        _ => {}
    }
}

fn limit(cluster: &mut Value, blocks: &Blocks) {
    let pool = blocks.connection_pool.as_ref();
    let (tcp, http) =
        (pool.and_then(|pool| pool.tcp.as_ref()), pool.and_then(|pool| pool.http.as_ref()));
    if let Some(timeout) = tcp.and_then(|tcp| tcp.connect_timeout.as_ref()) {
        cluster["connect_timeout"] = seconds(timeout);
    }
    let given = |written: Option<i32>| {
        written.filter(|limit| *limit > 0).map_or(json!(UNLIMITED), |limit| json!(limit))
    };
    cluster["circuit_breakers"] = json!({"thresholds": [{
        "max_connections": given(tcp.and_then(|tcp| tcp.max_connections)),
        "max_pending_requests": given(http.and_then(|http| http.http1_max_pending_requests)),
        "max_requests": given(http.and_then(|http| http.http2_max_requests)),
        "max_retries": given(http.and_then(|http| http.max_retries)),
        "track_remaining": true,
    }]});
    let options = &mut cluster["typed_extension_protocol_options"]["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"];
    if let Some(most) = http.and_then(|http| http.max_requests_per_connection).filter(|n| *n > 0) {
        options["common_http_protocol_options"]["max_requests_per_connection"] = json!(most);
    }
    if let Some(idle) = http.and_then(|http| http.idle_timeout.as_ref()) {
        options["common_http_protocol_options"]["idle_timeout"] = seconds(idle);
    }
}

fn eject(cluster: &mut Value, blocks: &Blocks) {
    let Some(written) = &blocks.outlier_detection else { return };
    let mut out = json!({
        // Only the conditions of the rule eject a host; 0 disables a condition.
        "enforcing_success_rate": 0,
        "enforcing_consecutive_5xx": 0,
    });
    #[allow(deprecated)]
    if let Some(errors) = written.consecutive_5xx_errors {
        out["consecutive_5xx"] = json!(errors);
        out["enforcing_consecutive_5xx"] = json!(if errors > 0 { 100 } else { 0 });
    }
    if let Some(errors) = written.consecutive_gateway_errors {
        out["consecutive_gateway_failure"] = json!(errors);
        out["enforcing_consecutive_gateway_failure"] = json!(if errors > 0 { 100 } else { 0 });
    }
    if let Some(interval) = &written.interval {
        out["interval"] = seconds(interval);
    }
    if let Some(time) = &written.base_ejection_time {
        out["base_ejection_time"] = seconds(time);
    }
    if let Some(percent) = written.max_ejection_percent.filter(|percent| *percent > 0) {
        out["max_ejection_percent"] = json!(percent);
    }
    cluster["outlier_detection"] = out;
    // Istio keeps Envoy from sending to hosts that are not healthy.
    let threshold = written.min_health_percent.unwrap_or(0).max(0);
    cluster["common_lb_config"] = json!({"healthy_panic_threshold": {"value": threshold}});
}
