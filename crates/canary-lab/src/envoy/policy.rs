//! The `DestinationRule` that applies to a host at the gateway, and the traffic policy of a cluster.

use std::collections::{BTreeMap, BTreeSet};

use canary_core::{
    DestinationRule,
    istio::{
        ConnectionPoolSettings, ConsistentHashLb, Destination, LbPolicy, LoadBalancerSettings,
        OutlierDetection, PortTrafficPolicy, Subset, TrafficPolicy,
    },
    names::{covers, qualify, service_namespace},
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

/// Rules on one host that Istio merges into one.
struct MergedRule {
    exports: BTreeSet<String>,
    selector: Option<BTreeMap<String, String>>,
    merged: Merged,
}

/// The lists in which Istio keeps the rules of a namespace.
#[derive(Clone, Copy)]
enum List {
    /// The rules that apply in the namespace.
    Local,
    /// The rules that apply only in the root namespace.
    RootLocal,
    /// The rules that apply in other namespaces too.
    Exported,
}

/// The rule for a host: that of the gateway's namespace, else of the service's, else of the root namespace. The most
/// specific host of a list is selected first; the visibility of its rules is checked after that.
pub(super) fn rule_for(inventory: &Inventory, host: &str) -> Option<Merged> {
    let own = inventory.namespace.as_str();
    let root = inventory.root_namespace.as_str();
    let list = if own == root { List::RootLocal } else { List::Local };
    let held = held(inventory, own, list, host);
    if !held.is_empty() {
        return choose(inventory, own, held);
    }
    let of_service = service_namespace(host, &inventory.domain);
    for namespace in of_service.into_iter().chain([root]) {
        let mut seen = self::held(inventory, namespace, List::Exported, host);
        seen.retain(|held| {
            let exports = &held.exports;
            exports.is_empty() || exports.contains("*") || exports.contains(own)
        });
        if !seen.is_empty() {
            return choose(inventory, namespace, seen);
        }
    }
    None
}

/// The first that selects the gateway's pods, otherwise the last without a selector.
fn choose(inventory: &Inventory, of: &str, held: Vec<MergedRule>) -> Option<Merged> {
    let mut for_all = None;
    for one in held {
        match &one.selector {
            None => for_all = Some(one.merged),
            Some(labels) => {
                let fits =
                    labels.iter().all(|(key, value)| inventory.labels.get(key) == Some(value));
                if fits && of == inventory.namespace {
                    return Some(one.merged);
                }
            }
        }
    }
    for_all
}

/// The rules of one list on the host that fits best: an exact one before the longest wildcard.
fn held(inventory: &Inventory, of: &str, list: List, host: &str) -> Vec<MergedRule> {
    let selects = |rule: &&DestinationRule| rule.spec.workload_selector.is_some();
    let rules = by_age(&inventory.destination_rules, |rule| &rule.metadata);
    let own = rules.into_iter().filter(|rule| namespace(&rule.metadata) == of);
    // Rules with a selector come before those without, independently of their age.
    let (some, all): (Vec<_>, Vec<_>) = own.partition(selects);
    let listed: Vec<(String, &DestinationRule)> = some
        .into_iter()
        .chain(all)
        .filter(|rule| is_in(list, &exports(rule), of))
        .map(|rule| (qualify(&rule.spec.host, of, &inventory.domain), rule))
        .collect();
    let best = listed
        .iter()
        .map(|(name, _)| name)
        .filter(|name| *name == host || (name.starts_with('*') && covers(name, host)))
        .max_by_key(|name| (*name == host, name.len()));
    let mut held = Vec::new();
    for (_, rule) in listed.iter().filter(|(name, _)| Some(name) == best) {
        hold(&mut held, rule);
    }
    held
}

/// The words of `exportTo`; a rule with a selector applies only in its own namespace, even if it states other ones.
fn exports(rule: &DestinationRule) -> BTreeSet<String> {
    match rule.spec.workload_selector {
        Some(_) => BTreeSet::from([".".to_owned()]),
        None => rule.spec.export_to.iter().flatten().cloned().collect(),
    }
}

fn is_in(list: List, exports: &BTreeSet<String>, of: &str) -> bool {
    let own = |word: &String| word == "." || word == of;
    let private = exports.len() == 1 && exports.iter().all(own);
    match list {
        List::Local => exports.is_empty() || exports.iter().any(|word| word == "*" || own(word)),
        List::RootLocal => private,
        List::Exported => !private,
    }
}

/// Merges a rule into those on its host, or puts it beside them.
fn hold(held: &mut Vec<MergedRule>, rule: &DestinationRule) {
    let words = exports(rule);
    let selector = rule.spec.workload_selector.as_ref();
    let selector = selector.map(|selector| selector.match_labels.clone().unwrap_or_default());
    let mut apart = true;
    for one in held.iter_mut() {
        apart = one.exports != words;
        if apart && (one.exports.is_empty() || !words.is_superset(&one.exports)) {
            continue;
        }
        if one.selector.is_some() && selector.is_some() && one.selector != selector {
            apart = true;
            continue;
        }
        if one.selector == selector {
            apart = false;
        }
        one.merged.take_in(rule);
    }
    if apart {
        let mut merged = Merged::default();
        merged.take_in(rule);
        held.push(MergedRule { exports: words, selector, merged });
    }
}

impl Merged {
    /// Adds the subsets that are not declared yet, and the policy when there is none.
    fn take_in(&mut self, rule: &DestinationRule) {
        for subset in rule.spec.subsets.iter().flatten() {
            if !self.subsets.iter().any(|known| known.name == subset.name) {
                self.subsets.push(subset.clone());
            }
        }
        if self.policy.is_none() {
            self.policy.clone_from(&rule.spec.traffic_policy);
        }
    }

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
