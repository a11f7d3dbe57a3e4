//! The services and VirtualServices that a sidecar sees on one port, and the virtual hosts made from them.

use super::{
    entry::Rank,
    scopes::Egress,
    services::{Service, Speaks},
    sidecars::{PLAIN, Resolved, Sidecar, called_name},
};
use crate::names::expand_alias;

/// The order in which Istio lays out virtual hosts: VirtualServices before services, the nearest and oldest first, of
/// one its own hosts before its services.
type Order = (bool, Option<(Rank, usize)>, bool);

/// The services and VirtualServices that a sidecar sees at its port.
pub(super) struct Visible<'s, 'm> {
    pub(super) sidecar: &'s Sidecar<'m>,
    /// The entry of the client's `Sidecar` resource, when it has one.
    pub(super) listener: Option<&'m Egress>,
}

impl<'m> Visible<'_, 'm> {
    /// The services that it knows on the port, in the order in which Istio takes them.
    pub(super) fn services(&self) -> impl Iterator<Item = ((bool, usize), &'m Service)> {
        let Sidecar { lookup, client, port, .. } = self.sidecar;
        let (listener, own) = (self.listener, client.namespace);
        lookup.registry.on_port(*port, own, move |host: &str, namespace: &str| {
            listener.is_none_or(|listener| listener.has_service(host, namespace, own))
        })
    }

    /// The protocol of a service on the port.
    pub(super) fn spoken(&self, service: &Service) -> Speaks {
        let of_port = self.listener.and_then(Egress::speaks);
        of_port.unwrap_or_else(|| service.speaks(self.sidecar.port))
    }

    /// The service that an authority calls, whatever it speaks, by a name of its own or of one of its pods.
    pub(super) fn called(&self, authority: &str) -> Option<&'m Service> {
        let name = called_name(authority);
        let first = |name: &str| self.named(name, Some).into_iter().next();
        first(&name).or_else(|| {
            let (_, above) = name.split_once('.')?;
            first(above).filter(|service| service.headless)
        })
    }

    /// The routes of a service that speaks HTTP.
    pub(super) fn of_service(&self, host: &str) -> Option<Resolved> {
        self.http(host).map(|service| self.claimed(&service.host).1)
    }

    /// The service of a host when it listens on the port, whatever it speaks and whether or not it only stands for
    /// another.
    fn present(&self, host: &str) -> Option<&'m Service> {
        self.known(host).filter(|service| service.has_port(self.sidecar.port))
    }

    /// As [`Visible::present`], for those that stand for themselves.
    fn listed(&self, host: &str) -> Option<&'m Service> {
        self.present(host).filter(|service| service.external_name.is_none())
    }

    /// The service of a host, on whatever port it listens.
    fn known(&self, host: &str) -> Option<&'m Service> {
        let Sidecar { lookup, client, .. } = self.sidecar;
        let own = client.namespace;
        lookup.registry.get_among(host, own, |host, namespace| {
            self.listener.is_none_or(|listener| listener.has_service(host, namespace, own))
        })
    }

    /// The service when it speaks HTTP on the port.
    fn speaks_http(&self, service: &'m Service) -> Option<&'m Service> {
        service.speaks(self.sidecar.port).is_http().then_some(service)
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
            // An alias is called by its own name and reaches the other service.
            let external = self.known(&full).and_then(|service| service.external_name.as_deref());
            fitting(external.unwrap_or(&full))
        });
        let external = self
            .known(name)
            .and_then(|service| service.external_name.as_deref())
            .and_then(&fitting);
        let by_address = lookup
            .registry
            .at(name, client.namespace)
            .filter(|service| fitting(&service.host).is_some());
        external.into_iter().chain(by_name).chain(by_address).collect()
    }

    /// The virtual host of a name, other than by wildcards.
    pub(super) fn exact(&self, name: &str) -> Option<Resolved> {
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
    pub(super) fn wildcard(&self, name: &str) -> Option<Resolved> {
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

    /// The virtual host of a VirtualService under a host of its own that is not a service. Beside port 80 there is one
    /// only where another of its hosts is a service.
    fn bare(&self, index: usize) -> Option<(Order, Resolved)> {
        let entry = &self.sidecar.entries[index];
        if entry.is_of_routes() {
            // The parent of a route is a service, under whose names its rules stand.
            return None;
        }
        let serves = || {
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

/// The targets of requests over HTTP.
impl<'m> Sidecar<'m> {
    /// The target of a request over HTTP by its authority, in the table of routes that the services of the port share.
    pub(super) fn called(&self, authority: &str) -> Resolved {
        let host = called_name(authority);
        let seen = self.routed();
        let found = seen.and_then(|seen| seen.exact(&host).or_else(|| seen.wildcard(&host)));
        found.unwrap_or_else(|| self.unknown())
    }

    /// The target of every request over HTTP to the address of one service.
    pub(super) fn called_at(&self, service: &Service) -> Resolved {
        let host = &service.host;
        let found = self.routed().and_then(|seen| seen.of_service(host));
        found.unwrap_or_else(|| {
            Resolved::Closed(format!("no routes of port {} are for service {host}", self.port))
        })
    }

    /// The services and VirtualServices with routes on the port; `None` if the client's `Sidecar` resource has no listener
    /// for it.
    pub(super) fn routed(&self) -> Option<Visible<'_, 'm>> {
        let listener = match self.scope() {
            Some(scope) => Some(scope.listener(self.port)?),
            None => None,
        };
        Some(Visible { sidecar: self, listener })
    }

    /// The same for each entry of the `Sidecar` resource that may create a listener on the port, in order.
    pub(super) fn listening(&self) -> Vec<Visible<'_, 'm>> {
        let visible = |listener| Visible { sidecar: self, listener };
        match self.scope() {
            Some(scope) => {
                scope.listeners_on(self.port).map(|listener| visible(Some(listener))).collect()
            }
            None => vec![visible(None)],
        }
    }
}
