//! Weights and mirrors below one percent: written over another sum than 100, and read back.

use serde_json::json;

use super::*;
use crate::{Route, Routes};

fn percent(value: f64) -> Percent {
    Percent::new(value).unwrap()
}

fn careful() -> Plan {
    plan().weights([percent(0.1), 5.into(), 100.into()], Hold::requests(100))
}

/// The weights after a change of the split, which reads back as it was written.
fn weights_at(plan: &Plan, object: &mut Value, share: impl Into<Percent>) -> Vec<u64> {
    let share = share.into();
    *object = after(plan, object, &split(share));
    let located = locate(plan, object).unwrap();
    assert_eq!(located.split, Some(Split::new(share)));
    assert!(differences(plan, object, Split::new(share), false).is_empty());
    located.weights
}

#[test]
fn weights_below_one_percent_have_a_larger_sum() {
    let mut object = live();
    for (share, weights) in [
        (percent(0.1), [999, 1]),
        (percent(0.001), [99_999, 1]),
        (percent(0.25), [399, 1]),
        (percent(33.3), [667, 333]),
        (5.into(), [95, 5]),
        (percent(99.5), [1, 199]),
        (Percent::ALL, [0, 100]),
        (percent(0.5), [199, 1]),
        (Percent::NONE, [100, 0]),
    ] {
        assert_eq!(weights_at(&careful(), &mut object, share), weights, "{share}");
    }
    assert_eq!(object, live(), "percent, as they were");
}

#[test]
fn a_third_destination_keeps_its_share_of_the_larger_sum() {
    let mut object = live();
    routes(&mut object)[1]["route"] =
        json!([entry("resnet50", 80), entry("resnet101", 0), entry("resnet152", 20)]);
    let before = object.clone();
    assert_eq!(weights_at(&careful(), &mut object, percent(0.1)), [999, 1, 250]);
    assert_eq!(weights_at(&careful(), &mut object, 5), [76, 4, 20]);
    assert_eq!(weights_at(&careful(), &mut object, percent(0.1)), [999, 1, 250]);
    assert_eq!(weights_at(&careful(), &mut object, 0), [80, 0, 20]);
    assert_eq!(object, before);
}

#[test]
fn the_mesh_divides_by_these_weights() {
    let changed = after(&careful(), &live(), &split(percent(0.1)));
    let mesh = mesh(&changed);
    let request = Request::post("http://x/v1/models/m:predict");
    let decision = mesh.route(&request);
    let shares: Vec<f64> =
        decision.shares().iter().map(canary_istio::route::Share::fraction).collect();
    assert_eq!(shares, [0.999, 0.001]);
}

#[test]
fn other_parts_are_somebody_elses() {
    let mut object = after(&careful(), &live(), &split(percent(0.1)));
    routes(&mut object)[1]["route"] = json!([entry("resnet50", 997), entry("resnet101", 3)]);
    assert_eq!(locate(&careful(), &object).unwrap().split, Some(Split::new(percent(0.3))));
    let edits = differences(&careful(), &object, Split::new(percent(0.1)), false).to_string();
    assert_eq!(
        edits,
        "spec.http[1].route[0].weight: expected 99.9 % of what both versions have (resnet50), found 997; \
         spec.http[1].route[1].weight: expected 0.1 % of what both versions have (resnet101), found 3"
    );
    // A seventh has no three decimals.
    routes(&mut object)[1]["route"] = json!([entry("resnet50", 6), entry("resnet101", 1)]);
    assert_eq!(locate(&careful(), &object).unwrap().split, None);
    assert!(!differences(&careful(), &object, Split::new(percent(14.286)), false).is_empty());
    // Nothing for either is no share.
    routes(&mut object)[1]["route"] =
        json!([entry("resnet50", 0), entry("resnet101", 0), entry("resnet152", 1)]);
    assert_eq!(locate(&careful(), &object).unwrap().split, None);
    assert!(!differences(&careful(), &object, Split::STABLE, false).is_empty());
}

#[test]
fn a_weight_that_no_mesh_takes_is_refused() {
    let mut object = live();
    routes(&mut object)[1]["route"] =
        json!([entry("resnet50", 49_999), entry("resnet101", 0), entry("resnet152", 50_001)]);
    let message = refused(&careful(), &object, &split(percent(0.001)));
    assert!(message.contains("cannot give resnet101 0.001 %"), "{message}");
    assert!(message.contains("the largest is 1000000"), "{message}");
}

fn http_route() -> Value {
    let backend = |name: &str, weight: u64| json!({"name": name, "port": 80, "weight": weight});
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "pets", "namespace": "default", "resourceVersion": "7"},
        "spec": {"parentRefs": [{"name": "public"}], "rules": [
            {"backendRefs": [backend("pets-v1", 100), backend("pets-v2", 0)]},
        ]},
    })
}

fn of_services() -> Plan {
    Plan::new("pets", "pets-v1", "pets-v2")
        .target(Routes::of([Route::http_route("pets")]))
        .header("user-group", "canary")
        .weights([percent(0.1), 100.into()], Hold::requests(100))
}

#[test]
fn routes_of_the_gateway_api_have_the_same_weights() {
    let mut object = http_route();
    assert_eq!(weights_at(&of_services(), &mut object, percent(0.1)), [999, 1]);
    assert_eq!(weights_at(&of_services(), &mut object, 100), [0, 100]);
    assert_eq!(weights_at(&of_services(), &mut object, percent(0.1)), [999, 1]);
    assert_eq!(weights_at(&of_services(), &mut object, 0), [100, 0]);
    assert_eq!(object, http_route());
}

#[test]
fn a_mirrored_part_of_a_percent_is_a_number_in_istio_and_a_fraction_in_the_gateway_api() {
    let places = [
        (careful(), live(), "/spec/http/1/mirrorPercentage"),
        (of_services(), http_route(), "/spec/rules/0/filters/0/requestMirror"),
    ];
    for (mut plan, object, place) in places {
        plan.steps[0].mirror = percent(0.5);
        plan.steps[1].mirror = 20.into();
        let at = |share| RouteChange { split: Some(Split::new(0).mirror(share)), ..split(0) };
        let mut now = object.clone();
        for (share, field, fraction) in [
            (percent(0.5), json!(0.5), json!({"numerator": 500, "denominator": 100_000})),
            (20.into(), json!(20), Value::Null),
            (percent(0.5), json!(0.5), json!({"numerator": 500, "denominator": 100_000})),
        ] {
            now = after(&plan, &now, &at(share));
            assert_eq!(locate(&plan, &now).unwrap().split, at(share).split);
            assert!(differences(&plan, &now, Split::new(0).mirror(share), false).is_empty());
            let mirror = now.pointer(place).unwrap();
            if place.contains("rules") {
                assert_eq!(mirror["fraction"], fraction, "{mirror}");
                assert_eq!(mirror["percent"], if fraction.is_null() { field } else { Value::Null });
            } else {
                assert_eq!(mirror["value"], field);
            }
        }
        assert_eq!(after(&plan, &now, &split(0)), object, "and it goes");
    }
}
