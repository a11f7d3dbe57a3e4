use serde_json::{Value, json};

use super::super::lines;
use crate::{
    gateway_api::{GatewayApiObject, GrpcRoute, HttpRoute},
    validate::{Channel, Options, Validate},
};

#[track_caller]
fn expect(object: impl Into<GatewayApiObject>, expected: &[&str]) {
    let options = Options::default().channel(Channel::Experimental);
    let object = object.into();
    let findings = object.validate_with(&options);
    assert_eq!(lines(&findings), expected, "{object:?}\n{findings}");
    for finding in &findings {
        assert!(finding.help.is_some() && finding.object.contains("here/it"), "{finding}");
    }
}

fn read<T: serde::de::DeserializeOwned>(spec: &Value) -> T {
    let object = json!({"metadata": {"name": "it", "namespace": "here"}, "spec": spec});
    serde_json::from_value(object).unwrap()
}

/// An `HTTPRoute` with one rule to one backend, changed by `change`.
#[track_caller]
fn rule(change: &Value, expected: &[&str]) {
    let mut rule = json!({"backendRefs": [{"name": "pets", "port": 80}]});
    for (key, value) in change.as_object().unwrap() {
        rule[key] = value.clone();
    }
    rules(&json!([rule]), expected);
}

#[track_caller]
fn rules(rules: &Value, expected: &[&str]) {
    let spec = json!({"parentRefs": [{"name": "public"}], "rules": rules});
    expect(read::<HttpRoute>(&spec), expected);
}

#[test]
pub(in super::super) fn owners_and_parents() {
    let route = || HttpRoute::to("pets").named("it").namespace("here").port(80);
    expect(route().gateway("public"), &[]);
    expect(route().service("pets"), &[]);
    expect(route(), &["C030? spec.parentRefs"]);
    let other: HttpRoute = read(&json!({"parentRefs": [{"kind": "Service", "name": "a"}],
        "rules": [{"backendRefs": [{"name": "pets", "port": 80}]}]}));
    expect(other, &["C039? spec.parentRefs[0].kind"]);

    let owned = |group: &str, kind: &str| {
        let mut route = route().gateway("public");
        route.metadata.owner_references = serde_json::from_value(json!([
            {"apiVersion": format!("{group}/v1"), "kind": kind, "name": "a", "uid": "u"}]))
        .unwrap();
        route
    };
    expect(owned("flagger.app", "Canary"), &["C044? metadata.ownerReferences"]);
    expect(owned("serving.kserve.io", "InferenceService"), &["C044? metadata.ownerReferences"]);
    expect(owned("apps", "Deployment"), &[]);
    let argo =
        route().gateway("public").label("rollouts.argoproj.io/gatewayapi-canary", "in-progress");
    expect(argo, &["C044? metadata.labels"]);
}

