use k8s_openapi::api::core::v1::{Namespace, Secret, Service};
use serde_json::{Value, json};

use super::{Inventory, read};
use crate::{analyze::analyze_manifest, gateway_api::ReferenceGrant, manifest::Manifest};

fn service(name: &str, ports: &[u32]) -> Service {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    let ports: Vec<Value> =
        ports.iter().map(|port| json!({"port": port, "name": format!("p{port}")})).collect();
    read(json!({"metadata": {"name": name, "namespace": namespace}, "spec": {"ports": ports}}))
}

fn named<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    read(json!({"metadata": {"name": name, "namespace": namespace}}))
}

fn object(kind: &str, name: &str, spec: &Value) -> Value {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    let version = if kind == "ReferenceGrant" { "v1beta1" } else { "v1" };
    json!({"apiVersion": format!("gateway.networking.k8s.io/{version}"), "kind": kind,
        "metadata": {"name": name, "namespace": namespace}, "spec": spec})
}

/// Services `pets` and `shadow` on port 80, here and in `other`, and all that is known.
fn inventory() -> Inventory {
    let labelled: Namespace =
        read(json!({"metadata": {"name": "other", "labels": {"team": "pets"}}}));
    Inventory::default()
        .services([service("pets", &[80]), service("shadow", &[80]), service("other/pets", &[80])])
        .secrets([named::<Secret>("cert")])
        .namespaces([read(json!({"metadata": {"name": "default"}})), labelled])
}

#[track_caller]
fn expect(objects: &[Value], expected: &[&str]) {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let analysis = analyze_manifest(&Manifest::from_json_value(&list).unwrap(), &inventory());
    let lines: Vec<String> = analysis
        .findings
        .iter()
        .map(|finding| format!("{} {} {}", finding.code, finding.object, finding.path))
        .collect();
    assert_eq!(lines, expected, "{}", analysis.findings);
    for finding in &analysis.findings {
        assert!(finding.help.is_some(), "{finding}");
    }
}

fn gateway(listener: &Value) -> Value {
    let mut one = json!({"name": "http", "port": 80, "protocol": "HTTP"});
    for (key, value) in listener.as_object().unwrap() {
        one[key] = value.clone();
    }
    object("Gateway", "public", &json!({"gatewayClassName": "istio", "listeners": [one]}))
}

fn backends() -> Value {
    json!([{"name": "pets", "port": 80}])
}

fn route(name: &str, parent: &Value, change: &Value) -> Value {
    let mut spec = json!({"parentRefs": [parent], "rules": [{"backendRefs": backends()}]});
    for (key, value) in change.as_object().unwrap() {
        spec[key] = value.clone();
    }
    object("HTTPRoute", name, &spec)
}

#[test]
fn parents_that_do_not_take_a_route() {
    let public = json!({"name": "public"});
    let plain = || route("r", &public, &json!({}));
    expect(&[gateway(&json!({})), plain()], &[]);
    expect(&[plain()], &["C510 HTTPRoute default/r spec.parentRefs[0].name"]);
    let at = |parent: Value| route("r", &parent, &json!({}));
    expect(
        &[gateway(&json!({})), at(json!({"name": "public", "sectionName": "https"}))],
        &["C511 HTTPRoute default/r spec.parentRefs[0].sectionName"],
    );
    expect(
        &[gateway(&json!({})), at(json!({"name": "public", "port": 81}))],
        &["C511 HTTPRoute default/r spec.parentRefs[0].port"],
    );
    let hosts = |host: &str| route("r", &public, &json!({"hostnames": [host]}));
    let wide = || gateway(&json!({"hostname": "*.example.com"}));
    expect(&[wide(), hosts("pets.example.com")], &[]);
    expect(&[wide(), hosts("*.com")], &[]);
    expect(&[wide(), hosts("pets.org")], &["C512 HTTPRoute default/r spec.hostnames"]);
    let elsewhere = || {
        let parent = json!({"name": "public", "namespace": "default"});
        route("other/r", &parent, &json!({}))
    };
    let refused = "C513 HTTPRoute other/r spec.parentRefs[0]";
    expect(&[gateway(&json!({})), elsewhere()], &[refused]);
    let from = |selection: Value| gateway(&json!({"allowedRoutes": {"namespaces": selection}}));
    expect(&[from(json!({"from": "All"})), elsewhere()], &[]);
    let selector =
        |label: &str| json!({"from": "Selector", "selector": {"matchLabels": {"team": label}}});
    expect(&[from(selector("pets")), elsewhere()], &[]);
    expect(&[from(selector("cars")), elsewhere()], &[refused]);
    let grpc_only = gateway(&json!({"allowedRoutes": {"kinds": [{"kind": "GRPCRoute"}]}}));
    expect(&[grpc_only, plain()], &["C513 HTTPRoute default/r spec.parentRefs[0]"]);
    let waypoint = object(
        "Gateway",
        "public",
        &json!({"gatewayClassName": "istio-waypoint",
        "listeners": [{"name": "mesh", "port": 15008, "protocol": "HBONE"}]}),
    );
    expect(&[waypoint, plain()], &["C520 HTTPRoute default/r spec.parentRefs[0].name"]);
}

#[test]
fn services_as_parents() {
    let parent = |change: Value| {
        let mut parent = json!({"group": "", "kind": "Service", "name": "pets"});
        for (key, value) in change.as_object().unwrap() {
            parent[key] = value.clone();
        }
        route("r", &parent, &json!({}))
    };
    expect(&[parent(json!({}))], &[]);
    expect(
        &[parent(json!({"name": "cars"}))],
        &["C510 HTTPRoute default/r spec.parentRefs[0].name"],
    );
    expect(&[parent(json!({"port": 81}))], &["C511 HTTPRoute default/r spec.parentRefs[0].port"]);
    expect(
        &[parent(json!({"namespace": "other"}))],
        &["C519 HTTPRoute default/r spec.parentRefs[0].namespace"],
    );
}

