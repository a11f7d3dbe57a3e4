//! Routes of the Gateway API.

use serde_json::json;

use super::*;
use crate::{Route, Routes};

fn plan() -> Plan {
    Plan::new("pets", "pets-v1", "pets-v2")
        .target(Routes::of([Route::http_route("pets")]))
        .header("user-group", "canary")
        .weights([5, 30, 100], Hold::requests(100))
}

fn backend(name: &str, weight: u64) -> Value {
    json!({"group": "", "kind": "Service", "name": name, "port": 8501, "weight": weight, "filters": [{
        "type": "ResponseHeaderModifier",
        "responseHeaderModifier": {"set": [{"name": "x-served-by", "value": name}]},
    }]})
}

fn prefix(path: &str) -> Value {
    json!({"path": {"type": "PathPrefix", "value": path}})
}

fn object(rules: &Value) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "pets", "namespace": "default", "resourceVersion": "7"},
        "spec": {"parentRefs": [{"name": "public"}], "rules": rules},
    })
}

fn one_rule() -> Value {
    object(&json!([
        {"matches": [prefix("/v1")], "backendRefs": [backend("pets-v1", 100), backend("pets-v2", 0)]},
        {"matches": [prefix("/metrics")], "backendRefs": [{"name": "prometheus", "port": 80}]},
    ]))
}

fn made() -> RouteChange {
    RouteChange { header_route: Some(true), ..RouteChange::default() }
}

#[test]
fn weights_and_header_rule_come_and_go() {
    let live = one_rule();
    assert_eq!(locate(&plan(), &live).unwrap().split, Some(Split::STABLE));
    let change = RouteChange { split: Some(Split::new(30)), ..made() };
    let changed = apply(&live, &change_route(&plan(), &live, &change).unwrap());
    let rules = changed["spec"]["rules"].as_array().unwrap();
    assert_eq!(rules[0]["backendRefs"][1]["weight"], 30);
    // Without the rule's own path, a longer one would win.
    assert_eq!(
        rules[2],
        json!({
            "name": "canary-rollout-pets-v2",
            "matches": [{
                "path": {"type": "PathPrefix", "value": "/v1"},
                "headers": [{"type": "Exact", "name": "user-group", "value": "canary"}],
            }],
            "backendRefs": [backend("pets-v2", 1)],
        })
    );
    assert!(differences(&plan(), &changed, Split::new(30), true).is_empty());
    assert_eq!(apply(&changed, &change_route(&plan(), &changed, &change).unwrap()), changed);
    let end = RouteChange { header_route: Some(false), ..split(0) };
    assert_eq!(apply(&changed, &change_route(&plan(), &changed, &end).unwrap()), live);
    let gone = clean_up(&plan(), &changed, Split::STABLE).unwrap().unwrap();
    assert_eq!(apply(&changed, &gone)["spec"]["rules"].as_array().unwrap().len(), 2);
}

#[test]
fn an_absent_weight_is_one_and_a_third_backend_keeps_its_share() {
    let bare = |name: &str| json!({"name": name, "port": 80});
    let live = object(&json!([{"backendRefs": [bare("pets-v1")]}]));
    assert_eq!(locate(&plan(), &live).unwrap().weights, [1]);
    let changed = apply(&live, &change_route(&plan(), &live, &split(30)).unwrap());
    assert_eq!(locate(&plan(), &changed).unwrap().weights, [70, 30]);
    let live = object(&json!([{"backendRefs": [bare("pets-v1"), bare("other")]}]));
    let changed = apply(&live, &change_route(&plan(), &live, &split(50)).unwrap());
    assert_eq!(locate(&plan(), &changed).unwrap().weights, [25, 50, 25]);
}

