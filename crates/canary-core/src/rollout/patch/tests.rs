use serde_json::{Value, json};

use super::*;
use crate::{
    Error, Plan,
    rollout::{Hold, Split},
};

fn plan() -> Plan {
    Plan::new("image-classifier", "resnet50", "resnet101")
        .header("user-group", "canary")
        .weights([5, 30, 100], Hold::requests(100))
}

fn entry(subset: &str, weight: u64) -> Value {
    json!({
        "destination": {"host": "image-classifier", "subset": subset, "port": {"number": 8501}},
        "headers": {"response": {"set": {"x-served-by": subset}}},
        "weight": weight,
        "someFutureField": [1, 2],
    })
}

/// An object with routes of others around the plan's, which has no name.
fn live() -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "image-classifier", "namespace": "default", "resourceVersion": "7"},
        "spec": {
            "hosts": ["*"],
            "gateways": ["image-classifier-gateway"],
            "unknown": {"kept": true},
            "http": [
                {"match": [{"uri": {"prefix": "/metrics"}}], "route": [{"destination": {"host": "prometheus"}}]},
                {"timeout": "10s", "route": [entry("resnet50", 100), entry("resnet101", 0)]},
                {"name": "rest", "redirect": {"uri": "/"}},
            ],
        },
    })
}

fn apply(object: &Value, patch: &json_patch::Patch) -> Value {
    let mut changed = object.clone();
    json_patch::patch(&mut changed, patch).unwrap();
    changed
}

fn split(canary: u32) -> RouteChange {
    RouteChange { split: Some(Split { canary, mirror: 0 }), ..RouteChange::default() }
}

#[test]
fn a_weight_change_touches_two_weights_and_nothing_else() {
    let patch = change_route(&plan(), &live(), &split(30)).unwrap();
    let mut expected = live();
    expected["spec"]["http"][1]["route"][0]["weight"] = json!(70);
    expected["spec"]["http"][1]["route"][1]["weight"] = json!(30);
    assert_eq!(apply(&live(), &patch), expected);
}

#[test]
fn the_route_is_found_wherever_it_stands() {
    let mut moved = live();
    moved["spec"]["http"].as_array_mut().unwrap().rotate_left(1);
    moved["spec"]["http"][0]["route"].as_array_mut().unwrap().reverse();
    let changed = apply(&moved, &change_route(&plan(), &moved, &split(5)).unwrap());
    assert_eq!(changed["spec"]["http"][0]["route"][0]["weight"], 5);
    assert_eq!(changed["spec"]["http"][0]["route"][1]["weight"], 95);
    assert_eq!(locate(&plan(), &changed).unwrap().split, Some(Split { canary: 5, mirror: 0 }));
}

#[test]
fn a_concurrent_change_of_anything_makes_the_patch_fail() {
    let patch = change_route(&plan(), &live(), &split(30)).unwrap();
    let edits: [fn(&mut Value); 4] = [
        |object| object["metadata"]["resourceVersion"] = json!("8"),
        |object| object["spec"]["http"][1]["route"][1]["weight"] = json!(1),
        |object| object["spec"]["http"].as_array_mut().unwrap().swap(0, 1),
        |object| object["spec"]["http"][1]["route"].as_array_mut().unwrap().swap(0, 1),
    ];
    for edit in edits {
        let mut other = live();
        edit(&mut other);
        let before = other.clone();
        assert!(json_patch::patch(&mut other, &patch).is_err());
        assert_eq!(other, before, "nothing was overwritten");
    }
}

#[test]
fn a_missing_canary_destination_is_copied_from_the_stable_one() {
    let mut lone = live();
    lone["spec"]["http"][1]["route"] = json!([entry("resnet50", 100)]);
    lone["spec"]["http"][1]["route"][0].as_object_mut().unwrap().remove("weight");
    assert_eq!(locate(&plan(), &lone).unwrap().split, Some(Split::STABLE));
    let changed = apply(&lone, &change_route(&plan(), &lone, &split(5)).unwrap());
    assert_eq!(
        changed["spec"]["http"][1]["route"],
        json!([entry("resnet50", 95), entry("resnet101", 5)]),
        "the header that names the subset is renamed in the copy"
    );
    let back = apply(&changed, &change_route(&plan(), &changed, &split(0)).unwrap());
    assert_eq!(locate(&plan(), &back).unwrap().split, Some(Split::STABLE));
    let gone = RouteChange { drop_canary: true, ..split(0) };
    let back = apply(&changed, &change_route(&plan(), &changed, &gone).unwrap());
    assert_eq!(back["spec"]["http"][1]["route"], json!([entry("resnet50", 100)]));
}

