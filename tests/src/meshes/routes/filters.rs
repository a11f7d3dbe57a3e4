//! Generated filters.

use serde_json::{Value, json};

use super::{super::draw::Draw, put, route::backend};

/// The filters of a rule. `prefix` is true when its only match is a prefix, `redirect` when it may redirect; the second
/// part is true when it does.
pub(super) fn of_rule(draw: &mut Draw, grpc: bool, prefix: bool) -> (Vec<Value>, bool) {
    let mut filters = Vec::new();
    if draw.once_in(4) {
        filters.push(headers(draw, "Request", OF_REQUESTS));
    }
    if draw.once_in(5) {
        filters.push(headers(draw, "Response", OF_ANSWERS));
    }
    filters.extend(draw.maybe(8, mirror));
    if grpc {
        filters.extend(draw.maybe(25, |_| unsupported()));
        return (filters, false);
    }
    filters.extend(draw.maybe(8, mirror));
    filters.extend(draw.maybe(8, cors));
    filters.extend(draw.maybe(30, |_| unsupported()));
    let redirects = draw.once_in(9);
    if redirects {
        filters.push(redirect(draw, prefix));
    } else if draw.once_in(4) {
        filters.push(rewrite(draw, prefix));
    }
    if draw.once_in(2) {
        filters.reverse();
    }
    (filters, redirects)
}

/// The filters of a backend.
pub(super) fn of_backend(draw: &mut Draw) -> Vec<Value> {
    let mut filters = Vec::new();
    filters.extend(draw.maybe(5, |draw| headers(draw, "Request", OF_BACKENDS)));
    filters.extend(draw.maybe(5, |draw| headers(draw, "Response", OF_ANSWERS)));
    filters.extend(draw.maybe(60, |_| unsupported()));
    filters
}

fn unsupported() -> Value {
    json!({"type": "ExtensionRef", "extensionRef": {"group": "x.io", "kind": "Thing", "name": "t"}})
}

const OF_REQUESTS: [&str; 4] = ["x-user", "X-Group", "x-new", "host"];
/// Without the header that values read: see "Remaining differences" in docs/envoy.md.
const OF_BACKENDS: [&str; 4] = ["x-other", "X-Group", "x-new", "host"];
const OF_ANSWERS: [&str; 4] = ["x-backend", "X-Up", "x-new", "x-other"];

fn headers(draw: &mut Draw, of: &str, names: [&str; 4]) -> Value {
    let list = |draw: &mut Draw| {
        let mut all: Vec<Value> = Vec::new();
        for name in names {
            if draw.once_in(if name == "host" { 12 } else { 3 }) {
                let value = draw.one(&["v", "w", "a, b", "%REQ(x-user)%", "100%%"]);
                all.push(json!({"name": name, "value": value}));
            }
        }
        json!(all)
    };
    let mut modifier = json!({});
    put(&mut modifier, "set", draw.once_in(2).then(|| list(draw)));
    put(&mut modifier, "add", draw.once_in(2).then(|| list(draw)));
    put(&mut modifier, "remove", draw.maybe(3, |draw| json!([draw.one(&names[..3])])));
    let field = format!("{}HeaderModifier", of.to_lowercase());
    json!({"type": format!("{of}HeaderModifier"), field: modifier})
}

fn mirror(draw: &mut Draw) -> Value {
    let mut target = backend(draw);
    target.as_object_mut().unwrap().retain(|field, _| field != "weight" && field != "filters");
    let mut mirror = json!({"backendRef": target});
    match draw.below(5) {
        0 => mirror["percent"] = json!(0),
        1 => mirror["percent"] = json!(100),
        2 => mirror["fraction"] = json!({"numerator": 3, "denominator": 3}),
        3 => mirror["fraction"] = json!({"numerator": 0}),
        _ => {}
    }
    json!({"type": "RequestMirror", "requestMirror": mirror})
}

fn cors(draw: &mut Draw) -> Value {
    let origins: Vec<&str> = draw.several(1, 2, |draw| {
        draw.one(&["https://a.example", "https://b.*", "https://*.example", "http://c.example:80"])
    });
    let origins = if draw.once_in(5) { vec!["*"] } else { origins };
    let mut cors = json!({"allowOrigins": origins});
    put(&mut cors, "allowMethods", draw.maybe(2, |draw| json!([draw.one(&["GET", "PUT", "*"])])));
    put(&mut cors, "allowHeaders", draw.maybe(3, |_| json!(["x-user"])));
    put(&mut cors, "exposeHeaders", draw.maybe(3, |_| json!(["x-up", "x-backend"])));
    put(&mut cors, "allowCredentials", draw.maybe(3, |draw| json!(draw.once_in(2))));
    put(&mut cors, "maxAge", draw.maybe(3, |_| json!(60)));
    json!({"type": "CORS", "cors": cors})
}

fn redirect(draw: &mut Draw, prefix: bool) -> Value {
    let mut redirect = json!({});
    put(&mut redirect, "scheme", draw.maybe(3, |draw| json!(draw.one(&["http", "https"]))));
    put(&mut redirect, "hostname", draw.maybe(2, |_| json!("new.example.com")));
    put(
        &mut redirect,
        "port",
        draw.maybe(3, |draw| json!([80, 443, 8443][usize::try_from(draw.below(3)).unwrap()])),
    );
    put(
        &mut redirect,
        "statusCode",
        draw.maybe(3, |draw| {
            json!([301, 302, 303, 307, 308][usize::try_from(draw.below(5)).unwrap()])
        }),
    );
    put(&mut redirect, "path", draw.maybe(2, |draw| path(draw, prefix)));
    json!({"type": "RequestRedirect", "requestRedirect": redirect})
}

fn rewrite(draw: &mut Draw, prefix: bool) -> Value {
    let mut rewrite = json!({});
    put(&mut rewrite, "hostname", draw.maybe(3, |_| json!("rewritten.example.com")));
    put(&mut rewrite, "path", (!draw.once_in(4)).then(|| path(draw, prefix)));
    json!({"type": "URLRewrite", "urlRewrite": rewrite})
}

fn path(draw: &mut Draw, prefix: bool) -> Value {
    if prefix && !draw.once_in(3) {
        let to = draw.one(&["/", "", "/new", "/new/", "/a/b"]);
        json!({"type": "ReplacePrefixMatch", "replacePrefixMatch": to})
    } else {
        json!({"type": "ReplaceFullPath", "replaceFullPath": draw.one(&["/one", "/", "/one/two"])})
    }
}