#[test]
fn backends_that_answer_500() {
    let public = json!({"name": "public"});
    let to = |backend: Value| route("r", &public, &json!({"rules": [{"backendRefs": [backend]}]}));
    let at = |code: &str, field: &str| {
        format!("{code} HTTPRoute default/r spec.rules[0].backendRefs[0].{field}")
    };
    let gate = || gateway(&json!({}));
    expect(&[gate(), to(json!({"name": "cars", "port": 80}))], &[&at("C514", "name")]);
    expect(&[gate(), to(json!({"name": "pets", "port": 81}))], &[&at("C516", "port")]);
    let foreign = || to(json!({"name": "pets", "namespace": "other", "port": 80}));
    expect(&[gate(), foreign()], &[&at("C515", "namespace")]);
    let grant = |change: &dyn Fn(ReferenceGrant) -> ReferenceGrant| {
        change(ReferenceGrant::allow_routes("default", "other")).to_json_value().unwrap()
    };
    expect(&[gate(), foreign(), grant(&|grant| grant)], &[]);
    let by_name = grant(&|mut grant| {
        grant.spec.to[0].name = Some("cars".to_owned());
        grant
    });
    expect(&[gate(), foreign(), by_name], &[&at("C515", "namespace")]);
    let misplaced = grant(&|grant| grant.namespace("default"));
    expect(&[gate(), foreign(), misplaced], &[&at("C515", "namespace")]);
    // Routes of the mesh need no grant.
    let mesh = json!({"group": "", "kind": "Service", "name": "pets"});
    let backend = json!({"name": "pets", "namespace": "other", "port": 80});
    expect(&[route("r", &mesh, &json!({"rules": [{"backendRefs": [backend]}]}))], &[]);
    let mirror = json!({"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "cars", "port": 80}}});
    expect(
        &[
            gate(),
            route(
                "r",
                &public,
                &json!({"rules": [{"backendRefs": backends(), "filters": [mirror]}]}),
            ),
        ],
        &["C514 HTTPRoute default/r spec.rules[0].filters[0].requestMirror.backendRef.name"],
    );
}

#[test]
fn certificates() {
    let tls = |secret: Value| {
        gateway(&json!({"protocol": "HTTPS", "tls": {"certificateRefs": [secret]}}))
    };
    expect(&[tls(json!({"name": "cert"}))], &[]);
    let at = "Gateway default/public spec.listeners[0].tls.certificateRefs[0]";
    expect(&[tls(json!({"name": "none"}))], &[&format!("C521 {at}.name")]);
    expect(
        &[tls(json!({"name": "cert", "namespace": "other"}))],
        &[&format!("C515 {at}.namespace")],
    );
}

#[test]
fn routes_that_tie() {
    let public = json!({"name": "public"});
    let with = |name: &str, matches: Value| {
        route(name, &public, &json!({"rules": [{"matches": matches, "backendRefs": backends()}]}))
    };
    let gate = || gateway(&json!({}));
    let path = |path: &str| json!([{"path": {"value": path}}]);
    expect(
        &[gate(), with("a", path("/a")), with("b", path("/a"))],
        &["C518 HTTPRoute default/b spec.rules[0].matches[0]"],
    );
    expect(&[gate(), with("a", path("/a")), with("b", path("/b"))], &[]);
    // The older route wins, whatever its name.
    let mut old = with("b", path("/a"));
    old["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
    let mut new = with("a", path("/a"));
    new["metadata"]["creationTimestamp"] = json!("2026-01-02T00:00:00Z");
    expect(&[gate(), old, new], &["C518 HTTPRoute default/a spec.rules[0].matches[0]"]);
    // Other hosts are other lists.
    let of_host = |name: &str, host: &str| route(name, &public, &json!({"hostnames": [host]}));
    expect(&[gate(), of_host("a", "a.com"), of_host("b", "b.com")], &[]);
    expect(
        &[gate(), of_host("a", "a.com"), of_host("b", "a.com")],
        &["C518 HTTPRoute default/b spec.rules[0]"],
    );
    let regex = json!([{"path": {"type": "RegularExpression", "value": "/v.*"}}]);
    expect(
        &[gate(), with("a", regex), with("b", path("/"))],
        &["C517 HTTPRoute default/a spec.rules[0].matches[0].path"],
    );
}

#[test]
fn rules_of_one_object_are_reported_too() {
    let empty = json!({"name": "public"});
    expect(
        &[
            gateway(&json!({})),
            route("r", &empty, &json!({"rules": [{"backendRefs": [{"name": "pets"}]}]})),
        ],
        &["G118 HTTPRoute default/r spec.rules[0].backendRefs[0]"],
    );
}

#[test]
fn what_is_not_known_is_not_judged() {
    let text = json!({"apiVersion": "v1", "kind": "List", "items": [
        gateway(&json!({})), route("r", &json!({"name": "public"}), &json!({}))]});
    let manifest = Manifest::from_json_value(&text).unwrap();
    let analysis = analyze_manifest(&manifest, &Inventory::default());
    assert!(analysis.findings.is_empty(), "{}", analysis.findings);
    assert!(analysis.unjudged.iter().any(|one| one.code == "C514"), "{:?}", analysis.unjudged);
}