#[test]
fn relative_weights_are_read_as_istio_reads_them() {
    let mut object = live();
    object["spec"]["http"][1]["route"] = json!([entry("resnet50", 3), entry("resnet101", 1)]);
    assert_eq!(locate(&plan(), &object).unwrap().split, Some(Split { canary: 25, mirror: 0 }));
    object["spec"]["http"][1]["route"] = json!([entry("resnet50", 2), entry("resnet101", 1)]);
    assert_eq!(locate(&plan(), &object).unwrap().split, None, "a third is no whole percentage");
}

#[test]
fn an_unclear_route_is_refused_with_the_remedy() {
    let message = |object: &Value, plan: &Plan| match locate(plan, object) {
        Err(Error::Plan(message)) => message,
        other => panic!("{other:?}"),
    };
    let mut twice = live();
    twice["spec"]["http"].as_array_mut().unwrap().push(json!({"route": [entry("resnet50", 100)]}));
    assert!(message(&twice, &plan()).contains("target.route"));
    twice["spec"]["http"][3]["name"] = json!("batch");
    assert_eq!(locate(&plan().route("batch"), &twice).unwrap().http, 3);
    assert!(message(&live(), &plan().route("nothing")).contains("no HTTP route named nothing"));
    let mut third = live();
    third["spec"]["http"][1]["route"].as_array_mut().unwrap().push(entry("resnet152", 10));
    assert!(message(&third, &plan()).contains("resnet152"));
    third["spec"]["http"][1]["route"][2]["weight"] = json!(0);
    assert!(locate(&plan(), &third).is_ok(), "a destination without traffic does no harm");
    let empty = json!({"metadata": {"resourceVersion": "1"}, "spec": {}});
    assert!(message(&empty, &plan()).contains("its routes are none"));
    let mut unversioned = live();
    unversioned["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    assert!(change_route(&plan(), &unversioned, &split(5)).is_err());
}

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
fn a_target_that_already_asks_for_the_header_is_refused() {
    let mut object = live();
    object["spec"]["http"][1]["match"] = json!([{"headers": {"user-group": {"exact": "staff"}}}]);
    let ensure = RouteChange { header_route: Some(true), ..RouteChange::default() };
    assert!(change_route(&plan(), &object, &ensure).unwrap_err().to_string().contains("another"));
}

#[test]
fn a_mirror_comes_and_goes() {
    let shadow =
        RouteChange { split: Some(Split { canary: 0, mirror: 50 }), ..RouteChange::default() };
    let mut mirrored_plan = plan();
    mirrored_plan.steps[0].mirror = 50;
    let changed = apply(&live(), &change_route(&mirrored_plan, &live(), &shadow).unwrap());
    let route = &changed["spec"]["http"][1];
    assert_eq!(route["mirror"]["subset"], "resnet101");
    assert_eq!(route["mirrorPercentage"], json!({"value": 50}));
    assert_eq!(locate(&mirrored_plan, &changed).unwrap().split, shadow.split);
    let back = apply(&changed, &change_route(&mirrored_plan, &changed, &split(5)).unwrap());
    assert!(back["spec"]["http"][1].get("mirror").is_none());
    assert!(back["spec"]["http"][1].get("mirrorPercentage").is_none());
    let mut theirs = live();
    theirs["spec"]["http"][1]["mirror"] = json!({"host": "audit"});
    assert!(locate(&mirrored_plan, &theirs).is_err());
    let kept = apply(&theirs, &change_route(&plan(), &theirs, &split(5)).unwrap());
    assert_eq!(kept["spec"]["http"][1]["mirror"], json!({"host": "audit"}));
}

#[test]
fn the_state_travels_with_the_weights() {
    let change = RouteChange { state: Some(Some("{}".into())), ..split(5) };
    let changed = apply(&live(), &change_route(&plan(), &live(), &change).unwrap());
    assert_eq!(changed["metadata"]["annotations"][STATE_ANNOTATION], "{}");
    let change = RouteChange { state: Some(Some("{\"a\":1}".into())), ..RouteChange::default() };
    let changed = apply(&changed, &change_route(&plan(), &changed, &change).unwrap());
    assert_eq!(changed["metadata"]["annotations"][STATE_ANNOTATION], "{\"a\":1}");
    let change = RouteChange { state: Some(None), ..RouteChange::default() };
    let changed = apply(&changed, &change_route(&plan(), &changed, &change).unwrap());
    assert_eq!(changed["metadata"]["annotations"], json!({}));
    apply(&live(), &change_route(&plan(), &live(), &change).unwrap());
}

#[test]
fn differences_name_the_fields() {
    let expected = Split { canary: 30, mirror: 0 };
    let object = apply(&live(), &change_route(&plan(), &live(), &split(30)).unwrap());
    assert!(differences(&plan(), &object, expected, false).is_empty());
    let found = differences(&plan(), &object, expected, true).to_string();
    assert!(found.contains("canary-rollout-resnet101"), "{found}");

    let mut edited = object.clone();
    edited["spec"]["http"][1]["route"][0]["weight"] = json!(50);
    edited["spec"]["http"][1]["route"][1]["weight"] = json!(50);
    let found = differences(&plan(), &edited, expected, false);
    assert_eq!(
        found.to_string(),
        "spec.http[1].route[0].weight: expected 70 (resnet50), found 50; \
         spec.http[1].route[1].weight: expected 30 (resnet101), found 50"
    );
    let mut foreign = object.clone();
    foreign["spec"]["http"][0]["timeout"] = json!("1s");
    assert!(differences(&plan(), &foreign, expected, false).is_empty());
    let mut gone = object;
    gone["spec"]["http"].as_array_mut().unwrap().remove(1);
    assert_eq!(differences(&plan(), &gone, expected, false).0[0].path, "spec.http");
}

fn rule() -> Value {
    json!({
        "metadata": {"name": "image-classifier", "resourceVersion": "3", "annotations": {"team": "ml"}},
        "spec": {"host": "image-classifier", "subsets": [{"name": "resnet50", "labels": {"version": "resnet50"}}]},
    })
}

#[test]
fn a_subset_is_made_once_and_only_ours_is_removed() {
    let patch = add_subset(&plan(), &rule()).unwrap().unwrap();
    let with = apply(&rule(), &patch);
    assert_eq!(
        with["spec"]["subsets"][1],
        json!({"name": "resnet101", "labels": {"version": "resnet101"}})
    );
    assert_eq!(add_subset(&plan(), &with).unwrap(), None);
    let without = apply(&with, &remove_subset(&plan(), &with).unwrap().unwrap());
    assert_eq!(without, rule());
    let mut theirs = with;
    theirs["metadata"]["annotations"] = json!({});
    assert_eq!(remove_subset(&plan(), &theirs).unwrap(), None);
}

#[test]
fn unknown_and_contradicting_subsets_are_refused() {
    let unknown = Plan { stable: "resnet18".into(), ..plan() };
    assert!(add_subset(&unknown, &rule()).unwrap_err().to_string().contains("resnet18"));
    let mut other = rule();
    other["spec"]["subsets"][0]["name"] = json!("resnet101");
    let mut stable = plan();
    stable.stable = "resnet101".into();
    stable.canary = "resnet50".into();
    assert!(add_subset(&stable, &other).is_ok());
    let mut labelled = plan();
    labelled.canary_labels.insert("version".into(), "v2".into());
    let with = apply(&rule(), &add_subset(&plan(), &rule()).unwrap().unwrap());
    assert!(add_subset(&labelled, &with).unwrap_err().to_string().contains("labels"));
}

#[test]
fn other_controllers_are_recognised() {
    let argo = json!({"metadata": {"labels": {"rollouts.argoproj.io/managed-by": "x"}}});
    assert!(foreign_controller(&argo).unwrap().starts_with("Argo Rollouts"));
    let by_field = json!({"metadata": {"managedFields": [
        {"manager": "kubectl", "fieldsV1": {"f:spec": {}}},
        {"manager": "rollouts-controller", "fieldsV1": {"f:spec": {}}}]}});
    assert!(foreign_controller(&by_field).unwrap().contains("field manager"));
    let helm = json!({"metadata": {
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}]}});
    assert_eq!(foreign_controller(&helm), None);
}
