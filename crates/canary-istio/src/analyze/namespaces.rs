//! Namespaces that objects name: C501.

use std::collections::HashSet;

use super::{index::Index, report::Report};
use crate::{finding::Severity, names::server_host};

pub(super) fn analyze(index: &Index<'_>, report: &mut Report) {
    let Some(namespaces) = &index.inventory.namespaces else {
        report.unjudged(
            "C501",
            "whether the namespaces that are named exist: the Namespaces are not known",
        );
        return;
    };
    let known: HashSet<&str> =
        namespaces.iter().filter_map(|namespace| namespace.metadata.name.as_deref()).collect();
    let mut check = |id: &str, path: String, name: &str| {
        if !matches!(name, "*" | "." | "~" | "") && !known.contains(name) {
            report.add(
                Severity::Warning,
                "C501",
                id,
                path,
                format!("there is no namespace {name}"),
            );
        }
    };
    let exports = index
        .virtual_services()
        .map(|item| (&item.id, &item.object.spec.export_to))
        .chain(index.destination_rules().map(|item| (&item.id, &item.object.spec.export_to)));
    for (id, export_to) in exports {
        for (position, name) in export_to.iter().flatten().enumerate() {
            check(id, format!("spec.exportTo[{position}]"), name);
        }
    }
    for item in index.gateways() {
        for (server, hosts) in
            item.object.spec.servers.iter().flatten().map(|server| &server.hosts).enumerate()
        {
            for (position, host) in hosts.iter().flatten().enumerate() {
                if let (Some(name), _) = server_host(host) {
                    check(&item.id, format!("spec.servers[{server}].hosts[{position}]"), name);
                }
            }
        }
    }
}
