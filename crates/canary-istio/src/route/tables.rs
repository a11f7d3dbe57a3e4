//! The routes of every listener, laid out as Envoy searches them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use super::{
    clusters::{Address, Proxy, World},
    conditions::{Conditions, Listener, Unmet},
    connections::ConnectionRule,
    destination_rules::Client,
    gateway_workload::GatewayWorkload,
    listeners::{Chain, Kind, Plain, Port, kind},
    rewrite::RedirectTo,
    routes::{Bound, Route},
    rule_ref::RuleRef,
    rules::{Action, Rule},
    virtual_host::{Hosts, Item, Size, TooManyRoutes, VirtualHost},
    virtual_services::{Entry, Sorted},
};
use crate::names::{ServerHosts, full_server_hosts};
use crate::networking::{Gateway, Server};

/// The proxies of one or more Gateways.
#[derive(Debug)]
pub(super) struct Workload {
    pub(super) gateways: Vec<String>,
    pub(super) namespace: String,
    pub(super) labels: BTreeMap<String, String>,
    /// By the port on which the proxies listen.
    pub(super) ports: BTreeMap<u16, Port>,
    /// For ports of the Service before the proxies those on which they listen.
    pub(super) translated: BTreeMap<u16, u16>,
    /// What Istio or Envoy leaves out of the Gateways' servers, and why.
    pub(super) notes: Vec<String>,
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
    pub(super) fn candidates(&self, gateway: &str, viewer: &str) -> Vec<&'s Arc<Entry>> {
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
    /// The listeners of the proxies that take the given gateways; `exact` says that their labels are known, not only
    /// those that the gateways select by.
    ///
    /// # Errors
    /// When hosts and rules multiply to too many routes.
    pub(super) fn new(
        gateways: &[NamedGateway<'_>],
        namespace: String,
        labels: BTreeMap<String, String>,
        exact: bool,
        source: &Source<'_>,
        size: &mut Size,
    ) -> Result<Self, TooManyRoutes> {
        let translated = source.world.registry.translated(&namespace, &labels, exact);
        let mut workload = Self {
            gateways: gateways.iter().map(|gateway| gateway.name.clone()).collect(),
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
            made: Made::default(),
            notes: Vec::new(),
        };
        for gateway in gateways {
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
    made: Made,
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
        let at = self.workload.translated.get(&number).copied().unwrap_or(number);
        let written = full_server_hosts(server.hosts.iter().flatten(), gateway.namespace);
        let port = self.ports.entry(at).or_default();
        if let Err(reason) = port.admit(server, &written) {
            let name = &gateway.name;
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
            let Some(items) = self.made.items(entry, listener, &made_for, tls, self.source.world)
            else {
                continue;
            };
            self.size.add(names.len(), &gateway.name)?;
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
            bound: bind(&rule.rule, listener, false, self.source.world),
        })
    }

    /// The listeners with the routes of every host laid out, and what was left out.
    fn finish(mut self) -> Result<(BTreeMap<u16, Port>, Vec<String>), TooManyRoutes> {
        let gateways = self.workload.gateways.join(", ");
        for (number, port) in &mut self.ports {
            self.size.finish(port.hosts_mut().flat_map(Hosts::values_mut), &gateways)?;
            if let Some(name) = port.tls.as_ref().and_then(|tls| tls.repeated.as_ref()) {
                self.notes.push(format!(
                    "Gateway {gateways}: Envoy refuses the listener on port {number}, in which {name} stands twice"
                ));
            }
        }
        Ok((self.ports, self.notes))
    }
}

/// Routes already made for one workload, so that servers share them.
#[derive(Default)]
struct Made(HashMap<(*const Entry, String, String), Arc<[Item]>>);

impl Made {
    /// The routes of an entry for a gateway in one table, those that the first server with it made; `None` when the
    /// entry has none there.
    fn items(
        &mut self,
        entry: &Arc<Entry>,
        listener: Listener<'_>,
        table: &str,
        tls: bool,
        world: &World,
    ) -> Option<Arc<[Item]>> {
        let key = (Arc::as_ptr(entry), listener.gateway.to_owned(), table.to_owned());
        if let Some(items) = self.0.get(&key) {
            return Some(Arc::clone(items));
        }
        let items: Arc<[Item]> = gateway_items(entry, listener, tls, world).into();
        if !items.iter().any(|item| matches!(item, Item::Live(_))) {
            return None;
        }
        self.0.insert(key, Arc::clone(&items));
        Some(items)
    }
}

/// A rule with its destinations as clusters, for the clients of a gateway's listener.
fn bind(rule: &Arc<Rule>, listener: Listener<'_>, tls: bool, world: &World) -> Arc<Bound> {
    let label = |key: &str| listener.labels.get(key).map(String::as_str);
    let client = Client { namespace: listener.namespace, label: &label };
    let cluster = |address: &Address| {
        Arc::new(world.cluster(address, &client, listener.port, Proxy::Gateway))
    };
    Arc::new(Bound {
        clusters: rule.targets.iter().map(|target| cluster(&target.address)).collect(),
        mirrors: rule.mirrors.iter().map(|(address, _)| cluster(address)).collect(),
        redirect: match &rule.action {
            Action::Redirect(written) => RedirectTo::new(written, listener.port, tls),
            _ => None,
        },
        rule: Arc::clone(rule),
    })
}

/// The routes of an entry at a gateway's listener. Nothing is generated after the first catch-all.
fn gateway_items(entry: &Entry, listener: Listener<'_>, tls: bool, world: &World) -> Vec<Item> {
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
        let bound = bind(rule, listener, tls, world);
        if rule.matches.is_empty() {
            push(&rule.place, Ok(Conditions::none()), &bound);
        }
        for (conditions, place) in &rule.matches {
            push(place, conditions.at_gateway(listener, &place.path), &bound);
        }
    }
    items
}

/// The Gateways of one workload.
pub(super) struct Group<'g> {
    pub(super) gateways: Vec<NamedGateway<'g>>,
    pub(super) namespace: String,
    pub(super) labels: BTreeMap<String, String>,
    /// True when the workload was described, and its labels are all that it has.
    pub(super) told: bool,
}

/// Sorts Gateways into workloads: as told, else those with the same selector together.
pub(super) fn group<'g>(
    gateways: &'g Sorted<Gateway>,
    told: &[GatewayWorkload],
    default_namespace: &str,
) -> Vec<Group<'g>> {
    let mut groups: Vec<Group<'g>> = told
        .iter()
        .map(|workload| Group {
            gateways: Vec::new(),
            namespace: workload.namespace.clone(),
            labels: workload.labels.clone(),
            told: true,
        })
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
                groups.push(Group {
                    gateways: Vec::new(),
                    namespace: default_namespace.to_owned(),
                    labels,
                    told: false,
                });
                match selector {
                    Some(selector) => {
                        by_selector.insert(selector, groups.len() - 1);
                    }
                    None => without = Some(groups.len() - 1),
                }
                groups.len() - 1
            });
        groups[at].gateways.push(NamedGateway { name: full, namespace, gateway });
    }
    groups.retain(|group| !group.gateways.is_empty());
    groups
}
