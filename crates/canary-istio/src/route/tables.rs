//! The routes of every listener, laid out as Envoy searches them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use super::{
    clusters::World,
    conditions::{Conditions, Listener, Unmet},
    destination_rules::Client,
    gateway_workload::GatewayWorkload,
    rewrite::RedirectTo,
    routes::{Bound, Route},
    rule_ref::RuleRef,
    rules::{Action, Rule},
    virtual_host::{Hosts, Item, Size, TooManyRoutes, VirtualHost},
    virtual_services::{Entry, Sorted},
};
use crate::names::{HostTable, MESH, ServerHosts, server_host};
use crate::networking::{Gateway, Server, ServerTlsMode};

/// The listener on a port of a gateway.
#[derive(Debug)]
pub(super) enum Protocol {
    /// Plain HTTP: the servers of all gateways on the port are one table.
    Plain(Hosts),
    /// HTTPS that the gateway ends: one table for each server, found by SNI.
    Tls(HostTable<usize>, Vec<Hosts>),
    /// Something that HTTP rules do not concern.
    Opaque(String),
}

/// The proxies of one or more Gateways.
#[derive(Debug)]
pub(super) struct Workload {
    pub(super) gateways: Vec<String>,
    pub(super) namespace: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) ports: BTreeMap<u16, Protocol>,
}

/// A Gateway with its name.
pub(super) struct NamedGateway<'g> {
    pub(super) name: String,
    pub(super) namespace: &'g str,
    pub(super) gateway: &'g Gateway,
}

/// The sources of tables.
pub(super) struct Source<'s> {
    pub(super) world: &'s World,
    pub(super) entries: &'s [Arc<Entry>],
    /// For each gateway the entries that name it.
    by_gateway: HashMap<&'s str, Vec<usize>>,
}

impl<'s> Source<'s> {
    pub(super) fn new(world: &'s World, entries: &'s [Arc<Entry>]) -> Self {
        let mut by_gateway: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            let mut named = HashSet::new();
            for gateway in entry.gateways.iter().filter(|gateway| named.insert(gateway.as_str())) {
                by_gateway.entry(gateway).or_default().push(index);
            }
        }
        Self { world, entries, by_gateway }
    }

    /// The entries that a gateway's proxies see, nearest first, older before younger.
    fn candidates(&self, gateway: &str, viewer: &str) -> Vec<&'s Arc<Entry>> {
        let mut seen: Vec<_> = self
            .by_gateway
            .get(gateway)
            .into_iter()
            .flatten()
            .filter_map(|index| {
                let entry = &self.entries[*index];
                let nearness = entry.exports.seen_from(viewer, &entry.namespace)?;
                Some((nearness, *index, entry))
            })
            .collect();
        seen.sort_by_key(|(nearness, index, _)| (*nearness, *index));
        seen.into_iter().map(|(_, _, entry)| entry).collect()
    }
}

