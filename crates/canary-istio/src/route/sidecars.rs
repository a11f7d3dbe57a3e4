//! The virtual host that a sidecar finds for a request.
//!
//! Istio lays out one table for each sidecar and port: first the VirtualServices that the client sees, nearest and oldest
//! first, each under the names of the services that its hosts stand for and under those hosts that are no services; then
//! the services that no VirtualService has taken (`BuildSidecarOutboundVirtualHosts` of
//! `pilot/pkg/networking/core/httproute.go` and `BuildSidecarVirtualHostWrapper` of `core/route/route.go`). Here the entry
//! that one request finds is worked out without the table.

use std::sync::Arc;

use super::{
    clusters::ClusterLookup,
    conditions::{Conditions, Fixed},
    destination_rules::Client,
    routes::{Bound, Route},
    rule_ref::RuleRef,
    scopes::{Beyond, Egress, Scope, Scopes},
    services::{Service, Speaks},
    virtual_services::Entry,
};
use crate::names::{
    HostTable, MESH, Nearness, expand_alias, lower, service_namespace, split_authority,
};

/// The port on which Istio also routes hosts that are no services.
const PLAIN: u16 = 80;

/// The routes that sidecars know.
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

/// The target that a sidecar has for a host.
#[derive(Debug)]
pub(super) enum Resolved {
    /// A VirtualService, by its number.
    Entry(usize),
    /// A service without one, by its full name.
    Service(String),
    /// A rule for the whole connection.
    Route(Arc<Route>),
    /// A service that the connection does not get through to, with the reason.
    Closed(String),
    /// None of these: what becomes of such requests.
    Unknown(Beyond),
}

/// The sidecar of a client, at the port that it calls.
pub(super) struct Sidecar<'m> {
    pub(super) lookup: &'m ClusterLookup,
    pub(super) entries: &'m [Arc<Entry>],
    pub(super) table: &'m MeshTable,
    pub(super) scopes: &'m Scopes,
    pub(super) client: Client<'m>,
    pub(super) port: u16,
}

/// The order in which Istio lays out virtual hosts: VirtualServices before services, the nearest and oldest first, of
/// one its own hosts before its services.
type Order = (bool, Option<(Nearness, usize)>, bool);

impl<'m> Sidecar<'m> {
    /// The target of a request by its authority.
    pub(super) fn called(&self, authority: &str) -> Resolved {
        let scope = self.scopes.of(&self.client);
        let unknown = || Resolved::Unknown(self.scopes.beyond(scope).clone());
        let host = lower(split_authority(authority).0);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if self.lookup.registry.is_unknown() {
            return self.guessed(host, scope).unwrap_or_else(unknown);
        }
        let Some(seen) = Visible::new(self, scope).filter(Visible::listens) else {
            return unknown();
        };
        seen.exact(host).or_else(|| seen.wildcard(host)).unwrap_or_else(unknown)
    }

