//! Which `DestinationRule` holds for a host at the gateway, and the traffic policy of a cluster.

use std::collections::BTreeMap;

use canary_core::{
    DestinationRule,
    istio::{
        ConnectionPoolSettings, ConsistentHashLb, Destination, LbPolicy, LoadBalancerSettings,
        OutlierDetection, PortTrafficPolicy, Subset, TrafficPolicy,
    },
    names::{Exports, Nearness, covers, qualify, service_namespace},
};

use super::inventory::{Inventory, by_age, namespace};

/// The rules on one host of one namespace, merged.
#[derive(Clone, Debug, Default)]
pub(super) struct Merged {
    pub(super) subsets: Vec<Subset>,
    policy: Option<TrafficPolicy>,
}

/// The blocks of a policy that become part of a cluster.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocks {
    pub(super) load_balancer: Option<LoadBalancerSettings>,
    pub(super) connection_pool: Option<ConnectionPoolSettings>,
    pub(super) outlier_detection: Option<OutlierDetection>,
}

/// The rule for a host: that of the gateway's namespace, else of the service's, else of the root namespace.
pub(super) fn rule_for(inventory: &Inventory, host: &str) -> Option<Merged> {
    let own = inventory.namespace.as_str();
    let root = inventory.root_namespace.as_str();
    let of_service = service_namespace(host, &inventory.domain);
    let found = rule_in(inventory, own, host, own == root);
    let found = found.or_else(|| rule_in(inventory, of_service?, host, false));
    found.or_else(|| rule_in(inventory, root, host, false))
}

/// The rule for a host among those of one namespace: an exact host before the longest wildcard. For a proxy of the
/// root namespace only private rules count at first.
fn rule_in(inventory: &Inventory, of: &str, host: &str, private_only: bool) -> Option<Merged> {
    let rules: Vec<(String, &DestinationRule)> =
        by_age(&inventory.destination_rules, |rule| &rule.metadata)
            .into_iter()
            .filter(|rule| namespace(&rule.metadata) == of)
            .map(|rule| (qualify(&rule.spec.host, of, &inventory.domain), rule))
            .collect();
    let best = rules
        .iter()
        .map(|(name, _)| name)
        .filter(|name| *name == host || (name.starts_with('*') && covers(name, host)))
        .max_by_key(|name| (*name == host, name.len()))?;
    let visible = |rule: &&DestinationRule| {
        let entries = rule.spec.export_to.iter().flatten().map(String::as_str);
        let nearness = Exports::new(entries, of).seen_from(&inventory.namespace, of);
        if private_only { nearness == Some(Nearness::Private) } else { nearness.is_some() }
    };
    let on_host =
        rules.iter().filter(|(name, _)| name == best).map(|(_, rule)| *rule).filter(visible);
    let selector = |rule: &DestinationRule| {
        let selector = rule.spec.workload_selector.as_ref();
        selector.and_then(|selector| selector.match_labels.clone()).unwrap_or_default()
    };
    let selects = |labels: &BTreeMap<String, String>| {
        !labels.is_empty()
            && of == inventory.namespace
            && labels.iter().all(|(key, value)| inventory.labels.get(key) == Some(value))
    };
    // Rules that select the proxy precede those for every proxy; rules with another selector or other exports are not merged.
    let selected = on_host.clone().find(|rule| selects(&selector(rule)));
    let first = selected.or_else(|| on_host.clone().find(|rule| selector(rule).is_empty()))?;
    let mut merged = Merged::default();
    let same = |rule: &&DestinationRule| {
        selector(rule) == selector(first) && rule.spec.export_to == first.spec.export_to
    };
    for rule in on_host.filter(same) {
        for subset in rule.spec.subsets.iter().flatten() {
            if !merged.subsets.iter().any(|known| known.name == subset.name) {
                merged.subsets.push(subset.clone());
            }
        }
        if merged.policy.is_none() {
            merged.policy.clone_from(&rule.spec.traffic_policy);
        }
    }
    Some(merged)
}

impl Merged {
    /// The blocks for a port and a subset: the subset's override the rule's, and a port's replace all blocks of their level.
    pub(super) fn blocks(&self, subset: Option<&Subset>, port: u16) -> Blocks {
        let mut blocks = Blocks::default();
        let of_subset = subset.and_then(|subset| subset.traffic_policy.as_ref());
        for policy in [self.policy.as_ref(), of_subset].into_iter().flatten() {
            let mut entries = policy.port_level_settings.iter().flatten();
            let for_port = entries.find(|entry: &&PortTrafficPolicy| {
                entry.port.as_ref().and_then(|port| port.number) == Some(u32::from(port))
            });
            if let Some(entry) = for_port {
                blocks.load_balancer.clone_from(&entry.load_balancer);
                blocks.connection_pool.clone_from(&entry.connection_pool);
                blocks.outlier_detection.clone_from(&entry.outlier_detection);
                continue;
            }
            if policy.load_balancer.is_some() {
                blocks.load_balancer.clone_from(&policy.load_balancer);
            }
            if policy.connection_pool.is_some() {
                blocks.connection_pool.clone_from(&policy.connection_pool);
            }
            if policy.outlier_detection.is_some() {
                blocks.outlier_detection.clone_from(&policy.outlier_detection);
            }
        }
        blocks
    }
}

/// The consistent hash that balances a destination's cluster.
pub(super) fn consistent_hash(
    inventory: &Inventory,
    destination: &Destination,
    listener: u16,
) -> Option<ConsistentHashLb> {
    let rule = rule_for(inventory, &destination.host)?;
    let name = destination.subset.as_deref().unwrap_or_default();
    let subset = rule.subsets.iter().find(|subset| subset.name == name);
    let port = destination.port.as_ref().and_then(|port| port.number);
    let port = port.and_then(|port| u16::try_from(port).ok()).unwrap_or(listener);
    match rule.blocks(subset, port).load_balancer?.lb_policy? {
        LbPolicy::ConsistentHash(hash) => Some(hash),
        LbPolicy::Simple(_) | LbPolicy::BackendUtilization(_) => None,
    }
}
