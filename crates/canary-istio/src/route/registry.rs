//! The services that are known, found by host and by address for a client.

use std::collections::{BTreeMap, HashMap};

use super::services::{Service, Speaks};
use crate::names::{Exports, HostIndex, Nearness, service_namespace};

/// A service with values that are computed once.
#[derive(Debug)]
struct Known {
    service: Service,
    namespace: Option<String>,
    exports: Exports,
}

impl Known {
    /// The namespace that it belongs to; empty for none.
    fn owner(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }
}

/// The services that are known.
#[derive(Debug, Default)]
pub(super) struct Registry {
    all: Vec<Known>,
    by_host: HostIndex<Vec<usize>>,
    by_address: HashMap<String, Vec<usize>>,
    by_port: HashMap<u16, Vec<usize>>,
    /// Those without a list of ports, which count as having every one.
    of_any_port: Vec<usize>,
    /// True when a service that is not listed does not exist.
    complete: bool,
    /// True when some services have more names than can be listed.
    wildcards: bool,
    /// True when the servers of some service speak first.
    server_first: bool,
}

impl Registry {
    /// Indexes the services that objects declare, oldest first, and those that are given in addition, which say more of a
    /// declared one of the same host and namespace.
    pub(super) fn new(
        declared: impl IntoIterator<Item = Service>,
        told: impl IntoIterator<Item = Service>,
        complete: bool,
        domain: &str,
    ) -> Self {
        let mut registry = Self { complete, ..Self::default() };
        for service in declared {
            registry.add(service, domain, |known, service| {
                match (known.kubernetes, service.kubernetes) {
                    (true, false) => {}
                    (false, true) => *known = service,
                    // Entries of one host and namespace are one service with the ports of all
                    // (`appendSidecarServices` of `pilot/pkg/model/sidecar.go`).
                    _ => {
                        let more: Vec<u16> = service
                            .ports
                            .into_iter()
                            .filter(|port| !known.ports.contains(port))
                            .collect();
                        known.ports.extend(more);
                        for (port, protocol) in service.protocols {
                            known.protocols.entry(port).or_insert(protocol);
                        }
                        known.addresses.extend(service.addresses);
                    }
                }
            });
        }
        for service in told {
            registry.add(service, domain, |known, told| *known = told.completed_by(known));
        }
        for (index, known) in registry.all.iter().enumerate() {
            registry.wildcards |= known.service.headless || known.service.host.starts_with('*');
            for port in &known.service.ports {
                registry.server_first |= known.service.speaks(*port) == Speaks::ServerFirst;
                registry.by_port.entry(*port).or_default().push(index);
            }
            if known.service.ports.is_empty() {
                registry.of_any_port.push(index);
            }
            let called = known.service.addresses.iter().filter(|address| !address.contains('/'));
            for address in called {
                registry.by_address.entry(address.clone()).or_default().push(index);
            }
        }
        registry
    }

    fn add(
        &mut self,
        mut service: Service,
        domain: &str,
        merge: impl FnOnce(&mut Service, Service),
    ) {
        service.host.make_ascii_lowercase();
        let of_name = || service_namespace(&service.host, domain).map(str::to_owned);
        let namespace = service.namespace.clone().or_else(of_name);
        let same = self.by_host.entry(&service.host);
        let earlier = same.iter().copied().find(|index| self.all[*index].namespace == namespace);
        let index = earlier.unwrap_or(self.all.len());
        if let Some(known) = self.all.get_mut(index) {
            merge(&mut known.service, service);
        } else {
            same.push(index);
            let exports = Exports::new([], "");
            self.all.push(Known { service, namespace, exports });
        }
        let Known { service, namespace, exports } = &mut self.all[index];
        let own = namespace.as_deref().unwrap_or_default();
        *exports = Exports::new(service.export_to.iter().map(String::as_str), own);
    }

    /// True when a service that is not listed does not exist.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// True when no services are listed, so that it is unknown which hosts are services.
    pub(super) fn is_unknown(&self) -> bool {
        self.all.is_empty() && !self.complete
    }

