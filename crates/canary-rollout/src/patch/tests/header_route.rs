//! The header route: created, used, removed.

use serde_json::json;

use super::*;

#[test]
fn the_header_route_is_a_copy_of_the_target_before_it() {
    let ensure = RouteChange { header_route: Some(true), ..RouteChange::default() };
    let mut object = live();
    object["spec"]["http"][1]["match"] =
        json!([{"uri": {"prefix": "/v1"}}, {"uri": {"prefix": "/v2"}}]);
    assert!(!has_header_route(&plan(), &object));
    let changed = apply(&object, &change_route(&plan(), &object, &ensure).unwrap());
    let made = &changed["spec"]["http"][1];
    assert_eq!(made["name"], "canary-rollout-resnet101");
    assert_eq!(made["timeout"], "10s");
    assert_eq!(
        made["match"],
        json!([
            {"uri": {"prefix": "/v1"}, "headers": {"user-group": {"exact": "canary"}}},
            {"uri": {"prefix": "/v2"}, "headers": {"user-group": {"exact": "canary"}}},
        ])
    );
    let mut alone = entry("resnet101", 0);
    alone.as_object_mut().unwrap().remove("weight");
    assert_eq!(made["route"], json!([alone]));
    assert_eq!(changed["spec"]["http"][2], object["spec"]["http"][1]);
    assert!(has_header_route(&plan(), &changed));
    let again = apply(&changed, &change_route(&plan(), &changed, &ensure).unwrap());
    assert_eq!(again, changed, "it is made once");
    let remove = RouteChange { header_route: Some(false), ..split(5) };
    let removed = apply(&changed, &change_route(&plan(), &changed, &remove).unwrap());
    assert_eq!(removed["spec"]["http"][1]["route"][1]["weight"], 5);
    assert_eq!(removed["spec"]["http"].as_array().unwrap().len(), 3);
}

#[test]
fn a_header_route_of_the_user_is_used_and_stays() {
    let mut object = live();
    let focused = json!({
        "match": [{"headers": {"user-group": {"exact": "canary"}}}],
        "route": [{"destination": {"host": "image-classifier", "subset": "resnet101"}}],
    });
    object["spec"]["http"].as_array_mut().unwrap().insert(0, focused);
    assert!(has_header_route(&plan(), &object));
    let change = RouteChange { header_route: Some(true), ..split(5) };
    let changed = apply(&object, &change_route(&plan(), &object, &change).unwrap());
    assert_eq!(changed["spec"]["http"].as_array().unwrap().len(), 4);
    let change = RouteChange { header_route: Some(false), ..split(0) };
    let changed = apply(&changed, &change_route(&plan(), &changed, &change).unwrap());
    assert_eq!(changed["spec"]["http"][0], object["spec"]["http"][0]);
    let narrower =
        json!([{"headers": {"user-group": {"exact": "canary"}}, "uri": {"prefix": "/v1"}}]);
    object["spec"]["http"][0]["match"] = narrower;
    assert!(!has_header_route(&plan(), &object), "it would not lead every path to the canary");
}

#[test]
fn a_target_that_already_matches_the_header_is_refused() {
    let mut object = live();
    object["spec"]["http"][1]["match"] = json!([{"headers": {"user-group": {"exact": "staff"}}}]);
    let ensure = RouteChange { header_route: Some(true), ..RouteChange::default() };
    assert!(change_route(&plan(), &object, &ensure).unwrap_err().to_string().contains("another"));
}

#[test]
fn a_plan_without_a_header_is_probed_by_one_of_its_own() {
    let plan = Plan { header: None, ..plan() };
    let header = plan.probe_header();
    assert_eq!((header.name.as_str(), header.value.len()), ("x-canary-probe", 16));
    assert!(plan.hash().starts_with(&header.value));
    assert!(!has_header_route(&plan, &live()));
    let probed = after(&plan, &live(), &header_route(true));
    assert_eq!(
        probed["spec"]["http"][1]["match"],
        json!([{"headers": {"x-canary-probe": {"exact": header.value}}}])
    );
    assert_reachable(&plan, &probed);
    assert!(differences(&plan, &probed, Split::STABLE, true).is_empty());
    // The first weight and the end of the probe are one patch.
    let first = RouteChange { header_route: Some(false), ..split(5) };
    assert_eq!(after(&plan, &probed, &first), after(&plan, &live(), &split(5)));
    // Another plan has another value, so that its probe is never answered by a route that this one left.
    assert_ne!(plan.clone().alpha(0.01).probe_header(), header);
}

#[test]
fn a_header_route_of_the_user_must_lead_to_the_canary_alone() {
    let with = |route: Value| {
        let mut object = live();
        routes(&mut object).insert(0, route);
        object
    };
    let to = |entries: Value| json!({"match": [{"headers": {"User-Group": {"exact": "canary"}}}], "route": entries});
    let alone = |host: &str, subset: &str| {
        with(to(json!([{"destination": {"host": host, "subset": subset}}])))
    };
    assert!(has_header_route(&plan(), &alone("image-classifier", "resnet101")));
    let full = "image-classifier.default.svc.cluster.local";
    assert!(has_header_route(&plan(), &alone(full, "resnet101")), "the same service");
    assert!(!has_header_route(&plan(), &alone("image-classifier", "resnet50")));
    assert!(
        !has_header_route(&plan(), &alone("sketch-classifier", "resnet101")),
        "another service"
    );
    assert!(!has_header_route(&plan(), &with(to(json!([])))));
    let both = |canary: u64| {
        with(to(json!([entry("resnet101", canary), entry("resnet18", 100 - canary)])))
    };
    assert!(has_header_route(&plan(), &both(100)), "a destination without traffic does no harm");
    assert!(!has_header_route(&plan(), &both(90)));
    let mut behind = alone("image-classifier", "resnet101");
    routes(&mut behind).swap(0, 2);
    assert!(!has_header_route(&plan(), &behind), "the target answers before it");
}

