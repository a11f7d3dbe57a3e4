//! Replaced prefixes that lose or double a slash.

use crate::{
    gateway_api::{HttpRouteRule, PathMatch, PathMatchType, PathModifier, RouteFilter},
    path::Path,
    validate::sink::Sink,
};

pub(super) fn check(rule: &HttpRouteRule, path: &Path<'_>, sink: &mut Sink<'_>) {
    let prefix = match rule.matches.as_deref() {
        Some([only]) => only
            .path
            .as_ref()
            .filter(|path| path.type_or_default() == PathMatchType::PathPrefix)
            .map(PathMatch::value_or_default),
        _ => None,
    };
    let Some(prefix) = prefix else { return };
    let list = path.field("filters");
    for (index, filter) in rule.filters.iter().flatten().enumerate() {
        let place = list.index(index);
        let place = place.field(filter.field());
        let place = place.field("path");
        match filter {
            RouteFilter::UrlRewrite(rewrite) => {
                if let Some(PathModifier::ReplacePrefixMatch(by)) = &rewrite.path
                    && prefix == "/"
                    && !by.is_empty()
                    && !by.ends_with('/')
                {
                    lost(by, &place, sink);
                }
            }
            RouteFilter::RequestRedirect(redirect) => {
                if let Some(PathModifier::ReplacePrefixMatch(by)) = &redirect.path
                    && prefix != "/"
                {
                    doubled(prefix, by, &place, sink);
                }
            }
            _ => {}
        }
    }
}

fn lost(by: &str, path: &Path<'_>, sink: &mut Sink<'_>) {
    sink.warning(
        "C043",
        &path.field("replacePrefixMatch"),
        format!("Envoy replaces the prefix `/` as text: /bar becomes {by}bar"),
    )
    .found(by)
    .help(format!("write {by}/"));
}

fn doubled(prefix: &str, by: &str, path: &Path<'_>, sink: &mut Sink<'_>) {
    let (message, help) = if by.is_empty() {
        ("an empty replacement leaves the path unchanged".to_owned(), "write a prefix")
    } else if by.ends_with('/') {
        (
            format!("the slash at the end stays: {prefix}/b is redirected to {by}/b"),
            "leave out the slash at the end; a redirect to the root needs ReplaceFullPath",
        )
    } else {
        return;
    };
    sink.warning("C043", &path.field("replacePrefixMatch"), message).found(by).help(help);
}