#[test]
pub(in super::super) fn filters_and_backends() {
    rule(&json!({}), &[]);
    let extension =
        json!({"type": "ExtensionRef", "extensionRef": {"group": "a.b", "kind": "C", "name": "d"}});
    rule(&json!({"filters": [extension]}), &["C031? spec.rules[0].filters[0].type"]);
    let auth = json!({"type": "ExternalAuth", "externalAuth":
        {"protocol": "HTTP", "http": {}, "backendRef": {"name": "a", "port": 80}}});
    rule(&json!({"filters": [auth]}), &["C031? spec.rules[0].filters[0].type"]);
    let rewrite = json!({"type": "URLRewrite", "urlRewrite": {"hostname": "a.b"}});
    rule(&json!({"filters": [rewrite]}), &[]);
    rule(
        &json!({"backendRefs": [{"name": "a", "port": 80, "filters": [rewrite]}]}),
        &["C031? spec.rules[0].backendRefs[0].filters[0].type"],
    );
    let zero =
        json!([{"name": "a", "port": 80, "weight": 0}, {"name": "b", "port": 80, "weight": 0}]);
    rule(&json!({"backendRefs": zero}), &["C032? spec.rules[0].backendRefs"]);
    rule(&json!({"backendRefs": []}), &["C033? spec.rules[0]"]);
    rule(
        &json!({"backendRefs": [], "filters": [{"type": "RequestRedirect", "requestRedirect": {}}]}),
        &[],
    );
    for (value, fine) in [("a%%b", true), ("100%", false), ("%a", false), ("a\u{1}", false)] {
        let set = json!({"set": [{"name": "x-a", "value": value}]});
        let filter = json!({"type": "ResponseHeaderModifier", "responseHeaderModifier": set});
        let at = "spec.rules[0].filters[0].responseHeaderModifier.set[0].value";
        let mut expected = vec![format!("C037? {at}")];
        if value.contains('\u{1}') {
            expected.insert(0, format!("G206 {at}"));
        }
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        rule(&json!({"filters": [filter]}), if fine { &[] } else { &expected });
    }
    for (backend, path) in [
        (json!({"name": "a.b", "port": 80}), "name"),
        (json!({"name": "a", "kind": "Lambda", "group": "aws"}), "kind"),
        (
            json!({"name": "a", "kind": "Hostname", "group": "networking.istio.io", "namespace": "b", "port": 1}),
            "namespace",
        ),
        (json!({"name": "a", "kind": "Hostname", "group": "networking.istio.io"}), "port"),
    ] {
        let expected = format!("C038? spec.rules[0].backendRefs[0].{path}");
        rule(&json!({"backendRefs": [backend]}), &[&expected]);
    }
    let header = |value: &str| {
        json!([{"type": "ResponseHeaderModifier",
        "responseHeaderModifier": {"set": [{"name": "X-Version", "value": value}]}}])
    };
    let two = |one: i32| json!([{"name": "a", "port": 80, "filters": header("a")}, {"name": "b", "port": 80, "weight": one}]);
    rule(
        &json!({"filters": header("r"), "backendRefs": two(1)}),
        &["C042? spec.rules[0].backendRefs[0].filters"],
    );
    rule(&json!({"filters": header("r"), "backendRefs": two(0)}), &[]);
    rule(&json!({"sessionPersistence": {}}), &["C036? spec.rules[0].sessionPersistence"]);
}

#[test]
pub(in super::super) fn times() {
    let times = |request: &str, backend: &str| json!({"timeouts": {"request": request, "backendRequest": backend}});
    rule(&times("10s", "5s"), &["C041? spec.rules[0].timeouts.backendRequest"]);
    rule(&times("10s", "10000ms"), &[]);
    let mut retried = times("10s", "5s");
    retried["retry"] = json!({"attempts": 2});
    rule(&retried, &[]);
}

