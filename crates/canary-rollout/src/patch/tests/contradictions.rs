//! A target whose own conditions concern the header: the copy never has conditions that contradict each other.

use serde_json::json;

use super::*;

/// An object whose target has these matches.
fn matching(matches: Value) -> Value {
    let mut object = live();
    routes(&mut object)[1]["match"] = matches;
    object
}

/// The matches of the header route that is created for a target with these.
fn made_of(matches: Value) -> Value {
    let changed = after(&plan(), &matching(matches), &header_route(true));
    assert!(has_header_route(&plan(), &changed));
    changed["spec"]["http"][1]["match"].clone()
}

#[test]
fn conditions_against_the_header_are_dropped_in_the_copy() {
    let header = json!({"user-group": {"exact": "canary"}});
    for condition in
        [json!({"regex": "*"}), json!({}), json!({"exact": "canary"}), json!({"exact": "staff"})]
    {
        assert_eq!(
            made_of(json!([{"withoutHeaders": {"User-Group": condition}}])),
            json!([{"headers": header}])
        );
    }
    assert_eq!(
        made_of(
            json!([{"withoutHeaders": {"user-group": {}, "x-bot": {}}, "uri": {"prefix": "/v1"}}])
        ),
        json!([{"headers": header, "withoutHeaders": {"x-bot": {}}, "uri": {"prefix": "/v1"}}]),
        "other conditions stay"
    );
}

#[test]
fn a_target_for_requests_without_the_header_is_reached_with_it() {
    let object = matching(json!([{"withoutHeaders": {"user-group": {"regex": "*"}}}]));
    let changed = after(&plan(), &object, &header_route(true));
    assert_reachable(&plan(), &changed);
    assert_eq!(changed["spec"]["http"][2], object["spec"]["http"][1], "the target itself stays");
    assert_eq!(after(&plan(), &changed, &header_route(false)), object);
}

#[test]
fn conditions_that_the_header_fulfils_become_the_exact_one() {
    let header = json!({"headers": {"user-group": {"exact": "canary"}}});
    for condition in [
        json!({"prefix": "can"}),
        json!({"regex": ".*"}),
        json!({"regex": "*"}),
        json!({"regex": "canary|staff"}),
        json!({}),
        json!(null),
    ] {
        let made = made_of(json!([{"headers": {"USER-GROUP": condition}}]));
        assert_eq!(made, json!([header]), "{condition}");
    }
    assert_eq!(
        made_of(
            json!([{"headers": {"user-group": {}, "User-Group": {"prefix": "c"}, "x-more": {"exact": "1"}}}])
        ),
        json!([{"headers": {"user-group": {"exact": "canary"}, "x-more": {"exact": "1"}}}]),
        "one condition in two spellings of the name"
    );
}

#[test]
fn matches_for_other_values_are_left_out() {
    assert_eq!(
        made_of(json!([
            {"headers": {"user-group": {"exact": "staff"}}},
            {"uri": {"prefix": "/v1"}},
            {"headers": {"user-group": {"exact": "canary"}}, "uri": {"prefix": "/v2"}},
            {"headers": {"user-group": {}}, "withoutHeaders": {"user-group": {"prefix": "can"}}},
        ])),
        json!([
            {"uri": {"prefix": "/v1"}, "headers": {"user-group": {"exact": "canary"}}},
            {"headers": {"user-group": {"exact": "canary"}}, "uri": {"prefix": "/v2"}},
        ])
    );
    for condition in [
        json!({"exact": "staff"}),
        json!({"prefix": "s"}),
        json!({"regex": "st.*"}),
        json!({"regex": "("}),
    ] {
        let object = matching(json!([{"headers": {"User-Group": condition}}]));
        let message = refused(&plan(), &object, &header_route(true));
        assert!(
            message.contains("requires another value of header user-group than canary"),
            "{message}"
        );
        assert!(message.contains("choose another header for the plan"), "{message}");
    }
}

#[test]
fn a_target_of_marked_requests_alone_is_not_handed_over_whole() {
    let canary = json!({"exact": "canary"});
    let object = matching(json!([
        {"headers": {"user-group": canary}, "uri": {"prefix": "/v1"}},
        {"headers": {"User-Group": canary}},
    ]));
    let message = refused(&plan(), &object, &header_route(true));
    assert!(message.contains("all of its traffic would go to resnet101 at once"), "{message}");
    let other = Plan { header: None, ..plan() };
    let changed = after(&other, &object, &header_route(true));
    assert_eq!(changed["spec"]["http"][1]["match"][0]["headers"]["user-group"], canary);
    assert!(has_header_route(&other, &changed));
}

#[test]
fn a_match_that_is_no_object_is_named() {
    let object = matching(json!(["/v1"]));
    let message = refused(&plan(), &object, &header_route(true));
    assert!(
        message.contains("match[0] of the target route is \"/v1\", which is not an object"),
        "{message}"
    );
}
