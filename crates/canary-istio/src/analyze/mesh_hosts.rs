//! VirtualServices that claim the same host in the mesh: IST0109.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{index::Index, report::Report};
use crate::{
    finding::Severity,
    names::{CLUSTER_DOMAIN, Exports, HostIndex, applies_to_mesh, qualify},
};

/// The number of other objects that a message names.
const NAMED: usize = 5;

pub(super) fn analyze(index: &Index<'_>, report: &mut Report) {
    // By namespace, with `*` for hosts that all namespaces see.
    let mut claims: HashMap<(String, String), Vec<usize>> = HashMap::new();
    for (position, item) in index.virtual_services().enumerate() {
        let spec = &item.object.spec;
        if !applies_to_mesh(spec.gateways.as_deref()) {
            continue;
        }
        let exports =
            Exports::new(spec.export_to.iter().flatten().map(String::as_str), item.namespace);
        for host in spec.hosts.iter().flatten() {
            let full = qualify(host, item.namespace, CLUSTER_DOMAIN);
            for scope in exports.scopes() {
                let claimants = claims.entry((scope.to_owned(), full.clone())).or_default();
                if claimants.last() != Some(&position) {
                    claimants.push(position);
                }
            }
        }
    }
    let mut everywhere: HostIndex<Vec<usize>> = HostIndex::default();
    for ((_, host), claimants) in claims.iter().filter(|((scope, _), _)| scope == "*") {
        everywhere.entry(host).extend(claimants);
    }
    let mut conflicts: BTreeMap<usize, (String, BTreeSet<usize>)> = BTreeMap::new();
    for ((scope, host), claimants) in &claims {
        let mut all: BTreeSet<usize> = claimants.iter().copied().collect();
        if scope != "*" {
            all.extend(everywhere.covering(host).flatten());
            let covered = everywhere.covered(host).flat_map(|(_, claimants)| claimants);
            all.extend(covered.take(2 * NAMED));
        }
        if all.len() < 2 {
            continue;
        }
        let few: BTreeSet<usize> = all.iter().copied().take(NAMED + 1).collect();
        for position in all {
            let entry =
                conflicts.entry(position).or_insert_with(|| (host.clone(), BTreeSet::new()));
            // The order of a hash table is not that of the objects, so name the first host.
            if *host < entry.0 {
                entry.0.clone_from(host);
            }
            entry.1.extend(&few);
        }
    }
    for (position, (host, others)) in conflicts {
        let names: Vec<_> = others
            .into_iter()
            .filter(|other| *other != position)
            .take(NAMED)
            .map(|other| index.virtual_service_id(other))
            .collect();
        let message = format!(
            "host {host} is claimed in the mesh by {} too; only the oldest counts",
            names.join(", ")
        );
        report
            .add(
                Severity::Error,
                "IST0109",
                index.virtual_service_id(position),
                "spec.hosts",
                message,
            )
            .help = Some(
            "put the rules into one VirtualService, or export them to different namespaces"
                .to_owned(),
        );
    }
}