#[test]
pub(in super::super) fn paths_and_expressions() {
    let regex =
        |value: &str| json!({"matches": [{"path": {"type": "RegularExpression", "value": value}}]});
    rule(&regex("/v[12]/.*"), &[]);
    for bad in ["(", "", "(?P<a>x)(?P<a>y)"] {
        rule(&regex(bad), &["C034? spec.rules[0].matches[0].path.value"]);
    }
    let header = json!({"matches": [{"headers": [{"type": "RegularExpression", "name": "a", "value": "["}],
        "queryParams": [{"type": "RegularExpression", "name": "b", "value": "*"}]}]});
    rule(
        &header,
        &[
            "C034? spec.rules[0].matches[0].headers[0].value",
            "C034? spec.rules[0].matches[0].queryParams[0].value",
        ],
    );
    let grpc: GrpcRoute = read(&json!({"parentRefs": [{"name": "public"}], "rules": [{
        "matches": [{"method": {"type": "RegularExpression", "service": "(", "method": "a.*"}}],
        "backendRefs": [{"name": "pets", "port": 80}]}]}));
    expect(grpc, &["C034? spec.rules[0].matches[0].method.service"]);
    rule(
        &json!({"matches": [{"headers": [{"name": "x-a", "value": "1"}, {"name": "X-A", "value": "1"}]}]}),
        &["C045? spec.rules[0].matches[0].headers[1].name"],
    );
    let changed = |kind: &str, field: &str, prefix: &str, by: &str| {
        let mut filter = json!({"type": kind});
        filter[field] = json!({"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": by}});
        let mut rule = json!({"matches": [{"path": {"value": prefix}}], "filters": [filter]});
        if kind == "RequestRedirect" {
            rule["backendRefs"] = json!([]);
        }
        rule
    };
    let rewrite = |prefix: &str, by: &str| changed("URLRewrite", "urlRewrite", prefix, by);
    let redirect =
        |prefix: &str, by: &str| changed("RequestRedirect", "requestRedirect", prefix, by);
    let at = "C043? spec.rules[0].filters[0].urlRewrite.path.replacePrefixMatch";
    rule(&rewrite("/", "/xyz"), &[at]);
    rule(&rewrite("/", "/xyz/"), &[]);
    rule(&rewrite("/foo", "/xyz"), &[]);
    let at = "C043? spec.rules[0].filters[0].requestRedirect.path.replacePrefixMatch";
    rule(&redirect("/a", "/"), &[at]);
    rule(&redirect("/a", "/new/"), &[at]);
    rule(&redirect("/a", ""), &[at]);
    rule(&redirect("/a", "/new"), &[]);
}

#[test]
pub(in super::super) fn matches_that_tie() {
    let to = |name: &str, matches: Value| json!({"matches": matches, "backendRefs": [{"name": name, "port": 80}]});
    let header = |name: &str, value: &str| json!({"headers": [{"name": name, "value": value}]});
    rules(
        &json!([
            to("a", json!([{"path": {"value": "/a"}}])),
            to("b", json!([{"path": {"value": "/a/"}}]))
        ]),
        &["C040? spec.rules[1].matches[0]"],
    );
    // Names of headers have no case; different values of one header never meet in one request.
    rules(
        &json!([to("a", json!([header("x-a", "1")])), to("b", json!([header("X-A", "1")]))]),
        &["C040? spec.rules[1].matches[0]"],
    );
    rules(
        &json!([to("a", json!([header("x-a", "1")])), to("b", json!([header("x-a", "2")]))]),
        &[],
    );
    rules(
        &json!([to("a", json!([header("x-a", "1")])), to("b", json!([header("x-b", "1")]))]),
        &["C040! spec.rules[1].matches[0]"],
    );
    // The number of conditions, the method and the length of the path decide before the place of the rule.
    rules(&json!([to("a", json!([{}])), to("b", json!([header("x-b", "1")]))]), &[]);
    rules(&json!([to("a", json!([{"method": "GET"}])), to("b", json!([{}]))]), &[]);
    // Matches of one rule lead to the same backends.
    rules(&json!([to("a", json!([header("x-a", "1"), header("x-a", "1")]))]), &[]);
    let regex = json!([{"path": {"type": "RegularExpression", "value": "/v.*"}}]);
    rules(
        &json!([to("a", regex.clone()), to("b", json!([{"path": {"value": "/"}}]))]),
        &["C035? spec.rules[0].matches[0].path"],
    );
    rules(&json!([to("a", regex), to("b", json!([{"method": "GET"}]))]), &[]);

    let grpc = |matches: Value| {
        let rule = |matches: &Value| json!({"matches": matches, "backendRefs": [{"name": "a", "port": 80}]});
        let rules: Vec<Value> = matches.as_array().unwrap().iter().map(rule).collect();
        read::<GrpcRoute>(&json!({"parentRefs": [{"name": "public"}], "rules": rules}))
    };
    let service = json!([{"method": {"service": "S"}}]);
    expect(grpc(json!([service, service])), &["C040? spec.rules[1].matches[0]"]);
    expect(grpc(json!([[], []])), &["C040? spec.rules[1].matches[0]"]);
    expect(grpc(json!([service, [{"method": {"service": "S", "method": "M"}}]])), &[]);
}
