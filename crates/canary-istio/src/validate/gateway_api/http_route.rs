//! An `HTTPRoute` as a whole, with the defaults of the API server.

use super::{
    backend,
    filters::{self, Allowed},
    http_match, istio, limits, owners,
    parents::{self, experimental_only},
    precedence, session, total,
};
use crate::{
    gateway_api::{
        BackendRef, HttpRoute, HttpRouteRetry, HttpRouteRule, HttpRouteTimeouts, PathMatchType,
        PathModifier, RouteFilter,
    },
    path::Path,
    validate::sink::Sink,
};

pub(super) fn check(route: &HttpRoute, sink: &mut Sink<'_>) {
    owners::check(&route.metadata, sink);
    let spec = &route.spec;
    let root = Path::root("spec");
    parents::check(
        spec.parent_refs.as_ref(),
        spec.use_default_gateways,
        spec.hostnames.as_ref(),
        &root,
        sink,
    );
    istio::parents(spec.parent_refs.as_ref(), &root, sink);
    let path = root.field("rules");
    let rules = spec.rules.as_deref().unwrap_or_default();
    limits::entries(rules.len(), 1..=16, &path, sink);
    total::check(rules.iter().map(|rule| rule.matches.iter().flatten().count()).sum(), &path, sink);
    session::rule_names(rules.iter().map(|rule| rule.name.as_ref()), &path, sink);
    for (index, rule) in rules.iter().enumerate() {
        check_rule(rule, &path.index(index), sink);
    }
    precedence::http(rules, &path, sink);
}

fn check_rule(rule: &HttpRouteRule, path: &Path<'_>, sink: &mut Sink<'_>) {
    backend::rule_name(rule.name.as_ref(), path, sink);
    http_match::check(rule.matches.as_ref(), &path.field("matches"), sink);
    filters::check(rule.filters.as_ref(), Allowed::Http, &path.field("filters"), sink);
    backend::check(rule.backend_refs.as_ref(), Allowed::Http, &path.field("backendRefs"), sink);
    let backends = rule.backend_refs.as_deref().unwrap_or_default();
    let redirects = |filter: &RouteFilter| matches!(filter, RouteFilter::RequestRedirect(_));
    if !backends.is_empty() && rule.filters.iter().flatten().any(redirects) {
        sink.error(
            "G105",
            path,
            "the rule redirects, and has backends that no request would reach",
        )
        .help("remove backendRefs, or the redirect");
    }
    check_prefixes(rule, backends, path, sink);
    if let Some(timeouts) = &rule.timeouts {
        check_timeouts(timeouts, &path.field("timeouts"), sink);
    }
    if let Some(retry) = &rule.retry {
        check_retry(retry, &path.field("retry"), sink);
    }
    session::check(rule.session_persistence.as_ref(), path, sink);
    istio::http_rule(rule, path, sink);
}

/// Returns true when a list has one filter of `kind` that replaces the prefix.
fn replaces(filters: Option<&Vec<RouteFilter>>, redirect: bool) -> bool {
    let replacing = filters.into_iter().flatten().filter(|filter| {
        let path = match filter {
            RouteFilter::RequestRedirect(one) if redirect => one.path.as_ref(),
            RouteFilter::UrlRewrite(one) if !redirect => one.path.as_ref(),
            _ => None,
        };
        matches!(path, Some(PathModifier::ReplacePrefixMatch(_)))
    });
    replacing.count() == 1
}

/// A replaced prefix needs one prefix. The API server looks at backends only where exactly one of them replaces it.
fn check_prefixes(
    rule: &HttpRouteRule,
    backends: &[BackendRef],
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let one_prefix = match rule.matches.as_deref() {
        Some([only]) => only
            .path
            .as_ref()
            .is_some_and(|path| path.type_or_default() == PathMatchType::PathPrefix),
        _ => false,
    };
    if one_prefix {
        return;
    }
    let in_backends = |redirect| {
        backends.iter().filter(|one| replaces(one.filters.as_ref(), redirect)).count() == 1
    };
    let found = [
        ("G106", replaces(rule.filters.as_ref(), true), "a redirect"),
        ("G107", replaces(rule.filters.as_ref(), false), "a rewrite"),
        ("G108", in_backends(true), "a redirect of a backend"),
        ("G109", in_backends(false), "a rewrite of a backend"),
    ];
    for (code, breaks, what) in found {
        if breaks {
            sink.error(
                code,
                path,
                format!("{what} replaces the prefix, and the rule has not exactly one match of type PathPrefix"),
            )
            .help("write one rule for each prefix");
        }
    }
}

fn check_timeouts(timeouts: &HttpRouteTimeouts, path: &Path<'_>, sink: &mut Sink<'_>) {
    let (Some(request), Some(backend)) = (&timeouts.request, &timeouts.backend_request) else {
        return;
    };
    if !request.as_std().is_zero() && backend.as_std() > request.as_std() {
        sink.error(
            "G120",
            path,
            format!("backendRequest is {backend}, which is above request with {request}"),
        )
        .help("lower backendRequest, or raise request");
    }
}

fn check_retry(retry: &HttpRouteRetry, path: &Path<'_>, sink: &mut Sink<'_>) {
    if experimental_only(path, "the field", sink) {
        return;
    }
    let codes = path.field("codes");
    for (index, code) in retry.codes.iter().flatten().enumerate() {
        limits::number(*code, 400..=599, &codes.index(index), sink);
    }
    limits::distinct(retry.codes.iter().flatten(), &codes, sink);
    if let Some(attempts) = retry.attempts {
        limits::number(attempts, 1..=i64::MAX, &path.field("attempts"), sink);
    }
}
