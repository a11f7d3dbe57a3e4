//! Where a rule sends requests: Envoy's `RouteAction`.

use canary_core::istio::{
    ConsistentHashLb, Destination, HashKey, HttpRetry, HttpRoute, HttpRouteDestination,
};
use serde_json::{Map, Value, json};

use super::{
    filters::{fraction, whole_fraction},
    headers::Operations,
    inventory::Inventory,
    policy,
    rules::seconds,
};

/// The name of the cluster that a destination refers to at a listener.
pub(super) fn cluster_name(
    inventory: &Inventory,
    destination: &Destination,
    listener: u16,
) -> String {
    let backend = inventory.find(&destination.host);
    let host = backend
        .and_then(|backend| backend.external_name.as_deref())
        .unwrap_or(destination.host.as_str());
    let port = match (&destination.port, backend.map(|backend| backend.ports.as_slice())) {
        (Some(port), _) => port.number.unwrap_or(0),
        (None, Some([only])) => u32::from(*only),
        (None, _) => u32::from(listener),
    };
    format!("outbound|{port}|{}|{host}", destination.subset.as_deref().unwrap_or_default())
}

/// Writes the action of a rule with destinations into a route, together with its header operations.
pub(super) fn write(
    inventory: &Inventory,
    rule: &HttpRoute,
    mut operations: Operations,
    listener: u16,
    route: &mut Map<String, Value>,
) {
    let timeout = rule.timeout.as_ref().map_or_else(|| json!("0s"), seconds);
    // As istiod writes it: with the successor of the second field, Envoy does not send the limit to destinations.
    let mut action = json!({"timeout": timeout, "max_grpc_timeout": timeout});
    let mut authority = operations.authority.take();
    if let Some(rewrite) = &rule.rewrite {
        if let Some(regex) = &rewrite.uri_regex_rewrite {
            action["regex_rewrite"] = json!({
                "pattern": {"regex": regex.matches.as_deref().unwrap_or_default()},
                "substitution": regex.rewrite.as_deref().unwrap_or_default(),
            });
        } else if let Some(uri) = rewrite.uri.as_deref().filter(|uri| !uri.is_empty()) {
            action["prefix_rewrite"] = json!(uri);
        }
        let rewritten = rewrite.authority.as_deref().filter(|authority| !authority.is_empty());
        authority = rewritten.map(str::to_owned).or(authority);
    }
    let mirrors = mirrors(inventory, rule, listener);
    if !mirrors.is_empty() {
        action["request_mirror_policies"] = Value::Array(mirrors);
    }
    let mut hashes = Vec::new();
    match rule.route.as_deref().unwrap_or_default() {
        [only] => {
            action["cluster"] = json!(cluster_name(inventory, &only.destination, listener));
            let mut own = Operations::new(only.headers.as_ref());
            authority = authority.or(own.authority.take());
            operations.append(own);
            hashes.extend(hash(inventory, &only.destination, listener));
        }
        several => {
            let weighted = several.iter().filter(|target| target.weight.unwrap_or(0) != 0);
            let clusters: Vec<Value> = weighted
                .clone()
                .map(|target| weighted_cluster(inventory, target, listener))
                .collect();
            action["weighted_clusters"] = json!({"clusters": clusters});
            hashes.extend(
                weighted.filter_map(|target| hash(inventory, &target.destination, listener)),
            );
        }
    }
    let single = rule.route.as_ref().is_some_and(|route| route.len() == 1);
    if let Some(retries) = retries(rule.retries.as_ref(), single && !hashes.is_empty()) {
        action["retry_policy"] = retries;
    }
    if !hashes.is_empty() {
        action["hash_policy"] = Value::Array(hashes);
    }
    if let Some(authority) = authority {
        action["host_rewrite_literal"] = json!(authority);
    }
    operations.write(route);
    route.insert("route".to_owned(), action);
}

fn weighted_cluster(inventory: &Inventory, target: &HttpRouteDestination, listener: u16) -> Value {
    let mut cluster = Map::new();
    let name = cluster_name(inventory, &target.destination, listener);
    cluster.insert("name".to_owned(), json!(name));
    cluster.insert("weight".to_owned(), json!(target.weight));
    let mut operations = Operations::new(target.headers.as_ref());
    if let Some(authority) = operations.authority.take() {
        cluster.insert("host_rewrite_literal".to_owned(), json!(authority));
    }
    operations.write(&mut cluster);
    Value::Object(cluster)
}

