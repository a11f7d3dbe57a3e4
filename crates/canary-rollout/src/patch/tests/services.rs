//! Versions that are two Services.

use serde_json::json;

use super::*;
use crate::{Route, Routes};

fn plan() -> Plan {
    Plan::new("pets", "pets-v1", "pets-v2")
        .target(Routes::of([Route::virtual_service("pets")]).services())
        .header("user-group", "canary")
        .weights([5, 30, 100], Hold::requests(100))
}

fn object(route: &Value) -> Value {
    with_routes(&json!([{"route": route}]))
}

#[test]
fn the_canary_is_a_host_of_its_own() {
    for (stable, canary) in
        [("pets-v1", "pets-v2"), ("pets-v1.zoo.svc.cluster.local", "pets-v2.zoo.svc.cluster.local")]
    {
        let live = object(&json!([{"destination": {"host": stable, "port": {"number": 8501}},
            "headers": {"response": {"set": {"x-served-by": "pets-v1"}}}}]));
        let change = RouteChange { header_route: Some(true), ..split(30) };
        let changed = apply(&live, &change_route(&plan(), &live, &change).unwrap());
        let rules = rules_of(&changed);
        assert_eq!(rules[0]["route"][0]["destination"]["host"], canary);
        assert_eq!(rules[1]["route"][0]["weight"], 70);
        assert_eq!(
            rules[1]["route"][1],
            json!({
                "destination": {"host": canary, "port": {"number": 8501}},
                "headers": {"response": {"set": {"x-served-by": "pets-v2"}}},
                "weight": 30,
            })
        );
        assert!(differences(&plan(), &changed, Split::new(30), true).is_empty());
        assert!(has_header_route(&plan(), &changed));
    }
}

#[test]
fn a_host_that_is_no_service_is_no_version() {
    let live = object(&json!([{"destination": {"host": "pets-v1.example.com"}}]));
    let error = locate(&plan(), &live).unwrap_err().to_string();
    assert!(error.contains("no HTTP route to Service pets-v1; its routes are"), "{error}");
}

#[test]
fn a_mirror_to_a_version_is_refused_and_another_is_not() {
    let with = |to: &str| {
        let mut live = object(&json!([{"destination": {"host": "pets-v1"}}]));
        live["spec"]["http"][0]["mirror"] = json!({"host": to});
        live
    };
    assert!(
        locate(&plan(), &with("pets-v2"))
            .unwrap_err()
            .to_string()
            .contains("remove the mirror first")
    );
    assert!(locate(&plan(), &with("audit")).is_ok());
}
