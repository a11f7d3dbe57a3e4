//! One entry of a `match` as Envoy's `RouteMatch`.

use canary_core::istio::{HttpMatchRequest, StringMatch};
use serde_json::{Value, json};

/// The key under which `RequestAuthentication` puts a token's payload.
const JWT_FILTER: &str = "envoy.filters.http.jwt_authn";

/// The conditions that Envoy evaluates; those on the listener are evaluated before.
pub(super) fn route_match(written: Option<&HttpMatchRequest>) -> Value {
    let Some(written) = written else {
        return json!({"prefix": "/"});
    };
    let mut out = match &written.uri {
        Some(StringMatch::Exact(path)) => json!({"path": path}),
        Some(StringMatch::Prefix(prefix)) => json!({"prefix": prefix}),
        Some(StringMatch::Regex(regex)) => json!({"safe_regex": {"regex": regex}}),
        Some(StringMatch::Present) | None => json!({"prefix": "/"}),
    };
    out["case_sensitive"] = json!(!written.ignore_uri_case.unwrap_or(false));
    let (mut headers, mut metadata) = (Vec::new(), Vec::new());
    let with = written.headers.iter().flatten().map(|(name, text)| (name, text, false));
    let without = written.without_headers.iter().flatten().map(|(name, text)| (name, text, true));
    for (name, text, invert) in with.chain(without) {
        if let Some(claim) = claim(name) {
            metadata.push(claim_matcher(&claim, text, invert));
            continue;
        }
        let mut matcher = header(name, text);
        if invert {
            matcher["invert_match"] = json!(true);
            if !is_presence(text) {
                matcher["treat_missing_header_as_empty"] = json!(true);
            }
        }
        headers.push(matcher);
    }
    for (name, text) in [
        (":method", &written.method),
        (":authority", &written.authority),
        (":scheme", &written.scheme),
    ] {
        headers.extend(text.as_ref().map(|text| header(name, text)));
    }
    let query: Vec<Value> =
        written.query_params.iter().flatten().map(|(name, text)| header(name, text)).collect();
    for (field, list) in
        [("headers", headers), ("query_parameters", query), ("dynamic_metadata", metadata)]
    {
        if !list.is_empty() {
            out[field] = Value::Array(list);
        }
    }
    out
}

/// Returns `true` when a route matches every request, so that istiod ignores the routes after it.
pub(super) fn is_catch_all(route_match: &Value) -> bool {
    (route_match["prefix"] == "/" || route_match["safe_regex"]["regex"] == ".*")
        && ["headers", "query_parameters", "dynamic_metadata"]
            .iter()
            .all(|field| route_match.get(*field).is_none())
}

/// Returns `true` for a condition that any value fulfils. Istio accepts `*` for it, although it is not a regular
/// expression.
fn is_presence(text: &StringMatch) -> bool {
    match text {
        StringMatch::Present => true,
        StringMatch::Regex(regex) => regex == "*",
        _ => false,
    }
}

/// A matcher on a header; one on a query parameter has the same fields.
fn header(name: &str, text: &StringMatch) -> Value {
    if is_presence(text) {
        json!({"name": name, "present_match": true})
    } else {
        json!({"name": name, "string_match": string_match(text)})
    }
}

/// Envoy's `StringMatcher`.
pub(super) fn string_match(text: &StringMatch) -> Value {
    match text {
        StringMatch::Exact(value) => json!({"exact": value}),
        StringMatch::Prefix(value) => json!({"prefix": value}),
        StringMatch::Regex(value) => json!({"safe_regex": {"regex": value}}),
        StringMatch::Present => json!({"safe_regex": {"regex": ".*"}}),
    }
}

/// The names in a key `@request.auth.claims.a.b` or `@request.auth.claims[a][b]`.
fn claim(key: &str) -> Option<Vec<&str>> {
    const START: &str = "@request.auth.claims";
    let start = key.get(..START.len())?;
    if !start.eq_ignore_ascii_case(START) {
        return None;
    }
    let rest = &key[START.len()..];
    if let Some(names) = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Some(names.split("][").collect());
    }
    rest.strip_prefix('.').map(|names| names.split('.').collect())
}

fn claim_matcher(names: &[&str], text: &StringMatch, invert: bool) -> Value {
    let path: Vec<Value> = std::iter::once("payload")
        .chain(names.iter().copied())
        .map(|name| json!({"key": name}))
        .collect();
    let value = if is_presence(text) {
        json!({"present_match": true})
    } else {
        let text = json!({"string_match": string_match(text)});
        json!({"or_match": {"value_matchers": [text, {"list_match": {"one_of": text}}]}})
    };
    json!({"filter": JWT_FILTER, "path": path, "value": value, "invert": invert})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_prefix_is_a_catch_all() {
        let uri = |text| HttpMatchRequest::default().uri(text);
        let all = |written: &HttpMatchRequest| is_catch_all(&route_match(Some(written)));
        assert!(is_catch_all(&route_match(None)));
        assert!(all(&HttpMatchRequest::default()));
        assert!(all(&uri(StringMatch::prefix("/"))));
        assert!(all(&uri(StringMatch::regex(".*"))));
        assert!(!all(&uri(StringMatch::prefix(""))));
        assert!(!all(&uri(StringMatch::prefix("/")).method(StringMatch::exact("GET"))));
    }

    #[test]
    fn headers_that_must_not_be_there() {
        let written = HttpMatchRequest::default()
            .without_header("a", StringMatch::Present)
            .without_header("b", StringMatch::exact("1"));
        let headers = &route_match(Some(&written))["headers"];
        assert_eq!(headers[0], json!({"name": "a", "present_match": true, "invert_match": true}));
        assert_eq!(headers[1]["treat_missing_header_as_empty"], true);
    }
}
