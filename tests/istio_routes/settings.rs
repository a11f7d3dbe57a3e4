//! The settings of a route and of its cluster, as istiod writes them and as the evaluator tells them.

use std::{collections::BTreeMap, time::Duration};

use canary_core::{
    Decision, Request,
    istio::{HashAlgorithm, LbPolicy, SimpleLb, TrafficPolicy},
    route::Outcome,
};
use serde_json::Value;

use super::stock::{list, text};

/// Settings by name, as texts.
type Settings = BTreeMap<&'static str, String>;

/// The differences between a route of istiod and a decision by it. `clusters` are istiod's own.
pub(crate) fn differences(
    decision: &Decision<&Request>,
    route: &Value,
    clusters: &BTreeMap<String, Value>,
) -> Vec<String> {
    let mut ours = Settings::new();
    let mut theirs = Settings::new();
    if !route["route"].is_object() {
        return Vec::new();
    }
    of_decision(decision, &mut ours);
    of_route(route, &mut theirs);
    if !matches!(decision.outcome(), Outcome::Forward(_)) {
        // The evaluator tells retries of requests that are forwarded.
        ours.remove("retries");
        theirs.remove("retries");
    }
    if let Outcome::Forward(cluster) = decision.outcome()
        && let Some(found) = clusters.get(&cluster.name)
    {
        let none = TrafficPolicy::default();
        let policy = cluster.policy.as_ref().map_or(&none, |policy| &policy.traffic_policy);
        of_policy(policy, &mut ours);
        of_cluster(found, &mut theirs);
    }
    let names: std::collections::BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    names
        .into_iter()
        .filter(|name| ours.get(*name) != theirs.get(*name))
        .map(|name| {
            let say = |all: &Settings| all.get(name).map_or("nothing".to_owned(), Clone::clone);
            format!("{name}: evaluator {}, istiod {}", say(&ours), say(&theirs))
        })
        .collect()
}

fn of_decision(decision: &Decision<&Request>, out: &mut Settings) {
    let shares = decision.shares();
    let shares = shares.iter().map(|share| (share.cluster.name.as_str(), share.weight));
    out.insert("shares", told(shares.collect()));
    let mut mirrors: Vec<String> = decision
        .mirror_shares()
        .iter()
        .map(|(cluster, chance)| format!("{} {}", cluster.name, chance.parts_per_million()))
        .collect();
    mirrors.sort();
    out.insert("mirrors", mirrors.join(", "));
    out.insert("timeout", format!("{:?}", decision.timeout()));
    if let Some((delay, chance)) = decision.delay_share() {
        out.insert("delay", format!("{delay:?} {}", chance.parts_per_million()));
    }
    if let Some((abort, chance)) = decision.abort_share() {
        let error = abort.grpc_status.as_ref().map_or(u64::from(abort.status), |_| 0);
        out.insert("abort", format!("{error} {}", chance.parts_per_million()));
    }
    let retries = decision.retries().map(|retries| {
        format!(
            "{} of {:?} {:?} within {:?} after {:?} elsewhere {} far {}",
            retries.attempts,
            retries.retry_on,
            retries.retriable_status_codes,
            retries.per_try_timeout,
            retries.backoff,
            retries.ignore_previous_hosts,
            retries.remote_localities
        )
    });
    out.insert("retries", retries.unwrap_or_default());
}

/// Shares as text. The weight of a lone destination does not count.
fn told(mut shares: Vec<(&str, u64)>) -> String {
    shares.retain(|(_, weight)| *weight > 0);
    if let [(_, weight)] = shares.as_mut_slice() {
        *weight = 1;
    }
    let shares: Vec<String> =
        shares.iter().map(|(name, weight)| format!("{name} {weight}")).collect();
    shares.join(", ")
}

fn of_route(route: &Value, out: &mut Settings) {
    let action = &route["route"];
    let shares: Vec<(&str, u64)> = if action["weighted_clusters"].is_object() {
        let all = list(&action["weighted_clusters"]["clusters"]);
        all.map(|one| (text(&one["name"]), one["weight"].as_u64().unwrap_or(0))).collect()
    } else {
        vec![(text(&action["cluster"]), 1)]
    };
    out.insert("shares", told(shares));
    let mut mirrors: Vec<String> = list(&action["request_mirror_policies"])
        .map(|mirror| {
            let share = &mirror["runtime_fraction"]["default_value"];
            let share = if share.is_object() { millionths(share) } else { 1_000_000 };
            format!("{} {share}", text(&mirror["cluster"]))
        })
        .collect();
    mirrors.sort();
    out.insert("mirrors", mirrors.join(", "));
    let timeout = duration(&action["timeout"]).filter(|time| !time.is_zero());
    out.insert("timeout", format!("{timeout:?}"));
    let fault = &route["typed_per_filter_config"]["envoy.filters.http.fault"];
    let delay = &fault["delay"];
    if delay.is_object() {
        let time = duration(&delay["fixed_delay"]).unwrap_or_default();
        out.insert("delay", format!("{time:?} {}", millionths(&delay["percentage"])));
    }
    if fault["abort"].is_object() {
        let status = fault["abort"]["http_status"].as_u64().unwrap_or(0);
        out.insert("abort", format!("{status} {}", millionths(&fault["abort"]["percentage"])));
    }
    out.insert("retries", retries(&action["retry_policy"]));
}

