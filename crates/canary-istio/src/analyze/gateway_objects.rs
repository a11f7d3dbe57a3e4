//! Conflicts between Gateways, and between Gateways and their workloads: IST0101, IST0138, IST0145 and IST0162.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{
    index::{Index, Item},
    report::Report,
    selectors::text,
};
use crate::{
    finding::Severity,
    networking::{Gateway, ServerTlsSettings},
};

/// The number of other objects that a message names.
const NAMED: usize = 5;
/// The number of different selectors that are compared pair by pair.
const MAX_SELECTORS: usize = 64;

type Selector = BTreeMap<String, String>;

fn selector<'g>(item: &Item<'g, Gateway>) -> &'g Selector {
    static NONE: Selector = BTreeMap::new();
    item.object.spec.selector.as_ref().unwrap_or(&NONE)
}

pub(super) fn analyze(index: &Index<'_>, report: &mut Report) {
    for item in index.gateways() {
        check_workload(index, item, report);
    }
    check_conflicts(index, report);
    check_certificates(index, report);
}

/// Tests whether both Gateways share a workload; `None` when it is not known.
fn share_workload(index: &Index<'_>, one: &Selector, other: &Selector) -> Option<bool> {
    if one == other {
        return Some(true);
    }
    let both_agree =
        one.iter().all(|(key, value)| other.get(key).is_none_or(|found| found == value));
    if !both_agree {
        return Some(false);
    }
    let pods = index.pods.as_ref()?;
    Some(pods.select(one).any(|pod| super::selectors::has_labels(pod, other)))
}

/// Items in groups by selector, so that equal ones are compared once.
fn by_selector<'g>(
    items: &[&'g Item<'g, Gateway>],
) -> Vec<(&'g Selector, Vec<&'g Item<'g, Gateway>>)> {
    let mut groups: BTreeMap<&Selector, Vec<&Item<'_, Gateway>>> = BTreeMap::new();
    for item in items {
        groups.entry(selector(item)).or_default().push(item);
    }
    groups.into_iter().collect()
}

/// Calls `found` with each item and the others that share its workload.
fn for_sharing<'g>(
    index: &Index<'_>,
    items: &[&'g Item<'g, Gateway>],
    code: &str,
    report: &mut Report,
    mut found: impl FnMut(&Item<'g, Gateway>, &[&str], &mut Report),
) {
    let groups = by_selector(items);
    if groups.len() > MAX_SELECTORS {
        report.unjudged(code, "Gateways with different selectors: there are more than 64 of them for one host or certificate");
    }
    for (position, (own, members)) in groups.iter().enumerate() {
        let mut others: Vec<&str> = Vec::new();
        for (other_position, (other, other_members)) in
            groups.iter().take(MAX_SELECTORS).enumerate()
        {
            if position == other_position || position >= MAX_SELECTORS {
                continue;
            }
            match share_workload(index, own, other) {
                Some(true) => {
                    others.extend(other_members.iter().take(NAMED).map(|item| item.id.as_str()));
                }
                Some(false) => {}
                None => report
                    .unjudged(code, "Gateways with different selectors: the Pods are not known"),
            }
        }
        for member in members {
            let same = members
                .iter()
                .filter(|item| item.id != member.id)
                .take(NAMED)
                .map(|item| item.id.as_str());
            let all: Vec<&str> = same.chain(others.iter().copied()).take(NAMED).collect();
            if !all.is_empty() {
                found(member, &all, report);
            }
        }
    }
}

/// The hosts on a port, or the certificates, that a Gateway shares, and the Gateways that it shares them with.
type Shared<'g> = (BTreeSet<&'g str>, BTreeSet<String>);

