//! The rules of a `VirtualService` with full names and with its delegates merged.

use canary_core::{
    VirtualService,
    istio::{Destination, Duration, HttpRoute},
    names::{Exports, MESH, qualify, qualify_gateway},
};
use serde_json::{Value, json};

use super::{
    delegate::merge,
    inventory::{Inventory, namespace},
};

/// A `VirtualService` with full names, ready to be bound to servers.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) namespace: String,
    pub(super) hosts: Vec<String>,
    pub(super) gateways: Vec<String>,
    pub(super) exports: Exports,
    pub(super) http: Vec<HttpRoute>,
}

/// Every `VirtualService` with hosts; one without hosts is a delegate.
pub(super) fn prepare(inventory: &Inventory, sorted: &[&VirtualService]) -> Vec<Prepared> {
    let has_hosts = |service: &&&VirtualService| {
        service.spec.hosts.as_ref().is_some_and(|hosts| !hosts.is_empty())
    };
    sorted.iter().filter(has_hosts).map(|service| one(inventory, service)).collect()
}

fn one(inventory: &Inventory, service: &VirtualService) -> Prepared {
    let own = namespace(&service.metadata);
    let spec = &service.spec;
    let mut hosts: Vec<String> = Vec::new();
    for host in spec.hosts.iter().flatten() {
        let host = qualify(host, own, &inventory.domain);
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    let mut gateways: Vec<String> =
        spec.gateways.iter().flatten().map(|name| qualify_gateway(name, own)).collect();
    if gateways.is_empty() {
        gateways.push(MESH.to_owned());
    }
    let mut http = Vec::new();
    for rule in spec.http.iter().flatten() {
        let completed = complete(rule, own, &inventory.domain);
        match &rule.delegate {
            None => http.push(completed),
            Some(delegate) => {
                let name = delegate.name.as_deref().unwrap_or_default();
                let target =
                    delegate.namespace.as_deref().filter(|name| !name.is_empty()).unwrap_or(own);
                let found = inventory.virtual_services.iter().find(|other| {
                    other.name() == name
                        && namespace(&other.metadata) == target
                        && other.spec.hosts.as_ref().is_none_or(Vec::is_empty)
                });
                let Some(found) = found else { continue };
                if !exports(found, target).includes(own) {
                    continue;
                }
                let rules = found.spec.http.iter().flatten();
                let inner = rules.map(|rule| complete(rule, target, &inventory.domain));
                http.extend(inner.filter_map(|rule| merge(&completed, &rule)));
            }
        }
    }
    Prepared { namespace: own.to_owned(), hosts, gateways, exports: exports(service, own), http }
}

fn exports(service: &VirtualService, own: &str) -> Exports {
    Exports::new(service.spec.export_to.iter().flatten().map(String::as_str), own)
}

/// A rule with the full names of its hosts and gateways.
fn complete(rule: &HttpRoute, namespace: &str, domain: &str) -> HttpRoute {
    let mut rule = rule.clone();
    let full = |destination: &mut Destination| {
        destination.host = qualify(&destination.host, namespace, domain);
    };
    rule.route.iter_mut().flatten().for_each(|target| full(&mut target.destination));
    rule.mirror.iter_mut().for_each(full);
    rule.mirrors.iter_mut().flatten().for_each(|mirror| full(&mut mirror.destination));
    for entry in rule.matches.iter_mut().flatten() {
        for gateway in entry.gateways.iter_mut().flatten() {
            *gateway = qualify_gateway(gateway, namespace);
        }
    }
    rule
}

/// A duration in protobuf's JSON format, such as `1.5s`.
pub(super) fn seconds(duration: &Duration) -> Value {
    json!(duration.as_std().map_or_else(Duration::default, Duration::from).as_str())
}
