//! Regular expressions, and header names that differ in case only.

use std::collections::BTreeMap;

use crate::{
    gateway_api::{GrpcRouteMatch, HeaderMatch, HttpRouteMatch, MatchType, PathMatchType},
    path::Path,
    validate::{re2, sink::Sink},
};

pub(super) fn http(matches: Option<&Vec<HttpRouteMatch>>, path: &Path<'_>, sink: &mut Sink<'_>) {
    for (index, one) in matches.into_iter().flatten().enumerate() {
        let place = path.index(index);
        if let Some(path) = &one.path
            && path.type_or_default() == PathMatchType::RegularExpression
        {
            check(path.value_or_default(), &place.field("path").field("value"), sink);
        }
        headers(one.headers.as_ref(), &place.field("headers"), sink);
        let list = place.field("queryParams");
        for (index, parameter) in one.query_params.iter().flatten().enumerate() {
            if parameter.type_or_default() == MatchType::RegularExpression {
                check(&parameter.value, &list.index(index).field("value"), sink);
            }
        }
    }
}

pub(super) fn grpc(matches: Option<&Vec<GrpcRouteMatch>>, path: &Path<'_>, sink: &mut Sink<'_>) {
    for (index, one) in matches.into_iter().flatten().enumerate() {
        let place = path.index(index);
        if let Some(method) = &one.method
            && method.type_or_default() == MatchType::RegularExpression
        {
            let at = place.field("method");
            for (field, text) in [("service", &method.service), ("method", &method.method)] {
                if let Some(text) = text.as_ref().filter(|text| !text.is_empty()) {
                    check(text, &at.field(field), sink);
                }
            }
        }
        headers(one.headers.as_ref(), &place.field("headers"), sink);
    }
}

fn headers(headers: Option<&Vec<HeaderMatch>>, path: &Path<'_>, sink: &mut Sink<'_>) {
    let mut seen = BTreeMap::new();
    for (index, header) in headers.into_iter().flatten().enumerate() {
        let place = path.index(index);
        if header.type_or_default() == MatchType::RegularExpression {
            check(&header.value, &place.field("value"), sink);
        }
        let before = seen.insert(header.name.to_ascii_lowercase(), &header.name);
        if let Some(before) = before.filter(|before| *before != &header.name) {
            sink.warning(
                "C045",
                &place.field("name"),
                format!(
                    "the name differs from `{before}` in case only: Istio demands both values, the specification only \
                     the first"
                ),
            )
            .found(&header.name)
            .help("remove one of them");
        }
    }
}

/// Checks one expression. One that is longer than Istio's own kinds allow is not judged.
fn check(expression: &str, path: &Path<'_>, sink: &mut Sink<'_>) {
    if expression.len() > re2::MAX_LEN {
        return;
    }
    let reason = if expression.is_empty() {
        "the expression is empty".to_owned()
    } else if let Err(reason) = re2::check(expression) {
        format!("the expression is not RE2: {reason}")
    } else if let Some(group) = re2::repeated_group(expression) {
        format!("two groups of the expression are called {group}")
    } else {
        return;
    };
    sink.warning(
        "C034",
        path,
        format!("{reason}; Envoy refuses every route of the port, and no status says so"),
    )
    .found(expression)
    .help("see https://github.com/google/re2/wiki/Syntax");
}
