//! The comparison, host by host.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::AtomicBool},
};

use super::{
    super::{
        conditions::Condition,
        mesh::Mesh,
        request::Request,
        routes::Route,
        search::Arrival,
        sidecars::Resolved,
        witness::{Answer, Atoms, Part, Region, atoms},
    },
    Change, Diff,
    change::change,
    effect::Effect,
    pairs::{Numbered, number, pairs},
};
use crate::analyze::overlap::{Condition as Wanted, Hosts, Test, Work};
use crate::names::{HostIndex, HostTable, MESH};

/// The number of namespaces of clients that are looked at for sidecars.
const MAX_NAMESPACES: usize = 8;
/// The number of sets of labels of clients, and of ports, that are looked at for sidecars.
const MAX_CLIENTS: usize = 8;
const MAX_PORTS: usize = 8;
/// The number of changes among which one more is looked for before it is reported.
const REMEMBERED: usize = 1_000;
/// The cost of judging one route, in steps.
const ROUTE: usize = 200;
/// The cost of taking one earlier route into account, beside solving its conditions.
const EARLIER: usize = 20;
/// The cost of keeping one share of a destination.
const SHARE: usize = 500;

/// Two meshes, and what was found so far.
pub(super) struct Comparison<'m> {
    meshes: [&'m Mesh; 2],
    work: Work,
    found: Diff,
    /// Hosts that were not compared because the work limit was reached.
    left_out: usize,
}

impl<'m> Comparison<'m> {
    pub(super) fn new(before: &'m Mesh, after: &'m Mesh, stop: Option<&Arc<AtomicBool>>) -> Self {
        let work = Work::until(stop);
        Self { meshes: [before, after], work, found: Diff::default(), left_out: 0 }
    }

    /// The differences; `None` when they are no longer wanted.
    pub(super) fn run(mut self) -> Option<Diff> {
        self.at_gateways();
        self.in_mesh();
        if self.work.is_stopped() {
            return None;
        }
        if self.left_out > 0 {
            self.found.unjudged.push(format!(
                "{} hosts were not compared, because the comparison of the others took too long; compare smaller meshes",
                self.left_out
            ));
        }
        Some(self.found)
    }

