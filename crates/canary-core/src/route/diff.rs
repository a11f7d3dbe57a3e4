//! What changes for requests when one mesh takes the place of another.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use serde::Serialize;

use super::{
    conditions::Condition,
    decision::{Decision, Outcome, Share},
    mesh::Mesh,
    names::covers,
    request::Request,
    search::{Arrival, Called},
    tables::{Protocol, Route},
    virtual_services::RuleRef,
    witness::{Answer, Atoms, Part, Region, atoms},
};
use crate::analyze::overlap::{Condition as Wanted, Hosts, Test};

/// A set of requests whose destination changes, with one of them.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// One of the requests; its random number is one for which the destination itself differs.
    pub witness: Request,
    /// Where it went.
    pub before: Side,
    /// Where it goes.
    pub after: Side,
}

/// Where requests go in one of two meshes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Side {
    /// The rule that takes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleRef>,
    /// What becomes of the witness, in one line.
    pub outcome: String,
    /// The destinations of the rule with their shares.
    pub shares: Vec<Share>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |side: &Side| {
            let shares: Vec<String> = side.shares.iter().map(ToString::to_string).collect();
            if shares.len() > 1 { shares.join(", ") } else { side.outcome.clone() }
        };
        write!(f, "{}: {} -> {}", self.witness, side(&self.before), side(&self.after))
    }
}

/// The differences between two meshes; see [`diff`].
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Diff {
    /// What changes: one entry for each pair of rules, before and after, that share requests.
    pub changes: Vec<Change>,
    /// Pairs of rules for which it was not found out whether they share requests, and why.
    pub unjudged: Vec<String>,
}

/// How many pairs of rules are looked at for one host.
const MAX_PAIRS: usize = 10_000;
/// How many namespaces of clients are looked at for sidecars.
const MAX_NAMESPACES: usize = 8;

/// Finds which requests change their destination when `after` takes the place of `before`: the cluster, the shares of
/// several, or the answer that the proxy itself gives.
///
/// Each change comes with a request that proves it, taken through both meshes; requests that no change covers go where
/// they went, as far as nothing is left unjudged.
///
/// ```
/// use canary_core::{Gateway, Mesh, VirtualService, route::diff};
///
/// let gateway = Gateway::http("edge", 80, ["*"]);
/// let mesh = |weight| {
///     let split = VirtualService::weighted("models", [("a", 100 - weight), ("b", weight)])
///         .hosts(["*"])
///         .gateway("edge");
///     Mesh::new([&gateway, &split])
/// };
/// let diff = diff(&mesh(0)?, &mesh(30)?);
/// assert_eq!(diff.changes.len(), 1);
/// assert_eq!(diff.changes[0].after.shares[1].weight, 30);
/// # Ok::<(), canary_core::Error>(())
/// ```
pub fn diff(before: &Mesh, after: &Mesh) -> Diff {
    let mut found = Diff::default();
    at_gateways(before, after, &mut found);
    in_mesh(before, after, &mut found);
    found
}

fn at_gateways(before: &Mesh, after: &Mesh, found: &mut Diff) {
    let mut looked_at = BTreeSet::new();
    let names: BTreeSet<&String> =
        before.0.gateways.keys().chain(after.0.gateways.keys()).collect();
    for gateway in names {
        let pair = (before.0.gateways.get(gateway), after.0.gateways.get(gateway));
        if !looked_at.insert(pair) {
            continue;
        }
        let workloads = [
            pair.0.map(|index| &before.0.workloads[*index]),
            pair.1.map(|index| &after.0.workloads[*index]),
        ];
        let ports: BTreeSet<u16> = workloads
            .iter()
            .flatten()
            .flat_map(|workload| workload.ports.keys().copied())
            .collect();
        for port in ports {
            let mut hosts = BTreeSet::new();
            let mut scheme = "http";
            for workload in workloads.into_iter().flatten() {
                match workload.ports.get(&port) {
                    Some(Protocol::Plain(table)) => hosts.extend(table.names()),
                    Some(Protocol::Tls(_, servers)) => {
                        scheme = "https";
                        hosts.extend(servers.iter().flat_map(super::tables::Hosts::names));
                    }
                    Some(Protocol::Opaque(_)) | None => {}
                }
            }
            let mut template = Request::default().gateway(gateway.clone()).port(port);
            scheme.clone_into(&mut template.scheme);
            for host in &hosts {
                region(before, after, host, &hosts, &template, found);
            }
        }
    }
}

