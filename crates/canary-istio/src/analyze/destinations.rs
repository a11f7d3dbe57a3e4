//! The destinations of VirtualServices: IST0101, IST0112 and IST0140.

use std::collections::{HashMap, HashSet};

use super::{
    index::{Index, Item},
    report::Report,
};
use crate::{
    finding::Severity,
    names::{CLUSTER_DOMAIN, HostIndex, qualify},
    networking::{Destination, VirtualService},
};

pub(super) fn analyze(index: &Index<'_>, report: &mut Report) {
    let mut subsets: HostIndex<Vec<HashSet<&str>>> = HostIndex::default();
    for item in index.destination_rules() {
        let names =
            item.object.spec.subsets.iter().flatten().map(|subset| subset.name.as_str()).collect();
        let host = qualify(&item.object.spec.host, item.namespace, CLUSTER_DOMAIN);
        subsets.entry(&host).push(names);
    }
    let split = split_hosts(index);
    for item in index.virtual_services() {
        for (path, destination) in destinations(item.object) {
            check_host(index, item, &path, destination, report);
            check_subset(item, &subsets, &path, destination, report);
        }
        check_bypass(item, &split, report);
    }
}

/// Every destination and mirror with its path.
pub(super) fn destinations(service: &VirtualService) -> Vec<(String, &Destination)> {
    let mut found = Vec::new();
    for (rule, route) in service.spec.http.iter().flatten().enumerate() {
        let at = format!("spec.http[{rule}]");
        for (position, entry) in route.route.iter().flatten().enumerate() {
            found.push((format!("{at}.route[{position}].destination"), &entry.destination));
        }
        found.extend(route.mirror.iter().map(|mirror| (format!("{at}.mirror"), mirror)));
        for (position, entry) in route.mirrors.iter().flatten().enumerate() {
            found.push((format!("{at}.mirrors[{position}].destination"), &entry.destination));
        }
    }
    let tls = service.spec.tls.iter().flatten().map(|rule| ("tls", &rule.route)).enumerate();
    let tcp = service.spec.tcp.iter().flatten().map(|rule| ("tcp", &rule.route)).enumerate();
    for (rule, (list, route)) in tls.chain(tcp) {
        for (position, entry) in route.iter().flatten().enumerate() {
            found.push((
                format!("spec.{list}[{rule}].route[{position}].destination"),
                &entry.destination,
            ));
        }
    }
    found
}

fn check_host(
    index: &Index<'_>,
    item: &Item<'_, VirtualService>,
    path: &str,
    destination: &Destination,
    report: &mut Report,
) {
    if destination.host.is_empty() {
        // The rules of the object report this.
        return;
    }
    let known = match index.host(&destination.host, item.namespace) {
        Err(reason) => {
            report.unjudged("IST0101", reason);
            report.unjudged("IST0112", reason);
            return;
        }
        Ok(None) => {
            let full = qualify(&destination.host, item.namespace, CLUSTER_DOMAIN);
            let message = format!("there is no service {full}");
            let finding =
                report.add(Severity::Error, "IST0101", &item.id, format!("{path}.host"), message);
            finding.help =
                Some("requests to it fail with 503; name a service that exists".to_owned());
            return;
        }
        Ok(Some(known)) => known,
    };
    let listed: Vec<_> = known.ports.iter().map(ToString::to_string).collect();
    match destination.port.as_ref().map(|port| port.number.unwrap_or(0)) {
        None if known.ports.len() > 1 => {
            let message =
                format!("the service has the ports {}, and none is chosen", listed.join(", "));
            report.add(Severity::Error, "IST0112", &item.id, path, message).help =
                Some("name one in `port: {number: …}`".to_owned());
        }
        Some(number) if !known.ports.contains(&number) => {
            let message = format!("the service has no port {number}, but {}", listed.join(", "));
            report.add(
                Severity::Error,
                "IST0101",
                &item.id,
                format!("{path}.port.number"),
                message,
            );
        }
        _ => {}
    }
}

fn check_subset(
    item: &Item<'_, VirtualService>,
    subsets: &HostIndex<Vec<HashSet<&str>>>,
    path: &str,
    destination: &Destination,
    report: &mut Report,
) {
    let Some(subset) = destination.subset.as_deref().filter(|subset| !subset.is_empty()) else {
        return;
    };
    let full = qualify(&destination.host, item.namespace, CLUSTER_DOMAIN);
    if !subsets.covering(&full).flatten().any(|names| names.contains(subset)) {
        let message = format!("no DestinationRule declares subset {subset} of {full}");
        report.add(Severity::Error, "IST0101", &item.id, format!("{path}.subset"), message).help =
            Some(
                "requests to it fail with 503; declare the subset, or name one that is declared"
                    .to_owned(),
            );
    }
}

/// The VirtualServices that send the traffic of a host to its subsets, by that host.
fn split_hosts<'o>(index: &Index<'o>) -> HashMap<&'o str, Vec<usize>> {
    let mut split: HashMap<&str, Vec<usize>> = HashMap::new();
    for (position, item) in index.virtual_services().enumerate() {
        let hosts: HashSet<&str> =
            item.object.spec.hosts.iter().flatten().map(String::as_str).collect();
        let routes =
            item.object.spec.http.iter().flatten().flat_map(|rule| rule.route.iter().flatten());
        let to_subsets: HashSet<&str> = routes
            .filter(|entry| {
                entry.destination.subset.as_ref().is_some_and(|subset| !subset.is_empty())
            })
            .map(|entry| entry.destination.host.as_str())
            .collect();
        for host in to_subsets.intersection(&hosts) {
            split.entry(host).or_default().push(position);
        }
    }
    split
}

/// IST0140: one VirtualService has the split, and another one routes the traffic of a Gateway.
fn check_bypass(
    item: &Item<'_, VirtualService>,
    split: &HashMap<&str, Vec<usize>>,
    report: &mut Report,
) {
    if item.object.spec.gateways.as_ref().is_none_or(Vec::is_empty) {
        return;
    }
    for (rule, route) in item.object.spec.http.iter().flatten().enumerate() {
        for (position, entry) in route.route.iter().flatten().enumerate() {
            let destination = &entry.destination;
            if destination.subset.as_ref().is_some_and(|subset| !subset.is_empty())
                || item.object.spec.hosts.iter().flatten().any(|host| *host == destination.host)
                || !split.contains_key(destination.host.as_str())
            {
                continue;
            }
            let message = format!(
                "traffic from the gateways goes to all pods of {}: the subsets that another VirtualService of this host chooses do not apply to it",
                destination.host
            );
            report
                .add(
                    Severity::Warning,
                    "IST0140",
                    &item.id,
                    format!("spec.http[{rule}].route[{position}].destination"),
                    message,
                )
                .help = Some(
                "write the split in this VirtualService too, or bind the other one to the gateway"
                    .to_owned(),
            );
        }
    }
}
