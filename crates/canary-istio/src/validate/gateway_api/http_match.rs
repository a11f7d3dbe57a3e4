//! Matches of an `HTTPRoute`.

use super::{forms, headers, limits};
use crate::{
    gateway_api::{HttpRouteMatch, PathMatch, PathMatchType},
    path::Path,
    validate::sink::Sink,
};

pub(super) fn check(matches: Option<&Vec<HttpRouteMatch>>, path: &Path<'_>, sink: &mut Sink<'_>) {
    limits::entries(matches.map_or(0, Vec::len), 0..=64, path, sink);
    for (index, one) in matches.into_iter().flatten().enumerate() {
        let place = path.index(index);
        if let Some(path) = &one.path {
            check_path(path, &place.field("path"), sink);
        }
        headers::http_matches(one.headers.as_ref(), &place.field("headers"), sink);
        let path = place.field("queryParams");
        let list = one.query_params.as_deref().unwrap_or_default();
        limits::entries(list.len(), 0..=16, &path, sink);
        limits::distinct(list.iter().map(|parameter| &parameter.name), &path, sink);
        for (index, parameter) in list.iter().enumerate() {
            let place = path.index(index);
            forms::text(&parameter.name, &forms::HEADER_NAME, &place.field("name"), sink);
            forms::text(&parameter.value, &forms::QUERY_VALUE, &place.field("value"), sink);
        }
    }
}

fn check_path(path: &PathMatch, place: &Path<'_>, sink: &mut Sink<'_>) {
    let value = path.value_or_default();
    forms::text(value, &forms::PATH, &place.field("value"), sink);
    if path.type_or_default() == PathMatchType::RegularExpression {
        return;
    }
    if let Some(reason) = irregular(value) {
        sink.error("G119", place, format!("{reason}, so no request could match it"))
            .found(value)
            .help("write the path as requests have it, or use type RegularExpression");
    }
}

/// The reason why a value is not an exact path or prefix.
fn irregular(value: &str) -> Option<&'static str> {
    let parts = [
        ("//", "the path has `//`"),
        ("/./", "the path has `/./`"),
        ("/../", "the path has `/../`"),
        ("%2f", "the path has `%2f`"),
        ("%2F", "the path has `%2F`"),
        ("#", "the path has `#`"),
    ];
    if !value.starts_with('/') {
        return Some("the path does not begin with `/`");
    }
    if let Some((_, reason)) = parts.iter().find(|(part, _)| value.contains(part)) {
        return Some(reason);
    }
    if value.ends_with("/..") || value.ends_with("/.") {
        return Some("the path ends with `/.` or `/..`");
    }
    (!forms::PLAIN_PATH.fits(value)).then_some(
        "the path has characters other than letters, digits, `-._~!$&'()*+,;=:@/` and `%XX`",
    )
}
