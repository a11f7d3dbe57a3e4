//! The plan's route: found, read, divided, compared.

use serde_json::json;

use super::*;

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
    assert_eq!(locate(&plan(), &changed).unwrap().split, Some(Split::new(5)));
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
    assert_eq!(back["spec"]["http"][1]["route"], json!([entry("resnet50", 100)]));
}

#[test]
fn relative_weights_are_read_as_istio_reads_them() {
    let mut object = live();
    object["spec"]["http"][1]["route"] = json!([entry("resnet50", 3), entry("resnet101", 1)]);
    assert_eq!(locate(&plan(), &object).unwrap().split, Some(Split::new(25)));
    object["spec"]["http"][1]["route"] = json!([entry("resnet50", 2), entry("resnet101", 1)]);
    assert_eq!(locate(&plan(), &object).unwrap().split, None, "a third has no three decimals");
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
    assert_eq!(locate(&plan().route("batch"), &twice).unwrap().rule, 3);
    assert!(message(&live(), &plan().route("nothing")).contains("no HTTP route named nothing"));
    let empty = json!({"metadata": {"resourceVersion": "1"}, "spec": {}});
    assert!(message(&empty, &plan()).contains("its routes are none"));
    let mut unversioned = live();
    unversioned["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    assert!(change_route(&plan(), &unversioned, &split(5)).is_err());
}

#[test]
fn a_third_destination_keeps_its_share() {
    let mut third = live();
    third["spec"]["http"][1]["route"] =
        json!([entry("resnet50", 80), entry("resnet101", 0), entry("resnet152", 20)]);
    assert_eq!(locate(&plan(), &third).unwrap().split, Some(Split::STABLE));
    let mut object = third.clone();
    for (share, weights) in
        [(5, [76, 4, 20]), (30, [56, 24, 20]), (100, [0, 80, 20]), (0, [80, 0, 20])]
    {
        object = apply(&object, &change_route(&plan(), &object, &split(share)).unwrap());
        let located = locate(&plan(), &object).unwrap();
        assert_eq!(located.weights, weights);
        assert_eq!(located.split.unwrap().canary, share);
        assert!(differences(&plan(), &object, Split::new(share), false).is_empty());
    }
    assert_eq!(object["spec"]["http"][1]["route"], third["spec"]["http"][1]["route"]);
    let edits = differences(&plan(), &object, Split::new(30), false).to_string();
    assert!(edits.contains("70 % of what both versions have (resnet50), found 80"), "{edits}");
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
    let expected = Split::new(30);
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