    /// True when some services have more names than can be listed: by a wildcard, or by those of their pods.
    pub(super) fn has_wildcards(&self) -> bool {
        self.wildcards
    }

    /// True when the servers of some service speak first.
    pub(super) fn has_server_first(&self) -> bool {
        self.server_first
    }

    /// The namespace that a service belongs to.
    pub(super) fn namespace_of(&self, host: &str, viewer: &str) -> Option<&str> {
        self.pick(host, viewer, |_, _| true).and_then(|known| known.namespace.as_deref())
    }

    /// The service of a host that a client in a namespace means: that of its own namespace, else Kubernetes' own, else
    /// the oldest (`selectServices` of `pilot/pkg/model/sidecar.go`).
    pub(super) fn get(&self, host: &str, viewer: &str) -> Option<&Service> {
        self.get_among(host, viewer, |_, _| true)
    }

    /// As [`Registry::get`], among those that `imports` takes by host and namespace.
    pub(super) fn get_among(
        &self,
        host: &str,
        viewer: &str,
        imports: impl Fn(&str, &str) -> bool,
    ) -> Option<&Service> {
        self.pick(host, viewer, imports).map(|known| &known.service)
    }

    /// As [`Registry::get`], but a service of `owner` comes first where the client sees it
    /// (`buildNameToServiceMapForHTTPRoutes` of `pilot/pkg/networking/core/gateway.go`).
    pub(super) fn get_of(&self, host: &str, owner: &str, viewer: &str) -> Option<&Service> {
        let all = self.by_host.get(host).into_iter().flatten().map(|index| &self.all[*index]);
        let own = all
            .filter(|known| known.namespace.as_deref() == Some(owner))
            .find(|known| known.exports.includes(viewer));
        own.map(|known| &known.service).or_else(|| self.get(host, viewer))
    }

    fn pick(
        &self,
        host: &str,
        viewer: &str,
        imports: impl Fn(&str, &str) -> bool,
    ) -> Option<&Known> {
        let seen = || {
            self.by_host
                .get(host)
                .into_iter()
                .flatten()
                .map(|index| &self.all[*index])
                .filter(|known| known.exports.includes(viewer) && imports(host, known.owner()))
        };
        // Those for some namespaces come before those for all.
        let public = |known: &&Known| {
            known.exports.seen_from(viewer, known.owner()) == Some(Nearness::Public)
        };
        seen()
            .find(|known| known.namespace.as_deref() == Some(viewer))
            .or_else(|| seen().find(|known| known.service.kubernetes))
            .or_else(|| seen().min_by_key(public))
    }