    /// The service of an authority that the client sees on its port, whatever it speaks.
    pub(super) fn service(&self, authority: &str) -> Option<&'m Service> {
        let seen = Visible::new(self, self.scope())?;
        let host = lower(split_authority(authority).0);
        seen.named(&host, Some).into_iter().next()
    }

    /// The VirtualServices that the client sees with a host that stands for this one, in the order in which they come.
    pub(super) fn standing_for(&self, host: &str) -> Vec<usize> {
        let listener = match self.scope() {
            Some(scope) => match scope.listener(self.port) {
                Some(listener) => Some(listener),
                None => return Vec::new(),
            },
            None => None,
        };
        let host = lower(split_authority(host).0);
        let hosts = &self.table.hosts;
        let all = hosts.exact(&host).into_iter().chain(hosts.wildcards(&host));
        let all: Vec<usize> = all.flatten().copied().collect();
        let mut found = self.ordered(Some(&all), listener);
        found.dedup();
        found
    }

    /// The scope of the client, when a `Sidecar` resource gives it one.
    pub(super) fn scope(&self) -> Option<&'m Scope> {
        self.scopes.of(&self.client)
    }

    /// The VirtualServices that a host's requests could meet and that have no rule for this client, in words.
    pub(super) fn idle(&self, authority: &str) -> Vec<String> {
        let host = lower(split_authority(authority).0);
        let full = expand_alias(&host, self.client.namespace, &self.lookup.domain);
        let names = [Some(&*host), full.as_deref()].into_iter().flatten();
        let mut found: Vec<usize> =
            names.filter_map(|name| self.table.hosts.exact(name)).flatten().copied().collect();
        found.dedup();
        found.retain(|index| !self.is_live(*index));
        found.into_iter().map(|index| self.entries[index].object.clone()).collect()
    }

    /// Without any service among the objects, names of the cluster and hosts of VirtualServices count as services, on
    /// every port.
    fn guessed(&self, host: &str, scope: Option<&Scope>) -> Option<Resolved> {
        let domain = &self.lookup.domain;
        let host = host.strip_suffix('.').unwrap_or(host);
        let full = expand_alias(host, self.client.namespace, domain);
        let names = || [Some(host), full.as_deref()].into_iter().flatten();
        let listener = match scope {
            Some(scope) => Some(scope.listener(self.port)?),
            None => None,
        };
        let exact = |name: &str| self.ordered(self.table.hosts.exact(name), listener);
        if let Some(found) =
            names().find_map(|name| exact(name).into_iter().find(|index| self.is_live(*index)))
        {
            return Some(Resolved::Entry(found));
        }
        // `example.com` is no service `example` in namespace `com`.
        let plain = !host.contains('.') || host.split('.').next_back() == Some("svc");
        let service = names().find(|name| {
            let namespace = service_namespace(name, domain);
            (plain || *name == host)
                && namespace.is_some_and(|namespace| {
                    listener.is_none_or(|listener| {
                        listener.has_service(name, namespace, self.client.namespace)
                    })
                })
        });
        if !names().any(|name| !exact(name).is_empty()) {
            let wide = self
                .table
                .hosts
                .wildcards(service.unwrap_or(host))
                .map(|holders| self.ordered(Some(holders), listener))
                .find_map(|holders| holders.first().copied());
            if let Some(index) = wide.filter(|index| self.is_live(*index)) {
                return Some(Resolved::Entry(index));
            }
        }
        service.map(|service| Resolved::Service(service.to_owned()))
    }

    /// Those of some VirtualServices that the client sees, in the order in which they come.
    fn ordered(&self, holders: Option<&Vec<usize>>, listener: Option<&Egress>) -> Vec<usize> {
        let mut seen: Vec<(Nearness, usize)> = holders
            .into_iter()
            .flatten()
            .filter_map(|index| self.order(*index, listener))
            .collect();
        seen.sort_unstable();
        seen.into_iter().map(|(_, index)| index).collect()
    }

    /// The place of a VirtualService among those that the client sees.
    fn order(&self, index: usize, listener: Option<&Egress>) -> Option<(Nearness, usize)> {
        let entry = &self.entries[index];
        let own = self.client.namespace;
        let imported = listener.is_none_or(|listener| {
            listener.has_virtual_service(&entry.hosts, &entry.namespace, own)
        });
        let nearness = entry.exports.seen_from(own, &entry.namespace)?;
        imported.then_some((nearness, index))
    }

    /// The parts of a request that are the same for all requests of the client.
    pub(super) fn fixed(&self) -> Fixed<'m> {
        let Client { namespace, label } = self.client;
        Fixed { port: self.port, namespace, label }
    }

    /// Returns true when a VirtualService has a rule for this client on this port; one without is as if it were not
    /// there.
    fn is_live(&self, index: usize) -> bool {
        let fixed = self.fixed();
        self.table.routes[index].iter().any(|route| route.conditions.apply(&fixed))
    }
}

/// The services and VirtualServices that the sidecar sees at its port.
struct Visible<'s, 'm> {
    sidecar: &'s Sidecar<'m>,
    listener: Option<&'m Egress>,
}

impl<'s, 'm> Visible<'s, 'm> {
    /// `None` when the client's `Sidecar` resource makes no listener for the port.
    fn new(sidecar: &'s Sidecar<'m>, scope: Option<&'m Scope>) -> Option<Self> {
        let listener = match scope {
            Some(scope) => Some(scope.listener(sidecar.port)?),
            None => None,
        };
        Some(Self { sidecar, listener })
    }