fn retries(written: &Value) -> String {
    if !written.is_object() {
        return String::new();
    }
    let conditions = text(&written["retry_on"]).split(',');
    let conditions: Vec<&str> = conditions.filter(|condition| !condition.is_empty()).collect();
    let codes: Vec<u64> =
        list(&written["retriable_status_codes"]).filter_map(Value::as_u64).collect();
    let attempts = written["num_retries"].as_u64().unwrap_or(1);
    let per_try = duration(&written["per_try_timeout"]);
    let backoff = duration(&written["retry_back_off"]["base_interval"]);
    let elsewhere = list(&written["retry_host_predicate"])
        .any(|predicate| predicate["name"] == "envoy.retry_host_predicates.previous_hosts");
    format!(
        "{attempts} of {conditions:?} {codes:?} within {per_try:?} after {:?} elsewhere {elsewhere} far {}",
        backoff.unwrap_or(Duration::from_millis(25)),
        written["retry_priority"].is_object()
    )
}

fn millionths(share: &Value) -> u64 {
    let parts = share["numerator"].as_u64().unwrap_or(0);
    match text(&share["denominator"]) {
        "MILLION" => parts,
        "TEN_THOUSAND" => parts * 100,
        _ => parts * 10_000,
    }
}

/// Seconds as protobuf writes them.
fn duration(value: &Value) -> Option<Duration> {
    let seconds = value.as_str()?.strip_suffix('s')?;
    Some(Duration::from_secs_f64(seconds.parse().ok()?))
}

fn seconds(written: Option<&canary_core::istio::Duration>) -> Option<Duration> {
    written.and_then(canary_core::istio::Duration::as_std)
}

fn of_policy(policy: &TrafficPolicy, out: &mut Settings) {
    let balancer = match policy.load_balancer.as_ref().and_then(|lb| lb.lb_policy.as_ref()) {
        Some(LbPolicy::Simple(SimpleLb::RoundRobin)) => "ROUND_ROBIN",
        Some(LbPolicy::Simple(SimpleLb::Random)) => "RANDOM",
        Some(LbPolicy::ConsistentHash(hash)) => match hash.hash_algorithm {
            Some(HashAlgorithm::Maglev(_)) => "MAGLEV",
            _ => "RING_HASH",
        },
        _ => "LEAST_REQUEST",
    };
    out.insert("balancer", balancer.to_owned());
    let pool = policy.connection_pool.as_ref();
    let tcp = pool.and_then(|pool| pool.tcp.as_ref());
    let http = pool.and_then(|pool| pool.http.as_ref());
    let limit = |limit: Option<i32>| {
        limit
            .filter(|limit| *limit > 0)
            .and_then(|limit| u32::try_from(limit).ok())
            .unwrap_or(u32::MAX)
    };
    out.insert(
        "limits",
        format!(
            "{} {} {} {}",
            limit(tcp.and_then(|tcp| tcp.max_connections)),
            limit(http.and_then(|http| http.http1_max_pending_requests)),
            limit(http.and_then(|http| http.http2_max_requests)),
            limit(http.and_then(|http| http.max_retries)),
        ),
    );
    let connect = seconds(tcp.and_then(|tcp| tcp.connect_timeout.as_ref()));
    out.insert("connect", format!("{:?}", connect.unwrap_or(Duration::from_secs(10))));
    if let Some(ejection) = &policy.outlier_detection {
        out.insert(
            "ejection",
            format!(
                "{:?} {:?} {:?} {:?} {:?}",
                ejection.consecutive_5xx_errors,
                ejection.consecutive_gateway_errors,
                seconds(ejection.interval.as_ref()),
                seconds(ejection.base_ejection_time.as_ref()),
                ejection.max_ejection_percent,
            ),
        );
    }
}

fn of_cluster(cluster: &Value, out: &mut Settings) {
    let balancer = cluster["lb_policy"].as_str().unwrap_or("ROUND_ROBIN");
    out.insert("balancer", balancer.to_owned());
    let limits = &cluster["circuit_breakers"]["thresholds"][0];
    let limit = |name: &str| limits[name].as_u64().unwrap_or(0);
    out.insert(
        "limits",
        format!(
            "{} {} {} {}",
            limit("max_connections"),
            limit("max_pending_requests"),
            limit("max_requests"),
            limit("max_retries")
        ),
    );
    out.insert(
        "connect",
        format!("{:?}", duration(&cluster["connect_timeout"]).unwrap_or_default()),
    );
    let ejection = &cluster["outlier_detection"];
    if ejection.is_object() {
        out.insert(
            "ejection",
            format!(
                "{:?} {:?} {:?} {:?} {:?}",
                ejection["consecutive_5xx"].as_u64(),
                ejection["consecutive_gateway_failure"].as_u64(),
                duration(&ejection["interval"]),
                duration(&ejection["base_ejection_time"]),
                ejection["max_ejection_percent"].as_u64(),
            ),
        );
    }
}