#[test]
fn a_header_route_is_no_use_without_the_route_that_it_belongs_to() {
    let mut object = after(&plan(), &live(), &header_route(true));
    routes(&mut object).remove(2);
    assert!(!has_header_route(&plan(), &object));
}

#[test]
fn a_header_route_that_no_longer_fits_the_target_is_created_again() {
    let made = after(&plan(), &live(), &header_route(true));
    let mut moved = made.clone();
    routes(&mut moved)[2]["match"] = json!([{"uri": {"prefix": "/v1"}}]);
    assert!(!has_header_route(&plan(), &moved), "it would answer paths that the target does not");
    let again = after(&plan(), &moved, &header_route(true));
    assert_eq!(routes(&mut again.clone()).len(), 4);
    assert_reachable(&plan(), &again);
    // A field that does not decide which version answers may be changed by others while the rollout runs.
    let mut slower = made;
    routes(&mut slower)[2]["timeout"] = json!("20s");
    assert!(differences(&plan(), &slower, Split::STABLE, true).is_empty());
    let again = after(&plan(), &slower, &header_route(true));
    assert_eq!(again["spec"]["http"][1]["timeout"], "20s");
}

#[test]
fn a_route_that_answers_the_header_before_is_named_with_the_remedy() {
    let before = |route: Value| {
        let mut object = live();
        routes(&mut object).insert(0, route);
        object
    };
    let elsewhere = json!([{"destination": {"host": "image-classifier", "subset": "old"}}]);
    for condition in [
        json!({"exact": "canary"}),
        json!({"prefix": "can"}),
        json!({"regex": "can.*|staff"}),
        json!({"regex": "*"}),
        json!({}),
    ] {
        let matches = json!([{"uri": {"exact": "/other"}}, {"headers": {"User-Group": condition}}]);
        let object = before(json!({"name": "staff", "match": matches, "route": elsewhere}));
        assert!(!has_header_route(&plan(), &object));
        let message = refused(&plan(), &object, &header_route(true));
        assert_eq!(
            message,
            "VirtualService default/image-classifier: spec.http[0] (staff) answers every request with header \
             user-group: canary before the target route spec.http[2] does, and leads to subset old of host \
             image-classifier, so that the canary resnet101 cannot be reached; choose another header for the plan, or \
             move it behind spec.http[2]"
        );
        assert!(answered(&object, &request(&[("user-group", "canary")])).contains("|old|"));
    }
    let everything = before(json!({"redirect": {"uri": "/"}}));
    let message = refused(&plan(), &everything, &header_route(true));
    assert!(
        message.contains("spec.http[0] answers every") && message.contains("no destination"),
        "{message}"
    );
    assert!(message.contains("give it a match, or move it behind spec.http[2]"), "{message}");
    // A route that leads everything to the canary is not a header route either: the weights would mean nothing.
    let all = json!([{"destination": {"host": "image-classifier", "subset": "resnet101"}}]);
    for matches in [
        json!([]),
        json!([{"uri": {"prefix": "/"}}]),
        json!([{"name": "any", "method": {}}]),
        json!([{"withoutHeaders": {"user-group": {"exact": "staff"}}}]),
    ] {
        let object = before(json!({"match": matches, "route": all}));
        assert!(!has_header_route(&plan(), &object), "{matches}");
        let message = refused(&plan(), &object, &header_route(true));
        assert!(message.contains("or move it behind spec.http[2]"), "{message}");
        assert!(!message.contains("choose another header"), "it would not help: {message}");
    }
    let headless = Plan { header: None, ..plan() };
    let any = before(json!({"match": [{"headers": {"x-canary-probe": {}}}], "route": elsewhere}));
    let message = refused(&headless, &any, &header_route(true));
    assert!(message.contains("narrow its match"), "{message}");
}

#[test]
fn a_route_before_that_may_not_answer_the_header_is_left_to_the_probe() {
    let elsewhere = json!([{"destination": {"host": "image-classifier", "subset": "old"}}]);
    for one in [
        json!({"headers": {"user-group": {"exact": "staff"}}}),
        json!({"headers": {"user-group": {"exact": "canary"}, "x-more": {}}}),
        json!({"headers": {"user-group": {"exact": "canary"}}, "uri": {"prefix": "/v2"}}),
        json!({"headers": {"user-group": {"regex": "("}}}),
        json!({"withoutHeaders": {"user-group": {}}}),
        json!({"withoutHeaders": {"x-more": {}}}),
        json!({"queryParams": {"debug": {"exact": "1"}}}),
        json!({"port": 8080}),
        json!("not an object"),
    ] {
        let mut object = live();
        routes(&mut object).insert(0, json!({"match": [one], "route": elsewhere}));
        let changed = after(&plan(), &object, &header_route(true));
        assert!(has_header_route(&plan(), &changed), "{one}");
        assert_eq!(after(&plan(), &changed, &header_route(false)), object);
    }
}
