//! The listener of a sidecar that takes a connection (`buildSidecarOutboundListeners` of
//! `pilot/pkg/networking/core/listener.go`).
//!
//! Services that speak HTTP share one listener for each port, on `0.0.0.0`. Others have a listener on their own address;
//! those without one join the shared listener, where the proxy tells HTTP from the rest. If none of the client's
//! services is on the shared listener, it does not exist, and the connection is treated as one to an unknown host.

use super::{
    services::{Place, Service, Speaks},
    sidecars::{Resolved, Sidecar},
    visible::Visible,
    whole::{self, Named},
};
use crate::names::HostTable;

/// The protocol of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carries {
    /// HTTP that the proxy can read.
    Http,
    /// TLS.
    Tls,
    /// Anything else.
    Other,
}

impl Carries {
    /// By the scheme of a request.
    pub(super) fn of(scheme: &str) -> Self {
        match scheme {
            "https" | "tls" => Self::Tls,
            "tcp" => Self::Other,
            _ => Self::Http,
        }
    }
}

/// The target of a connection that a client opens to a host.
pub(super) fn target(sidecar: &Sidecar<'_>, authority: &str, carries: Carries) -> Resolved {
    if sidecar.lookup.registry.is_unknown() {
        return guessed(sidecar, authority, carries);
    }
    let listening = sidecar.listening();
    let at_own_address =
        listening.iter().find_map(|visible| at_own_address(visible, authority, carries));
    at_own_address
        .or_else(|| listening.iter().find_map(|visible| shared(visible, authority, carries)))
        .unwrap_or_else(|| sidecar.unknown())
}

/// Without any service among the objects, those with rules for TLS are taken for services that speak it, and the rest for
/// services that speak HTTP.
fn guessed(sidecar: &Sidecar<'_>, authority: &str, carries: Carries) -> Resolved {
    let listening = sidecar.listening();
    let by_rule = listening.first().filter(|_| carries == Carries::Tls).and_then(|visible| {
        let holders = sidecar.standing_for(authority, visible.listener);
        match whole::named(sidecar, &holders, authority) {
            Named::Found(resolved) => Some(resolved),
            Named::Missing => Some(sidecar.unknown()),
            Named::NoRules => None,
        }
    });
    by_rule.or_else(|| sidecar.guessed(authority)).unwrap_or_else(|| sidecar.unknown())
}

/// The target by the listener on the address of the service that is called; `None` when it has none.
fn at_own_address(
    visible: &Visible<'_, '_>,
    authority: &str,
    carries: Carries,
) -> Option<Resolved> {
    let service = visible.called(authority)?;
    let place = service.place();
    match (visible.spoken(service), place) {
        (Speaks::Http | Speaks::Udp, _) | (_, Place::Shared) => None,
        (Speaks::Sniffed, Place::Own) if carries == Carries::Http => {
            Some(visible.sidecar.called_at(service))
        }
        (Speaks::Tls, _) => {
            let rules = visible.sidecar.standing_for(&service.host, visible.listener);
            Some(match whole::named(visible.sidecar, &rules, authority) {
                Named::Found(resolved) if carries == Carries::Tls => resolved,
                // For a range of addresses, look up the name of the service.
                Named::NoRules if place == Place::Own || carries == Carries::Tls => {
                    Resolved::Service(service.host.clone())
                }
                _ => visible.sidecar.unknown(),
            })
        }
        _ => Some(whole::sent(visible, service)),
    }
}

/// The target by the listener that services share; `None` when there is none.
fn shared(visible: &Visible<'_, '_>, authority: &str, carries: Carries) -> Option<Resolved> {
    let sidecar = visible.sidecar;
    let joins = |service: &Service| {
        service.external_name.is_none()
            && match visible.spoken(service) {
                Speaks::Http => true,
                Speaks::Udp => false,
                _ => service.place() != Place::Own,
            }
    };
    let speaks_http = |service: &Service| visible.spoken(service).is_http();
    // The order counts only where something else than HTTP is called, or forbids it.
    if carries == Carries::Http
        && !sidecar.lookup.registry.has_server_first()
        && visible.services().any(|(_, service)| joins(service) && speaks_http(service))
    {
        return Some(sidecar.called(authority));
    }
    let mut joined: Vec<_> = visible.services().filter(|(_, service)| joins(service)).collect();
    joined.sort_unstable_by_key(|(order, _)| *order);
    let chains = Chains::new(visible, joined.into_iter().map(|(_, service)| service))?;
    Some(match carries {
        Carries::Http if chains.http => sidecar.called(authority),
        Carries::Tls if let Some(resolved) = chains.names.find(authority) => resolved.clone(),
        // TLS to a port that serves HTTP is reported as if the proxy could read it.
        Carries::Tls if chains.http && chains.rest.is_none() => sidecar.called(authority),
        _ => chains.rest.map_or_else(|| sidecar.unknown(), |service| whole::sent(visible, service)),
    })
}

/// The filter chains of a shared listener.
struct Chains<'m> {
    /// True when there is one for HTTP.
    http: bool,
    /// The service that takes all connections that nothing else takes.
    rest: Option<&'m Service>,
    /// The targets of TLS by the name that clients ask for.
    names: HostTable<Resolved>,
}

impl<'m> Chains<'m> {
    /// Those of services in the order in which Istio takes them; `None` when there is no service.
    fn new(visible: &Visible<'_, 'm>, services: impl Iterator<Item = &'m Service>) -> Option<Self> {
        let mut chains = Self { http: false, rest: None, names: HostTable::default() };
        let mut first = None;
        for service in services {
            let speaks = visible.spoken(service);
            // Servers that speak first share no listener with anything else.
            let alone = |one: Speaks| one == Speaks::ServerFirst;
            if first.is_some_and(|first| first != speaks && (alone(first) || alone(speaks))) {
                continue;
            }
            first.get_or_insert(speaks);
            match speaks {
                Speaks::Http => chains.http = true,
                Speaks::Sniffed if chains.http => {}
                Speaks::Tls => chains.add_names(visible, service),
                _ => {
                    chains.http |= speaks == Speaks::Sniffed;
                    if service.place() == Place::Shared {
                        chains.rest.get_or_insert(service);
                    }
                }
            }
        }
        first.map(|_| chains)
    }

    fn add_names(&mut self, visible: &Visible<'_, 'm>, service: &'m Service) {
        let sidecar = visible.sidecar;
        let rules = sidecar.standing_for(&service.host, visible.listener);
        let names = whole::names(sidecar, &rules);
        if names.is_empty() {
            self.names.entry(&service.host, || Resolved::Service(service.host.clone()));
        }
        for (name, (rule, found)) in names.entries() {
            self.names.entry(&name, || whole::called(rule, Some(found)));
        }
    }
}
