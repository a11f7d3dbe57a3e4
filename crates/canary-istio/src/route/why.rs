//! The reasons for the route of a request, as data and in words.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    conditions::Unmet,
    decision::{Decision, Outcome},
    entry::Entry,
    gateway_api::shown_listener,
    mesh::Compiled,
    normalize::target,
    request::RequestView,
    rule_ref::RuleRef,
    scopes::Beyond,
    search::Arrival,
    seen::Seen,
    sidecars::Resolved,
    tables::Workload,
    virtual_host::{Hosts, Item, VirtualHost},
};
use crate::names::{covers, intersection, server_host_for, split_authority};

/// The reasons behind a [`Decision`]; see [`Decision::why`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Why {
    /// Where the request arrived: `port 80 of Gateway default/image-classifier-gateway`.
    pub listener: String,
    /// The host that its authority was found under; `None` when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The rules of that host up to the one that matched, in the order in which they are tried.
    pub tried: Vec<Tried>,
    /// The rule that matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched: Option<RuleRef>,
    /// The outcome, in one line.
    pub outcome: String,
    /// Further reasons: why objects were left out, why a destination cannot be reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A rule that did not match, with the first of its conditions that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tried {
    /// The rule.
    pub rule: RuleRef,
    /// The condition.
    pub unmet: Unmet,
}

/// The largest number of reasons given for leaving objects out.
const MAX_NOTES: usize = 20;

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "listener: {}", self.listener)?;
        if let Some(host) = &self.host {
            writeln!(f, "host: {host}")?;
        }
        for tried in &self.tried {
            let rule = &tried.rule;
            write!(f, "not {}", rule.object)?;
            if !rule.name.is_empty() {
                write!(f, " ({})", rule.name)?;
            }
            if let Some(delegate) = &rule.delegate {
                write!(f, " by {delegate}")?;
            }
            writeln!(f, ": {}", tried.unmet)?;
        }
        if let Some(rule) = &self.matched {
            writeln!(f, "matched {rule}")?;
        }
        write!(f, "outcome: {}", self.outcome)?;
        for note in &self.notes {
            write!(f, "\nnote: {note}")?;
        }
        Ok(())
    }
}

impl<R: RequestView> Decision<R> {
    /// The rule that matched and, for each earlier rule, the first condition that failed.
    ///
    /// This repeats the search and records it, which [`Mesh::route`](super::Mesh::route) does not do.
    ///
    /// ```
    /// use canary_core::{Gateway, Mesh, Request, VirtualService};
    ///
    /// let gateway = Gateway::http("edge", 80, ["*"]);
    /// let split = VirtualService::weighted("models", [("resnet50", 1), ("resnet101", 0)])
    ///     .hosts(["*"])
    ///     .gateway("edge")
    ///     .when_header("user-group", "canary", "resnet101");
    /// let mesh = Mesh::new([&gateway, &split])?;
    /// let request = Request::get("http://203.0.113.7/").header("user-group", "staff");
    /// let why = mesh.route(&request).why();
    /// assert_eq!(why.tried[0].unmet.path, "spec.http[0].match[0].headers[user-group]");
    /// assert_eq!(why.tried[0].unmet.found.as_deref(), Some("staff"));
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    pub fn why(&self) -> Why {
        let compiled = &*self.mesh.0;
        let request = &self.request;
        let mut why = Why { outcome: self.outcome.to_string(), ..Why::default() };
        if let Some(delay) = self.delay {
            why.notes.push(format!("a fault holds the request back for {delay:?}"));
        }
        match compiled.arrival(request) {
            Arrival::Gateway { workload, port, hosts } => {
                why.listener = format!("port {port} of Gateway {}", workload.gateways.join(", "));
                match hosts.find(request.authority()) {
                    Some(host) => {
                        why.host = Some(host.name.clone());
                        if host.require_tls && request.scheme() != "https" {
                            why.notes.push("the server has httpsRedirect".to_owned());
                        } else {
                            tried_at(host, request, port, &mut why);
                        }
                    }
                    None => left_out(compiled, workload, hosts, request, port, &mut why),
                }
            }
            Arrival::Connection { workload, port, .. } => {
                why.listener = format!("port {port} of Gateway {}", workload.gateways.join(", "));
                why.notes
                    .push("the whole connection is passed through, with any protocol".to_owned());
            }
            Arrival::Mesh { port } => {
                let namespace = request.source_namespace().unwrap_or("default");
                why.listener =
                    format!("the sidecar of a client in namespace {namespace}, port {port}");
                tried_in_mesh(compiled, request, port, &mut why);
            }
            Arrival::Nowhere { reason, .. } => why.listener = format!("none: {reason}"),
        }
        why.matched = self.rule().cloned();
        if let (Some(cluster), Outcome::Abort(_) | Outcome::Preflight(_)) =
            (&self.cluster, &self.outcome)
        {
            why.notes.push(format!("else it would go to {}", cluster.name));
        }
        for share in self.shares() {
            if let Some(failure) = share.cluster.failure.as_ref().filter(|_| share.weight > 0) {
                why.notes.push(format!(
                    "{}/{} of the requests of this rule fail with {failure}",
                    share.weight, share.total
                ));
            }
        }
        why.notes.extend(self.mesh.notes().take(MAX_NOTES).map(str::to_owned));
        why
    }
}

