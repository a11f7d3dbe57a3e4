//! The proxies of gateways.

use std::collections::{BTreeMap, HashMap};

use super::virtual_services::Sorted;
use crate::networking::Gateway;

/// The proxies that take one or more Gateways.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayWorkload {
    /// The Gateways that these proxies take, as `namespace/name`.
    pub gateways: Vec<String>,
    /// The namespace of the proxies' pods; it decides what is exported to them and which DestinationRules they see.
    pub namespace: String,
    /// The labels of the proxies' pods, with which `sourceLabels` of gateway rules are compared.
    pub labels: BTreeMap<String, String>,
}

/// A Gateway with its name.
pub(super) struct NamedGateway<'g> {
    pub(super) name: String,
    pub(super) namespace: &'g str,
    pub(super) gateway: &'g Gateway,
}

/// The Gateways of one workload.
pub(super) struct Group<'g> {
    pub(super) gateways: Vec<NamedGateway<'g>>,
    pub(super) namespace: String,
    pub(super) labels: BTreeMap<String, String>,
    /// True when the workload was described, and its labels are all that it has.
    pub(super) told: bool,
}

/// Assigns Gateways to workloads: as described, otherwise those with the same selector together.
pub(super) fn group<'g>(
    gateways: &'g Sorted<Gateway>,
    told: &[GatewayWorkload],
    default_namespace: &str,
) -> Vec<Group<'g>> {
    let mut groups: Vec<Group<'g>> = told
        .iter()
        .map(|workload| Group {
            gateways: Vec::new(),
            namespace: workload.namespace.clone(),
            labels: workload.labels.clone(),
            told: true,
        })
        .collect();
    let mut by_selector: HashMap<&BTreeMap<String, String>, usize> = HashMap::new();
    let none = BTreeMap::new();
    // A map for all gateways without a selector must outlive the loop's keys.
    let mut without: Option<usize> = None;
    for (namespace, name, gateway) in gateways {
        let full = format!("{namespace}/{name}");
        let selector = gateway.spec.selector.as_ref();
        let listed = told.iter().position(|workload| workload.gateways.contains(&full));
        let at = listed
            .or_else(|| match selector {
                Some(selector) => by_selector.get(selector).copied(),
                None => without,
            })
            .unwrap_or_else(|| {
                let labels = selector.unwrap_or(&none).clone();
                groups.push(Group {
                    gateways: Vec::new(),
                    namespace: default_namespace.to_owned(),
                    labels,
                    told: false,
                });
                match selector {
                    Some(selector) => {
                        by_selector.insert(selector, groups.len() - 1);
                    }
                    None => without = Some(groups.len() - 1),
                }
                groups.len() - 1
            });
        groups[at].gateways.push(NamedGateway { name: full, namespace, gateway });
    }
    groups.retain(|group| !group.gateways.is_empty());
    groups
}