    fn at_gateways(&mut self) {
        let [before, after] = self.meshes;
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
                    let Some(served) = workload.ports.get(&port) else { continue };
                    hosts.extend(served.hosts().flat_map(HostTable::names));
                    if let Some(tls) = &served.tls {
                        scheme = "https";
                        hosts.extend(tls.names_of_connections());
                    }
                }
                let mut template = Request::default().gateway(gateway.clone()).port(port);
                scheme.clone_into(&mut template.scheme);
                self.hosts(&hosts, &template);
            }
        }
    }

    fn in_mesh(&mut self) {
        let [before, after] = self.meshes;
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
            self.found.unjudged.push(format!(
                "sidecars in {} of {} namespaces were not looked at",
                namespaces.len() - MAX_NAMESPACES,
                namespaces.len()
            ));
        }
        let labels = clients(self.meshes);
        let ports = ports(self.meshes);
        if labels.len() > MAX_CLIENTS || ports.len() > MAX_PORTS {
            self.found.unjudged.push(format!(
                "sidecars were looked at for {MAX_CLIENTS} of {} sets of labels and {MAX_PORTS} of {} ports at most",
                labels.len(),
                ports.len()
            ));
        }
        for namespace in namespaces.into_iter().take(MAX_NAMESPACES) {
            for labels in labels.iter().take(MAX_CLIENTS) {
                for port in ports.iter().take(MAX_PORTS) {
                    let client = Request::default().from_workload(namespace, (*labels).clone());
                    self.hosts(&hosts, &client.port(*port));
                }
            }
        }
    }

    /// Looks at the requests to each host of one listener.
    fn hosts(&mut self, hosts: &BTreeSet<String>, template: &Request) {
        let all: HostIndex<String> = hosts.iter().collect();
        for host in hosts {
            if self.work.spend(ROUTE) {
                self.host(host, &all, template);
            } else {
                self.left_out += 1;
            }
        }
    }

    /// Looks for changes among the requests to one host.
    fn host(&mut self, host: &str, all: &HostIndex<String>, template: &Request) {
        let narrower: Vec<String> = all.covered(host).map(|(name, _)| name).collect();
        let example = example(host, all);
        let sample = template.clone().host(example.clone());
        let sides = self.meshes.map(|mesh| routes(mesh, &sample));
        if sides[0].is_empty() && sides[1].is_empty() {
            self.take(&sample);
            return;
        }
        let count = sides[0].len() + sides[1].len() + narrower.len();
        if !self.work.spend(count.saturating_mul(ROUTE)) {
            self.left_out += 1;
            return;
        }
        let own = Hosts(vec![host.to_owned()]);
        let others = Hosts(narrower);
        let authority: Atoms<'_> = vec![
            (Part::Authority, Wanted::is(Test::Hosts(&own))),
            (Part::Authority, Wanted { test: Test::Hosts(&others), wanted: false, missing: true }),
        ];
        let ports = template.port.iter().map(ToString::to_string).collect();
        let region =
            Region { template: template.clone(), authority, examples: vec![example], ports };
        let conditions: [Vec<Option<Atoms<'_>>>; 2] =
            [0, 1].map(|side| sides[side].iter().map(|route| atoms(&route.conditions)).collect());
        self.routes(sides, &conditions, &region, &sample, host);
    }

    /// Checks each pair of a route before (or none) and a route after (or none) with different effects.
    fn routes<'c>(
        &mut self,
        sides: [&[Arc<Route>]; 2],
        conditions: &'c [Vec<Option<Atoms<'c>>>; 2],
        region: &'c Region<'c>,
        sample: &Request,
        host: &str,
    ) {
        // Equal effects have the same number: thousands of routes make many pairs to compare.
        let mut known = BTreeMap::new();
        let effects: [Vec<usize>; 2] = [0, 1].map(|side| {
            let mesh = self.meshes[side];
            let of_routes = sides[side].iter().map(|route| Effect::of(mesh, route, sample));
            of_routes
                .chain([Effect::none(mesh, sample, sides[side].is_empty())])
                .map(|effect| {
                    let next = known.len();
                    *known.entry(effect).or_insert(next)
                })
                .collect()
        });
        let numbered = number([&conditions[0], &conditions[1]]);
        for (first, second) in pairs(&numbered) {
            if !self.work.spend(1) {
                self.found.unjudged.push(format!(
                    "host {host}: the comparison of its rules was stopped, because it takes too long"
                ));
                return;
            }
            if effects[0][first] == effects[1][second] {
                continue;
            }
            match self.shared([first, second], &numbered, conditions, region) {
                Answer::None => {}
                Answer::Found(request) => self.take(&request),
                Answer::Unknown => {
                    let name = |side: usize, index: usize| {
                        sides[side]
                            .get(index)
                            .map_or_else(|| "no rule".to_owned(), |route| route.place.to_string())
                    };
                    self.found.unjudged.push(format!(
                        "host {host}: {} and {}",
                        name(0, first),
                        name(1, second)
                    ));
                    if !self.work.spend(SHARE) {
                        return;
                    }
                }
            }
        }
    }

    /// A request that comes to one route before and to another after.
    fn shared<'c>(
        &mut self,
        pair: [usize; 2],
        numbered: &[Numbered; 2],
        conditions: &'c [Vec<Option<Atoms<'c>>>; 2],
        region: &'c Region<'c>,
    ) -> Answer {
        if !self.work.spend((pair[0] + pair[1]) * EARLIER) {
            return Answer::Unknown;
        }
        let mut wanted = Vec::new();
        let mut avoided = Vec::new();
        // Both lists have most conditions in common: each is avoided once.
        let mut known = BTreeSet::new();
        for side in [0, 1] {
            for (at, atoms) in conditions[side].iter().enumerate().take(pair[side] + 1) {
                let Some(atoms) = atoms else { return Answer::Unknown };
                if at == pair[side] {
                    wanted.push(atoms);
                } else if known.insert(numbered[side].number(at)) {
                    avoided.push(atoms);
                }
            }
        }
        region.find(&wanted, &avoided, &mut self.work)
    }

    /// Adds the change that a request proves, when there is one.
    fn take(&mut self, request: &Request) {
        let [before, after] = self.meshes;
        if let Some(change) = change(before, after, request) {
            // Clients that differ only in properties without conditions change in the same way.
            let same = |known: &Change| {
                known.before == change.before
                    && known.after == change.after
                    && known.witness.authority == change.witness.authority
                    && known.witness.source_namespace == change.witness.source_namespace
                    && known.witness.gateway == change.witness.gateway
            };
            let sidecar = change.witness.gateway.as_deref() == Some(MESH);
            if sidecar && self.found.changes.iter().rev().take(REMEMBERED).any(same) {
                return;
            }
            self.work.spend((change.before.shares.len() + change.after.shares.len() + 1) * SHARE);
            self.found.changes.push(change);
        }
    }
}

