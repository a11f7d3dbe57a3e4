//! The virtual host that a sidecar finds for a request.
//!
//! Istio lays out one table for each sidecar and port: first the VirtualServices that the client sees, nearest and oldest
//! first, each under the names of the services that its hosts stand for and under those hosts that are no services; then
//! the services that no VirtualService has taken (`BuildSidecarOutboundVirtualHosts` of
//! `pilot/pkg/networking/core/httproute.go` and `BuildSidecarVirtualHostWrapper` of `core/route/route.go`). Here the
//! entry for one request is computed without building the table.

use std::sync::Arc;

use super::{
    clusters::ClusterLookup,
    conditions::{Conditions, Fixed},
    destination_rules::Client,
    entry::{Entry, Rank},
    routes::{Bound, Route},
    rule_ref::RuleRef,
    scopes::{Beyond, Egress, Scope, Scopes},
};
use crate::names::{HostTable, MESH, expand_alias, lower, service_namespace, split_authority};

/// The port on which Istio also routes hosts that are no services.
pub(super) const PLAIN: u16 = 80;

/// The routes that sidecars know.
#[derive(Debug, Default)]
pub(super) struct MeshTable {
    /// The entries that claim each host, oldest first.
    pub(super) hosts: HostTable<Vec<usize>>,
    /// The routes of each entry; conditions on the client are evaluated with the request.
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
#[derive(Clone, Debug)]
pub(super) enum Resolved {
    /// A VirtualService, by its number.
    Entry(usize),
    /// A service without one, by its full name.
    Service(String),
    /// A rule for the whole connection.
    Route(Arc<Route>),
    /// A service that the connection does not get through to, with the reason.
    Closed(String),
    /// None of these, with the outcome of such requests.
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

impl<'m> Sidecar<'m> {
    /// The outcome of requests to an unknown host.
    pub(super) fn unknown(&self) -> Resolved {
        Resolved::Unknown(self.scopes.beyond(self.scope()).clone())
    }

    /// The VirtualServices that the client sees by an entry of its `Sidecar` resource with a host that stands for this
    /// one, in the order in which they come.
    pub(super) fn standing_for(&self, host: &str, listener: Option<&Egress>) -> Vec<usize> {
        let host = called_name(host);
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

    /// A description of the VirtualServices of a host that have no rule for this client.
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
    pub(super) fn guessed(&self, authority: &str) -> Option<Resolved> {
        let domain = &self.lookup.domain;
        let host = called_name(authority);
        let host = host.strip_suffix('.').unwrap_or(&host);
        let full = expand_alias(host, self.client.namespace, domain);
        let names = || [Some(host), full.as_deref()].into_iter().flatten();
        let listener = self.routed()?.listener;
        let exact = |name: &str| self.ordered(self.table.hosts.exact(name), listener);
        if let Some(found) =
            names().find_map(|name| exact(name).into_iter().find(|index| self.is_live(*index)))
        {
            return Some(Resolved::Entry(found));
        }
        // `example.com` is not a service `example` in namespace `com`.
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
    pub(super) fn ordered(
        &self,
        holders: Option<&Vec<usize>>,
        listener: Option<&Egress>,
    ) -> Vec<usize> {
        let mut seen: Vec<(Rank, usize)> = holders
            .into_iter()
            .flatten()
            .filter_map(|index| self.order(*index, listener))
            .collect();
        seen.sort_unstable();
        seen.into_iter().map(|(_, index)| index).collect()
    }

    /// The place of a VirtualService among those that the client sees.
    pub(super) fn order(&self, index: usize, listener: Option<&Egress>) -> Option<(Rank, usize)> {
        let entry = &self.entries[index];
        let own = self.client.namespace;
        let imported = listener.is_none_or(|listener| {
            listener.has_virtual_service(&entry.hosts, &entry.namespace, own)
        });
        let rank = entry.rank(own)?;
        imported.then_some((rank, index))
    }

    /// The parts of a request that are the same for all requests of the client.
    pub(super) fn fixed(&self) -> Fixed<'m> {
        let Client { namespace, label } = self.client;
        Fixed { port: self.port, namespace, label }
    }

    /// Returns true when a VirtualService has a rule for this client on this port; one without is as if it were not
    /// there.
    pub(super) fn is_live(&self, index: usize) -> bool {
        let fixed = self.fixed();
        self.entries[index].concerns(self.client.namespace)
            && self.table.routes[index].iter().any(|route| route.conditions.apply(&fixed))
    }
}

/// The name that an authority calls, in lower case.
pub(super) fn called_name(authority: &str) -> String {
    let host = lower(split_authority(authority).0).into_owned();
    match host.strip_prefix('[') {
        Some(address) => address.trim_end_matches(']').to_owned(),
        None => host,
    }
}
