//! The backends and mirrors of routes: C514 to C516.

use super::{
    grants::Reference,
    objects::{Objects, offers, ports},
    route::Route,
};
use crate::{
    analyze::{index::Index, report::Report},
    finding::Severity,
    gateway_api::{BackendObjectRef, RouteFilter},
};

pub(super) fn analyze(
    route: &Route<'_>,
    objects: &Objects<'_>,
    index: &Index<'_>,
    report: &mut Report,
) {
    for (rule, (filters, backends)) in route.parts().into_iter().enumerate() {
        for (position, backend) in backends.iter().enumerate() {
            let path = format!("spec.rules[{rule}].backendRefs[{position}]");
            check(route, &backend.object(), &path, objects, index, report);
        }
        for (position, filter) in filters.iter().enumerate() {
            if let RouteFilter::RequestMirror(mirror) = filter {
                let path =
                    format!("spec.rules[{rule}].filters[{position}].requestMirror.backendRef");
                check(route, &mirror.backend_ref, &path, objects, index, report);
            }
        }
    }
}

fn check(
    route: &Route<'_>,
    backend: &BackendObjectRef,
    path: &str,
    objects: &Objects<'_>,
    index: &Index<'_>,
    report: &mut Report,
) {
    let group = backend.group.as_deref().unwrap_or_default();
    let kind = backend.kind.as_deref().unwrap_or("Service");
    let name = &backend.name;
    let namespace = backend.namespace.as_deref().unwrap_or(route.namespace);
    let effect = if path.ends_with("requestMirror.backendRef") {
        "nothing is mirrored"
    } else {
        "its share of the requests is answered with 500"
    };
    let reference = Reference {
        from_kind: route.kind,
        from_namespace: route.namespace,
        group,
        kind,
        namespace,
        name,
    };
    // Routes of the mesh need no grant.
    let at_gateway = route.parents.iter().any(|parent| !parent.is_service());
    if at_gateway && namespace != route.namespace && !objects.grants.allow(&reference) {
        let message = format!(
            "no ReferenceGrant lets a {} of {} refer to {kind} {namespace}/{name}: {effect}; status: ResolvedRefs \
             False with RefNotPermitted",
            route.kind, route.namespace
        );
        report.add(Severity::Error, "C515", &route.id, format!("{path}.namespace"), message).help =
            Some(reference.remedy());
        return;
    }
    let missing = |what: String| {
        format!("there is no {what}: {effect}; status: ResolvedRefs False with BackendNotFound")
    };
    let help = "create it, or correct the name or the namespace";
    if (group, kind) == ("networking.istio.io", "Hostname") {
        match index.host(name, route.namespace) {
            Err(reason) => report.unjudged("C514", reason),
            Ok(Some(_)) => {}
            Ok(None) => {
                let message = missing(format!("host {name} in the mesh"));
                let path = format!("{path}.name");
                report.add(Severity::Error, "C514", &route.id, path, message).help =
                    Some(help.to_owned());
            }
        }
        return;
    }
    if !backend.is_service() {
        return;
    }
    match objects.service(namespace, name) {
        Err(reason) => report.unjudged("C514", reason),
        Ok(None) => {
            let message = missing(format!("Service {namespace}/{name}"));
            report.add(Severity::Error, "C514", &route.id, format!("{path}.name"), message).help =
                Some(help.to_owned());
        }
        Ok(Some(service)) => {
            let Some(port) = backend.port.filter(|port| !offers(service, *port)) else { return };
            let message = format!(
                "Service {namespace}/{name} has no port {port}: {effect}, and no status says so"
            );
            report.add(Severity::Error, "C516", &route.id, format!("{path}.port"), message).help =
                Some(format!("its ports are: {}", ports(service)));
        }
    }
}
