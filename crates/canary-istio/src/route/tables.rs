//! The routes of every listener, in the order of Envoy's search.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use super::{
    bindings::{BoundRoutes, bind},
    clusters::ClusterLookup,
    conditions::{Conditions, Listener},
    connections::ConnectionRule,
    entry::Entry,
    gateway_workload::{Group, NamedGateway},
    listeners::{Chain, Kind, Plain, Port, kind},
    routes::Route,
    rule_ref::RuleRef,
    services::Service,
    virtual_host::{Hosts, Size, TooManyRoutes, VirtualHost},
};
use crate::names::{ServerHosts, full_server_hosts};
use crate::networking::Server;

/// The proxies of one or more Gateways.
#[derive(Debug)]
pub(super) struct Workload {
    /// The names of the Gateways, as `namespace/name`.
    pub(super) gateways: Vec<String>,
    /// The names by which rules refer to them: those of the Gateway API have one for each listener.
    pub(super) referred: Vec<String>,
    pub(super) namespace: String,
    pub(super) labels: BTreeMap<String, String>,
    /// By the port on which the proxies listen.
    pub(super) ports: BTreeMap<u16, Port>,
    /// The proxies' ports for each port of the Service in front of them.
    pub(super) translated: BTreeMap<u16, u16>,
    /// The parts of the Gateways' servers that Istio or Envoy leaves out, with the reason.
    pub(super) notes: Vec<String>,
}

/// The sources of tables.
pub(super) struct Source<'s> {
    pub(super) lookup: &'s ClusterLookup,
    pub(super) entries: &'s [Arc<Entry>],
    /// The entries that name each gateway.
    by_gateway: HashMap<&'s str, Vec<usize>>,
}

impl<'s> Source<'s> {
    pub(super) fn new(lookup: &'s ClusterLookup, entries: &'s [Arc<Entry>]) -> Self {
        let mut by_gateway: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            let mut named = HashSet::new();
            for gateway in entry.gateways.iter().filter(|gateway| named.insert(gateway.as_str())) {
                by_gateway.entry(gateway).or_default().push(index);
            }
        }
        Self { lookup, entries, by_gateway }
    }

    /// The entries that a gateway's proxies see, nearest first, older before younger.
    pub(super) fn candidates(&self, gateway: &str, viewer: &str) -> Vec<&'s Arc<Entry>> {
        let mut seen: Vec<_> = self
            .by_gateway
            .get(gateway)
            .into_iter()
            .flatten()
            .filter_map(|index| {
                let entry = &self.entries[*index];
                Some((entry.rank(viewer)?, *index, entry))
            })
            .collect();
        seen.sort_by_key(|(rank, index, _)| (*rank, *index));
        seen.into_iter().map(|(_, _, entry)| entry).collect()
    }
}

impl Workload {
    /// The listeners of the proxies that take the gateways of a group.
    ///
    /// # Errors
    /// When hosts and rules multiply to too many routes.
    pub(super) fn new(
        group: Group<'_>,
        source: &Source<'_>,
        size: &mut Size,
    ) -> Result<Self, TooManyRoutes> {
        let Group { gateways, namespace, labels, told, service } = group;
        let registry = &source.lookup.registry;
        let translated = match service {
            Some(host) => {
                registry.get(&host, &namespace).map(Service::translated).unwrap_or_default()
            }
            None => registry.translated(&namespace, &labels, told),
        };
        let mut shown: Vec<String> = gateways.iter().map(|gateway| gateway.shown.clone()).collect();
        shown.dedup();
        let mut workload = Self {
            gateways: shown,
            referred: gateways.iter().map(|gateway| gateway.name.clone()).collect(),
            namespace,
            labels,
            ports: BTreeMap::new(),
            translated,
            notes: Vec::new(),
        };
        let mut layout = Layout {
            workload: &workload,
            source,
            size,
            ports: BTreeMap::new(),
            made: BoundRoutes::default(),
            notes: Vec::new(),
        };
        for gateway in &gateways {
            for server in gateway.gateway.spec.servers.iter().flatten() {
                let Ok(number) = u16::try_from(server.port.number.unwrap_or(0)) else {
                    continue;
                };
                layout.server(gateway, server, number)?;
            }
        }
        let (ports, notes) = layout.finish()?;
        (workload.ports, workload.notes) = (ports, notes);
        Ok(workload)
    }