/// The sets of client labels for which the rules of the mesh may differ: the empty set, and each set in a condition.
fn clients(meshes: [&Mesh; 2]) -> Vec<BTreeMap<String, String>> {
    let mut known = vec![BTreeMap::new()];
    let conditions = conditions(meshes).filter_map(|condition| match condition {
        Condition::SourceLabels(labels) => Some(labels),
        _ => None,
    });
    for labels in conditions {
        if !known.contains(labels) {
            known.push(labels.clone());
        }
    }
    known
}

/// The ports for which the mesh may differ: 80, those of services and those that rules ask for.
fn ports(meshes: [&Mesh; 2]) -> BTreeSet<u16> {
    let asked = conditions(meshes).filter_map(|condition| match condition {
        Condition::Port(port) | Condition::ParentPort(port, _) => Some(*port),
        _ => None,
    });
    let listed = meshes.into_iter().flat_map(|mesh| mesh.0.lookup.registry.ports());
    asked.chain(listed).chain([80]).collect()
}

fn conditions(meshes: [&Mesh; 2]) -> impl Iterator<Item = &Condition> {
    let routes = meshes.into_iter().flat_map(|mesh| mesh.0.mesh.routes.iter().flatten());
    routes.flat_map(|route| &route.conditions.rest)
}

/// The routes that requests to a host meet in one mesh, in order.
fn routes<'m>(mesh: &'m Mesh, request: &Request) -> &'m [Arc<Route>] {
    match mesh.0.arrival(request) {
        Arrival::Gateway { hosts, .. } => match hosts.find(&request.authority) {
            Some(host) if !host.require_tls || request.scheme == "https" => &host.table.routes,
            _ => &[],
        },
        Arrival::Mesh { .. } => match mesh.0.called(request) {
            Resolved::Entry(index) => &mesh.0.mesh.routes[index],
            Resolved::Service(_)
            | Resolved::Route(_)
            | Resolved::Closed(_)
            | Resolved::Unknown(_) => &[],
        },
        Arrival::Connection { .. } | Arrival::Nowhere { .. } => &[],
    }
}

/// An authority that a host stands for and none of the narrower ones.
fn example(host: &str, all: &HostIndex<String>) -> String {
    let Some(suffix) = host.strip_prefix('*') else {
        return host.to_owned();
    };
    let suffix = if suffix.is_empty() { ".example" } else { suffix };
    (0..=all.len())
        .map(|number| format!("any{number}{suffix}"))
        .find(|name| all.covering(name).next().is_some_and(|narrowest| narrowest == host))
        .unwrap_or_else(|| format!("any{suffix}"))
}