fn check_conflicts(index: &Index<'_>, report: &mut Report) {
    let mut served: BTreeMap<(u32, &str, &str), Vec<&Item<'_, Gateway>>> = BTreeMap::new();
    for item in index.gateways() {
        for server in item.object.spec.servers.iter().flatten() {
            let bind = server.bind.as_deref().unwrap_or_default();
            let number = server.port.number.unwrap_or(0);
            for host in server.hosts.iter().flatten() {
                let entry = served.entry((number, bind, host.as_str())).or_default();
                if entry.last().is_none_or(|last| last.id != item.id) {
                    entry.push(item);
                }
            }
        }
    }
    let mut conflicts: BTreeMap<(&str, u32), Shared<'_>> = BTreeMap::new();
    for ((port, _, host), items) in served.iter().filter(|(_, items)| items.len() > 1) {
        for_sharing(index, items, "IST0145", report, |item, others, _| {
            let Some(known) = index.gateway(item.object.name(), item.namespace) else { return };
            let entry = conflicts.entry((known.id.as_str(), *port)).or_default();
            entry.0.insert(host);
            entry.1.extend(others.iter().map(|other| (*other).to_owned()));
        });
    }
    for ((id, port), (hosts, others)) in conflicts {
        let hosts: Vec<_> = hosts.into_iter().take(NAMED).collect();
        let others: Vec<_> = others.into_iter().take(NAMED).collect();
        let message = format!(
            "port {port} with host {} is served by {} on the same workload too",
            hosts.join(", "),
            others.join(", ")
        );
        report.add(Severity::Error, "IST0145", id, "spec.servers", message).help =
            Some("merge the Gateways, or give them different hosts, ports or workloads".to_owned());
    }
}

/// The identity of a server's certificate.
fn certificate(tls: &ServerTlsSettings) -> Option<(&str, &str)> {
    let given = |text: &'_ Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    if given(&tls.credential_name) {
        return Some((tls.credential_name.as_deref()?, ""));
    }
    if given(&tls.server_certificate) && given(&tls.private_key) {
        return Some((tls.server_certificate.as_deref()?, tls.private_key.as_deref()?));
    }
    None
}

/// IST0138, once for each Gateway: another one with its certificate selects all of its workloads too, independently of
/// the existing pods (`getGatewaysWithSelector` of `pkg/config/analysis/analyzers/gateway/certificate.go`).
fn check_certificates(index: &Index<'_>, report: &mut Report) {
    let mut users: BTreeMap<(&str, &str), Vec<&Item<'_, Gateway>>> = BTreeMap::new();
    for item in index.gateways() {
        for tls in
            item.object.spec.servers.iter().flatten().filter_map(|server| server.tls.as_ref())
        {
            if let Some(key) = certificate(tls) {
                let entry = users.entry(key).or_default();
                if entry.last().is_none_or(|last| last.id != item.id) {
                    entry.push(item);
                }
            }
        }
    }
    let mut shared: BTreeMap<&str, Shared<'_>> = BTreeMap::new();
    for ((name, _), items) in users.iter().filter(|(_, items)| items.len() > 1) {
        let groups = by_selector(items);
        if groups.len() > MAX_SELECTORS {
            report.unjudged("IST0138", "Gateways with different selectors: there are more than 64 of them for one certificate");
        }
        for (own, members) in groups.iter().take(MAX_SELECTORS) {
            let within =
                |other: &Selector| own.iter().all(|(key, value)| other.get(key) == Some(value));
            let others: Vec<&str> = groups
                .iter()
                .take(MAX_SELECTORS)
                .filter(|(other, _)| within(other))
                .flat_map(|(_, others)| others.iter().take(NAMED + 1).map(|item| item.id.as_str()))
                .collect();
            for member in members {
                let others = others.iter().filter(|other| **other != member.id).take(NAMED);
                let others: Vec<String> = others.map(|other| (*other).to_owned()).collect();
                if !others.is_empty() {
                    let entry = shared.entry(&member.id).or_default();
                    entry.0.insert(name);
                    entry.1.extend(others);
                }
            }
        }
    }
    for (id, (certificates, others)) in shared {
        let certificates: Vec<_> = certificates.into_iter().take(NAMED).collect();
        let others: Vec<_> = others.into_iter().take(NAMED).collect();
        let message = format!(
            "the certificate {} is used by {} on the same workload too; clients that share HTTP/2 connections get 404",
            certificates.join(", "),
            others.join(", ")
        );
        report.add(Severity::Warning, "IST0138", id, "spec.servers", message).help =
            Some("serve the hosts of one certificate from one Gateway".to_owned());
    }
}