fn mirrors(inventory: &Inventory, rule: &HttpRoute, listener: u16) -> Vec<Value> {
    let policy = |destination: &Destination, share: Value| {
        json!({
            "cluster": cluster_name(inventory, destination, listener),
            "runtime_fraction": {"default_value": share},
            "trace_sampled": false,
            "disable_shadow_host_suffix_append": true,
        })
    };
    let positive = |percent: &canary_core::istio::Percent| {
        percent.value.is_some_and(|value| value.get() > 0.0)
    };
    let mut all = Vec::new();
    if let Some(mirror) = &rule.mirror {
        let share = match (&rule.mirror_percentage, rule.mirror_percent) {
            (Some(percent), _) => positive(percent).then(|| fraction(percent)),
            (None, Some(percent)) => (percent > 0).then(|| whole_fraction(percent)),
            (None, None) => Some(whole_fraction(100)),
        };
        all.extend(share.map(|share| policy(mirror, share)));
    }
    for mirror in rule.mirrors.iter().flatten() {
        let share = match &mirror.percentage {
            Some(percent) => positive(percent).then(|| fraction(percent)),
            None => Some(whole_fraction(100)),
        };
        all.extend(share.map(|share| policy(&mirror.destination, share)));
    }
    all
}

/// Envoy's `RetryPolicy` of a rule; `None` when the rule switches retries off.
fn retries(written: Option<&HttpRetry>, by_hash: bool) -> Option<Value> {
    let previous_hosts = json!([{
        "name": "envoy.retry_host_predicates.previous_hosts",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
        },
    }]);
    let mut out = json!({
        "num_retries": 2,
        "retry_on": "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
        "host_selection_retry_max_attempts": 5,
    });
    // A retry to the host that the hash has chosen is not avoided.
    if !by_hash {
        out["retry_host_predicate"] = previous_hosts.clone();
    }
    let Some(written) = written else { return Some(out) };
    let attempts = written.attempts.filter(|attempts| *attempts > 0)?;
    out["num_retries"] = json!(attempts);
    if let Some(on) = written.retry_on.as_deref().filter(|on| !on.is_empty()) {
        let parts = on.split(',').map(str::trim).filter(|part| !part.is_empty());
        let (codes, mut names): (Vec<&str>, Vec<&str>) =
            parts.partition(|part| part.parse::<u16>().is_ok());
        if !codes.is_empty() && !names.contains(&"retriable-status-codes") {
            names.push("retriable-status-codes");
        }
        out["retry_on"] = json!(names.join(","));
        let codes: Vec<u16> = codes.iter().filter_map(|code| code.parse().ok()).collect();
        out["retriable_status_codes"] = json!(codes);
    }
    if let Some(limit) = &written.per_try_timeout {
        out["per_try_timeout"] = seconds(limit);
    }
    match written.retry_ignore_previous_hosts {
        Some(true) => out["retry_host_predicate"] = previous_hosts,
        Some(false) => out["retry_host_predicate"] = json!([]),
        None => {}
    }
    if written.retry_remote_localities == Some(true) {
        out["retry_priority"] = json!({
            "name": "envoy.retry_priorities.previous_priorities",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
                "update_frequency": 2,
            },
        });
    }
    if let Some(base) = &written.backoff {
        out["retry_back_off"] = json!({"base_interval": seconds(base)});
    }
    Some(out)
}

/// The part of a request that the consistent hash of a destination uses: Envoy's `HashPolicy`.
fn hash(inventory: &Inventory, destination: &Destination, listener: u16) -> Option<Value> {
    let ConsistentHashLb { hash_key, .. } =
        policy::consistent_hash(inventory, destination, listener)?;
    Some(match hash_key? {
        HashKey::HttpHeaderName(name) => json!({"header": {"header_name": name}}),
        HashKey::HttpCookie(cookie) => {
            let mut out = json!({"name": cookie.name, "path": cookie.path.unwrap_or_default()});
            if let Some(ttl) = &cookie.ttl {
                out["ttl"] = seconds(ttl);
            }
            json!({"cookie": out})
        }
        HashKey::UseSourceIp(on) => json!({"connection_properties": {"source_ip": on}}),
        HashKey::HttpQueryParameterName(name) => json!({"query_parameter": {"name": name}}),
    })
}
