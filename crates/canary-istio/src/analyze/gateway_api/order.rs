//! The order among routes of the same hosts: C517 and C518.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    objects::Objects,
    route::{Match, Placed, Route},
};
use crate::{
    analyze::{index::Index, report::Report},
    finding::Severity,
    gateway_api::{GrpcRouteMatch, HttpRouteMatch},
    validate::gateway_api::{
        Rank, Tie, grpc_rank, grpc_tie, http_rank, http_tie, is_regex, severity, takes_all,
    },
};

/// The list that a route's matches become part of: a parent and a host name, or a Service of the mesh.
type Domain<'o> = (&'o str, &'o str, Option<&'o str>, Option<u32>, &'o str);

/// The number of earlier matches of one rank that a match is compared with.
const MAX_COMPARED: usize = 16;

/// Compares the matches of routes that are in one list.
pub(super) fn analyze(objects: &Objects<'_>, index: &Index<'_>, report: &mut Report) {
    let mut domains = BTreeMap::<Domain<'_>, Vec<&Route<'_>>>::new();
    for route in &objects.routes {
        for domain in domains_of(route) {
            let list = domains.entry(domain).or_default();
            if !list.iter().any(|other| std::ptr::eq(*other, route)) {
                list.push(route);
            }
        }
    }
    // A match that stands in several lists is reported once.
    let mut reported = HashSet::new();
    for mut routes in domains.into_values().filter(|routes| routes.len() > 1) {
        if index.is_stopped() {
            return;
        }
        routes.sort_by_key(|route| age(route));
        let matches: Vec<Vec<Placed<'_>>> = routes.iter().map(|route| route.matches()).collect();
        ties(&routes, &matches, &mut reported, report);
        hidden(&routes, &matches, &mut reported, report);
    }
}

/// The oldest route first; without times, by namespace and name.
fn age<'o>(route: &Route<'o>) -> (Option<String>, &'o str, &'o str) {
    let made = route.metadata.creation_timestamp.as_ref().map(|time| time.0.to_string());
    (made, route.namespace, route.metadata.name.as_deref().unwrap_or_default())
}

fn domains_of<'o>(route: &Route<'o>) -> Vec<Domain<'o>> {
    let mut domains = Vec::new();
    for parent in route.parents {
        let namespace = route.namespace_of(parent);
        if parent.is_service() {
            domains.push((namespace, parent.name.as_str(), None, parent.port, route.namespace));
            continue;
        }
        let section = parent.section_name.as_deref();
        if route.hostnames.is_empty() {
            domains.push((namespace, parent.name.as_str(), section, parent.port, "*"));
        }
        for host in route.hostnames {
            domains.push((namespace, parent.name.as_str(), section, parent.port, host.as_str()));
        }
    }
    domains
}

fn http<'m>(one: &Match<'m>, any: &'m HttpRouteMatch) -> Option<&'m HttpRouteMatch> {
    match one {
        Match::Http(one) => Some(one),
        Match::AnyHttp => Some(any),
        _ => None,
    }
}

fn grpc<'m>(one: &Match<'m>, any: &'m GrpcRouteMatch) -> Option<&'m GrpcRouteMatch> {
    match one {
        Match::Grpc(one) => Some(one),
        Match::AnyGrpc => Some(any),
        _ => None,
    }
}

fn tie(one: &Match<'_>, other: &Match<'_>) -> Option<Tie> {
    let (any_http, any_grpc) = (HttpRouteMatch::default(), GrpcRouteMatch::default());
    if let (Some(one), Some(other)) = (http(one, &any_http), http(other, &any_http)) {
        return http_tie(one, other);
    }
    grpc_tie(grpc(one, &any_grpc)?, grpc(other, &any_grpc)?)
}

fn rank(one: &Match<'_>) -> Rank {
    match one {
        Match::Http(one) => http_rank(one),
        Match::AnyHttp => http_rank(&HttpRouteMatch::default()),
        Match::Grpc(one) => grpc_rank(one),
        Match::AnyGrpc => grpc_rank(&GrpcRouteMatch::default()),
    }
}

/// The matches that are reported already, as code, object and path.
type Reported = HashSet<(&'static str, String, String)>;

/// Reports the first tie of each match with one of an older route.
fn ties(
    routes: &[&Route<'_>],
    matches: &[Vec<Placed<'_>>],
    reported: &mut Reported,
    report: &mut Report,
) {
    let mut seen = HashMap::<Rank, Vec<(usize, &Placed<'_>)>>::new();
    for (place, route) in routes.iter().enumerate() {
        for one in &matches[place] {
            let list = seen.entry(rank(&one.of)).or_default();
            let mut older = list.iter().filter(|(other, _)| *other != place).take(MAX_COMPARED);
            let found = older.find_map(|(at, other)| Some((*at, *other, tie(&other.of, &one.of)?)));
            if let Some((at, other, tie)) = found
                && reported.insert(("C518", route.id.clone(), one.path()))
            {
                let which = match tie {
                    Tie::Same => "has the same match",
                    Tie::Overlap => "has a match of the same rank that one request can meet too",
                };
                let message = format!(
                    "rule {} of {} {which}, and the older route, else the first by namespace and name, takes the requests",
                    other.rule, routes[at].id
                );
                report.add(severity(tie), "C518", &route.id, one.path(), message).help = Some(
                    "remove one of them, or make the one that must win more specific".to_owned(),
                );
            }
            list.push((place, one));
        }
    }
}

/// Reports expressions behind a match of every path in another route.
fn hidden(
    routes: &[&Route<'_>],
    matches: &[Vec<Placed<'_>>],
    reported: &mut Reported,
    report: &mut Report,
) {
    let any = HttpRouteMatch::default();
    let takes_all = |placed: &&Placed<'_>| http(&placed.of, &any).is_some_and(takes_all);
    // Two are enough: one of them is of another route.
    let all: Vec<(usize, &Placed<'_>)> = matches
        .iter()
        .enumerate()
        .filter_map(|(place, list)| Some((place, list.iter().find(takes_all)?)))
        .take(2)
        .collect();
    for (place, route) in routes.iter().enumerate() {
        let Some((at, before)) = all.iter().find(|(other, _)| *other != place) else { continue };
        for one in &matches[place] {
            if !http(&one.of, &any).is_some_and(is_regex)
                || !reported.insert(("C517", route.id.clone(), one.path()))
            {
                continue;
            }
            let message = format!(
                "no request reaches this expression: rule {} of {} takes every path, and Istio tries it first",
                before.rule, routes[*at].id
            );
            let path = format!("{}.path", one.path());
            report.add(Severity::Warning, "C517", &route.id, path, message).help = Some(
                "write an exact path or a prefix, or narrow the match of every path".to_owned(),
            );
        }
    }
}
