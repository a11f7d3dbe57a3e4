//! Backends of a rule as Istio takes them.

use super::filters;
use crate::{
    gateway_api::{BackendObjectRef, BackendRef, HeaderModifier, RouteFilter},
    path::Path,
    validate::sink::Sink,
};

/// Checks the backends and mirrors of a rule.
pub(super) fn check(
    rule_filters: Option<&Vec<RouteFilter>>,
    backends: Option<&Vec<BackendRef>>,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let list = path.field("filters");
    for (index, filter) in rule_filters.into_iter().flatten().enumerate() {
        if let RouteFilter::RequestMirror(mirror) = filter {
            let place = list.index(index);
            let place = place.field("requestMirror");
            destination(&mirror.backend_ref, &place.field("backendRef"), sink);
        }
    }
    let place = path.field("backendRefs");
    let all = backends.map(Vec::as_slice).unwrap_or_default();
    let redirects = |filter: &RouteFilter| matches!(filter, RouteFilter::RequestRedirect(_));
    if all.is_empty() {
        if !rule_filters.into_iter().flatten().any(redirects) {
            sink.warning(
                "C033",
                path,
                "the rule has neither backends nor a redirect, so it answers 500",
            )
            .help("add backendRefs, or a filter RequestRedirect");
        }
        return;
    }
    if all.iter().all(|backend| backend.weight_or_default() == 0) {
        sink.warning("C032", &place, "the weights sum to 0, so the rule answers 500")
            .help("give a backend a weight above 0");
    }
    for (index, backend) in all.iter().enumerate() {
        let at = place.index(index);
        destination(&backend.object(), &at, sink);
        filters::of_backend(backend.filters.as_ref(), &at.field("filters"), sink);
    }
    both_set(rule_filters, all, &place, sink);
}

/// Checks that Istio can send to a backend, whether it exists or not.
fn destination(backend: &BackendObjectRef, path: &Path<'_>, sink: &mut Sink<'_>) {
    let group = backend.group.as_deref().unwrap_or_default();
    let kind = backend.kind.as_deref().unwrap_or("Service");
    let name = &backend.name;
    let gone = "Istio removes the whole route from the proxies; status: ResolvedRefs False with InvalidDestination";
    let (place, problem, help) = match (group, kind) {
        ("", "Service") if name.contains('.') => (
            path.field("name"),
            format!("the name of a Service has no dots; {gone}"),
            "write the name alone, and the namespace in `namespace`",
        ),
        ("networking.istio.io", "Hostname") if backend.namespace.is_some() => (
            path.field("namespace"),
            format!("a Hostname has no namespace; {gone}"),
            "remove the namespace",
        ),
        ("networking.istio.io", "Hostname") | ("multicluster.x-k8s.io", "ServiceImport")
            if backend.port.is_none() =>
        {
            (path.field("port"), format!("a {kind} without a port; {gone}"), "add the port")
        }
        // Known, or behind a flag of Istio's that nobody can see here.
        ("", "Service")
        | ("networking.istio.io", "Hostname")
        | ("multicluster.x-k8s.io", "ServiceImport")
        | ("inference.networking.k8s.io", "InferencePool")
        | ("gateway.networking.x-k8s.io", "XBackend") => return,
        _ => (
            path.field("kind"),
            format!(
                "Istio sends no requests to a {kind} of the group `{group}`, so its share answers 500; status: \
                 ResolvedRefs False with InvalidKind"
            ),
            "name a Service, ServiceImport or Hostname",
        ),
    };
    sink.warning("C038", &place, problem).found(name).help(help);
}

/// A header that the rule sets and a backend too.
fn both_set(
    rule_filters: Option<&Vec<RouteFilter>>,
    backends: &[BackendRef],
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    if backends.iter().filter(|backend| backend.weight_or_default() > 0).count() < 2 {
        return;
    }
    for (position, backend) in backends.iter().enumerate() {
        for filter in backend.filters.iter().flatten() {
            let Some(own) = set_by(filter) else { continue };
            let of_rule = rule_filters
                .into_iter()
                .flatten()
                .filter(|other| other.filter_type() == filter.filter_type())
                .filter_map(set_by)
                .flat_map(names);
            let of_rule: Vec<&str> = of_rule.collect();
            for name in names(own) {
                if of_rule.iter().any(|other| other.eq_ignore_ascii_case(name)) {
                    sink.warning(
                        "C042",
                        &path.index(position).field("filters"),
                        format!(
                            "the rule sets the header {name} too, and with two live backends the rule's value wins"
                        ),
                    )
                    .help("set the header in the backends alone");
                }
            }
        }
    }
}

fn set_by(filter: &RouteFilter) -> Option<&HeaderModifier> {
    match filter {
        RouteFilter::RequestHeaderModifier(modifier)
        | RouteFilter::ResponseHeaderModifier(modifier) => Some(modifier),
        _ => None,
    }
}

fn names(modifier: &HeaderModifier) -> impl Iterator<Item = &str> {
    modifier.set.iter().flatten().map(|header| header.name.as_str())
}