impl Workload {
    /// The listeners of the proxies that take the given gateways.
    ///
    /// # Errors
    /// When hosts and rules multiply to too many routes.
    pub(super) fn new(
        gateways: &[NamedGateway<'_>],
        namespace: String,
        labels: BTreeMap<String, String>,
        source: &Source<'_>,
        size: &mut Size,
    ) -> Result<Self, TooManyRoutes> {
        let mut workload = Self {
            gateways: gateways.iter().map(|gateway| gateway.name.clone()).collect(),
            namespace,
            labels,
            ports: BTreeMap::new(),
        };
        let mut layout = Layout {
            workload: &workload,
            source,
            size,
            ports: BTreeMap::new(),
            made: Made::default(),
        };
        for gateway in gateways {
            for server in gateway.gateway.spec.servers.iter().flatten() {
                let Ok(port) = u16::try_from(server.port.number) else {
                    continue;
                };
                layout.server(gateway, server, port)?;
            }
        }
        workload.ports = layout.finish()?;
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
    ports: BTreeMap<u16, Protocol>,
    /// Routes of an entry do not depend on the server, only on gateway, port and TLS.
    made: Made,
}

impl Layout<'_> {
    /// The hosts that a server's routes go to: none when it is not HTTP, or when another protocol has its port
    /// already, which the first server keeps.
    fn hosts<'p>(
        ports: &'p mut BTreeMap<u16, Protocol>,
        server: &Server,
        port: u16,
    ) -> Option<&'p mut Hosts> {
        match kind(server) {
            Kind::Plain => {
                let new = || Protocol::Plain(Hosts::default());
                match ports.entry(port).or_insert_with(new) {
                    Protocol::Plain(hosts) => Some(hosts),
                    _ => None,
                }
            }
            Kind::Tls => {
                let new = || Protocol::Tls(HostTable::default(), Vec::new());
                let Protocol::Tls(names, servers) = ports.entry(port).or_insert_with(new) else {
                    return None;
                };
                for host in server.hosts.iter().flatten() {
                    names.entry(server_host(host).1, || servers.len());
                }
                servers.push(Hosts::default());
                servers.last_mut()
            }
            Kind::Opaque => {
                let name = server.port.protocol.clone();
                ports.entry(port).or_insert(Protocol::Opaque(name));
                None
            }
        }
    }

    fn server(
        &mut self,
        gateway: &NamedGateway<'_>,
        server: &Server,
        port: u16,
    ) -> Result<(), TooManyRoutes> {
        let Some(hosts) = Self::hosts(&mut self.ports, server, port) else {
            return Ok(());
        };
        let https_redirect =
            server.tls.as_ref().and_then(|tls| tls.https_redirect).unwrap_or(false);
        let tls = matches!(kind(server), Kind::Tls);
        let names = ServerHosts::new(server.hosts.iter().flatten(), gateway.namespace);
        for entry in self.source.candidates(&gateway.name, &self.workload.namespace) {
            let names = names.of(&entry.hosts, &entry.namespace);
            if names.is_empty() {
                continue;
            }
            let listener = self.workload.listener(&gateway.name, port);
            let items = self.made.items(entry, listener, tls, self.source.world);
            if !items.iter().any(|item| matches!(item, Item::Live(_))) {
                continue;
            }
            self.size.add(names.len(), &gateway.name)?;
            for name in names {
                let host = hosts.entry(&name, || VirtualHost::named(&name));
                host.push(&items);
                host.require_tls |= https_redirect;
            }
        }
        if https_redirect {
            for written in server.hosts.iter().flatten() {
                let name = server_host(written).1.to_ascii_lowercase();
                hosts.entry(&name, || VirtualHost::named(&name)).require_tls = true;
            }
        }
        Ok(())
    }

    /// The listeners with the routes of every host laid out.
    fn finish(mut self) -> Result<BTreeMap<u16, Protocol>, TooManyRoutes> {
        let gateways = self.workload.gateways.join(", ");
        for protocol in self.ports.values_mut() {
            match protocol {
                Protocol::Plain(hosts) => self.size.finish(hosts.values_mut(), &gateways)?,
                Protocol::Tls(_, servers) => {
                    self.size.finish(servers.iter_mut().flat_map(Hosts::values_mut), &gateways)?;
                }
                Protocol::Opaque(_) => {}
            }
        }
        Ok(self.ports)
    }
}

enum Kind {
    Plain,
    Tls,
    Opaque,
}

fn kind(server: &Server) -> Kind {
    let protocol = server.port.protocol.to_ascii_uppercase();
    match protocol.as_str() {
        "HTTP" | "HTTP2" | "GRPC" | "GRPC-WEB" | "HTTP_PROXY" => Kind::Plain,
        "HTTPS" => {
            let mode = server.tls.as_ref().and_then(|tls| tls.mode).unwrap_or_default();
            match mode {
                ServerTlsMode::Passthrough | ServerTlsMode::AutoPassthrough => Kind::Opaque,
                _ => Kind::Tls,
            }
        }
        _ => Kind::Opaque,
    }
}

/// Routes already made for one workload, so that servers share them.
#[derive(Default)]
struct Made(HashMap<(*const Entry, String, u16, bool), Arc<[Item]>>);

impl Made {
    fn items(
        &mut self,
        entry: &Arc<Entry>,
        listener: Listener<'_>,
        tls: bool,
        world: &World,
    ) -> Arc<[Item]> {
        let key = (Arc::as_ptr(entry), listener.gateway.to_owned(), listener.port, tls);
        if let Some(items) = self.0.get(&key) {
            return Arc::clone(items);
        }
        let items: Arc<[Item]> = gateway_items(entry, listener, tls, world).into();
        self.0.insert(key, Arc::clone(&items));
        items
    }
}