/// The pods of a Gateway, their Services, and the Secrets in their namespaces.
fn check_workload(index: &Index<'_>, item: &Item<'_, Gateway>, report: &mut Report) {
    let Some(pods) = &index.pods else {
        report.unjudged(
            "IST0101",
            "whether the selectors of Gateways select a pod: the Pods are not known",
        );
        report.unjudged(
            "IST0162",
            "whether a Service offers the ports of Gateways: the Pods are not known",
        );
        return;
    };
    let selector = selector(item);
    let mut ports: BTreeSet<u32> = BTreeSet::new();
    let mut namespaces: BTreeSet<&str> = BTreeSet::new();
    let mut found = false;
    for pod in pods.select(selector) {
        found = true;
        namespaces.insert(pod.metadata.namespace.as_deref().unwrap_or("default"));
        for service in index.services_of(pod) {
            for port in service.spec.iter().filter_map(|spec| spec.ports.as_deref()).flatten() {
                if port.protocol.as_deref().unwrap_or("TCP") != "TCP" {
                    continue;
                }
                // The server listens on the port of the pod; the port of the Service leads there.
                ports.extend(u32::try_from(port.port));
                if let Some(IntOrString::Int(target)) = port.target_port {
                    ports.extend(u32::try_from(target));
                }
            }
        }
    }
    if !found {
        let message = format!("no pod has the labels {}", text(selector));
        report.add(Severity::Error, "IST0101", &item.id, "spec.selector", message).help = Some(
            "use the labels of the ingress gateway's pods, such as `istio: ingressgateway`"
                .to_owned(),
        );
        return;
    }
    check_secrets(index, item, &namespaces, report);
    if index.inventory.services.is_none() {
        report.unjudged(
            "IST0162",
            "whether a Service offers the ports of Gateways: the Services are not known",
        );
        return;
    }
    for (position, server) in item.object.spec.servers.iter().flatten().enumerate() {
        let number = server.port.number.unwrap_or(0);
        if number != 0 && !ports.contains(&number) {
            let message =
                format!("no Service of the pods with {} offers port {number}", text(selector));
            report
                .add(
                    Severity::Warning,
                    "IST0162",
                    &item.id,
                    format!("spec.servers[{position}].port.number"),
                    message,
                )
                .help = Some("add the port to the Service of the gateway".to_owned());
        }
    }
}

fn check_secrets(
    index: &Index<'_>,
    item: &Item<'_, Gateway>,
    namespaces: &BTreeSet<&str>,
    report: &mut Report,
) {
    let mut wanted: HashMap<&str, String> = HashMap::new();
    for (position, server) in item.object.spec.servers.iter().flatten().enumerate() {
        let Some(tls) = &server.tls else { continue };
        let single = tls.credential_name.iter().map(|name| (name, "credentialName".to_owned()));
        let several = tls.credential_names.iter().flatten().enumerate();
        let several = several.map(|(index, name)| (name, format!("credentialNames[{index}]")));
        for (name, field) in single.chain(several) {
            let name = name.strip_prefix("kubernetes://").unwrap_or(name);
            if !name.is_empty() && !name.contains("://") {
                wanted
                    .entry(name)
                    .or_insert_with(|| format!("spec.servers[{position}].tls.{field}"));
            }
        }
    }
    if wanted.is_empty() {
        return;
    }
    let Some(secrets) = &index.inventory.secrets else {
        report.unjudged(
            "IST0101",
            "whether the credentials of Gateways exist: the Secrets are not known",
        );
        return;
    };
    let known: std::collections::HashSet<(&str, &str)> = secrets
        .iter()
        .map(|secret| {
            let namespace = secret.metadata.namespace.as_deref().unwrap_or("default");
            (namespace, secret.metadata.name.as_deref().unwrap_or_default())
        })
        .collect();
    for (name, path) in wanted {
        for namespace in namespaces {
            let (space, short) = name.split_once('/').unwrap_or((namespace, name));
            if !known.contains(&(space, short)) {
                let message = format!("there is no Secret {space}/{short}");
                report.add(Severity::Error, "IST0101", &item.id, path.clone(), message).help =
                    Some("make it in the namespace of the gateway's pods".to_owned());
            }
        }
    }
}
