//! The traffic policy in force for one destination: DestinationRules merged and layered.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::networking::{LbPolicy, Subset, TrafficPolicy};

/// The traffic policy that holds for a destination, and where each block of it comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EffectivePolicy {
    /// The DestinationRules that apply, as `DestinationRule namespace/name`; several on one host are merged.
    pub rules: Vec<String>,
    /// The labels of the destination's subset.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The blocks that apply; port-level entries are merged into them.
    pub traffic_policy: TrafficPolicy,
    /// For each block the object and path it comes from.
    pub sources: BTreeMap<&'static str, String>,
}

impl EffectivePolicy {
    /// Overrides the policy with `over`, block by block. An entry for the port then replaces four blocks, also those it
    /// leaves out, which fall back to the defaults.
    fn layer(&mut self, over: &TrafficPolicy, port: u16, source: &str) {
        macro_rules! block {
            ($field:ident, $name:literal) => {
                if over.$field.is_some() {
                    self.traffic_policy.$field.clone_from(&over.$field);
                    self.sources.insert($name, source.to_owned());
                }
            };
        }
        block!(load_balancer, "loadBalancer");
        block!(connection_pool, "connectionPool");
        block!(outlier_detection, "outlierDetection");
        block!(tls, "tls");
        block!(tunnel, "tunnel");
        block!(proxy_protocol, "proxyProtocol");
        block!(retry_budget, "retryBudget");
        let entry = over.port_level_settings.iter().flatten().enumerate().find(|(_, entry)| {
            entry.port.as_ref().and_then(|selector| selector.number) == Some(u32::from(port))
        });
        let Some((index, entry)) = entry else {
            return;
        };
        let source = format!("{source}.portLevelSettings[{index}]");
        macro_rules! port_block {
            ($field:ident, $name:literal) => {
                self.traffic_policy.$field.clone_from(&entry.$field);
                if entry.$field.is_some() {
                    self.sources.insert($name, source.clone());
                } else {
                    self.sources.remove($name);
                }
            };
        }
        port_block!(load_balancer, "loadBalancer");
        port_block!(connection_pool, "connectionPool");
        port_block!(outlier_detection, "outlierDetection");
        port_block!(tls, "tls");
    }
}

/// A subset with the object it is declared in.
#[derive(Clone, Debug)]
pub(super) struct DeclaredSubset {
    pub(super) subset: Subset,
    pub(super) source: String,
}

/// DestinationRules on one host of one namespace, merged.
#[derive(Clone, Debug, Default)]
pub(super) struct MergedRule {
    /// `DestinationRule namespace/name`, oldest first.
    pub(super) objects: Vec<String>,
    /// By name; the first declaration counts.
    pub(super) subsets: BTreeMap<String, DeclaredSubset>,
    /// The policy of the oldest rule that has one, with where it stands.
    pub(super) policy: Option<(TrafficPolicy, String)>,
}

impl MergedRule {
    /// The policy for a subset (or none) at a port.
    pub(super) fn effective(&self, subset: Option<&DeclaredSubset>, port: u16) -> EffectivePolicy {
        let mut effective = EffectivePolicy { rules: self.objects.clone(), ..Default::default() };
        if let Some((policy, source)) = &self.policy {
            effective.layer(policy, port, source);
        }
        if let Some(declared) = subset {
            effective.labels = declared.subset.labels.clone().unwrap_or_default();
            if let Some(policy) = &declared.subset.traffic_policy {
                effective.layer(policy, port, &declared.source);
            }
        }
        effective
    }

    /// Returns true when retries of a destination count as hashed: when any of its policies has a consistent hash. One
    /// for a port counts only where the destination names the port itself (`HashForHTTPDestination` of
    /// `pilot/pkg/networking/core/route/route.go`).
    pub(super) fn hashes(&self, subset: Option<&DeclaredSubset>, named: Option<u16>) -> bool {
        let of_rule = self.policy.as_ref().map(|(policy, _)| policy);
        let of_subset = subset.and_then(|declared| declared.subset.traffic_policy.as_ref());
        of_rule.into_iter().chain(of_subset).any(|policy| {
            let of_port = policy
                .port_level_settings
                .iter()
                .flatten()
                .find(|entry| {
                    let number = entry.port.as_ref().and_then(|port| port.number);
                    named.is_some() && number == named.map(u32::from)
                })
                .and_then(|entry| entry.load_balancer.as_ref());
            policy
                .load_balancer
                .iter()
                .chain(of_port)
                .any(|balancer| matches!(balancer.lb_policy, Some(LbPolicy::ConsistentHash(_))))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networking::{
        ConnectionPoolSettings, LoadBalancerSettings, OutlierDetection, PortSelector,
        PortTrafficPolicy, SimpleLb,
    };

    fn balancer(simple: SimpleLb) -> LoadBalancerSettings {
        LoadBalancerSettings {
            lb_policy: Some(LbPolicy::Simple(simple)),
            ..LoadBalancerSettings::default()
        }
    }

    fn merged(port_level: bool) -> MergedRule {
        let top = TrafficPolicy {
            load_balancer: Some(balancer(SimpleLb::RoundRobin)),
            connection_pool: Some(ConnectionPoolSettings::default()),
            outlier_detection: Some(OutlierDetection::default()),
            port_level_settings: port_level.then(|| {
                vec![PortTrafficPolicy {
                    port: Some(PortSelector { number: Some(8501) }),
                    load_balancer: Some(balancer(SimpleLb::Random)),
                    ..PortTrafficPolicy::default()
                }]
            }),
            ..TrafficPolicy::default()
        };
        MergedRule { policy: Some((top, "top".to_owned())), ..MergedRule::default() }
    }

    fn subset(policy: TrafficPolicy) -> DeclaredSubset {
        DeclaredSubset {
            subset: Subset { traffic_policy: Some(policy), ..Subset::default() },
            source: "subset".to_owned(),
        }
    }

    #[test]
    fn a_subset_overrides_block_by_block() {
        let policy =
            TrafficPolicy { load_balancer: Some(balancer(SimpleLb::Random)), ..Default::default() };
        let effective = merged(false).effective(Some(&subset(policy)), 8501);
        assert_eq!(effective.traffic_policy.load_balancer, Some(balancer(SimpleLb::Random)));
        assert!(effective.traffic_policy.connection_pool.is_some());
        assert_eq!(effective.sources["loadBalancer"], "subset");
        assert_eq!(effective.sources["connectionPool"], "top");
    }

    #[test]
    fn a_port_entry_replaces_four_blocks_even_by_nothing() {
        let effective = merged(true).effective(None, 8501);
        assert_eq!(effective.traffic_policy.load_balancer, Some(balancer(SimpleLb::Random)));
        assert_eq!(effective.traffic_policy.connection_pool, None);
        assert_eq!(effective.traffic_policy.outlier_detection, None);
        assert_eq!(effective.sources.len(), 1);
        let other = merged(true).effective(None, 8500);
        assert_eq!(other.traffic_policy.load_balancer, Some(balancer(SimpleLb::RoundRobin)));
        assert_eq!(other.traffic_policy.port_level_settings, None);
    }
}
