//! The connections of a sidecar's client that are passed through: TLS that is not terminated there, and TCP
//! (`buildSidecarOutboundTLSFilterChainOpts` and `buildSidecarOutboundTCPFilterChainOpts` of
//! `pilot/pkg/networking/core/tls.go`).

use std::sync::Arc;

use super::{
    conditions::Conditions,
    connections::{ConnectionRule, Match},
    routes::{Bound, Route},
    services::Service,
    sidecars::{Resolved, Sidecar},
    visible::Visible,
};
use crate::names::HostTable;

/// The target of TLS by the name that the client asks for.
pub(super) enum Named {
    /// A rule has the name.
    Found(Resolved),
    /// Rules hold for the client, and none has the name.
    Missing,
    /// No rule holds for the client.
    NoRules,
}

/// The rules for names that hold for the client, of some VirtualServices.
pub(super) fn names<'m>(
    sidecar: &Sidecar<'m>,
    entries: &[usize],
) -> HostTable<(&'m ConnectionRule, &'m Match)> {
    let rules = entries.iter().flat_map(|index| &sidecar.entries[*index].tls);
    let held = rules
        .flat_map(|rule| rule.matches.iter().map(move |found| (rule, found)))
        .filter(|(_, found)| found.holds_for(&sidecar.fixed()));
    let mut names = HostTable::default();
    for (rule, found) in held {
        for name in &found.names {
            names.entry(name, || (rule, found));
        }
    }
    names
}

/// The rule for the name that the client asks for.
pub(super) fn named(sidecar: &Sidecar<'_>, entries: &[usize], authority: &str) -> Named {
    let names = names(sidecar, entries);
    match names.find(authority) {
        _ if names.is_empty() => Named::NoRules,
        Some((rule, found)) => Named::Found(called(rule, Some(found))),
        None => Named::Missing,
    }
}

/// The target of connections to a service that are not TLS: by the first TCP rule that holds for the client, else the
/// service. Rules for some addresses of destinations are passed over: requests do not tell theirs.
pub(super) fn sent(visible: &Visible<'_, '_>, service: &Service) -> Resolved {
    let sidecar = visible.sidecar;
    let fixed = sidecar.fixed();
    let entries = sidecar.standing_for(&service.host, visible.listener);
    let mut rules = entries.iter().flat_map(|index| &sidecar.entries[*index].tcp);
    let found = rules.find_map(|rule| {
        let found = rule.matches.iter().find(|found| !found.subnets && found.holds_for(&fixed));
        (rule.matches.is_empty() || found.is_some()).then(|| called(rule, found))
    });
    found.unwrap_or_else(|| Resolved::Service(service.host.clone()))
}

/// The target by a rule for whole connections.
pub(super) fn called(rule: &ConnectionRule, found: Option<&Match>) -> Resolved {
    let place = found.map_or(&rule.rule.place, |found| &found.place);
    Resolved::Route(Arc::new(Route {
        place: Arc::clone(place),
        conditions: Conditions::none(),
        bound: Arc::new(Bound {
            rule: Arc::clone(&rule.rule),
            clusters: Box::default(),
            mirrors: Box::default(),
            redirect: None,
        }),
    }))
}