    fn listener<'w>(&'w self, gateway: &'w str, port: u16) -> Listener<'w> {
        Listener { gateway, port, namespace: &self.namespace, labels: &self.labels }
    }
}

/// The listeners of one workload while its servers are added.
struct Layout<'w> {
    workload: &'w Workload,
    source: &'w Source<'w>,
    size: &'w mut Size,
    ports: BTreeMap<u16, Port>,
    /// Routes of an entry do not depend on the server, only on the gateway and on what serves them.
    made: BoundRoutes,
    notes: Vec<String>,
}

impl Layout<'_> {
    /// Adds a server, as Istio merges those of all Gateways of a workload (`mergeGateways` of
    /// `pilot/pkg/model/gateway.go`).
    fn server(
        &mut self,
        gateway: &NamedGateway<'_>,
        server: &Server,
        number: u16,
    ) -> Result<(), TooManyRoutes> {
        if gateway.ports.as_ref().is_some_and(|ports| !ports.contains(&number)) {
            self.notes.push(format!(
                "Gateway {}: the listener on port {number} is left out: the Service in front of it does not have the port",
                gateway.shown
            ));
            return Ok(());
        }
        let at = self.workload.translated.get(&number).copied().unwrap_or(number);
        let written = full_server_hosts(server.hosts.iter().flatten(), gateway.namespace);
        let port = self.ports.entry(at).or_default();
        if let Err(reason) = port.admit(server, &written) {
            let name = &gateway.shown;
            self.notes.push(format!(
                "Gateway {name}: the server on port {number} for {} is left out: {reason}",
                written.join(", ")
            ));
            return Ok(());
        }
        let listener = self.workload.listener(&gateway.name, number);
        match kind(server) {
            Kind::Plain => {
                let mut hosts = match port.plain.take() {
                    Some(Plain::Http(hosts)) => hosts,
                    _ => Hosts::default(),
                };
                self.http(gateway, server, &written, listener, at, &mut hosts)?;
                if let Some(port) = self.ports.get_mut(&at) {
                    port.plain = Some(Plain::Http(hosts));
                }
            }
            Kind::Https => {
                let mut hosts = Hosts::default();
                self.http(gateway, server, &written, listener, at, &mut hosts)?;
                if let Some(port) = self.ports.get_mut(&at) {
                    port.tls.get_or_insert_default().add(Chain::Http(hosts), &written, server);
                }
            }
            Kind::Tls => {
                let route = self.tcp(gateway, &written, listener);
                let port = self.ports.entry(at).or_default();
                if let Some(route) = route {
                    port.tls.get_or_insert_default().add(
                        Chain::Connection(route),
                        &written,
                        server,
                    );
                }
            }
            Kind::Passthrough => {
                let routes = self.tls(gateway, &written, listener);
                let port = self.ports.entry(at).or_default();
                let tls = port.tls.get_or_insert_default();
                for (names, route) in routes {
                    tls.add_rule(&route, &names, server);
                }
            }
            Kind::Opaque => {
                let route = self.tcp(gateway, &written, listener);
                let port = self.ports.entry(at).or_default();
                port.plain = Some(match route {
                    Some(route) => Plain::Connection(route),
                    None => Plain::Opaque(server.port.protocol.clone()),
                });
            }
        }
        Ok(())
    }

    /// Adds the virtual hosts of a server that speaks HTTP.
    fn http(
        &mut self,
        gateway: &NamedGateway<'_>,
        server: &Server,
        written: &[String],
        listener: Listener<'_>,
        at: u16,
        hosts: &mut Hosts,
    ) -> Result<(), TooManyRoutes> {
        let https_redirect =
            server.tls.as_ref().and_then(|tls| tls.https_redirect).unwrap_or(false);
        let made_for = match kind(server) {
            Kind::Https => format!("{at} {}", server.port.name),
            _ => at.to_string(),
        };
        let names = ServerHosts::new(written, gateway.namespace);
        for entry in self.source.candidates(&gateway.name, &self.workload.namespace) {
            let names = names.of(&entry.hosts, &entry.namespace);
            if names.is_empty() {
                continue;
            }
            let tls = server.tls.is_some();
            let Some(items) = self.made.items(entry, listener, &made_for, tls, self.source.lookup)
            else {
                continue;
            };
            self.size.add(names.len(), &gateway.shown)?;
            for name in names {
                let host = hosts.entry(&name, || VirtualHost::named(&name));
                host.push(&items);
                host.require_tls |= https_redirect;
            }
        }
        if https_redirect {
            // Istio writes a host with its namespace into the virtual host, where no request fits it.
            for name in written.iter().filter(|name| !name.contains('/')) {
                let name = name.to_ascii_lowercase();
                hosts.entry(&name, || VirtualHost::named(&name)).require_tls = true;
            }
        }
        Ok(())
    }

    /// The VirtualServices for a server, in order.
    fn serving(&self, gateway: &NamedGateway<'_>, written: &[String]) -> Vec<&Arc<Entry>> {
        let names = ServerHosts::new(written, gateway.namespace);
        let mut all = self.source.candidates(&gateway.name, &self.workload.namespace);
        all.retain(|entry| !names.of(&entry.hosts, &entry.namespace).is_empty());
        all
    }

    /// The rule for every connection to a server: the first that applies to it.
    fn tcp(
        &self,
        gateway: &NamedGateway<'_>,
        written: &[String],
        listener: Listener<'_>,
    ) -> Option<Arc<Route>> {
        let entries = self.serving(gateway, written);
        let mut rules = entries.iter().flat_map(|entry| &entry.tcp);
        rules.find_map(|rule| {
            let place = if rule.matches.is_empty() {
                &rule.rule.place
            } else {
                &rule.matches.iter().find(|found| found.holds_at(listener))?.place
            };
            Some(self.connection(rule, place, listener))
        })
    }

    /// The rules for connections to a server that passes TLS through, by the names that clients ask for. A match with
    /// a name that an earlier one has is left out whole (`buildGatewayNetworkFiltersFromTLSRoutes` of
    /// `pilot/pkg/networking/core/gateway.go`).
    fn tls(
        &self,
        gateway: &NamedGateway<'_>,
        written: &[String],
        listener: Listener<'_>,
    ) -> Vec<(Vec<String>, Arc<Route>)> {
        let entries = self.serving(gateway, written);
        let rules = entries.iter().flat_map(|entry| &entry.tls);
        rules
            .flat_map(|rule| rule.matches.iter().map(move |found| (rule, found)))
            .filter(|(_, found)| found.holds_at(listener))
            .map(|(rule, found)| {
                (found.names.clone(), self.connection(rule, &found.place, listener))
            })
            .collect()
    }

    fn connection(
        &self,
        rule: &ConnectionRule,
        place: &Arc<RuleRef>,
        listener: Listener<'_>,
    ) -> Arc<Route> {
        Arc::new(Route {
            place: Arc::clone(place),
            conditions: Conditions::none(),
            bound: bind(&rule.rule, listener, false, self.source.lookup),
        })
    }

    /// The listeners with the routes of every host laid out, and what was left out.
    fn finish(mut self) -> Result<(BTreeMap<u16, Port>, Vec<String>), TooManyRoutes> {
        let gateways = self.workload.gateways.join(", ");
        for (number, port) in &mut self.ports {
            self.size.finish(port.hosts_mut().flat_map(Hosts::values_mut), &gateways)?;
            if let Some(name) = port.tls.as_ref().and_then(|tls| tls.repeated.as_ref()) {
                self.notes.push(format!(
                    "Gateway {gateways}: Envoy refuses the listener on port {number}, because {name} appears twice in it"
                ));
            }
        }
        Ok((self.ports, self.notes))
    }
}