#[test]
fn every_match_of_a_rule_gets_the_header() {
    let own = json!({"headers": [{"name": "User-Group", "value": "staff"}]});
    let live = object(&json!([{
        "matches": [prefix("/a"), {"method": "POST", "headers": [{"name": "x", "value": "1"}]}, own],
        "filters": [{"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}],
        "backendRefs": [backend("pets-v1", 1)],
    }]));
    let changed = apply(&live, &change_route(&plan(), &live, &made()).unwrap());
    let rules = changed["spec"]["rules"].as_array().unwrap();
    // A prefix is replaced in rules of one match only; the match for another group needs no rule.
    assert_eq!(rules.len(), 3);
    let header = json!({"type": "Exact", "name": "user-group", "value": "canary"});
    assert_eq!(
        rules[2]["matches"],
        json!([{"method": "POST", "headers": [{"name": "x", "value": "1"}, header]}])
    );
    assert_eq!(rules[1]["filters"], live["spec"]["rules"][0]["filters"]);
    assert_ne!(rules[1]["name"], rules[2]["name"]);
    assert!(has_header_route(&plan(), &changed));
}

#[test]
fn a_header_that_another_rule_takes_is_refused() {
    let theirs = |to: &str| {
        let header = json!({"name": "User-Group", "value": "canary"});
        let mut live = one_rule();
        live["spec"]["rules"].as_array_mut().unwrap().push(json!({
            "matches": [{"path": {"value": "/v1"}, "headers": [header]}],
            "backendRefs": [{"name": to, "port": 8501}],
        }));
        live
    };
    // One that leads to the stable version could be the plan's own, so the plan names its rule.
    let named = plan().target(Routes::of([Route::http_route("pets").rules(["main"])]));
    let mut live = theirs("pets-v1");
    live["spec"]["rules"][0]["name"] = json!("main");
    let error = change_route(&named, &live, &made()).unwrap_err().to_string();
    assert!(error.contains("spec.rules[2] matches header user-group: canary"), "{error}");
    // Somebody's rule that does the same is enough.
    let same = theirs("pets-v2");
    assert!(has_header_route(&plan(), &same));
    assert_eq!(apply(&same, &change_route(&plan(), &same, &made()).unwrap()), same);
}

#[test]
fn limits_of_the_gateway_api_are_told_before_a_write() {
    let rule = |index: usize| json!({"matches": [prefix(&format!("/{index}"))], "backendRefs": [backend("x", 1)]});
    let mut rules: Vec<Value> = (1..16).map(rule).collect();
    rules.push(json!({"matches": [prefix("/v1")], "backendRefs": [backend("pets-v1", 1)]}));
    let live = object(&rules.into());
    let error = change_route(&plan(), &live, &made()).unwrap_err().to_string();
    assert!(error.contains("it would have 17 rules, and the Gateway API allows 16"), "{error}");
}

#[test]
fn mirrors_are_filters() {
    let mut mirrored = plan();
    mirrored.steps[0].mirror = 50.into();
    let live = one_rule();
    let shadow = RouteChange { split: Some(Split::new(0).mirror(50)), ..RouteChange::default() };
    let changed = apply(&live, &change_route(&mirrored, &live, &shadow).unwrap());
    let mirror = &changed["spec"]["rules"][0]["filters"][0]["requestMirror"];
    assert_eq!(
        (&mirror["percent"], &mirror["backendRef"]["name"]),
        (&json!(50), &json!("pets-v2"))
    );
    assert_eq!(locate(&mirrored, &changed).unwrap().split, shadow.split);
    assert!(differences(&mirrored, &changed, Split::new(0).mirror(50), false).is_empty());
    assert_eq!(apply(&changed, &change_route(&mirrored, &changed, &split(0)).unwrap()), live);
    // Of somebody else, to a version: refused before anything is written.
    let mut theirs = live.clone();
    theirs["spec"]["rules"][0]["filters"] = json!([{"type": "RequestMirror", "requestMirror": {
        "backendRef": {"name": "pets-v2", "port": 80}, "fraction": {"numerator": 1, "denominator": 2}}}]);
    let error = locate(&plan(), &theirs).unwrap_err().to_string();
    assert!(
        error.contains("spec.rules[0].filters[0].requestMirror mirrors 50 % of the requests"),
        "{error}"
    );
}

#[test]
fn a_grpc_route_has_headers_alone() {
    let plan = plan().target(Routes::of([Route::grpc_route("pets")]));
    let live = object(&json!([{"backendRefs": [backend("pets-v1", 1)]}]));
    let changed = apply(&live, &change_route(&plan, &live, &made()).unwrap());
    let header = json!({"type": "Exact", "name": "user-group", "value": "canary"});
    assert_eq!(changed["spec"]["rules"][1]["matches"], json!([{"headers": [header]}]));
}