fn in_mesh(before: &Mesh, after: &Mesh, found: &mut Diff) {
    let hosts: BTreeSet<String> =
        before.0.mesh.hosts.names().chain(after.0.mesh.hosts.names()).collect();
    if hosts.is_empty() {
        return;
    }
    let mut namespaces = BTreeSet::from(["default"]);
    namespaces.extend(
        before.0.entries.iter().chain(&after.0.entries).map(|entry| entry.namespace.as_str()),
    );
    if namespaces.len() > MAX_NAMESPACES {
        found.unjudged.push(format!(
            "sidecars in {} of {} namespaces were not looked at",
            namespaces.len() - MAX_NAMESPACES,
            namespaces.len()
        ));
    }
    for namespace in namespaces.into_iter().take(MAX_NAMESPACES) {
        let none: [(&str, &str); 0] = [];
        let template = Request::default().from_workload(namespace, none);
        for host in &hosts {
            region(before, after, host, &hosts, &template, found);
        }
    }
}

/// The routes that requests to a host meet in one mesh, in order.
fn routes(mesh: &Mesh, request: &Request) -> Vec<Arc<Route>> {
    match mesh.0.arrival(request) {
        Arrival::Gateway { hosts, .. } => match hosts.find(&request.authority) {
            Some(host) if !host.require_tls || request.scheme == "https" => host.routes.clone(),
            _ => Vec::new(),
        },
        Arrival::Mesh { .. } => match mesh.0.called(request) {
            Called::Entry(index) => mesh.0.mesh.routes[index].clone(),
            Called::Service(_) | Called::Unknown => Vec::new(),
        },
        Arrival::Nowhere { .. } => Vec::new(),
    }
}

/// An authority that a host stands for and none of the narrower ones.
fn example(host: &str, narrower: &[&String]) -> String {
    let free = |name: &str| !narrower.iter().any(|other| covers(other, name));
    let Some(suffix) = host.strip_prefix('*') else {
        return host.to_owned();
    };
    let suffix = if suffix.is_empty() { ".example" } else { suffix };
    (0..narrower.len().saturating_add(2))
        .map(|number| format!("any{number}{suffix}"))
        .find(|name| free(name))
        .unwrap_or_else(|| format!("any{suffix}"))
}

/// Looks for changes among the requests to one host.
fn region(
    before: &Mesh,
    after: &Mesh,
    host: &str,
    all: &BTreeSet<String>,
    template: &Request,
    found: &mut Diff,
) {
    // Only a wildcard has narrower hosts; looking for them costs a look at every host.
    let candidates = if host.starts_with('*') { Some(all) } else { None };
    let narrower: Vec<&String> = candidates
        .into_iter()
        .flatten()
        .filter(|other| *other != host && covers(host, other))
        .collect();
    let own = Hosts(vec![host.to_owned()]);
    let others = Hosts(narrower.iter().map(|other| (*other).clone()).collect());
    let authority: Atoms<'_> = vec![
        (Part::Authority, Wanted::is(Test::Hosts(&own))),
        (Part::Authority, Wanted { test: Test::Hosts(&others), wanted: false, missing: true }),
    ];
    let example = example(host, &narrower);
    let sample = template.clone().host(example.clone());
    let sides = [routes(before, &sample), routes(after, &sample)];
    if sides[0].is_empty() && sides[1].is_empty() {
        compare(before, after, &sample, found);
        return;
    }
    let mut ports = BTreeSet::from(["80".to_owned()]);
    ports.extend(sides.iter().flatten().flat_map(|route| &route.conditions.rest).filter_map(
        |condition| match condition {
            Condition::Port(port) => Some(port.to_string()),
            _ => None,
        },
    ));
    let region = Region { template: template.clone(), authority, examples: vec![example], ports };
    let conditions: [Vec<Option<Atoms<'_>>>; 2] =
        [0, 1].map(|side| sides[side].iter().map(|route| atoms(&route.conditions)).collect());
    pairs([before, after], [&sides[0], &sides[1]], &conditions, &region, &sample, host, found);
}