fn tried_at<R: RequestView>(host: &VirtualHost, request: &R, port: u16, why: &mut Why) {
    let target = target(request.path());
    let mut seen = Seen::new(request, &target, port);
    let mut matched = false;
    for item in &host.table.items {
        match item {
            Item::Live(route) if !matched => {
                match route.conditions.unmet(&mut seen, &route.place.path) {
                    Some(unmet) => why.tried.push(Tried { rule: (*route.place).clone(), unmet }),
                    None => matched = true,
                }
            }
            Item::Dead(rule, unmet) if !matched => {
                why.tried.push(Tried { rule: (**rule).clone(), unmet: (**unmet).clone() });
            }
            Item::Live(_) | Item::Dead(..) => {}
            Item::Shadowed(rule, earlier) => {
                if why.notes.len() < MAX_NOTES {
                    why.notes.push(format!(
                        "{rule} is never tried: {} before it matches everything",
                        earlier.path
                    ));
                }
            }
        }
    }
}

fn tried_in_mesh<R: RequestView>(compiled: &Compiled, request: &R, port: u16, why: &mut Why) {
    match compiled.called(request) {
        Resolved::Entry(index) => {
            let entry = &compiled.entries[index];
            why.host =
                Some(format!("{} of {}", split_authority(request.authority()).0, entry.object));
            let target = target(request.path());
            let mut seen = Seen::new(request, &target, port);
            for route in &compiled.mesh.routes[index] {
                match route.conditions.unmet(&mut seen, &route.place.path) {
                    Some(unmet) => why.tried.push(Tried { rule: (*route.place).clone(), unmet }),
                    None => break,
                }
            }
        }
        Resolved::Service(host) => {
            why.notes.push(format!(
                "no VirtualService and no route for service {host} is bound to the mesh"
            ));
            why.host = Some(host);
        }
        Resolved::Route(_) => {
            why.notes.push("the whole connection is passed through, with any protocol".to_owned());
        }
        Resolved::Closed(reason) => why.notes.push(reason),
        Resolved::Unknown(beyond) => {
            why.notes.push(
                "no VirtualService or route bound to the mesh is for this host on this port, and no known service has this name"
                    .to_owned(),
            );
            if beyond == Beyond::Refused {
                why.notes.push(
                    "the sidecar only reaches services that it knows (REGISTRY_ONLY)".to_owned(),
                );
            }
        }
    }
    let label = |key: &str| request.source_label(key);
    let sidecar = compiled.sidecar(request, &label);
    for object in sidecar.idle(request.authority()) {
        why.notes.push(format!("{object} has no rule for this client and is ignored"));
    }
    if let Some(scope) = sidecar.scope() {
        why.notes.push(format!("{} limits what the client sees", scope.object));
    }
}

/// Gives the reason why each VirtualService does not serve the host of a request.
fn left_out<R: RequestView>(
    compiled: &Compiled,
    workload: &Workload,
    hosts: &Hosts,
    request: &R,
    port: u16,
    why: &mut Why,
) {
    let asked = split_authority(request.authority()).0.to_ascii_lowercase();
    if hosts.is_empty() {
        why.notes.push(format!("no VirtualService and no route is for port {port}"));
    }
    let mut more = 0_usize;
    for entry in &compiled.entries {
        if why.notes.len() < MAX_NOTES {
            let reason = reason_left_out(compiled, workload, entry, &asked, port);
            why.notes.push(format!("{} does not serve it: {reason}", entry.object));
        } else {
            more += 1;
        }
    }
    if more > 0 {
        why.notes.push(format!("{more} more objects do not serve it"));
    }
}

fn reason_left_out(
    compiled: &Compiled,
    workload: &Workload,
    entry: &Entry,
    asked: &str,
    port: u16,
) -> String {
    let Some(gateway) = workload.referred.iter().find(|name| entry.gateways.contains(name)) else {
        let gateways: Vec<String> =
            entry.gateways.iter().map(|name| shown_listener(name)).collect();
        return format!("its gateways are {}", gateways.join(", "));
    };
    if entry.exports.seen_from(&workload.namespace, &entry.namespace).is_none() {
        return format!("it is not exported to namespace {}", workload.namespace);
    }
    if !entry.hosts.iter().any(|host| covers(host, asked)) {
        return format!("its hosts are {}", entry.hosts.join(", "));
    }
    let of_istio = compiled.objects.gateways.iter();
    let of_istio = of_istio.map(|(namespace, name, object)| {
        (format!("{namespace}/{name}"), namespace.as_str(), object)
    });
    let of_listeners = compiled.deployed.iter().flat_map(|deployed| {
        let listeners = deployed.listeners.iter();
        listeners.map(|(name, object)| (name.clone(), deployed.namespace.as_str(), object))
    });
    let servers = of_istio
        .chain(of_listeners)
        .filter(|(name, _, _)| name == gateway)
        .flat_map(|(_, namespace, object)| {
            object.spec.servers.iter().flatten().map(move |server| (namespace, server))
        })
        .filter(|(_, server)| server.port.number == Some(u32::from(port)));
    let mut offered = Vec::new();
    for (namespace, server) in servers {
        for written in server.hosts.iter().flatten() {
            offered.push(written.clone());
            let fits = server_host_for(written, namespace, &entry.namespace).is_some_and(|name| {
                let name = name.to_ascii_lowercase();
                entry
                    .hosts
                    .iter()
                    .any(|host| intersection(&name, host).is_some_and(|both| covers(both, asked)))
            });
            if fits {
                return "none of its rules applies on this listener".to_owned();
            }
        }
    }
    if offered.is_empty() {
        format!("Gateway {} has no server on port {port}", shown_listener(gateway))
    } else {
        format!("the server's hosts are {}", offered.join(", "))
    }
}