    /// Returns true when the sidecar has a listener for HTTP on the port: for a service that it knows there, or by its
    /// `Sidecar` resource. A VirtualService alone makes none.
    fn listens(&self) -> bool {
        let Sidecar { lookup, client, port, .. } = self.sidecar;
        let own = client.namespace;
        let imported = |host: &str, namespace: &str| {
            self.listener.is_none_or(|listener| listener.has_service(host, namespace, own))
        };
        self.listener.is_some_and(Egress::has_port)
            || lookup.registry.on_port(*port, own).any(|(service, namespace)| {
                service.external_name.is_none()
                    && service.speaks(*port) == Speaks::Http
                    && imported(&service.host, namespace)
            })
    }

    /// The service of a host when it listens on the port, whatever it speaks and whether or not it only stands for
    /// another.
    fn present(&self, host: &str) -> Option<&'m Service> {
        let Sidecar { lookup, client, port, .. } = self.sidecar;
        let service = lookup.registry.get(host, client.namespace)?;
        self.imports(service).filter(|service| service.has_port(*port))
    }

    /// As [`Visible::present`], for those that stand for themselves.
    fn listed(&self, host: &str) -> Option<&'m Service> {
        self.present(host).filter(|service| service.external_name.is_none())
    }

    fn imports(&self, service: &'m Service) -> Option<&'m Service> {
        let Sidecar { lookup, client, .. } = self.sidecar;
        let own = client.namespace;
        let namespace = lookup.registry.namespace_of(&service.host, own).unwrap_or_default();
        let listener = self.listener;
        listener
            .is_none_or(|listener| listener.has_service(&service.host, namespace, own))
            .then_some(service)
    }

    /// The service when it speaks HTTP on the port.
    fn speaks_http(&self, service: &'m Service) -> Option<&'m Service> {
        (service.speaks(self.sidecar.port) == Speaks::Http).then_some(service)
    }

    /// As [`Visible::present`], for those that speak HTTP.
    fn http(&self, host: &str) -> Option<&'m Service> {
        self.present(host).and_then(|service| self.speaks_http(service))
    }

    /// The services that the client calls by a name, among those that fit: its own, then by names that stand for it.
    fn named(
        &self,
        name: &str,
        fits: impl Fn(&'m Service) -> Option<&'m Service>,
    ) -> Vec<&'m Service> {
        let Sidecar { lookup, client, .. } = self.sidecar;
        let fitting = |host: &str| self.listed(host).and_then(&fits);
        if let Some(service) = fitting(name) {
            return vec![service];
        }
        let dotted = name.strip_suffix('.').map(str::to_owned);
        let alias = expand_alias(name, client.namespace, &lookup.domain);
        let by_name = dotted.into_iter().chain(alias).filter_map(|full| {
            // A name that stands for another is called by its own name and reaches the other.
            let external = lookup
                .registry
                .get(&full, client.namespace)
                .and_then(|service| self.imports(service))
                .and_then(|service| service.external_name.as_deref());
            fitting(external.unwrap_or(&full))
        });
        let itself = lookup.registry.get(name, client.namespace);
        let external =
            itself.and_then(|service| service.external_name.as_deref()).and_then(&fitting);
        let by_address = lookup
            .registry
            .at(name, client.namespace)
            .filter(|service| fitting(&service.host).is_some());
        external.into_iter().chain(by_name).chain(by_address).collect()
    }

    /// The virtual host of a name, other than by wildcards.
    fn exact(&self, name: &str) -> Option<Resolved> {
        let services = self.named(name, |service| self.speaks_http(service));
        let of_services = services.into_iter().map(|service| self.claimed(&service.host));
        let present = self.present(name).is_some();
        let holders = self.sidecar.table.hosts.exact(name).filter(|_| !present);
        let own = self.sidecar.ordered(holders, self.listener);
        let of_entries = own.into_iter().filter_map(|index| self.bare(index));
        let of_aliases = self.aliases(name);
        of_entries
            .chain(of_aliases)
            .chain(of_services)
            .min_by_key(|(order, _)| *order)
            .map(|(_, called)| called)
    }

    /// The virtual hosts of services that stand for others under a name of their own: those that a VirtualService has.
    fn aliases(&self, name: &str) -> Vec<(Order, Resolved)> {
        let Sidecar { lookup, client, .. } = self.sidecar;
        let dotted = name.strip_suffix('.').map(str::to_owned);
        let expanded = expand_alias(name, client.namespace, &lookup.domain);
        let names = [Some(name.to_owned()), dotted, expanded].into_iter().flatten();
        let own = |full: String| {
            self.http(&full).filter(|service| service.external_name.is_some())?;
            let index =
                self.holders(&full).into_iter().find(|index| self.sidecar.is_live(*index))?;
            Some(((false, self.sidecar.order(index, self.listener), true), Resolved::Entry(index)))
        };
        names.filter_map(own).collect()
    }

    /// The virtual host of the longest wildcard that stands for a name.
    fn wildcard(&self, name: &str) -> Option<Resolved> {
        let Sidecar { table, lookup, .. } = self.sidecar;
        if !table.hosts.has_wildcards() && !lookup.registry.has_wildcards() {
            return None;
        }
        name.char_indices().skip(1).find_map(|(at, _)| {
            let suffix = &name[at..];
            let wide = format!("*{suffix}");
            let holders = table.hosts.wildcard(suffix).filter(|_| !self.stands_for_services(&wide));
            let own = self.sidecar.ordered(holders, self.listener);
            let of_entries = own.into_iter().filter_map(|index| self.bare(index));
            let service = self.http(&wide).map(|service| self.claimed(&service.host));
            // The pods of a service without a cluster IP have names below its own.
            let pods = suffix
                .strip_prefix('.')
                .map(|name| self.named(name, |service| self.speaks_http(service)))
                .unwrap_or_default();
            let pods = pods
                .into_iter()
                .filter(|service| service.headless)
                .map(|service| self.claimed(&service.host));
            of_entries
                .chain(service)
                .chain(pods)
                .min_by_key(|(order, _)| *order)
                .map(|(_, called)| called)
        })
    }

    /// The VirtualService that has a service, or the service itself.
    fn claimed(&self, host: &str) -> (Order, Resolved) {
        let entry = self.holders(host).into_iter().find(|index| self.sidecar.is_live(*index));
        match entry {
            Some(index) => {
                ((false, self.sidecar.order(index, self.listener), true), Resolved::Entry(index))
            }
            None => ((true, None, false), Resolved::Service(host.to_owned())),
        }
    }

    /// The VirtualServices that stand for a service: all that name it, else the first with the wildcard that fits it
    /// best (`computeWildcardHostVirtualServiceIndex` of `pilot/pkg/model/sidecar.go`).
    fn holders(&self, host: &str) -> Vec<usize> {
        let hosts = &self.sidecar.table.hosts;
        let exact = self.sidecar.ordered(hosts.exact(host), self.listener);
        if !exact.is_empty() {
            return exact;
        }
        hosts
            .wildcards(host)
            .find_map(|holders| self.sidecar.ordered(Some(holders), self.listener).first().copied())
            .into_iter()
            .collect()
    }

    /// The virtual host of a VirtualService under a host of its own that is no service. Beside port 80 there is one
    /// only where another of its hosts is a service.
    fn bare(&self, index: usize) -> Option<(Order, Resolved)> {
        let serves = || {
            let entry = &self.sidecar.entries[index];
            entry.hosts.iter().any(|host| {
                if host.starts_with('*') {
                    let Sidecar { lookup, client, .. } = self.sidecar;
                    lookup.registry.fitting(host, client.namespace).any(|service| {
                        self.http(&service.host).is_some()
                            && self.holders(&service.host).contains(&index)
                    })
                } else {
                    self.http(host).is_some()
                }
            })
        };
        let serves = self.sidecar.port == PLAIN || serves();
        (serves && self.sidecar.is_live(index)).then(|| {
            ((false, self.sidecar.order(index, self.listener), false), Resolved::Entry(index))
        })
    }

    /// Returns true when services on the port fit a wildcard, which then stands for those alone.
    fn stands_for_services(&self, wide: &str) -> bool {
        let Sidecar { lookup, client, .. } = self.sidecar;
        lookup
            .registry
            .fitting(wide, client.namespace)
            .any(|service| self.present(&service.host).is_some())
    }
}
