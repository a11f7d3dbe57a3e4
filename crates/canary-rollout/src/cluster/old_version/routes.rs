//! Routes that still lead to the pods of the old version.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::{
    Cluster, ObjectRef,
    presence::{Host, has_all, title},
};
use crate::{
    Error, Plan, Result,
    json::{list, text, texts},
};

const VERSION: &str = "networking.istio.io/v1";

/// The first destination with weight, or mirror, that leads to the old version's pods and to none of the canary's, as the
/// object and the place in it.
///
/// The plan's own route counts as any other: it has no weight for the stable subset after the promotion. `namespace` is
/// that of the pods; `old` and `canary` are the labels of pods. Objects of namespaces that the account cannot list are
/// not seen.
pub(super) async fn routes_to(
    cluster: &impl Cluster,
    plan: &Plan,
    namespace: &str,
    old: Option<&Value>,
    canary: &[&Value],
) -> Result<Option<String>> {
    let virtual_services = everywhere(cluster, plan, "VirtualService").await?;
    let rules = everywhere(cluster, plan, "DestinationRule").await?;
    let mut selectors = Selectors { cluster, rules, known: BTreeMap::new() };
    let only_old = |selector: &BTreeMap<String, String>| {
        has_all(old, selector) && !canary.iter().any(|labels| has_all(Some(labels), selector))
    };
    for routes in &virtual_services {
        let own = text(routes, "/metadata/namespace");
        for (path, destination) in destinations(routes) {
            let host = text(destination, "/host");
            let (Host::Service(service) | Host::Alias(service)) = Host::of(host, own) else {
                continue;
            };
            if service.namespace != namespace {
                continue;
            }
            let subset = text(destination, "/subset");
            if selectors.of(&service, subset).await?.iter().any(only_old) {
                return Ok(Some(format!("{} {path}", title(routes))));
            }
        }
    }
    Ok(None)
}

/// Every object of a kind; those of the plan's namespace where the account may list no others.
async fn everywhere(cluster: &impl Cluster, plan: &Plan, kind: &str) -> Result<Vec<Value>> {
    match cluster.list(VERSION, kind, None).await {
        Err(Error::Forbidden { .. }) => {
            cluster.list(VERSION, kind, Some(plan.target.namespace())).await
        }
        found => found,
    }
}

/// The destinations of a `VirtualService` that get requests, each with its path.
fn destinations(virtual_service: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for protocol in ["http", "tls", "tcp"] {
        let routes = list(virtual_service, &format!("/spec/{protocol}"));
        for (index, route) in routes.iter().enumerate() {
            let path = format!("spec.{protocol}[{index}]");
            let entries = list(route, "/route");
            let alone = entries.len() == 1;
            for (place, entry) in entries.iter().enumerate() {
                // One destination gets everything; one of several without a weight gets nothing.
                let weight = entry["weight"].as_u64().unwrap_or(u64::from(alone));
                if weight > 0 || alone {
                    found.push((format!("{path}.route[{place}]"), &entry["destination"]));
                }
            }
            let percent = |value: &Value| value["value"].as_f64().unwrap_or(100.0);
            if route["mirror"].is_object() && percent(&route["mirrorPercentage"]) > 0.0 {
                found.push((format!("{path}.mirror"), &route["mirror"]));
            }
            for (place, mirror) in list(route, "/mirrors").iter().enumerate() {
                if percent(&mirror["percentage"]) > 0.0 {
                    found.push((format!("{path}.mirrors[{place}]"), &mirror["destination"]));
                }
            }
        }
    }
    found
}

/// The pod labels that a destination selects.
struct Selectors<'c, C> {
    cluster: &'c C,
    rules: Vec<Value>,
    /// The selector of each `Service`, read once; empty where it has none.
    known: BTreeMap<ObjectRef, BTreeMap<String, String>>,
}

impl<C: Cluster> Selectors<'_, C> {
    /// The selectors of a subset, one for each rule that defines it, or that of the whole `Service`.
    async fn of(
        &mut self,
        service: &ObjectRef,
        subset: &str,
    ) -> Result<Vec<BTreeMap<String, String>>> {
        if !self.known.contains_key(service) {
            let found = match self.cluster.get(service).await {
                Err(Error::Unserved { .. }) => None,
                found => found?,
            };
            let selector = texts(found.as_ref().and_then(|found| found.pointer("/spec/selector")));
            self.known.insert(service.clone(), selector);
        }
        let selector = &self.known[service];
        if selector.is_empty() {
            return Ok(Vec::new());
        }
        if subset.is_empty() {
            return Ok(vec![selector.clone()]);
        }
        let of_host = |rule: &&Value| {
            let namespace = text(rule, "/metadata/namespace");
            matches!(
                Host::of(text(rule, "/spec/host"), namespace),
                Host::Service(of) | Host::Alias(of) if of == *service
            )
        };
        let subsets =
            self.rules.iter().filter(of_host).flat_map(|rule| list(rule, "/spec/subsets"));
        let named = subsets.filter(|one| text(one, "/name") == subset);
        Ok(named
            .map(|one| {
                let mut both = selector.clone();
                both.extend(texts(one.get("labels")));
                both
            })
            .collect())
    }
}