/// The routes of an entry at a gateway's listener. Nothing is generated after the first catch-all.
fn gateway_items(entry: &Entry, listener: Listener<'_>, tls: bool, world: &World) -> Vec<Item> {
    let label = |key: &str| listener.labels.get(key).map(String::as_str);
    let client = Client { namespace: listener.namespace, label: &label };
    let bind = |rule: &Arc<Rule>| {
        Arc::new(Bound {
            clusters: rule
                .targets
                .iter()
                .map(|target| Arc::new(world.cluster(&target.address, &client, listener.port)))
                .collect(),
            mirrors: rule
                .mirrors
                .iter()
                .map(|(address, _)| Arc::new(world.cluster(address, &client, listener.port)))
                .collect(),
            redirect: match &rule.action {
                Action::Redirect(written) => RedirectTo::new(written, listener.port, tls),
                _ => None,
            },
            rule: Arc::clone(rule),
        })
    };
    let mut items = Vec::new();
    let mut catch_all: Option<Arc<RuleRef>> = None;
    let mut push = |place: &Arc<RuleRef>, judged: Result<Conditions, Unmet>, bound: &Arc<Bound>| {
        let item = match (&catch_all, judged) {
            (Some(earlier), _) => Item::Shadowed(Arc::clone(place), Arc::clone(earlier)),
            (None, Err(unmet)) => Item::Dead(Arc::clone(place), Arc::new(unmet)),
            (None, Ok(conditions)) => {
                let all = conditions.is_catch_all();
                if all {
                    catch_all = Some(Arc::clone(place));
                }
                let route =
                    Route { place: Arc::clone(place), conditions, bound: Arc::clone(bound) };
                Item::Live(Arc::new(route))
            }
        };
        items.push(item);
    };
    for rule in &entry.rules {
        let bound = bind(rule);
        if rule.matches.is_empty() {
            push(&rule.place, Ok(Conditions::none()), &bound);
        }
        for (conditions, place) in &rule.matches {
            push(place, conditions.at_gateway(listener, &place.path), &bound);
        }
    }
    items
}

/// The table that sidecars route by.
#[derive(Debug, Default)]
pub(super) struct MeshTable {
    /// For each host the entries that claim it, oldest first.
    pub(super) hosts: HostTable<Vec<usize>>,
    /// For each entry its routes; conditions on the client are judged with the request.
    pub(super) routes: Vec<Vec<Arc<Route>>>,
}

impl MeshTable {
    /// The table of the entries that are bound to the mesh.
    pub(super) fn new(entries: &[Arc<Entry>]) -> Self {
        let mut table = Self::default();
        for (index, entry) in entries.iter().enumerate() {
            if !entry.gateways.iter().any(|gateway| gateway == MESH) {
                table.routes.push(Vec::new());
                continue;
            }
            for host in &entry.hosts {
                table.hosts.entry(host, Vec::new).push(index);
            }
            let mut routes = Vec::new();
            for rule in &entry.rules {
                let bound = Arc::new(Bound {
                    rule: Arc::clone(rule),
                    clusters: Box::default(),
                    mirrors: Box::default(),
                    redirect: None,
                });
                let mut push = |place: &Arc<RuleRef>, conditions: Conditions| {
                    routes.push(Arc::new(Route {
                        place: Arc::clone(place),
                        conditions,
                        bound: Arc::clone(&bound),
                    }));
                };
                if rule.matches.is_empty() {
                    push(&rule.place, Conditions::none());
                }
                for (conditions, place) in &rule.matches {
                    push(place, conditions.clone());
                }
            }
            table.routes.push(routes);
        }
        table
    }
}

/// Sorts Gateways into workloads: as told, else those with the same selector together.
pub(super) fn group<'g>(
    gateways: &'g Sorted<Gateway>,
    told: &[GatewayWorkload],
    default_namespace: &str,
) -> Vec<(Vec<NamedGateway<'g>>, String, BTreeMap<String, String>)> {
    let mut groups: Vec<(Vec<NamedGateway<'g>>, String, BTreeMap<String, String>)> = told
        .iter()
        .map(|workload| (Vec::new(), workload.namespace.clone(), workload.labels.clone()))
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
                groups.push((Vec::new(), default_namespace.to_owned(), labels));
                match selector {
                    Some(selector) => {
                        by_selector.insert(selector, groups.len() - 1);
                    }
                    None => without = Some(groups.len() - 1),
                }
                groups.len() - 1
            });
        groups[at].0.push(NamedGateway { name: full, namespace, gateway });
    }
    groups.retain(|(gateways, _, _)| !gateways.is_empty());
    groups
}