    /// The services that a client sees whose hosts a wildcard fits.
    pub(super) fn fitting<'r>(
        &'r self,
        wildcard: &'r str,
        viewer: &'r str,
    ) -> impl Iterator<Item = &'r Service> {
        let itself = self.by_host.get(wildcard).map(|_| wildcard.to_owned());
        let narrower = self.by_host.covered(wildcard).map(|(host, _)| host);
        itself.into_iter().chain(narrower).filter_map(move |host| self.get(&host, viewer))
    }

    /// The services that a client sees under an address.
    pub(super) fn at<'r>(
        &'r self,
        address: &str,
        viewer: &'r str,
    ) -> impl Iterator<Item = &'r Service> {
        let indexes = self.by_address.get(address).into_iter().flatten();
        indexes
            .map(|index| &self.all[*index])
            .filter(|known| known.exports.includes(viewer))
            .map(|known| &known.service)
    }

    /// The services that a client sees on a port, of several of one host the one that it means, each with its place in
    /// the order in which Istio takes them: those for some namespaces first (`servicesExportedToNamespace` of
    /// `pilot/pkg/model/push_context.go`).
    pub(super) fn on_port<'r>(
        &'r self,
        port: u16,
        viewer: &'r str,
        imports: impl Fn(&str, &str) -> bool + Copy + 'r,
    ) -> impl Iterator<Item = ((bool, usize), &'r Service)> {
        let listed = self.by_port.get(&port).into_iter().flatten();
        listed.chain(&self.of_any_port).filter_map(move |index| {
            let known = &self.all[*index];
            let host = &known.service.host;
            let nearness = known.exports.seen_from(viewer, known.owner())?;
            let meant = imports(host, known.owner())
                && self
                    .pick(host, viewer, imports)
                    .is_some_and(|picked| std::ptr::eq(picked, known));
            meant.then_some(((nearness == Nearness::Public, *index), &known.service))
        })
    }

    /// Every port that a service has.
    pub(super) fn ports(&self) -> impl Iterator<Item = u16> {
        self.all.iter().flat_map(|known| &known.service.ports).copied()
    }

    /// The ports on which gateway proxies listen, for those of the Service before them: its target ports. Of proxies
    /// whose labels are not all known those that are must not contradict the Service's selector, and one must be in it
    /// (`resolvePorts` of `pilot/pkg/model/gateway.go`).
    pub(super) fn translated(
        &self,
        namespace: &str,
        labels: &BTreeMap<String, String>,
        exact: bool,
    ) -> BTreeMap<u16, u16> {
        let selects = |known: &&Known| {
            let selector = &known.service.selector;
            let same = |(key, value): (&String, &String)| labels.get(key).map(|own| own == value);
            let known_to_differ =
                selector.iter().any(|pair| same(pair).map_or(exact, |same| !same));
            known.namespace.as_deref() == Some(namespace)
                && !selector.is_empty()
                && !known_to_differ
                && selector.iter().any(|pair| same(pair) == Some(true))
        };
        let mut translated = BTreeMap::new();
        for known in self.all.iter().filter(selects) {
            for (port, target) in known.service.translated() {
                translated.entry(port).or_insert(target);
            }
        }
        translated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(namespace: &str, port: u16) -> Service {
        let mut service = Service::new("ext.org").port(port);
        service.namespace = Some(namespace.to_owned());
        service
    }

    #[test]
    fn the_clients_own_service_comes_first_then_kubernetes() {
        let mut of_cluster = entry("c", 3);
        of_cluster.kubernetes = true;
        let registry =
            Registry::new([entry("a", 1), entry("b", 2), of_cluster], [], true, "cluster.local");
        let port = |viewer| registry.get("ext.org", viewer).map(|service| service.ports[0]);
        assert_eq!(port("b"), Some(2));
        assert_eq!(port("x"), Some(3));
        let registry = Registry::new([entry("a", 1), entry("b", 2)], [], true, "cluster.local");
        assert_eq!(registry.namespace_of("ext.org", "x"), Some("a"));
    }

    #[test]
    fn what_is_not_exported_is_not_seen() {
        let mut hidden = entry("a", 1);
        hidden.export_to = vec![".".to_owned()];
        let registry = Registry::new([hidden, entry("b", 2)], [], true, "cluster.local");
        let port = |viewer| registry.get("ext.org", viewer).map(|service| service.ports[0]);
        assert_eq!((port("a"), port("x")), (Some(1), Some(2)));
    }

    #[test]
    fn entries_of_one_host_share_their_ports_and_what_is_told_counts_more() {
        let registry = Registry::new([entry("a", 1), entry("a", 2)], [], false, "cluster.local");
        let ports =
            |registry: &Registry| registry.get("ext.org", "x").map(|service| service.ports.clone());
        assert_eq!(ports(&registry), Some(vec![1, 2]));
        let told = Registry::new([entry("a", 1)], [entry("a", 7)], false, "cluster.local");
        assert_eq!(ports(&told), Some(vec![7]));
        // A field that the second source leaves out keeps the declared value.
        let mut healthy = entry("a", 1).without_endpoints();
        healthy.ports.clear();
        let told = Registry::new([entry("a", 1)], [healthy], false, "cluster.local");
        let service = told.get("ext.org", "x").unwrap();
        assert_eq!((&service.ports[..], service.endpoints.as_deref()), (&[1][..], Some(&[][..])));
        assert!(!told.is_unknown() && Registry::default().is_unknown());
    }
}
