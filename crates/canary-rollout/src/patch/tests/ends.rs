//! Ends of a run: its objects are removed at any weights and after any edit.

use serde_json::json;

use super::*;

fn shadow() -> Plan {
    let mut plan = plan();
    plan.steps[0].mirror = 50.into();
    plan
}

const MIRRORED: Split =
    Split { canary: Percent::from_thousandths(5_000), mirror: Percent::from_thousandths(50_000) };

/// The object in the middle of a run: header route, mirror and weight are written.
fn running() -> Value {
    let change = RouteChange {
        split: Some(MIRRORED),
        header_route: Some(true),
        state: Some(Some("{}".into())),
        ..RouteChange::default()
    };
    after(&shadow(), &live(), &change)
}

fn cleaned(object: &Value, wrote: Split) -> Value {
    apply(object, &clean_up(&shadow(), object, wrote).unwrap().expect("something of ours"))
}

#[test]
fn the_clean_up_leaves_weights_and_state_as_they_are() {
    let mut expected = after(&shadow(), &live(), &split(5));
    expected["metadata"]["annotations"] = json!({STATE_ANNOTATION: "{}"});
    let clean = cleaned(&running(), MIRRORED);
    assert_eq!(clean, expected);
    assert_eq!(clean_up(&shadow(), &clean, MIRRORED).unwrap(), None, "once is enough");
    assert_eq!(clean_up(&plan(), &live(), Split::STABLE).unwrap(), None);
}

#[test]
fn it_works_on_a_route_that_somebody_edited() {
    let edits: [fn(&mut Vec<Value>); 5] = [
        |http| {
            http[2]["route"][0]["weight"] = json!(100);
            http[2]["route"][1]["weight"] = json!(0);
        },
        |http| http[2]["route"].as_array_mut().unwrap().push(entry("resnet152", 10)),
        |http| http[2]["mirrors"] = json!([{"destination": {"host": "audit"}}]),
        |http| {
            let new = json!({"match": [{"uri": {"exact": "/new"}}], "redirect": {"uri": "/"}});
            http.insert(0, new);
        },
        |http| http.swap(2, 3),
    ];
    for edit in edits {
        let mut edited = running();
        edit(routes(&mut edited));
        let clean = cleaned(&edited, MIRRORED);
        let mut expected = edited.clone();
        routes(&mut expected).retain(|route| route["name"] != "canary-rollout-resnet101");
        for route in routes(&mut expected) {
            let fields = route.as_object_mut().unwrap();
            fields.remove("mirror");
            fields.remove("mirrorPercentage");
        }
        assert_eq!(clean, expected);
    }
}

#[test]
fn without_the_target_the_header_route_still_goes() {
    let mut gone = running();
    routes(&mut gone).remove(2);
    let clean = cleaned(&gone, MIRRORED);
    routes(&mut gone).remove(1);
    assert_eq!(clean, gone);
    let mut renamed = running();
    routes(&mut renamed)[2]["route"] = json!([entry("resnet152", 100)]);
    let clean = cleaned(&renamed, MIRRORED);
    assert_eq!(clean["spec"]["http"][1], renamed["spec"]["http"][2], "a route of others now");
}

#[test]
fn what_is_not_as_the_run_wrote_it_stays() {
    let theirs: [fn(&mut Vec<Value>); 7] = [
        |http| http[1]["name"] = json!("mine"),
        |http| http[1]["name"] = json!("canary-rollout-resnet18"),
        |http| http[1]["route"][0]["destination"]["subset"] = json!("resnet50"),
        |http| http[1]["route"] = json!([entry("resnet101", 50), entry("resnet50", 50)]),
        |http| http[1]["match"][0]["headers"]["user-group"] = json!({"exact": "staff"}),
        |http| http[1]["match"].as_array_mut().unwrap().push(json!({"uri": {"prefix": "/beta"}})),
        |http| http[1]["match"] = json!([]),
    ];
    for edit in theirs {
        let mut object = running();
        edit(routes(&mut object));
        let clean = cleaned(&object, MIRRORED);
        assert_eq!(clean["spec"]["http"][1], object["spec"]["http"][1]);
        assert!(clean["spec"]["http"][2].get("mirror").is_none());
        assert_eq!(clean_up(&shadow(), &object, Split::STABLE).unwrap(), None);
    }
    let mirrors: [fn(&mut Value); 4] = [
        |route| route["mirror"]["subset"] = json!("resnet50"),
        |route| route["mirror"]["host"] = json!("audit"),
        |route| route["mirrorPercentage"]["value"] = json!(0),
        |route| route["mirrorPercentage"]["value"] = json!(60),
    ];
    for edit in mirrors {
        let mut object = running();
        edit(&mut routes(&mut object)[2]);
        let clean = cleaned(&object, MIRRORED);
        assert_eq!(clean["spec"]["http"][1], object["spec"]["http"][2], "the mirror is another's");
    }
    // A field of the header route that does not decide which version answers does not make it somebody else's.
    let mut slower = running();
    routes(&mut slower)[1]["timeout"] = json!("1m");
    assert_eq!(cleaned(&slower, MIRRORED), cleaned(&running(), MIRRORED));
}