/// Looks at each pair of a route before (or none) and a route after (or none) that do not do the same.
fn pairs<'c>(
    meshes: [&Mesh; 2],
    sides: [&[Arc<Route>]; 2],
    conditions: &'c [Vec<Option<Atoms<'c>>>; 2],
    region: &'c Region<'c>,
    sample: &Request,
    host: &str,
    found: &mut Diff,
) {
    // Equal effects have the same number: thousands of routes make millions of pairs to compare.
    let mut numbers = BTreeMap::new();
    let effects: [Vec<usize>; 2] = [0, 1].map(|side| {
        let of_routes = sides[side].iter().map(|route| Effect::of(meshes[side], route, sample));
        of_routes
            .chain([Effect::none(meshes[side], sample, sides[side].is_empty())])
            .map(|effect| {
                let next = numbers.len();
                *numbers.entry(effect).or_insert(next)
            })
            .collect()
    });
    let mut looked_at = 0_usize;
    for (first, effect) in effects[0].iter().enumerate() {
        for (second, other) in effects[1].iter().enumerate() {
            if effect == other {
                continue;
            }
            looked_at += 1;
            if looked_at > MAX_PAIRS {
                found
                    .unjudged
                    .push(format!("host {host}: there are more than {MAX_PAIRS} pairs of rules"));
                return;
            }
            let mut wanted = Vec::new();
            let mut avoided = Vec::new();
            let mut judged = true;
            for (side, index) in [(0, first), (1, second)] {
                for (position, atoms) in conditions[side].iter().enumerate().take(index + 1) {
                    match atoms {
                        None => judged = false,
                        Some(atoms) if position == index => wanted.push(atoms),
                        Some(atoms) => avoided.push(atoms),
                    }
                }
            }
            let names = || {
                let name = |side: usize, index: usize| {
                    sides[side]
                        .get(index)
                        .map_or_else(|| "no rule".to_owned(), |route| route.place.to_string())
                };
                format!("host {host}: {} and {}", name(0, first), name(1, second))
            };
            let answer = if judged { region.find(&wanted, &avoided) } else { Answer::Unknown };
            match answer {
                Answer::None => {}
                Answer::Found(request) => compare(meshes[0], meshes[1], &request, found),
                Answer::Unknown => found.unjudged.push(names()),
            }
        }
    }
}

/// What a route does, for comparing.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Effect {
    answer: String,
    /// For each cluster its weight and the total, reduced.
    shares: BTreeMap<String, (u64, u64)>,
}

impl Effect {
    fn of(mesh: &Mesh, route: &Arc<Route>, sample: &Request) -> Self {
        let decision = mesh.by_route(sample, sample.port.unwrap_or(80), Arc::clone(route));
        Self::told(&decision)
    }

    /// What becomes of requests that no route takes.
    fn none(mesh: &Mesh, sample: &Request, no_routes: bool) -> Self {
        if no_routes {
            Self::told(&mesh.route(sample))
        } else {
            Self { answer: "404 NR".to_owned(), shares: BTreeMap::new() }
        }
    }

    fn told(decision: &Decision<&Request>) -> Self {
        let mut weights: BTreeMap<String, u64> = BTreeMap::new();
        let mut total = 1;
        for share in decision.shares().iter().filter(|share| share.weight > 0) {
            let flag = share.cluster.failure.as_ref().map_or("", |failure| failure.kind.flag());
            *weights.entry(format!("{} {flag}", share.cluster.name)).or_default() += share.weight;
            total = share.total;
        }
        let answer = match &decision.outcome {
            Outcome::Forward(_) => String::new(),
            Outcome::Failure(_) if !weights.is_empty() => String::new(),
            Outcome::Failure(failure) => {
                format!("{} {}", failure.kind.status(), failure.kind.flag())
            }
            other => other.to_string(),
        };
        let shares = weights
            .into_iter()
            .map(|(name, weight)| {
                let common = gcd(weight, total);
                (name, (weight / common, total / common))
            })
            .collect();
        Self { answer, shares }
    }
}

fn gcd(one: u64, other: u64) -> u64 {
    if other == 0 { one.max(1) } else { gcd(other, one % other) }
}

/// Takes a request through both meshes and adds the change when there is one.
fn compare(before: &Mesh, after: &Mesh, request: &Request, found: &mut Diff) {
    let mut witness = request.clone();
    let (first, second) = (before.route(request), after.route(request));
    if Effect::told(&first) == Effect::told(&second) {
        return;
    }
    let cluster = |mesh: &Mesh, request: &Request| {
        mesh.route(request).cluster().map(|cluster| cluster.name.clone())
    };
    // The ends of the intervals are where destinations change.
    let mut candidates = vec![0];
    for decision in [&first, &second] {
        let mut end = 0;
        for share in decision.shares() {
            end += share.weight;
            candidates.extend([end.saturating_sub(1), end]);
        }
    }
    witness.random = candidates
        .into_iter()
        .chain(0..1000)
        .find(|random| {
            let drawn = request.clone().random(*random);
            cluster(before, &drawn) != cluster(after, &drawn)
        })
        .unwrap_or(0);
    let side = |mesh: &Mesh| {
        let decision = mesh.route(&witness);
        Side {
            rule: decision.rule().cloned(),
            outcome: decision.outcome().to_string(),
            shares: decision.shares(),
        }
    };
    let (before, after) = (side(before), side(after));
    found.changes.push(Change { witness, before, after });
}
