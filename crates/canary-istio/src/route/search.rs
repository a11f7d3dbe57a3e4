//! The search for the rule of a request: listener, host, route, destination.

use std::sync::Arc;

use super::{
    clusters::{Address, Cluster, Failure, FailureKind},
    conditions::Seen,
    cors::CorsAction,
    decision::{Decision, Outcome},
    destination_rules::Client,
    mesh::{Compiled, Mesh},
    normalize::normalized,
    request::{RequestView, authority_port},
    rewrite::{RedirectTo, https_redirect},
    routes::Route,
    rules::Action,
    tables::{Protocol, Workload},
    virtual_host::{Hosts, VirtualHost},
};
use crate::names::{MESH, expand_alias, lower, service_namespace, split_authority};

/// The namespace that a client of the mesh is in when the request does not say.
const DEFAULT_NAMESPACE: &str = "default";

/// Where a request arrives.
pub(super) enum Arrival<'m> {
    /// At a gateway that speaks HTTP on the port.
    Gateway { workload: &'m Workload, port: u16, hosts: &'m Hosts },
    /// At the sidecar of a client.
    Mesh { port: u16 },
    /// Nowhere, for this reason.
    Nowhere { port: u16, reason: String },
}

/// The entry that a sidecar finds for a host.
pub(super) enum Called {
    /// A VirtualService, by its number.
    Entry(usize),
    /// A service without one, by its full name.
    Service(String),
    /// Neither.
    Unknown,
}

impl Mesh {
    /// Decides where a request goes.
    ///
    /// The request is a [`Request`](super::Request), a reference to one, or whatever a proxy has at hand that
    /// implements [`RequestView`]. The same request always gets the same decision: what is left to chance comes from
    /// [`RequestView::random`].
    pub fn route<R: RequestView>(&self, request: R) -> Decision<R> {
        match self.0.arrival(&request) {
            Arrival::Gateway { port, hosts, .. } => self.at_gateway(request, port, hosts),
            Arrival::Mesh { port } => self.at_sidecar(request, port),
            Arrival::Nowhere { port, reason } => {
                let failure = Failure { kind: FailureKind::NoRoute, reason: reason.into() };
                self.decision(request, port, Outcome::Failure(failure))
            }
        }
    }

    fn decision<R>(&self, request: R, listener: u16, outcome: Outcome) -> Decision<R> {
        Decision {
            mesh: self.clone(),
            request,
            route: None,
            chosen: None,
            cluster: None,
            outcome,
            delay: None,
            listener,
        }
    }

    fn at_gateway<R: RequestView>(&self, request: R, port: u16, hosts: &Hosts) -> Decision<R> {
        let Some(host) = hosts.find(request.authority()) else {
            let name = split_authority(request.authority()).0;
            let reason = format!("no host of the listener on port {port} fits {name:?}");
            let failure = Failure { kind: FailureKind::NoRoute, reason: reason.into() };
            return self.decision(request, port, Outcome::Failure(failure));
        };
        if host.require_tls && request.scheme() != "https" {
            let redirect = https_redirect(&request);
            return self.decision(request, port, Outcome::Redirect(redirect));
        }
        let found = normalized(request.path())
            .map(|target| host.find(&mut Seen::new(&request, &target, port)).cloned());
        let Some(found) = found else { return self.bad_path(request, port) };
        match found {
            Some(route) => self.by_route(request, port, route),
            None => self.no_rule(request, port, host),
        }
    }

    fn no_rule<R>(&self, request: R, port: u16, host: &VirtualHost) -> Decision<R> {
        let reason = format!("no rule for host {} fits the request", host.name);
        let failure = Failure { kind: FailureKind::NoRoute, reason: reason.into() };
        self.decision(request, port, Outcome::Failure(failure))
    }

    fn bad_path<R>(&self, request: R, port: u16) -> Decision<R> {
        let reason = "the path holds an escaped NUL".into();
        let failure = Failure { kind: FailureKind::BadPath, reason };
        self.decision(request, port, Outcome::Failure(failure))
    }

    fn at_sidecar<R: RequestView>(&self, request: R, port: u16) -> Decision<R> {
        match self.0.called(&request) {
            Called::Entry(index) => {
                let found = normalized(request.path()).map(|target| {
                    let mut seen = Seen::new(&request, &target, port);
                    let routes = &self.0.mesh.routes[index];
                    routes.iter().find(|route| route.conditions.hold(&mut seen)).cloned()
                });
                let Some(found) = found else { return self.bad_path(request, port) };
                if let Some(route) = found {
                    return self.by_route(request, port, route);
                }
                let reason =
                    format!("no rule of {} fits the request", self.0.entries[index].object);
                let failure = Failure { kind: FailureKind::NoRoute, reason: reason.into() };
                self.decision(request, port, Outcome::Failure(failure))
            }
            Called::Service(host) => {
                let address = Address { host, subset: None, port: Some(port) };
                let cluster = Arc::new(self.0.cluster_for(&address, &request, port));
                let mut decision = self.decision(request, port, Outcome::Passthrough);
                decision.outcome = reach(&cluster);
                decision.cluster = Some(cluster);
                decision
            }
            Called::Unknown => self.decision(request, port, Outcome::Passthrough),
        }
    }

