//! The reasons of decisions by routes of the Gateway API, and changes of routes.

use serde_json::{Value, json};

use super::super::{super::diff, get};
use crate::{Manifest, Mesh, Object};

/// The mesh of a gateway and routes with these specs.
fn mesh(routes: &[Value]) -> Mesh {
    Mesh::of(objects(routes)).unwrap()
}

/// A gateway and routes with these specs.
fn objects(routes: &[Value]) -> Vec<Object> {
    let gateway = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": {"name": "edge", "namespace": "default"},
        "spec": {"gatewayClassName": "istio", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},
    });
    let routes = routes.iter().enumerate().map(|(index, spec)| {
        let mut spec = spec.clone();
        spec["parentRefs"] = json!([{"name": "edge"}]);
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "metadata": {"name": format!("r{index}"), "namespace": "default"}, "spec": spec,
        })
    });
    let all = std::iter::once(gateway).chain(routes);
    all.flat_map(|one| Manifest::read(&one.to_string()).unwrap().objects).collect()
}

fn to(name: &str, weight: u32) -> Value {
    json!({"name": name, "port": 80, "weight": weight})
}

#[test]
fn each_earlier_match_is_told_with_the_condition_that_failed() {
    let mesh = mesh(&[json!({"rules": [
        {"name": "late", "backendRefs": [to("a", 1)]},
        {"matches": [
            {"path": {"type": "PathPrefix", "value": "/v2"}},
            {"headers": [{"name": "version", "value": "two"}]},
            {"queryParams": [{"name": "q", "value": "1"}], "method": "POST"},
        ], "backendRefs": [to("b", 1)]},
    ]})]);
    let why = mesh.route(&get("http://x/v2x").header("version", "one")).why();
    let unmet: Vec<String> = why.tried.iter().map(|tried| tried.unmet.to_string()).collect();
    assert_eq!(
        unmet,
        [
            "spec.rules[1].matches[0].path wants \"/v2\" or a path below it, found \"/v2x\"",
            "spec.rules[1].matches[2].method wants exactly \"POST\", found \"GET\"",
            "spec.rules[1].matches[1].headers[version] wants exactly \"two\", found \"one\"",
        ]
    );
    let matched = why.matched.clone().unwrap();
    assert_eq!(matched.to_string(), "HTTPRoute default/r0 spec.rules[0] (late)");
    assert_eq!(why.listener, "port 80 of Gateway default/edge");
    assert_eq!(why.host.as_deref(), Some("*"));
}

#[test]
fn a_match_behind_a_catch_all_is_told() {
    let mesh = mesh(&[json!({"rules": [
        {"matches": [{"path": {"type": "RegularExpression", "value": "/v.*"}}], "backendRefs": [to("a", 1)]},
        {"backendRefs": [to("b", 1)]},
    ]})]);
    let why = mesh.route(&get("http://x/v1")).why();
    let note = "HTTPRoute default/r0 spec.rules[0].matches[0] (default.r0.0) is never tried: spec.rules[1] before it \
                matches everything";
    assert_eq!(why.notes, [note]);
}

#[test]
fn a_host_that_no_route_serves_is_explained_route_by_route() {
    let mesh = mesh(&[json!({"hostnames": ["a.com"], "rules": [{"backendRefs": [to("a", 1)]}]})]);
    let why = mesh.route(&get("http://b.com/")).why();
    assert_eq!(why.notes, ["HTTPRoute default/r0 does not serve it: its hosts are a.com"]);
}

#[test]
fn a_refused_backend_is_explained() {
    let mesh = mesh(&[json!({"rules": [{"backendRefs": [
        to("a", 1), {"name": "b", "namespace": "other", "port": 80, "weight": 3},
    ]}]})]);
    let decision = mesh.route(get("http://x/").random(2));
    assert_eq!(
        decision.outcome().to_string(),
        "500 NC: no ReferenceGrant of namespace other permits HTTPRoute of namespace default to send requests to \
         Service b"
    );
    let notes = decision.why().notes;
    assert!(notes[0].starts_with("3/4 of the requests of this rule fail with 500 NC"), "{notes:?}");
}

