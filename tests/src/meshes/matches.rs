//! Generated conditions.

use std::collections::BTreeMap;

use canary_core::istio::{HttpMatchRequest, StringMatch};

use super::draw::Draw;

const EXACT_PATHS: &[&str] = &[
    "/v1",
    "/v1/",
    "/v1/models",
    "/v1/models/m:predict",
    "/V1",
    "",
    "/",
    "/v1/a%20b",
    "/v2/x",
    "/~x",
];
const PREFIXES: &[&str] =
    &["/", "/", "", "/v1", "/v1/", "/V1", "/v1/models", "/v2", "/foo", "//", "/a/"];
const PATH_REGEXES: &[&str] = &[
    ".*",
    "/v[0-9]+/.*",
    "/v1(/.*)?",
    "(?i)/V1.*",
    "/\\w+",
    "[^?]*",
    "/v1/models/[a-z]+:predict",
    "/|/foo.*",
    ".+/$",
];

/// One entry of a `match`.
pub(super) fn entry(draw: &mut Draw, name: String) -> HttpMatchRequest {
    HttpMatchRequest {
        name: Some(name),
        uri: draw.maybe(2, uri),
        ignore_uri_case: draw.maybe(5, |draw| !draw.once_in(4)),
        method: draw.maybe(8, |draw| {
            text(draw, &["GET", "POST", "OPTIONS"], &["P", "GE"], &["GET|PUT", "[A-Z]+"])
        }),
        scheme: draw.maybe(30, |draw| text(draw, &["http", "https"], &["http"], &["https?"])),
        authority: draw.maybe(12, |draw| {
            text(
                draw,
                &["a.example.com", "a.example.com:8080", "203.0.113.7"],
                &["a.", "x.b.", "203"],
                &["[a-z.]+", ".*:[0-9]+", "(?i)a\\.EXAMPLE\\.com"],
            )
        }),
        headers: draw.maybe(3, |draw| {
            map(
                draw,
                &[
                    "x-user",
                    "X-Group",
                    "x-user",
                    ":method",
                    "host",
                    ":path",
                    "@request.auth.claims.group",
                    "x-canary-none",
                ],
            )
        }),
        without_headers: draw.maybe(6, |draw| {
            map(draw, &["x-user", "x-group", ":authority", "@request.auth.claims[group]"])
        }),
        query_params: draw.maybe(5, |draw| map(draw, &["q", "x", "Q"])),
        port: draw.maybe(8, |draw| {
            if draw.once_in(4) {
                0
            } else if draw.once_in(3) {
                8080
            } else {
                80
            }
        }),
        gateways: draw.maybe(12, |draw| {
            vec![
                draw.one(&["default/edge", "default/edge", "istio-system/edge", "mesh"]).to_owned(),
            ]
        }),
        source_labels: draw.maybe(20, |draw| {
            BTreeMap::from([(
                "istio".to_owned(),
                draw.one(&["ingressgateway", "other"]).to_owned(),
            )])
        }),
        source_namespace: draw.maybe(20, |draw| draw.one(&["istio-system", "default"]).to_owned()),
        stat_prefix: None,
    }
}

fn uri(draw: &mut Draw) -> StringMatch {
    match draw.below(8) {
        0..=1 => StringMatch::exact(draw.one(EXACT_PATHS)),
        2..=4 => StringMatch::prefix(draw.one(PREFIXES)),
        5..=6 => StringMatch::regex(draw.one(PATH_REGEXES)),
        _ => StringMatch::Present,
    }
}

fn text(draw: &mut Draw, exact: &[&str], prefix: &[&str], regex: &[&str]) -> StringMatch {
    match draw.below(8) {
        0..=2 => StringMatch::exact(draw.one(exact)),
        3..=4 => StringMatch::prefix(draw.one(prefix)),
        5..=6 => StringMatch::regex(draw.one(regex)),
        _ => StringMatch::Present,
    }
}

fn map(draw: &mut Draw, names: &[&str]) -> BTreeMap<String, StringMatch> {
    let pairs = draw.several(1, 2, |draw| {
        let name = draw.one(names).to_owned();
        let value = match name.as_str() {
            ":method" => text(draw, &["GET", "get"], &["G"], &["GET|POST"]),
            ":path" => text(draw, &["/v1", "/v1?q=1"], &["/v1", "/"], &["/v1.*", ".*q=1"]),
            // Of claims without a value Istio makes routes that Envoy refuses.
            claim if claim.starts_with('@') => match draw.below(3) {
                0 => StringMatch::exact("a"),
                1 => StringMatch::prefix("a"),
                _ => StringMatch::regex("a.*"),
            },
            "host" | ":authority" => text(draw, &["a.example.com"], &["a."], &[".*example.*"]),
            _ => text(
                draw,
                &["a", "", "1", "a,b", "%31"],
                &["a", "1"],
                &["a.*", "*", ".*", "[0-9]", "^a$"],
            ),
        };
        (name, value)
    });
    pairs.into_iter().collect()
}