    /// Faults come first, then CORS, then what the rule says.
    pub(super) fn by_route<R: RequestView>(
        &self,
        request: R,
        port: u16,
        route: Arc<Route>,
    ) -> Decision<R> {
        let rule = Arc::clone(&route.bound.rule);
        let random = request.random();
        let delay = rule.fault.delays(random);
        let chosen = match rule.action {
            Action::Forward => rule.split.pick(random),
            _ => None,
        };
        let cluster = chosen.map(|index| self.target(&route, index, &request, port));
        let preflight = || match rule.cors.as_ref()?.judge(&request)? {
            CorsAction::Answer(headers) => Some(headers),
            CorsAction::Pass(_) => None,
        };
        let outcome = if let Some(abort) = rule.fault.aborts(random) {
            Outcome::Abort(abort.clone())
        } else if let Some(headers) = preflight() {
            Outcome::Preflight(headers)
        } else {
            match (&rule.action, &cluster) {
                (Action::Direct(direct), _) => Outcome::DirectResponse(Arc::clone(direct)),
                (Action::Redirect(written), _) => {
                    let matched = &route.conditions.uri;
                    let made = match &route.bound.redirect {
                        Some(redirect) => Some(redirect.answer(&request, matched)),
                        None => RedirectTo::new(written, port, false)
                            .map(|redirect| redirect.answer(&request, matched)),
                    };
                    made.map_or_else(nowhere, Outcome::Redirect)
                }
                (Action::Forward, Some(cluster)) => reach(cluster),
                (Action::Forward, None) => nowhere(),
            }
        };
        let mesh = self.clone();
        let listener = port;
        Decision { mesh, request, route: Some(route), chosen, cluster, outcome, delay, listener }
    }

    /// The cluster of a destination of a rule.
    pub(super) fn target<R: RequestView>(
        &self,
        route: &Route,
        index: usize,
        request: &R,
        port: u16,
    ) -> Arc<Cluster> {
        route.bound.clusters.get(index).map_or_else(
            || {
                let address = &route.bound.rule.targets[index].address;
                Arc::new(self.0.cluster_for(address, request, port))
            },
            Arc::clone,
        )
    }

    /// The cluster of a mirror of a rule.
    pub(super) fn mirror<R: RequestView>(
        &self,
        route: &Route,
        index: usize,
        request: &R,
        port: u16,
    ) -> Arc<Cluster> {
        route.bound.mirrors.get(index).map_or_else(
            || {
                let address = &route.bound.rule.mirrors[index].0;
                Arc::new(self.0.cluster_for(address, request, port))
            },
            Arc::clone,
        )
    }
}

/// The outcome of a rule that leads nowhere; such rules are refused when the mesh is made.
fn nowhere() -> Outcome {
    Outcome::Failure(Failure {
        kind: FailureKind::NoRoute,
        reason: "the rule leads nowhere".into(),
    })
}

fn reach(cluster: &Arc<Cluster>) -> Outcome {
    match &cluster.failure {
        Some(failure) => Outcome::Failure(failure.clone()),
        None => Outcome::Forward(Arc::clone(cluster)),
    }
}

