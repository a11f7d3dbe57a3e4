//! Mirrors of the plan's route: their owners, and those that are refused.

use serde_json::json;

use super::*;

#[test]
fn a_mirror_comes_and_goes() {
    let shadow = RouteChange { split: Some(Split::new(0).mirror(50)), ..RouteChange::default() };
    let mut mirrored_plan = plan();
    mirrored_plan.steps[0].mirror = 50.into();
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

/// A plan whose first step mirrors half of the traffic.
fn shadow() -> Plan {
    let mut plan = plan();
    plan.steps[0].mirror = 50.into();
    plan
}

fn with(fields: &Value) -> Value {
    let mut object = live();
    routes(&mut object)[1].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    object
}

fn to(host: &str, subset: Option<&str>) -> Value {
    match subset {
        Some(subset) => json!({"host": host, "subset": subset}),
        None => json!({"host": host}),
    }
}

/// A mirror in each spelling, with the field that it is named by.
fn spellings(to: &Value, percent: u32) -> Vec<(&'static str, Value)> {
    let of = json!({"value": percent});
    vec![
        ("mirror", json!({"mirror": to, "mirrorPercentage": of})),
        ("mirror", json!({"mirror": to, "mirrorPercent": percent})),
        ("mirror", json!({"mirror": to, "mirror_percent": percent})),
        ("mirrors[0]", json!({"mirrors": [{"destination": to, "percentage": of}]})),
    ]
}

fn message(result: crate::Result<Located>) -> String {
    match result {
        Err(Error::Plan(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mirror_to_either_version_is_refused_in_every_spelling() {
    for subset in ["resnet50", "resnet101"] {
        for (field, fields) in spellings(&to("image-classifier", Some(subset)), 10) {
            let object = with(&fields);
            let text = message(locate(&plan(), &object));
            assert_eq!(
                text,
                format!(
                    "VirtualService default/image-classifier: spec.http[1].{field} mirrors 10 % of the requests to \
                     subset {subset} of host image-classifier; remove the mirror first, because its copies would \
                     be counted as requests of the rollout"
                )
            );
            assert_eq!(initial_mirror(&plan(), &object), Some(text));
            assert!(change_route(&plan(), &object, &split(5)).is_err(), "nothing is written");
        }
    }
}

#[test]
fn a_mirror_to_all_pods_of_the_service_has_the_canary_among_them() {
    let full = "image-classifier.default.svc.cluster.local";
    for host in ["image-classifier", full] {
        let text = message(locate(&plan(), &with(&json!({"mirror": to(host, None)}))));
        assert!(
            text.contains(&format!(
                "mirrors 100 % of the requests to host {host}, which has the pods of"
            )),
            "{text}"
        );
        assert!(locate(&plan(), &with(&json!({"mirror": to(host, Some("resnet101"))}))).is_err());
    }
    for elsewhere in ["image-classifier.other.svc.cluster.local", "audit", ""] {
        assert!(
            locate(&plan(), &with(&json!({"mirror": to(elsewhere, None)}))).is_ok(),
            "{elsewhere}"
        );
        assert!(
            locate(&plan(), &with(&json!({"mirror": to(elsewhere, Some("resnet101"))}))).is_ok()
        );
    }
}

#[test]
fn a_mirror_to_a_third_place_is_in_the_way_of_mirrored_steps_alone() {
    for (field, fields) in spellings(&to("audit", None), 10) {
        let object = with(&fields);
        assert_eq!(locate(&plan(), &object).unwrap().split, Some(Split::STABLE));
        assert_eq!(initial_mirror(&plan(), &object), None);
        let kept = after(&plan(), &object, &split(0));
        assert_eq!(kept, object);
        let text = message(locate(&shadow(), &object));
        assert!(
            text.contains(&format!(
                "spec.http[1].{field} mirrors 10 % of the requests to host audit"
            )),
            "{text}"
        );
        assert!(
            text.contains("remove the mirror first, or the mirrored steps from the plan"),
            "{text}"
        );
        assert_eq!(initial_mirror(&shadow(), &object), Some(text));
    }
    let subset = with(&json!({"mirrors": [
        {"destination": to("audit", None)},
        {"destination": to("image-classifier", Some("resnet18"))},
        {"destination": to("image-classifier", Some("resnet101"))},
    ]}));
    let text = message(locate(&plan(), &subset));
    assert!(text.contains("spec.http[1].mirrors[2] mirrors 100 %"), "{text}");
}

#[test]
fn a_mirror_that_sends_nothing_is_in_nobodys_way_until_one_is_written() {
    for (_, fields) in spellings(&to("image-classifier", Some("resnet101")), 0) {
        assert_eq!(locate(&plan(), &with(&fields)).unwrap().split, Some(Split::STABLE));
        assert_eq!(initial_mirror(&plan(), &with(&fields)), None);
    }
    let empty = json!({"mirror": to("image-classifier", Some("resnet50")), "mirrorPercentage": {}});
    assert!(locate(&plan(), &with(&empty)).is_ok());
    assert!(locate(&shadow(), &with(&empty)).is_err(), "the step would overwrite it");
    for fields in [
        json!({"mirror": null}),
        json!({"mirrors": []}),
        json!({"mirrors": null}),
        json!({"mirrorPercent": 5}),
    ] {
        assert!(locate(&shadow(), &with(&fields)).is_ok());
    }
}

#[test]
fn the_runs_own_mirror_is_known_by_its_share() {
    let own = to("image-classifier", Some("resnet101"));
    for share in [0, 50] {
        let object = with(&json!({"mirror": own, "mirrorPercentage": {"value": share}}));
        let found = locate(&shadow(), &object).unwrap().split;
        assert_eq!(found, Some(Split::new(0).mirror(share)));
        let message = initial_mirror(&shadow(), &object);
        assert_eq!(message.is_some(), share > 0, "a new run must not take it for its own");
        assert!(message.is_none_or(|text| text.contains("remove the mirror first")));
        assert!(differences(&shadow(), &object, Split::new(0).mirror(share), false).is_empty());
    }
    // Shares and spellings that no step of the plan writes are somebody else's.
    for share in [json!(49), json!(50.5), json!(100), json!("50"), json!(-50)] {
        let object = with(&json!({"mirror": own, "mirrorPercentage": {"value": share}}));
        assert!(locate(&shadow(), &object).is_err(), "{share}");
    }
    for (_, fields) in spellings(&own, 50).into_iter().skip(1) {
        assert!(locate(&shadow(), &with(&fields)).is_err());
    }
    let object = with(
        &json!({"mirror": to("image-classifier", Some("resnet50")), "mirrorPercentage": {"value": 50}}),
    );
    assert!(locate(&shadow(), &object).is_err(), "to the stable version");
    let both = with(
        &json!({"mirror": own, "mirrorPercentage": {"value": 50}, "mirrors": [{"destination": own}]}),
    );
    assert!(message(locate(&shadow(), &both)).contains("spec.http[1].mirrors[0]"));
}

#[test]
fn a_mirror_that_comes_or_changes_during_the_run_is_an_edit_of_that_field() {
    let own = to("image-classifier", Some("resnet101"));
    let expected = Split::new(0).mirror(50);
    let found = |fields: Value, expected: Split| {
        differences(&shadow(), &with(&fields), expected, false).to_string()
    };
    assert_eq!(
        found(json!({"mirror": own, "mirrorPercentage": {"value": 60}}), expected),
        "spec.http[1].mirror: expected 50 % of the requests to resnet101, found 60 % of the requests to subset \
         resnet101 of host image-classifier"
    );
    assert_eq!(found(json!({}), expected), "spec.http[1].mirrorPercentage: expected 50, found 0");
    assert_eq!(
        found(json!({"mirrors": [{"destination": own}]}), Split::STABLE),
        "spec.http[1].mirrors[0]: expected none, found 100 % of the requests to subset resnet101 of host \
         image-classifier"
    );
    let unread = json!({"mirror": own, "mirrorPercentage": {"value": "all"}});
    assert!(found(unread, Split::STABLE).contains("found an unreadable share of the requests"));
    let theirs = with(&json!({"mirror": to("audit", None)}));
    assert!(differences(&plan(), &theirs, Split::STABLE, false).is_empty());
}

#[test]
fn a_mirror_is_written_over_what_was_read_alone() {
    let step = RouteChange { split: Some(Split::new(0).mirror(50)), ..RouteChange::default() };
    let on = after(&shadow(), &live(), &step);
    let patch = change_route(&shadow(), &on, &split(5)).unwrap();
    let mut edited = on.clone();
    routes(&mut edited)[1]["mirrorPercentage"] = json!({"value": 60});
    assert!(json_patch::patch(&mut edited, &patch).is_err(), "the old share is pinned");
    // The old spelling of a share that no mirror uses is left alone.
    let object = with(&json!({"mirrorPercent": 7}));
    let there = after(&shadow(), &object, &step);
    assert_eq!(locate(&shadow(), &there).unwrap().split, step.split);
    assert_eq!(after(&shadow(), &there, &split(0)), object);
}
