//! The parents of routes: C510 to C513, C519 and C520.

use super::{
    objects::{Objects, Placed, offers, ports},
    route::Route,
};
use crate::{
    analyze::{index::Index, report::Report},
    finding::Severity,
    gateway_api::{FromNamespaces, Listener, ParentRef},
    names::overlap,
};

pub(super) fn analyze(
    route: &Route<'_>,
    objects: &Objects<'_>,
    index: &Index<'_>,
    report: &mut Report,
) {
    for (position, parent) in route.parents.iter().enumerate() {
        let path = format!("spec.parentRefs[{position}]");
        if parent.is_gateway() {
            to_gateway(route, parent, &path, objects, report);
        } else if parent.is_service() {
            to_service(route, parent, &path, objects, report);
        }
        if index.is_stopped() {
            return;
        }
    }
}

fn to_service(
    route: &Route<'_>,
    parent: &ParentRef,
    path: &str,
    objects: &Objects<'_>,
    report: &mut Report,
) {
    let namespace = route.namespace_of(parent);
    let name = &parent.name;
    match objects.service(namespace, name) {
        Err(reason) => report.unjudged("C510", reason),
        Ok(None) => {
            let message = format!(
                "there is no Service {namespace}/{name}; status: Accepted False with NoMatchingParent"
            );
            let help = "create it, or name one that exists as `namespace` and `name`";
            add(Severity::Error, "C510", route, &format!("{path}.name"), message, help, report);
        }
        Ok(Some(service)) => {
            if let Some(port) = parent.port.filter(|port| !offers(service, *port)) {
                let message = format!("Service {namespace}/{name} has no port {port}");
                let help = format!("its ports are: {}", ports(service));
                add(
                    Severity::Error,
                    "C511",
                    route,
                    &format!("{path}.port"),
                    message,
                    &help,
                    report,
                );
            }
        }
    }
    if namespace != route.namespace {
        let message = format!(
            "the route is for clients of namespace {} only, for whom it replaces the routes of {namespace}",
            route.namespace
        );
        let help = format!("put the route into namespace {namespace} to reach all clients");
        add(Severity::Warning, "C519", route, &format!("{path}.namespace"), message, &help, report);
    }
}

fn to_gateway(
    route: &Route<'_>,
    parent: &ParentRef,
    path: &str,
    objects: &Objects<'_>,
    report: &mut Report,
) {
    let namespace = route.namespace_of(parent);
    let name = &parent.name;
    let Some(gateway) = objects.gateway(namespace, name) else {
        let message = format!("there is no Gateway {namespace}/{name}, so no status is reported");
        let help = "create it, or name one that exists as `namespace` and `name`";
        add(Severity::Error, "C510", route, &format!("{path}.name"), message, help, report);
        return;
    };
    let class = &gateway.object.spec.gateway_class_name;
    match objects.controller(class) {
        Some("istio.io/gateway-controller") => {}
        None => {
            let reason =
                format!("whether Istio serves class {class}: the GatewayClass is not known");
            report.unjudged_for("C520", &route.id, reason);
        }
        Some(controller) => {
            let message = format!(
                "{} is of class {class} with controller {controller}, so Istio reports nothing for this route",
                gateway.id
            );
            let help = "name a Gateway of class istio, or the Service behind a waypoint";
            add(Severity::Warning, "C520", route, &format!("{path}.name"), message, help, report);
            return;
        }
    }
    let named: Vec<&Listener> = gateway
        .object
        .spec
        .listeners
        .iter()
        .filter(|one| parent.port.is_none_or(|port| port == one.port))
        .filter(|one| parent.section_name.as_ref().is_none_or(|section| *section == one.name))
        .collect();
    if named.is_empty() {
        let message = format!(
            "{} has no listener of this section and port; status: Accepted False with NoMatchingParent",
            gateway.id
        );
        let listeners = gateway.object.spec.listeners.iter();
        let listeners: Vec<String> =
            listeners.map(|one| format!("{} on port {}", one.name, one.port)).collect();
        let help = format!("its listeners are: {}", listeners.join(", "));
        let field = if parent.section_name.is_some() { "sectionName" } else { "port" };
        add(Severity::Error, "C511", route, &format!("{path}.{field}"), message, &help, report);
        return;
    }
    let meeting: Vec<&Listener> =
        named.iter().copied().filter(|listener| meets(listener, route.hostnames)).collect();
    if meeting.is_empty() {
        let message = format!(
            "no listener of {} serves a host of {}; status: Accepted False with NoMatchingListenerHostname",
            gateway.id,
            route.hostnames.join(", ")
        );
        let served: Vec<&str> = named.iter().filter_map(|one| one.hostname.as_deref()).collect();
        let help = format!("name a host that a listener serves: {}", served.join(", "));
        add(Severity::Error, "C512", route, "spec.hostnames", message, &help, report);
        return;
    }
    check_allowed(route, gateway, &meeting, path, objects, report);
}

