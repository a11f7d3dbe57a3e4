//! Filters of rules and backends.

use super::{
    cors, external_auth, forms, headers, limits, parents::experimental_only, path_modifier,
    references,
};
use crate::{
    gateway_api::{RequestMirror, RequestRedirect, RouteFilter},
    path::Path,
    validate::sink::Sink,
};

/// The kind of route that filters are in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    /// An `HTTPRoute`, which has every type.
    Http,
    /// A `GRPCRoute`.
    Grpc,
}

const GRPC_TYPES: [&str; 4] =
    ["ResponseHeaderModifier", "RequestHeaderModifier", "RequestMirror", "ExtensionRef"];

pub(super) fn check(
    filters: Option<&Vec<RouteFilter>>,
    allowed: Allowed,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let list = filters.map(Vec::as_slice).unwrap_or_default();
    limits::entries(list.len(), 0..=16, path, sink);
    for (index, filter) in list.iter().enumerate() {
        let place = path.index(index);
        let name = filter.filter_type();
        if allowed == Allowed::Grpc && !GRPC_TYPES.contains(&name) {
            sink.error(
                "G209",
                &place.field("type"),
                format!("a GRPCRoute has no filter of type {name}"),
            )
            .found(name)
            .help(format!("write one of {}", GRPC_TYPES.join(", ")));
            continue;
        }
        one(filter, &place, sink);
    }
    together(list, path, sink);
}

fn one(filter: &RouteFilter, path: &Path<'_>, sink: &mut Sink<'_>) {
    let field = path.field(filter.field());
    match filter {
        RouteFilter::RequestHeaderModifier(modifier)
        | RouteFilter::ResponseHeaderModifier(modifier) => {
            headers::modifier(modifier, &field, sink);
        }
        RouteFilter::RequestMirror(one) => mirror(one, &field, sink),
        RouteFilter::RequestRedirect(one) => redirect(one, &field, sink),
        RouteFilter::UrlRewrite(rewrite) => {
            let host = rewrite.hostname.as_ref();
            forms::optional(host, &forms::PRECISE_HOSTNAME, &field.field("hostname"), sink);
            path_modifier::check(rewrite.path.as_ref(), &field.field("path"), sink);
        }
        RouteFilter::Cors(one) => cors::check(one, &field, sink),
        RouteFilter::ExternalAuth(auth) => {
            if !experimental_only(&path.field("type"), "the filter ExternalAuth", sink) {
                external_auth::check(auth, &field, sink);
            }
        }
        RouteFilter::ExtensionRef(extension) => references::local(extension, &field, sink),
    }
}

fn mirror(mirror: &RequestMirror, path: &Path<'_>, sink: &mut Sink<'_>) {
    references::backend(&mirror.backend_ref, &path.field("backendRef"), sink);
    if let Some(percent) = mirror.percent {
        limits::number(percent, 0..=100, &path.field("percent"), sink);
    }
    if mirror.percent.is_some() && mirror.fraction.is_some() {
        sink.error("G114", path, "the mirror has percent and fraction").help("keep one of them");
    }
    let Some(fraction) = mirror.fraction else { return };
    let path = path.field("fraction");
    let denominator = fraction.denominator_or_default();
    limits::number(fraction.numerator, 0..=i64::MAX, &path.field("numerator"), sink);
    limits::number(denominator, 1..=i64::MAX, &path.field("denominator"), sink);
    if fraction.numerator > denominator {
        sink.error(
            "G115",
            &path,
            format!(
                "the numerator {} is above the denominator {denominator}, which makes more than all requests",
                fraction.numerator
            ),
        )
        .help("lower the numerator, or raise the denominator");
    }
}

fn redirect(redirect: &RequestRedirect, path: &Path<'_>, sink: &mut Sink<'_>) {
    let host = redirect.hostname.as_ref();
    forms::optional(host, &forms::PRECISE_HOSTNAME, &path.field("hostname"), sink);
    path_modifier::check(redirect.path.as_ref(), &path.field("path"), sink);
    if let Some(port) = redirect.port {
        limits::port(port, &path.field("port"), sink);
    }
    if let Some(status) = redirect.status_code
        && ![301, 302, 303, 307, 308].contains(&status)
    {
        sink.error("G209", &path.field("statusCode"), format!("a redirect has no status {status}"))
            .found(status)
            .help("write 301, 302, 303, 307 or 308");
    }
}

/// The rules between the filters of one list.
fn together(filters: &[RouteFilter], path: &Path<'_>, sink: &mut Sink<'_>) {
    let has = |name| filters.iter().any(|filter| filter.filter_type() == name);
    if has("RequestRedirect") && has("URLRewrite") {
        sink.error(
            "G111",
            path,
            "the list has a redirect and a rewrite, which would have no effect",
        )
        .help("keep one of them");
    }
    for (index, filter) in filters.iter().enumerate() {
        let name = filter.filter_type();
        let repeatable = matches!(name, "RequestMirror" | "ExtensionRef" | "ExternalAuth");
        let earlier = filters[..index].iter().position(|other| other.filter_type() == name);
        if let Some(earlier) = earlier.filter(|_| !repeatable) {
            sink.error(
                "G112",
                &path.index(index),
                format!("the filter {name} stands in entry {earlier} already"),
            )
            .help("merge the two filters");
        }
    }
}
