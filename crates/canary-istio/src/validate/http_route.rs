//! One HTTP rule of a `VirtualService`: its fields, its matches and its destinations.

use super::{
    destination, duration, gateway_names, header, http_action, labels, sink::Sink, string_match,
};
use crate::names::is_label;
use crate::networking::{HttpMatchRequest, HttpRoute, StringMatch};
use crate::path::Path;

/// Checks a rule; `delegate` when its `VirtualService` has no hosts and so is one that others delegate to.
pub(super) fn check(route: &HttpRoute, delegate: bool, path: &Path<'_>, sink: &mut Sink<'_>) {
    check_conflicts(route, delegate, path, sink);
    check_matches(route, path, sink);
    header::check_headers(route.headers.as_ref(), &path.field("headers"), sink);
    http_action::check(route, path, sink);
    check_destinations(route, path, sink);
    duration::check(route.timeout.as_ref(), &path.field("timeout"), sink);
    check_useless(route, path, sink);
}

fn check_conflicts(route: &HttpRoute, delegate: bool, path: &Path<'_>, sink: &mut Sink<'_>) {
    let has_route = route.route.as_ref().is_some_and(|list| !list.is_empty());
    if !delegate && route.delegate.is_some() {
        if route.redirect.is_some() {
            sink.error("V055", &path.field("redirect"), "a rule that delegates cannot redirect")
                .help("move the redirect to the VirtualService that is delegated to");
        }
        if has_route {
            sink.error(
                "V055",
                &path.field("route"),
                "a rule that delegates cannot have destinations of its own",
            )
            .help("move the destinations to the VirtualService that is delegated to");
        }
        return;
    }
    if delegate && route.delegate.is_some() {
        sink.error(
            "V056",
            &path.field("delegate"),
            "a VirtualService without hosts is delegated to and cannot delegate further",
        )
        .help("delegate one level only");
    }
    if route.redirect.is_some() {
        let place = path.field("redirect");
        for (there, other) in [
            (has_route, "route"),
            (route.fault.is_some(), "fault"),
            (route.rewrite.is_some(), "rewrite"),
            (route.direct_response.is_some(), "directResponse"),
        ] {
            if there {
                sink.error(
                    "V057",
                    &place,
                    format!("redirect and {other} cannot be combined in one rule"),
                )
                .help("split the rule in two");
            }
        }
    } else if route.direct_response.is_some() {
        let place = path.field("directResponse");
        for (there, other) in [
            (has_route, "route"),
            (route.fault.is_some(), "fault"),
            (route.rewrite.is_some(), "rewrite"),
        ] {
            if there {
                sink.error(
                    "V058",
                    &place,
                    format!("directResponse and {other} cannot be combined in one rule"),
                )
                .help("split the rule in two");
            }
        }
    } else if !has_route {
        sink.error("V059", path, "the rule leads nowhere")
            .help("give it one of `route`, `redirect` and `directResponse`");
    }
    if route.mirror.is_some() && route.mirrors.as_ref().is_some_and(|list| !list.is_empty()) {
        sink.error(
            "V060",
            &path.field("mirrors"),
            "mirror and mirrors cannot be combined in one rule",
        )
        .help("move `mirror` into `mirrors`");
    }
}

fn check_matches(route: &HttpRoute, path: &Path<'_>, sink: &mut Sink<'_>) {
    let list = path.field("match");
    for (index, condition) in route.matches.iter().flatten().enumerate() {
        check_match(condition, &list.index(index), sink);
    }
}

fn check_match(condition: &HttpMatchRequest, path: &Path<'_>, sink: &mut Sink<'_>) {
    let headers = path.field("headers");
    for (name, value) in condition.headers.iter().flatten() {
        header::check_match_name(name, &headers.key(name), sink);
        string_match::check(Some(value), &headers.key(name), sink);
    }
    let without = path.field("withoutHeaders");
    for (name, value) in condition.without_headers.iter().flatten() {
        header::check_match_name(name, &without.key(name), sink);
        string_match::check_without(value, &without.key(name), sink);
    }
    string_match::check_uri(condition.uri.as_ref(), &path.field("uri"), sink);
    string_match::check(condition.scheme.as_ref(), &path.field("scheme"), sink);
    string_match::check(condition.method.as_ref(), &path.field("method"), sink);
    string_match::check(condition.authority.as_ref(), &path.field("authority"), sink);
    let parameters = path.field("queryParams");
    for (name, value) in condition.query_params.iter().flatten() {
        string_match::check(Some(value), &parameters.key(name), sink);
    }
    if let Some(port) = condition.port
        && port != 0
    {
        duration::check_port(port, &path.field("port"), sink);
    }
    labels::check(condition.source_labels.as_ref(), &path.field("sourceLabels"), sink);
    let gateways = condition.gateways.as_deref();
    sink.where_warnings_are_lost(|sink| {
        gateway_names::check(gateways, &path.field("gateways"), sink);
    });
    if let Some(namespace) = condition.source_namespace.as_deref()
        && !namespace.is_empty()
        && !is_label(namespace)
    {
        sink.error(
            "V062",
            &path.field("sourceNamespace"),
            "the name of a namespace must be a DNS label",
        )
        .found(namespace);
    }
    if condition.ignore_uri_case == Some(true)
        && matches!(condition.uri, Some(StringMatch::Regex(_)))
    {
        sink.warning(
            "C018",
            &path.field("ignoreUriCase"),
            "ignoreUriCase has no effect on a regular expression",
        )
        .help("begin the expression with `(?i)`");
    }
    if gateways.is_some_and(|list| !list.is_empty())
        && (condition.source_labels.as_ref().is_some_and(|labels| !labels.is_empty())
            || condition.source_namespace.as_ref().is_some_and(|namespace| !namespace.is_empty()))
    {
        sink.warning(
            "C017",
            &path.field("gateways"),
            "beside gateways, sourceLabels and sourceNamespace have no effect",
        )
        .help("remove them, or remove `gateways`");
    }
}

fn check_destinations(route: &HttpRoute, path: &Path<'_>, sink: &mut Sink<'_>) {
    let list = route.route.as_deref().unwrap_or_default();
    let place = path.field("route");
    for (index, entry) in list.iter().enumerate() {
        let at = place.index(index);
        header::check_headers(entry.headers.as_ref(), &at.field("headers"), sink);
        destination::check(&entry.destination, &at.field("destination"), sink);
    }
    destination::check_weights(&list.iter().map(|entry| entry.weight), &place, sink);
}

/// Warns of fields that have no effect in their place.
fn check_useless(route: &HttpRoute, path: &Path<'_>, sink: &mut Sink<'_>) {
    if route.mirror.is_none()
        && (route.mirror_percentage.is_some() || route.mirror_percent.is_some())
    {
        sink.warning("C021", path, "a share of mirrored traffic is given, but no `mirror`")
            .help("name the destination in `mirror`; the entries of `mirrors` have their own `percentage`");
    }
    if route.redirect.is_none() && route.direct_response.is_none() {
        return;
    }
    let what = if route.redirect.is_some() { "redirect" } else { "directResponse" };
    for (there, field) in [
        (route.timeout.is_some(), "timeout"),
        (route.retries.is_some(), "retries"),
        (route.mirror.is_some(), "mirror"),
        (route.mirrors.is_some(), "mirrors"),
    ] {
        if there {
            sink.warning(
                "C004",
                &path.field(field),
                format!("beside {what}, {field} has no effect"),
            )
            .help("remove it");
        }
    }
}