/// Returns true when a listener serves one of the hosts.
fn meets(listener: &Listener, hostnames: &[String]) -> bool {
    let served = listener.hostname.as_deref().unwrap_or("*");
    hostnames.is_empty() || hostnames.iter().any(|host| overlap(served, host))
}

fn check_allowed(
    route: &Route<'_>,
    gateway: &Placed<'_>,
    listeners: &[&Listener],
    path: &str,
    objects: &Objects<'_>,
    report: &mut Report,
) {
    let mut reasons = Vec::new();
    for listener in listeners {
        match allows(listener, route, gateway.namespace, objects) {
            Ok(None) => return,
            Ok(Some(reason)) => reasons.push(format!("{}: {reason}", listener.name)),
            Err(reason) => {
                report.unjudged_for("C513", &route.id, reason);
                return;
            }
        }
    }
    let message = format!(
        "no listener of {} allows this route ({}); status: Accepted False with NotAllowedByListeners",
        gateway.id,
        reasons.join("; ")
    );
    let help = "set allowedRoutes of the listener, or put the route where it is allowed";
    add(Severity::Error, "C513", route, path, message, help, report);
}

/// The reason why a listener does not take a route, if there is one.
fn allows(
    listener: &Listener,
    route: &Route<'_>,
    namespace: &str,
    objects: &Objects<'_>,
) -> Result<Option<String>, String> {
    let allowed = listener.allowed_routes.as_ref();
    if !matches!(listener.protocol.as_str(), "HTTP" | "HTTPS") {
        return Ok(Some(format!("its protocol {} takes no {}", listener.protocol, route.kind)));
    }
    if let Some(kinds) = allowed.and_then(|one| one.kinds.as_deref()).filter(|one| !one.is_empty())
        && !kinds.iter().any(|one| {
            one.kind == route.kind && one.group_or_default() == "gateway.networking.k8s.io"
        })
    {
        return Ok(Some(format!("it takes no {}", route.kind)));
    }
    let selection = allowed.and_then(|one| one.namespaces.as_ref());
    match selection.and_then(|one| one.from).unwrap_or_default() {
        FromNamespaces::All => Ok(None),
        FromNamespaces::Same if route.namespace == namespace => Ok(None),
        FromNamespaces::Same => Ok(Some(format!("it takes routes of namespace {namespace} only"))),
        FromNamespaces::None => Ok(Some("it takes no routes".to_owned())),
        FromNamespaces::Selector => {
            let Some(labels) = objects.labels(route.namespace) else {
                return Err(format!(
                    "whether namespace {} has the labels that listener {} selects: it is not known",
                    route.namespace, listener.name
                ));
            };
            let selector = selection.and_then(|one| one.selector.as_ref());
            let selected = selector.is_some_and(|one| one.selects(labels) == Some(true));
            Ok((!selected)
                .then(|| format!("its selector does not select namespace {}", route.namespace)))
        }
    }
}

fn add(
    severity: Severity,
    code: &str,
    route: &Route<'_>,
    path: &str,
    message: String,
    help: &str,
    report: &mut Report,
) {
    report.add(severity, code, &route.id, path, message).help = Some(help.to_owned());
}
