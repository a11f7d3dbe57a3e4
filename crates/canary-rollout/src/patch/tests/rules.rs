//! Several rules of one object that move together.

use serde_json::json;

use super::*;
use crate::{Protocol, Route, Routes};

fn grpc(subset: &str, weight: u64) -> Value {
    json!({
        "destination": {"host": "image-classifier", "subset": subset, "port": {"number": 8500}},
        "weight": weight,
    })
}

/// A rule for gRPC, one for REST, and one of somebody else between them.
fn object() -> Value {
    with_routes(&json!([
        {"name": "grpc", "match": [{"uri": {"prefix": "/tensorflow.serving."}}],
         "route": [grpc("resnet50", 100), grpc("resnet101", 0)]},
        {"name": "metrics", "match": [{"uri": {"prefix": "/metrics"}}],
         "route": [{"destination": {"host": "prometheus"}}]},
        {"name": "rest", "route": [entry("resnet50", 100), entry("resnet101", 0)]},
    ]))
}

fn moved(route: Route) -> Plan {
    plan().target(Routes::of([route]))
}

#[test]
fn all_rules_change_in_one_patch() {
    let named = Route::virtual_service("image-classifier").rules(["rest", "grpc"]);
    let by_match = Route::virtual_service("image-classifier")
        .rules(["rest"])
        .matching(json!({"uri": {"prefix": "/tensorflow.serving."}}));
    let all = Route::virtual_service("image-classifier").all_rules();
    for plan in [moved(named), moved(by_match), moved(all)] {
        let change = RouteChange { header_route: Some(true), ..split(30) };
        let changed = apply(&object(), &change_route(&plan, &object(), &change).unwrap());
        let located = locate_all(&plan, &changed).unwrap();
        let found: Vec<_> =
            located.iter().map(|one| (one.rule, one.split.unwrap().canary)).collect();
        assert_eq!(found, [(1, 30.into()), (4, 30.into())], "a header route before each");
        assert!(has_header_route(&plan, &changed));
        let order: Vec<_> =
            rules_of(&changed).iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(
            order,
            ["canary-rollout-resnet101", "grpc", "metrics", "canary-rollout-resnet101-2", "rest"]
        );
        let expected = Split::new(30);
        assert!(differences(&plan, &changed, expected, true).is_empty());

        // Created once: the same change again leaves them where they are.
        let again = apply(&changed, &change_route(&plan, &changed, &change).unwrap());
        assert_eq!(again, changed);
        let end = RouteChange { header_route: Some(false), ..split(0) };
        let back = apply(&changed, &change_route(&plan, &changed, &end).unwrap());
        assert_eq!(back, object());
        let gone = clean_up(&plan, &changed, expected).unwrap().unwrap();
        assert_eq!(rules_of(&apply(&changed, &gone)).len(), 3);
    }
}

#[test]
fn one_rule_that_somebody_moved_is_a_difference() {
    let plan = moved(Route::virtual_service("image-classifier").all_rules());
    let mut changed = apply(&object(), &change_route(&plan, &object(), &split(30)).unwrap());
    changed["spec"]["http"][0]["route"][1]["weight"] = json!(50);
    let edits = differences(&plan, &changed, Split::new(30), false).to_string();
    assert!(
        edits.contains("spec.http[0].route[1].weight: expected 30 (resnet101), found 50"),
        "{edits}"
    );
    assert!(!edits.contains("spec.http[2]"), "{edits}");
}

#[test]
fn a_header_leads_to_the_canary_by_every_rule() {
    let plan = moved(Route::virtual_service("image-classifier").all_rules());
    let made = RouteChange { header_route: Some(true), ..RouteChange::default() };
    let changed = apply(&object(), &change_route(&plan, &object(), &made).unwrap());
    for (path, port) in
        [("/v1/models/m:predict", 8501), ("/tensorflow.serving.PredictionService/Predict", 8500)]
    {
        let to = |request: Request| answered(&changed, &request);
        let cluster = |subset: &str| {
            format!("outbound|{port}|{subset}|image-classifier.default.svc.cluster.local")
        };
        let request = || Request::post(&format!("http://x{path}"));
        assert_eq!(to(request().header("user-group", "canary")), cluster("resnet101"), "{path}");
        assert_eq!(to(request()), cluster("resnet50"), "{path}");
    }
}

#[test]
fn rules_for_connections_move_without_a_header() {
    let tcp = json!([{"route": [grpc("resnet50", 100), grpc("resnet101", 0)]}]);
    let mut object = with_routes(&json!([]));
    object["spec"]["tcp"] = tcp.clone();
    let route = Route::virtual_service("image-classifier").protocol(Protocol::Tcp);
    let plan = plan().target(Routes::of([route]));
    let changed = apply(&object, &change_route(&plan, &object, &split(30)).unwrap());
    assert_eq!(changed["spec"]["tcp"][0]["route"][1]["weight"], 30);
    assert!(has_header_route(&plan, &changed), "it needs none");
    let made = RouteChange { header_route: Some(true), ..RouteChange::default() };
    let error = change_route(&plan, &object, &made).unwrap_err().to_string();
    assert!(error.contains("spec.tcp[0] is for connections, which have no headers"), "{error}");
    assert_eq!(plan.validate().0.iter().filter(|finding| finding.code == "C133").count(), 1);
}

#[test]
fn a_rule_that_is_not_there_is_named() {
    let error = |route: Route| locate(&moved(route), &object()).unwrap_err().to_string();
    let route = || Route::virtual_service("image-classifier");
    assert!(error(route().rules(["rest", "graphql"])).contains("no HTTP route named graphql"));
    assert!(error(route().matching(json!({"port": 1}))).contains("no HTTP route with the match"));
    assert!(error(route()).contains("several HTTP routes that fit (spec.http[0], spec.http[2])"));
}
