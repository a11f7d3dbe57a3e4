//! Subsets that a DestinationRule declares and that some clients do not see: C505.

use std::collections::BTreeSet;

use super::{
    destinations::destinations,
    index::{Index, Item},
    report::Report,
};
use crate::{
    finding::Severity,
    names::{
        CLUSTER_DOMAIN, Exports, HostIndex, MESH, applies_to_mesh, qualify, service_namespace,
    },
    networking::{DestinationRule, VirtualService},
    route::{Client, DestinationRules},
};

/// The root namespace of a mesh that was set up with no other.
const ROOT: &str = "istio-system";
/// The number of rules on one host that are looked at.
const MAX_RULES: usize = 64;
/// The number of namespaces that a message names.
const NAMED: usize = 5;

pub(super) fn analyze(index: &Index<'_>, report: &mut Report) {
    let all: Vec<(String, String, DestinationRule)> = index
        .destination_rules()
        .map(|item| (item.namespace.to_owned(), item.object.name().to_owned(), item.object.clone()))
        .collect();
    let rules = DestinationRules::new(&all, CLUSTER_DOMAIN, ROOT);
    let mut by_host: HostIndex<Vec<usize>> = HostIndex::default();
    for (position, (namespace, _, rule)) in all.iter().enumerate() {
        by_host.entry(&qualify(&rule.spec.host, namespace, CLUSTER_DOMAIN)).push(position);
    }
    for item in index.virtual_services() {
        for (path, destination) in destinations(item.object) {
            let subset = destination.subset.as_deref().filter(|subset| !subset.is_empty());
            let Some(subset) = subset else { continue };
            let host = qualify(&destination.host, item.namespace, CLUSTER_DOMAIN);
            let declaring = |(_, _, rule): &(String, String, DestinationRule)| {
                rule.spec.subsets.iter().flatten().any(|declared| declared.name == subset)
            };
            let concerned = by_host.covering(&host).flatten().map(|position| &all[*position]);
            let concerned: Vec<_> = concerned.take(MAX_RULES).collect();
            // An undeclared subset is reported elsewhere; the effect of rules with a selector depends on the client.
            let selecting =
                |rule: &&(String, String, DestinationRule)| rule.2.spec.workload_selector.is_some();
            if !concerned.iter().any(|rule| declaring(rule)) || concerned.iter().any(selecting) {
                continue;
            }
            let namespaces = concerned.iter().map(|(namespace, _, _)| namespace.as_str());
            let blind: Vec<&str> = clients(index, item, namespaces)
                .into_iter()
                .filter(|namespace| {
                    let client = Client { namespace, label: &|_| None };
                    let of_service = service_namespace(&host, CLUSTER_DOMAIN);
                    !rules.declares(&client, &host, of_service, subset)
                })
                .take(NAMED)
                .collect();
            if blind.is_empty() {
                continue;
            }
            let message = format!(
                "clients in namespace {} do not see the DestinationRule that declares subset {subset} of {host}: their requests fail with 503",
                blind.join(", ")
            );
            report
                .add(Severity::Warning, "C505", &item.id, format!("{path}.subset"), message)
                .help = Some(
                "export that rule to them, or declare the subset in the rule that they see"
                    .to_owned(),
            );
        }
    }
}

/// The namespaces of clients that a VirtualService serves, as far as the objects name them: for the mesh, its own
/// namespace and those of the rules on the host; for gateways, those of their pods, if known.
fn clients<'o>(
    index: &Index<'o>,
    item: &Item<'o, VirtualService>,
    of_rules: impl Iterator<Item = &'o str>,
) -> BTreeSet<&'o str> {
    let spec = &item.object.spec;
    let exports = Exports::new(spec.export_to.iter().flatten().map(String::as_str), item.namespace);
    let mut found = BTreeSet::new();
    if applies_to_mesh(spec.gateways.as_deref()) {
        found.insert(item.namespace);
        found.extend(of_rules.filter(|namespace| *namespace != ROOT));
    }
    let named = spec.gateways.iter().flatten().filter(|name| *name != MESH);
    for gateway in named.filter_map(|name| index.gateway(name, item.namespace)) {
        let none = std::collections::BTreeMap::new();
        let selector = gateway.object.spec.selector.as_ref().unwrap_or(&none);
        if let Some(pods) = &index.pods {
            let namespaces = pods.select(selector).map(|pod| pod.metadata.namespace.as_deref());
            found.extend(namespaces.map(|namespace| namespace.unwrap_or("default")));
        }
    }
    found.retain(|namespace| exports.includes(namespace));
    found
}
