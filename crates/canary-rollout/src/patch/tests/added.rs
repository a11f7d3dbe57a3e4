//! The canary's destinations that a run added, and those that were there before.

use serde_json::json;

use super::*;
use crate::{Route, Routes};

/// A route whose second rule to the stable version has the canary's destination already.
fn two_rules() -> Value {
    with_routes(&json!([
        {"name": "rest", "route": [entry("resnet50", 100)]},
        {"name": "grpc", "route": [entry("resnet50", 100), entry("resnet101", 0)]},
    ]))
}

fn both() -> Plan {
    let route = Route::virtual_service("image-classifier").rules(["rest", "grpc"]);
    plan().target(Routes::of([route]))
}

fn changed(live: &Value, change: &RouteChange) -> Value {
    apply(live, &change_route(&both(), live, change).unwrap())
}

fn note(live: &Value) -> Option<&str> {
    live["metadata"]["annotations"][DESTINATION_ANNOTATION].as_str()
}

#[test]
fn a_rollback_leaves_each_rule_as_it_was() {
    let live = two_rules();
    let mut moved = live.clone();
    for share in [5, 30, 100] {
        moved = changed(&moved, &split(share));
        assert_eq!(note(&moved), Some(r#"{"canary":"resnet101","rules":[true,false]}"#));
    }
    let back = changed(&moved, &split(0));
    assert_eq!(rules_of(&back), rules_of(&live));
    assert_eq!(note(&back), None);
    // A later step adds it again.
    assert_eq!(rules_of(&changed(&back, &split(5))), rules_of(&changed(&live, &split(5))));
}

#[test]
fn a_destination_that_stays_belongs_to_the_route() {
    let moved = changed(&two_rules(), &split(100));
    let promoted = changed(&moved, &RouteChange { keep_canary: true, ..split(100) });
    let left = changed(&moved, &RouteChange::keep_weights());
    let edited = apply(&moved, &clean_up(&both(), &moved, Split::CANARY).unwrap().unwrap());
    for kept in [promoted, left, edited] {
        assert_eq!(note(&kept), None);
        assert_eq!(rules_of(&kept), rules_of(&moved));
        let back = changed(&kept, &split(0));
        assert_eq!(rules_of(&back)[0]["route"][1], entry("resnet101", 0));
    }
}

#[test]
fn a_note_about_something_else_removes_nothing() {
    let moved = changed(&two_rules(), &split(30));
    for other in [
        r#"{"canary":"resnet152","rules":[true,true]}"#,
        r#"{"canary":"resnet101","rules":[true]}"#,
        "true",
        "",
    ] {
        let mut live = moved.clone();
        live["metadata"]["annotations"][DESTINATION_ANNOTATION] = json!(other);
        let back = changed(&live, &split(0));
        assert_eq!(rules_of(&back)[0]["route"][1], entry("resnet101", 0), "{other}");
    }
}

#[test]
fn the_note_and_the_state_fit_into_an_object_without_annotations() {
    let mut live = two_rules();
    live["metadata"].as_object_mut().unwrap().remove("annotations");
    let moved = changed(&live, &RouteChange { state: Some(Some("{}".into())), ..split(5) });
    assert!(note(&moved).is_some());
    assert_eq!(moved["metadata"]["annotations"][STATE_ANNOTATION], "{}");
}
