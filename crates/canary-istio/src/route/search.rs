//! The search for the rule of a request: listener, host, route, destination.

use std::sync::Arc;

use super::{
    address::{Address, Named},
    clusters::{Cluster, Failure, FailureKind, Proxy},
    cors::CorsAction,
    decision::{Decision, Outcome},
    destination_rules::Client,
    listeners::{Chain, Plain, Port},
    mesh::{Compiled, Mesh},
    normalize::normalized,
    outbound::{self, Carries},
    request::{DEFAULT_NAMESPACE, RequestView, authority_port},
    rewrite::{RedirectTo, https_redirect},
    routes::Route,
    rules::{Action, DirectResponse},
    scopes::Beyond,
    seen::Seen,
    sidecars::{Resolved, Sidecar},
    tables::Workload,
    virtual_host::{Hosts, VirtualHost},
};
use crate::names::{MESH, split_authority};

/// The listener at which a request arrives.
pub(super) enum Arrival<'m> {
    /// At a gateway that speaks HTTP on the port.
    Gateway { workload: &'m Workload, port: u16, hosts: &'m Hosts },
    /// At a gateway that sends the whole connection on.
    Connection { workload: &'m Workload, port: u16, route: &'m Arc<Route> },
    /// At the sidecar of a client.
    Mesh { port: u16 },
    /// No listener, for this reason.
    Nowhere { port: u16, reason: String },
}

impl Mesh {
    /// Decides the route of a request.
    ///
    /// The request is a [`Request`](super::Request), a reference to one, or any type of a proxy that implements
    /// [`RequestView`]. The same request always gets the same decision: random choices use [`RequestView::random`].
    pub fn route<R: RequestView>(&self, request: R) -> Decision<R> {
        match self.0.arrival(&request) {
            Arrival::Gateway { port, hosts, .. } => self.at_gateway(request, port, hosts),
            Arrival::Connection { port, route, .. } => {
                let route = Arc::clone(route);
                self.by_route(request, port, route)
            }
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
            Resolved::Entry(index) => {
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
            Resolved::Service(host) => {
                let namespace = String::new();
                let named = Named::Destination;
                let address = Address { host, subset: None, port: Some(port), namespace, named };
                let cluster = Arc::new(self.0.cluster_for(&address, &request, port));
                let mut decision = self.decision(request, port, Outcome::Passthrough);
                decision.outcome = reach(&cluster);
                decision.cluster = Some(cluster);
                decision
            }
            Resolved::Route(route) => self.by_route(request, port, route),
            Resolved::Closed(reason) => {
                let failure = Failure { kind: FailureKind::NoRoute, reason: reason.into() };
                self.decision(request, port, Outcome::Failure(failure))
            }
            Resolved::Unknown(beyond) => self.beyond(request, port, beyond),
        }
    }

    /// The treatment of a request whose host the sidecar does not know.
    fn beyond<R: RequestView>(&self, request: R, port: u16, beyond: Beyond) -> Decision<R> {
        match beyond {
            Beyond::Passed => self.decision(request, port, Outcome::Passthrough),
            Beyond::Refused => {
                let answer = DirectResponse { status: 502, body: Vec::new() };
                self.decision(request, port, Outcome::DirectResponse(Arc::new(answer)))
            }
            Beyond::Sent(address) => {
                let cluster = Arc::new(self.0.cluster_for(&address, &request, port));
                let mut decision = self.decision(request, port, reach(&cluster));
                decision.cluster = Some(cluster);
                decision
            }
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
    /// The listener at which a request arrives, by its gateway and port, or by the existing listeners.
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
                        Arrival::Connection { .. } => true,
                        Arrival::Mesh { .. } | Arrival::Nowhere { .. } => false,
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
        // A name without a namespace is enough when it is unique.
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
        let listener = self.scopes.of(&client).and_then(|scope| scope.listener(port));
        self.lookup.cluster(address, &client, port, Proxy::Sidecar(listener))
    }

    /// The virtual host that a client of the mesh finds for a request.
    pub(super) fn called<R: RequestView>(&self, request: &R) -> Resolved {
        let label = |key: &str| request.source_label(key);
        let sidecar = self.sidecar(request, &label);
        outbound::target(&sidecar, request.authority(), Carries::of(request.scheme()))
    }

    /// The sidecar of the client of a request.
    pub(super) fn sidecar<'m, R: RequestView>(
        &'m self,
        request: &'m R,
        label: &'m dyn Fn(&str) -> Option<&'m str>,
    ) -> Sidecar<'m> {
        let namespace = request.source_namespace().unwrap_or(DEFAULT_NAMESPACE);
        Sidecar {
            lookup: &self.lookup,
            entries: &self.entries,
            table: &self.mesh,
            scopes: &self.scopes,
            client: Client { namespace, label },
            port: mesh_port(request),
        }
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
    let secure = request.scheme() == "https";
    let usual = |port: &Port| match &port.plain {
        Some(Plain::Http(_)) if !secure => true,
        _ => secure && port.tls.is_some(),
    };
    let listener = |port: u16| workload.translated.get(&port).copied().unwrap_or(port);
    let named = authority_port(request.authority()).map(listener);
    let port = request
        .port()
        .map(listener)
        .or_else(|| named.filter(|port| workload.ports.contains_key(port)))
        .or_else(|| workload.ports.iter().find(|(_, port)| usual(port)).map(|(port, _)| *port));
    let Some(port) = port else {
        let reason = format!(
            "no server of {} takes {} requests: {}",
            workload.gateways.join(", "),
            request.scheme(),
            ports(workload)
        );
        return Arrival::Nowhere { port: 0, reason };
    };
    let nowhere = |reason: String| Arrival::Nowhere { port, reason };
    let Some(served) = workload.ports.get(&port) else {
        return nowhere(format!(
            "no server of {} listens on port {port}: {}",
            workload.gateways.join(", "),
            ports(workload)
        ));
    };
    if let Some(name) = served.tls.as_ref().and_then(|tls| tls.repeated.as_ref()) {
        return nowhere(format!(
            "Envoy refuses the listener on port {port}, because {name} appears twice in it"
        ));
    }
    let asked = split_authority(request.authority()).0;
    match (&served.plain, &served.tls) {
        // A port for TLS alone is taken to be asked with TLS.
        (plain, Some(tls)) if secure || plain.is_none() => match tls.find(request.authority()) {
            Some(Chain::Http(hosts)) => Arrival::Gateway { workload, port, hosts },
            Some(Chain::Connection(route)) => Arrival::Connection { workload, port, route },
            None => nowhere(format!("no TLS server on port {port} is for host {asked:?}")),
        },
        (Some(Plain::Http(hosts)), _) => Arrival::Gateway { workload, port, hosts },
        (Some(Plain::Connection(route)), _) => Arrival::Connection { workload, port, route },
        (Some(Plain::Opaque(protocol)), _) => nowhere(format!(
            "the server on port {port} speaks {protocol}, and no TCP rule applies to it"
        )),
        (None, _) => nowhere(format!("every server on port {port} is left out")),
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
