//! The proxies of gateways.

use std::collections::{BTreeMap, HashMap};

use super::{
    gateway_api::Deployed,
    registry::Registry,
    sorted::{Age, Sorted, older},
};
use crate::networking::Gateway;

/// The proxies that take one or more Gateways.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayWorkload {
    /// The Gateways that these proxies take, as `namespace/name`: Istio's own and those of the Gateway API.
    pub gateways: Vec<String>,
    /// The namespace of the proxies' pods; it decides what is exported to them and which DestinationRules they see.
    pub namespace: String,
    /// The labels of the proxies' pods, with which `sourceLabels` of gateway rules are compared.
    pub labels: BTreeMap<String, String>,
}

/// A Gateway with its name.
pub(super) struct NamedGateway<'g> {
    /// The name by which rules refer to it, as `namespace/name`.
    pub(super) name: String,
    /// The name for people: of a listener of the Gateway API the gateway's.
    pub(super) shown: String,
    pub(super) namespace: &'g str,
    pub(super) gateway: &'g Gateway,
    /// The ports of the Service in front of a gateway of the Gateway API, where it is known: Istio leaves servers on
    /// other ports out.
    pub(super) ports: Option<Vec<u16>>,
    age: Age,
}

/// The Gateways of one workload.
pub(super) struct Group<'g> {
    pub(super) gateways: Vec<NamedGateway<'g>>,
    pub(super) namespace: String,
    pub(super) labels: BTreeMap<String, String>,
    /// True when the workload was described, and its labels are all that it has.
    pub(super) told: bool,
    /// The Service in front of the proxies of a gateway of the Gateway API.
    pub(super) service: Option<String>,
}

/// Assigns Gateways to workloads: as described, otherwise those with the same selector together, and those of the
/// Gateway API by their Service.
pub(super) fn group<'g>(
    gateways: &'g Sorted<Gateway>,
    deployed: &'g [Deployed],
    told: &[GatewayWorkload],
    default_namespace: &str,
    registry: &Registry,
) -> Vec<Group<'g>> {
    let mut groups: Vec<Group<'g>> = told
        .iter()
        .map(|workload| Group {
            gateways: Vec::new(),
            namespace: workload.namespace.clone(),
            labels: workload.labels.clone(),
            told: true,
            service: None,
        })
        .collect();
    let mut by_selector: HashMap<&BTreeMap<String, String>, usize> = HashMap::new();
    let none = BTreeMap::new();
    // A map for all gateways without a selector must outlive the loop's keys.
    let mut without: Option<usize> = None;
    let listed = |name: &String| told.iter().position(|workload| workload.gateways.contains(name));
    for (namespace, name, gateway) in gateways {
        let full = format!("{namespace}/{name}");
        let selector = gateway.spec.selector.as_ref();
        let at = listed(&full)
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
                    service: None,
                });
                match selector {
                    Some(selector) => {
                        by_selector.insert(selector, groups.len() - 1);
                    }
                    None => without = Some(groups.len() - 1),
                }
                groups.len() - 1
            });
        let age = (gateway.metadata.creation_timestamp.clone(), name.clone(), namespace.clone());
        let shown = full.clone();
        groups[at].gateways.push(NamedGateway {
            name: full,
            shown,
            namespace,
            gateway,
            ports: None,
            age,
        });
    }
    for deployed in deployed {
        let at =
            listed(&deployed.name).unwrap_or_else(|| workload_of(deployed, &mut groups, registry));
        groups[at].gateways.extend(listeners(deployed, registry));
    }
    groups.retain(|group| !group.gateways.is_empty());
    for group in &mut groups {
        group.gateways.sort_by(|one, other| older(&one.age, &other.age));
    }
    groups
}

/// The workload of a gateway of the Gateway API: that of the same Service, else that of Gateways whose selector takes the
/// pods of the Service, else one of its own.
fn workload_of(deployed: &Deployed, groups: &mut Vec<Group<'_>>, registry: &Registry) -> usize {
    let service = deployed.services.first();
    let known = service.and_then(|host| registry.get(host, &deployed.namespace));
    let labels = match known {
        Some(service) if !deployed.managed => &service.selector,
        _ => &deployed.labels,
    };
    let found = groups.iter().position(|group| {
        let same_service = group.service.is_some() && group.service.as_ref() == service;
        let selected = !group.told
            && group.service.is_none()
            && !group.labels.is_empty()
            && group.labels.iter().all(|(key, value)| labels.get(key) == Some(value));
        group.namespace == deployed.namespace && (same_service || selected)
    });
    found.unwrap_or_else(|| {
        groups.push(Group {
            gateways: Vec::new(),
            namespace: deployed.namespace.clone(),
            labels: labels.clone(),
            told: false,
            service: Some(service.cloned().unwrap_or_default()),
        });
        groups.len() - 1
    })
}

/// The Gateways of the listeners, in the order of their names.
fn listeners<'g>(deployed: &'g Deployed, registry: &Registry) -> Vec<NamedGateway<'g>> {
    let services = deployed.services.iter();
    let known = services.filter_map(|host| registry.get(host, &deployed.namespace));
    let ports: Vec<u16> = known.flat_map(|service| service.ports.iter().copied()).collect();
    let mut listeners: Vec<NamedGateway<'g>> = deployed
        .listeners
        .iter()
        .map(|(internal, gateway)| NamedGateway {
            name: internal.clone(),
            shown: deployed.name.clone(),
            namespace: &deployed.namespace,
            gateway,
            ports: (!ports.is_empty()).then(|| ports.clone()),
            age: {
                let name = internal.split_once('/').map_or(internal.as_str(), |(_, name)| name);
                (deployed.age.0.clone(), name.to_owned(), deployed.namespace.clone())
            },
        })
        .collect();
    listeners.sort_by(|one, other| one.name.cmp(&other.name));
    listeners
}
