//! Routes that earlier rollouts left behind.

use serde_json::json;

use super::*;

const HEADER: (&str, &str) = ("user-group", "canary");

/// The object with routes put at places, from the front.
fn with(at: &[(usize, Value)]) -> Value {
    let mut object = live();
    for (index, route) in at {
        routes(&mut object).insert(*index, route.clone());
    }
    object
}

fn names(object: &Value) -> Vec<&str> {
    let all = object["spec"]["http"].as_array().unwrap();
    all.iter().map(|route| route["name"].as_str().unwrap_or("-")).collect()
}

#[test]
fn the_route_of_an_earlier_canary_is_replaced() {
    let object = with(&[(1, left_over("resnet18", HEADER))]);
    assert!(!has_header_route(&plan(), &object), "it leads to another canary");
    let changed = after(&plan(), &object, &header_route(true));
    assert_eq!(names(&changed), ["-", "canary-rollout-resnet101", "-", "rest"]);
    assert_reachable(&plan(), &changed);
    assert_eq!(changed, after(&plan(), &live(), &header_route(true)));
}

#[test]
fn left_overs_are_replaced_wherever_they_stand() {
    let stale = [
        left_over("resnet18", HEADER),
        left_over("resnet101", ("user-group", "staff")),
        left_over("resnet101", ("x-canary", "canary")),
        json!({"name": "canary-rollout-resnet101", "match": [{"headers": {"user-group": {"exact": "canary"}}}],
               "route": [entry("resnet101", 1), entry("resnet50", 1)]}),
        json!({"name": "canary-rollout-resnet101", "route": [entry("resnet101", 100)]}),
        json!({"name": "canary-rollout-resnet101", "match": [{
            "headers": {"user-group": {"exact": "canary"}}, "withoutHeaders": {"user-group": {}}}],
            "route": [entry("resnet101", 100)]}),
        json!({"name": "canary-rollout-", "redirect": {"uri": "/"}}),
    ];
    let wanted = after(&plan(), &live(), &header_route(true));
    for route in &stale {
        for place in 0..=3 {
            let object = with(&[(place, route.clone())]);
            assert!(!has_header_route(&plan(), &object), "{route}");
            assert_eq!(after(&plan(), &object, &header_route(true)), wanted, "{route} at {place}");
            assert_eq!(after(&plan(), &object, &header_route(false)), live());
        }
    }
    let all: Vec<_> = stale.iter().enumerate().map(|(n, route)| (n % 4, route.clone())).collect();
    assert_eq!(after(&plan(), &with(&all), &header_route(true)), wanted);
    let change = RouteChange { header_route: Some(false), ..split(30) };
    assert_eq!(after(&plan(), &with(&all), &change), after(&plan(), &live(), &split(30)));
}

#[test]
fn the_right_route_is_kept_where_it_can_be_reached() {
    let made = after(&plan(), &live(), &header_route(true))["spec"]["http"][1].clone();
    for place in [0, 1] {
        let object = with(&[(place, made.clone())]);
        assert!(has_header_route(&plan(), &object));
        assert_eq!(after(&plan(), &object, &header_route(true)), object, "it is there");
    }
    // Behind the target nothing reaches it.
    let object = with(&[(2, made.clone())]);
    assert!(!has_header_route(&plan(), &object));
    let changed = after(&plan(), &object, &header_route(true));
    assert_eq!(changed, after(&plan(), &live(), &header_route(true)));
    // Of several one is enough; the others are removed so that they cannot interfere later.
    let object = with(&[(0, made.clone()), (1, left_over("resnet18", HEADER)), (4, made.clone())]);
    let changed = after(&plan(), &object, &header_route(true));
    assert_eq!(names(&changed), ["canary-rollout-resnet101", "-", "-", "rest"]);
    assert_reachable(&plan(), &changed);
    // One that comes before a route of somebody else that answers the header is reached, one behind it is not.
    let taken = json!({"match": [{"headers": {"user-group": {}}}], "redirect": {"uri": "/"}});
    let object = with(&[(0, taken.clone()), (0, made.clone())]);
    assert_eq!(after(&plan(), &object, &header_route(true)), object);
    assert_reachable(&plan(), &object);
    let object = with(&[(0, taken), (1, made)]);
    assert!(!has_header_route(&plan(), &object));
    assert!(refused(&plan(), &object, &header_route(true)).contains("spec.http[0] answers every"));
}

#[test]
fn beside_a_header_route_of_the_user_none_is_needed() {
    let theirs = json!({
        "match": [{"headers": {"user-group": {"exact": "canary"}}}],
        "route": [{"destination": {"host": "image-classifier", "subset": "resnet101", "port": {"number": 8501}}}],
    });
    let object = with(&[(0, theirs.clone()), (0, left_over("resnet18", HEADER))]);
    assert!(!has_header_route(&plan(), &object), "the left-over answers before it");
    let changed = after(&plan(), &object, &header_route(true));
    assert_eq!(changed, with(&[(0, theirs)]));
    assert_reachable(&plan(), &changed);
}

#[test]
fn a_left_over_is_never_the_target() {
    // The canary of an earlier release is the stable version now, and its header route is still there.
    let object = with(&[(0, left_over("resnet50", HEADER))]);
    assert_eq!(locate(&plan(), &object).unwrap().rule, 2);
    let mut alone = object.clone();
    routes(&mut alone).truncate(1);
    let error = locate(&plan(), &alone).unwrap_err().to_string();
    assert!(error.contains("no HTTP route to subset resnet50"), "{error}");
    let error = locate(&plan().route("canary-rollout-resnet50"), &object).unwrap_err().to_string();
    assert!(error.contains("target.route is canary-rollout-resnet50"), "{error}");
    assert!(error.contains("name the route whose weights are to change"), "{error}");
}

#[test]
fn the_removal_of_a_left_over_is_pinned() {
    let object = with(&[(1, left_over("resnet18", HEADER))]);
    let patch = change_route(&plan(), &object, &header_route(true)).unwrap();
    let mut edited = object.clone();
    routes(&mut edited)[1]["timeout"] = json!("1s");
    let before = edited.clone();
    assert!(json_patch::patch(&mut edited, &patch).is_err());
    assert_eq!(edited, before, "nothing was overwritten");
}
