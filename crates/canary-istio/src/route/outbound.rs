//! The connections of a sidecar's client that are sent on whole: TLS that is not ended there, and TCP
//! (`buildSidecarOutboundTLSFilterChainOpts` and `buildSidecarOutboundTCPFilterChainOpts` of
//! `pilot/pkg/networking/core/tls.go`).

use std::sync::Arc;

use super::{
    conditions::Conditions,
    connections::{ConnectionRule, Match},
    routes::{Bound, Route},
    services::Speaks,
    sidecars::{Resolved, Sidecar},
};
use crate::names::HostTable;

/// The target of a connection to a host that is not HTTP; `None` when it is HTTP. `secure` is true when the client speaks
/// TLS.
pub(super) fn connection(sidecar: &Sidecar<'_>, authority: &str, secure: bool) -> Option<Resolved> {
    let Some(service) = sidecar.service(authority) else {
        // Without any service among the objects, those with rules for TLS are taken for services that speak it.
        let guessed = secure && sidecar.lookup.registry.is_unknown();
        let holders = guessed.then(|| sidecar.standing_for(authority))?;
        let some = holders.iter().any(|index| !sidecar.entries[*index].tls.is_empty());
        return some.then(|| tls(sidecar, &holders, authority))?;
    };
    let rules = sidecar.standing_for(&service.host);
    let default = || Resolved::Service(service.host.clone());
    match service.speaks(sidecar.port) {
        Speaks::Http => None,
        Speaks::Tls => Some(tls(sidecar, &rules, authority).unwrap_or_else(default)),
        Speaks::Tcp => Some(tcp(sidecar, &rules).unwrap_or_else(default)),
    }
}

/// The rule for the name that the client asks for. Once any rule holds for the client, names that none has lead nowhere;
/// `None` when no rule holds.
fn tls(sidecar: &Sidecar<'_>, entries: &[usize], authority: &str) -> Option<Resolved> {
    let rules = entries.iter().flat_map(|index| &sidecar.entries[*index].tls);
    let held = rules
        .flat_map(|rule| rule.matches.iter().map(move |found| (rule, found)))
        .filter(|(_, found)| found.holds_for(&sidecar.fixed()));
    let mut names: HostTable<(&ConnectionRule, &Match)> = HostTable::default();
    for (rule, found) in held {
        for name in &found.names {
            names.entry(name, || (rule, found));
        }
    }
    if names.is_empty() {
        return None;
    }
    Some(names.find(authority).map_or_else(
        || Resolved::Closed("no TLS rule is for the name that the client asks for".to_owned()),
        |(rule, found)| called(rule, Some(found)),
    ))
}

/// The first rule that holds for the client. Rules for some addresses of destinations are passed over: requests do not
/// tell theirs.
fn tcp(sidecar: &Sidecar<'_>, entries: &[usize]) -> Option<Resolved> {
    let fixed = sidecar.fixed();
    let mut rules = entries.iter().flat_map(|index| &sidecar.entries[*index].tcp);
    rules.find_map(|rule| {
        let found = rule.matches.iter().find(|found| !found.subnets && found.holds_for(&fixed));
        (rule.matches.is_empty() || found.is_some()).then(|| called(rule, found))
    })
}

fn called(rule: &ConnectionRule, found: Option<&Match>) -> Resolved {
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
