//! Reasons for which a route that the API server admits has no effect in Istio, or its requests fail.

mod backends;
mod expressions;
mod filters;
mod header_values;
mod parents;
mod paths;

use crate::{
    gateway_api::{GrpcRouteRule, HttpRouteRule, ParentRef, RouteFilter},
    path::Path,
    validate::sink::Sink,
};

pub(super) use parents::check as parents;

/// Checks one rule of an `HTTPRoute`.
pub(super) fn http_rule(rule: &HttpRouteRule, path: &Path<'_>, sink: &mut Sink<'_>) {
    expressions::http(rule.matches.as_ref(), &path.field("matches"), sink);
    shared(rule.filters.as_ref(), rule.backend_refs.as_ref(), path, sink);
    paths::check(rule, path, sink);
    if let Some(timeouts) = &rule.timeouts
        && let (Some(request), Some(backend)) = (&timeouts.request, &timeouts.backend_request)
        && rule.retry.is_none()
        && request.as_std() != backend.as_std()
    {
        sink.warning(
            "C041",
            &path.field("timeouts").field("backendRequest"),
            format!(
                "without retry, Istio takes {backend} as the time of the whole request, in place of {request}"
            ),
        )
        .help("remove backendRequest, or write the same time twice");
    }
    session(rule.session_persistence.is_some(), path, sink);
}

/// Checks one rule of a `GRPCRoute`.
pub(super) fn grpc_rule(rule: &GrpcRouteRule, path: &Path<'_>, sink: &mut Sink<'_>) {
    expressions::grpc(rule.matches.as_ref(), &path.field("matches"), sink);
    shared(rule.filters.as_ref(), rule.backend_refs.as_ref(), path, sink);
    session(rule.session_persistence.is_some(), path, sink);
}

fn shared(
    rule_filters: Option<&Vec<RouteFilter>>,
    backends: Option<&Vec<crate::gateway_api::BackendRef>>,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    filters::check(rule_filters, &path.field("filters"), sink);
    backends::check(rule_filters, backends, path, sink);
}

fn session(given: bool, path: &Path<'_>, sink: &mut Sink<'_>) {
    if given {
        sink.warning(
            "C036",
            &path.field("sessionPersistence"),
            "Istio ignores sessionPersistence, and no status says so",
        )
        .help("remove it, or set a consistent hash in a DestinationRule of each backend");
    }
}

/// Returns true for a parent of a kind that Istio has.
fn is_known(parent: &ParentRef) -> bool {
    matches!(
        (parent.group_or_default(), parent.kind_or_default()),
        ("gateway.networking.k8s.io", "Gateway" | "ListenerSet")
            | ("", "Service")
            | ("networking.istio.io", "ServiceEntry")
    )
}