#[test]
fn the_mirror_of_a_split_that_was_not_written_stays() {
    let clean = cleaned(&running(), Split::new(5));
    assert_eq!(clean["spec"]["http"][1]["mirrorPercentage"], json!({"value": 50}));
    // A plan without mirrored steps never wrote one.
    assert_eq!(
        apply(&running(), &clean_up(&plan(), &running(), MIRRORED).unwrap().unwrap()),
        clean
    );
}

#[test]
fn the_probe_of_a_plan_without_a_header_goes_too() {
    let plan = Plan { header: None, ..plan() };
    let probed = after(&plan, &live(), &header_route(true));
    assert_eq!(apply(&probed, &clean_up(&plan, &probed, Split::STABLE).unwrap().unwrap()), live());
    let other = plan.alpha(0.01);
    assert_eq!(clean_up(&other, &probed, Split::STABLE).unwrap(), None, "another plan's probe");
}

#[test]
fn the_clean_up_is_pinned_like_every_patch() {
    let object = running();
    let patch = clean_up(&shadow(), &object, MIRRORED).unwrap().unwrap();
    let edits: [fn(&mut Value); 4] = [
        |object| object["metadata"]["resourceVersion"] = json!("8"),
        |object| object["spec"]["http"][1]["timeout"] = json!("1m"),
        |object| object["spec"]["http"][2]["mirrorPercentage"]["value"] = json!(60),
        |object| object["spec"]["http"].as_array_mut().unwrap().swap(0, 1),
    ];
    for edit in edits {
        let mut other = object.clone();
        edit(&mut other);
        let before = other.clone();
        assert!(json_patch::patch(&mut other, &patch).is_err());
        assert_eq!(other, before);
    }
    let mut unversioned = object;
    unversioned["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    assert!(clean_up(&shadow(), &unversioned, MIRRORED).is_err());
}

#[test]
fn an_end_that_keeps_the_weights_is_one_patch() {
    let object = running();
    let end =
        RouteChange { state: Some(Some("{\"over\":1}".into())), ..RouteChange::keep_weights() };
    let mut expected = cleaned(&object, MIRRORED);
    expected["metadata"]["annotations"][STATE_ANNOTATION] = json!("{\"over\":1}");
    assert_eq!(after(&shadow(), &object, &end), expected);
    // Without a mirror or a header route there is only the state to write.
    assert_eq!(after(&shadow(), &expected, &end), expected);
    let unmirrored = after(&plan(), &live(), &header_route(true));
    assert_eq!(after(&plan(), &unmirrored, &RouteChange::keep_weights()), live());
}

#[test]
fn only_the_state_and_the_header_route_can_be_changed_without_the_target() {
    let mut gone = running();
    routes(&mut gone).remove(2);
    let rest = after(&shadow(), &gone, &header_route(false));
    assert_eq!(rest["spec"]["http"].as_array().unwrap().len(), 2);
    let state = RouteChange { state: Some(None), ..RouteChange::default() };
    assert_eq!(after(&shadow(), &gone, &state)["metadata"]["annotations"], json!({}));
    for change in [header_route(true), split(0), RouteChange::keep_weights()] {
        assert!(refused(&shadow(), &gone, &change).contains("no HTTP route to subset resnet50"));
    }
}
