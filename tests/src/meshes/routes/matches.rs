//! Generated matches.

use serde_json::{Value, json};

use super::{super::draw::Draw, put};

const PREFIXES: [&str; 9] = ["/", "/", "/v1", "/v1/", "/v1/models", "/v2", "/V1", "/foo", "/v1.x"];
const PATHS: [&str; 7] =
    ["/v1", "/v1/", "/v1/models", "/v1/models/m:predict", "/", "/v2/x", "/pkg.Models/Predict"];
const EXPRESSIONS: [&str; 6] =
    [".*", "/v[0-9]+/.*", "/v1(/.*)?", "(?i)/V1.*", "/v1/models/[a-z]+:predict", "/|/foo.*"];

/// A match of an `HTTPRoute`.
pub(super) fn http(draw: &mut Draw) -> Value {
    let mut found = json!({});
    let path = match draw.below(8) {
        0 | 1 => None,
        2 | 3 => Some(json!({"type": "Exact", "value": draw.one(&PATHS)})),
        4 => Some(json!({"type": "RegularExpression", "value": draw.one(&EXPRESSIONS)})),
        5 => Some(json!({"value": draw.one(&PREFIXES)})),
        _ => Some(json!({"type": "PathPrefix", "value": draw.one(&PREFIXES)})),
    };
    put(&mut found, "path", path);
    put(
        &mut found,
        "headers",
        draw.maybe(3, |draw| named(draw, &["x-user", "X-Group", "x-other"])),
    );
    put(&mut found, "queryParams", draw.maybe(5, |draw| named(draw, &["q", "x", "Q"])));
    put(
        &mut found,
        "method",
        draw.maybe(5, |draw| json!(draw.one(&["GET", "POST", "PUT", "OPTIONS"]))),
    );
    found
}

/// A match of a `GRPCRoute`.
pub(super) fn grpc(draw: &mut Draw) -> Value {
    let mut found = json!({});
    let method = match draw.below(7) {
        0 => None,
        1 => Some(json!({"method": "Predict"})),
        2 => Some(json!({"service": "pkg.Models"})),
        3 => Some(json!({"type": "RegularExpression", "service": "pkg\\..+"})),
        4 => {
            Some(json!({"type": "RegularExpression", "service": "[a-z]+.Models", "method": "P.*"}))
        }
        _ => Some(json!({"service": "pkg.Models", "method": draw.one(&["Predict", "Other"])})),
    };
    put(&mut found, "method", method);
    put(&mut found, "headers", draw.maybe(2, |draw| named(draw, &["x-user", "x-group"])));
    found
}

fn named(draw: &mut Draw, names: &[&str]) -> Value {
    let mut all: Vec<Value> = Vec::new();
    for one in draw.several(1, 2, |draw| {
        let name = draw.one(names);
        if draw.once_in(3) {
            let value = draw.one(&["a|b", "a.*", "[a-z]+", "*"]);
            json!({"type": "RegularExpression", "name": name, "value": value})
        } else {
            json!({"name": name, "value": draw.one(&["a", "b", "ab", "1"])})
        }
    }) {
        if all.iter().all(|other| other["name"] != one["name"]) {
            all.push(one);
        }
    }
    json!(all)
}