impl Compiled {
    /// Where a request arrives, by the gateway and the port it names or by what there is.
    pub(super) fn arrival<R: RequestView>(&self, request: &R) -> Arrival<'_> {
        let workload = match request.gateway() {
            Some(MESH) => return Arrival::Mesh { port: mesh_port(request) },
            Some(name) => match self.workload_of(name) {
                Ok(workload) => workload,
                Err(reason) => {
                    return Arrival::Nowhere { port: request.port().unwrap_or(0), reason };
                }
            },
            None => match self.workloads.as_slice() {
                [] => return Arrival::Mesh { port: mesh_port(request) },
                [only] => only,
                [first, ..] => self
                    .workloads
                    .iter()
                    .find(|workload| match arrive(workload, request) {
                        Arrival::Gateway { hosts, .. } => hosts.find(request.authority()).is_some(),
                        _ => false,
                    })
                    .unwrap_or(first),
            },
        };
        arrive(workload, request)
    }

    fn workload_of(&self, name: &str) -> Result<&Workload, String> {
        if let Some(index) = self.gateways.get(name) {
            return Ok(&self.workloads[*index]);
        }
        // A name alone will do when it is the only one.
        let mut named = self
            .gateways
            .iter()
            .filter(|(full, _)| full.split_once('/').is_some_and(|(_, short)| short == name));
        match (named.next(), named.next()) {
            (Some((_, index)), None) => Ok(&self.workloads[*index]),
            (Some(_), Some(_)) => {
                Err(format!("several Gateways are called {name}; write namespace/{name}"))
            }
            (None, _) => {
                let mut known: Vec<&str> = self.gateways.keys().map(String::as_str).collect();
                known.sort_unstable();
                let known =
                    if known.is_empty() { "there is none".to_owned() } else { known.join(", ") };
                Err(format!("no Gateway {name} is among the objects: {known}"))
            }
        }
    }

    /// The cluster of a destination for the client of a request.
    pub(super) fn cluster_for<R: RequestView>(
        &self,
        address: &Address,
        request: &R,
        port: u16,
    ) -> Cluster {
        let label = |key: &str| request.source_label(key);
        let namespace = request.source_namespace().unwrap_or(DEFAULT_NAMESPACE);
        let client = Client { namespace, label: &label };
        self.world.cluster(address, &client, port)
    }

    /// The entry that a client of the mesh calls by the host of its request.
    pub(super) fn called<R: RequestView>(&self, request: &R) -> Called {
        let host = lower(split_authority(request.authority()).0);
        let namespace = request.source_namespace().unwrap_or(DEFAULT_NAMESPACE);
        let domain = &self.world.domain;
        let full = expand_alias(&host, namespace, domain);
        let names = [Some(&*host), full.as_deref()];
        // A VirtualService on the very name.
        for name in names.into_iter().flatten() {
            if let Some(index) =
                self.mesh.hosts.exact(name).and_then(|all| self.nearest(all, namespace))
            {
                return Called::Entry(index);
            }
        }
        // A service, by the wildcard that fits it best, or by itself.
        // Without an inventory `example.com` is no service `example` in namespace `com`.
        let plain = !host.contains('.') || host.split('.').next_back() == Some("svc");
        let in_cluster = |name: &&str| {
            self.world.services.contains_key(*name)
                || (!self.world.complete
                    && (plain || **name == *host)
                    && service_namespace(name, domain).is_some())
        };
        let service = names.into_iter().flatten().find(in_cluster);
        for candidates in self.mesh.hosts.wildcards(service.unwrap_or(&host)) {
            if let Some(index) = self.nearest(candidates, namespace) {
                return Called::Entry(index);
            }
        }
        match service {
            Some(service) => Called::Service(service.to_owned()),
            None => Called::Unknown,
        }
    }

    /// The first of several VirtualServices on one host that a namespace sees.
    fn nearest(&self, candidates: &[usize], namespace: &str) -> Option<usize> {
        candidates
            .iter()
            .filter_map(|index| {
                let entry = &self.entries[*index];
                // One that has no HTTP rules leaves the host to others.
                if self.mesh.routes[*index].is_empty() {
                    return None;
                }
                Some((entry.exports.seen_from(namespace, &entry.namespace)?, *index))
            })
            .min()
            .map(|(_, index)| index)
    }
}

fn mesh_port<R: RequestView>(request: &R) -> u16 {
    request
        .port()
        .or_else(|| authority_port(request.authority()))
        .unwrap_or(if request.scheme() == "https" { 443 } else { 80 })
}

/// Finds the listener of a workload that a request comes to.
fn arrive<'m, R: RequestView>(workload: &'m Workload, request: &R) -> Arrival<'m> {
    let usual = |protocol: &Protocol| match protocol {
        Protocol::Plain(_) => request.scheme() != "https",
        Protocol::Tls(..) => request.scheme() == "https",
        Protocol::Opaque(_) => false,
    };
    let port = request
        .port()
        .or_else(|| {
            authority_port(request.authority()).filter(|port| workload.ports.contains_key(port))
        })
        .or_else(|| {
            workload.ports.iter().find(|(_, protocol)| usual(protocol)).map(|(port, _)| *port)
        });
    let Some(port) = port else {
        let reason = format!(
            "no server of {} takes {} requests: {}",
            workload.gateways.join(", "),
            request.scheme(),
            ports(workload)
        );
        return Arrival::Nowhere { port: 0, reason };
    };
    let hosts = match workload.ports.get(&port) {
        Some(Protocol::Plain(hosts)) => Some(hosts),
        Some(Protocol::Tls(names, servers)) => {
            names.find(request.authority()).and_then(|index| servers.get(*index))
        }
        Some(Protocol::Opaque(protocol)) => {
            let reason = format!(
                "the server on port {port} speaks {protocol}, which HTTP rules do not concern"
            );
            return Arrival::Nowhere { port, reason };
        }
        None => {
            let reason = format!(
                "no server of {} listens on port {port}: {}",
                workload.gateways.join(", "),
                ports(workload)
            );
            return Arrival::Nowhere { port, reason };
        }
    };
    match hosts {
        Some(hosts) => Arrival::Gateway { workload, port, hosts },
        None => Arrival::Nowhere {
            port,
            reason: format!(
                "no TLS server on port {port} is for host {:?}",
                split_authority(request.authority()).0
            ),
        },
    }
}

fn ports(workload: &Workload) -> String {
    let listed: Vec<String> = workload.ports.keys().map(u16::to_string).collect();
    if listed.is_empty() {
        "there is no server".to_owned()
    } else {
        format!("ports {}", listed.join(", "))
    }
}