#[test]
fn a_step_of_a_canary_is_one_change() {
    let split = |canary| {
        mesh(&[json!({"rules": [
            {"name": "main", "matches": [{"path": {"type": "PathPrefix", "value": "/app"}}],
             "backendRefs": [to("stable", 100 - canary), to("canary", canary)]},
        ]})])
    };
    let found = diff(&split(0), &split(10));
    assert!(found.unjudged.is_empty(), "{:?}", found.unjudged);
    assert_eq!(found.changes.len(), 1);
    let change = &found.changes[0];
    assert_eq!(change.before.rule.as_ref().unwrap().name, "main");
    assert!(change.witness.path == "/app" || change.witness.path.starts_with("/app/"), "{change}");
    let canary = change.after.shares.iter().find(|share| share.cluster.host.starts_with("canary"));
    assert_eq!(canary.map(|share| (share.weight, share.total)), Some((10, 100)));
}

#[test]
fn a_rule_for_a_header_changes_the_requests_with_it() {
    let rules = |more: Vec<Value>| {
        let mut rules = vec![json!({
            "matches": [{"path": {"type": "PathPrefix", "value": "/v2"}}], "backendRefs": [to("a", 1)],
        })];
        rules.extend(more);
        mesh(&[json!({"rules": rules})])
    };
    let header = |path: &str| {
        json!({
            "matches": [{"path": {"type": "PathPrefix", "value": path}, "headers": [{"name": "x-canary", "value": "1"}]}],
            "backendRefs": [to("b", 1)],
        })
    };
    let found = diff(&rules(vec![]), &rules(vec![header("/v2")]));
    assert_eq!(found.changes.len(), 1, "{found:?}");
    assert_eq!(found.changes[0].witness.headers, [("x-canary".to_owned(), "1".to_owned())]);
    // A shorter path loses to the rule: the change is for other paths alone.
    let found = diff(&rules(vec![]), &rules(vec![header("/")]));
    assert_eq!(found.changes.len(), 1, "{found:?}");
    assert!(!found.changes[0].witness.path.starts_with("/v2/"), "{found:?}");
    assert_eq!(found.changes[0].before.outcome, "404 NR: no rule for host * fits the request");
}

#[test]
fn an_expression_that_does_not_compile_is_an_error_with_its_place() {
    let found = json!({"path": {"type": "RegularExpression", "value": "/("}});
    let route = json!({"rules": [{"matches": [found], "backendRefs": [to("a", 1)]}]});
    let error = Mesh::of(objects(&[route])).unwrap_err().to_string();
    let place = "error[V014]: HTTPRoute default/r0: spec.rules[0].matches[0].path.value";
    assert!(error.contains(place), "{error}");
}

#[test]
fn values_that_envoy_refuses_are_errors_with_their_places() {
    let rewrite = json!({"type": "URLRewrite", "urlRewrite": {
        "path": {"type": "ReplaceFullPath", "replaceFullPath": "/a\\1"},
    }});
    let redirect = json!({"type": "RequestRedirect", "requestRedirect": {"statusCode": 304}});
    for (rule, code, path) in [
        (
            json!({"backendRefs": [{"name": "a", "port": 80, "weight": -1}]}),
            "G207",
            "backendRefs[0].weight",
        ),
        (json!({"filters": [redirect]}), "G209", "filters.requestRedirect.statusCode"),
        (
            json!({"filters": [rewrite], "backendRefs": [to("a", 1)]}),
            "V071",
            "filters[0].urlRewrite.path.replaceFullPath",
        ),
    ] {
        let error = Mesh::of(objects(&[json!({"rules": [rule]})])).unwrap_err().to_string();
        assert!(
            error.contains(&format!("error[{code}]: HTTPRoute default/r0: spec.rules[0].{path}")),
            "{error}"
        );
    }
}
