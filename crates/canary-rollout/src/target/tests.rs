use serde_json::{Value, json};

use super::{Arms, Route, Routes, Rules, Target};

fn read(text: Value) -> Result<Target, String> {
    serde_json::from_value(text).map_err(|error| error.to_string())
}

fn round(text: &Value) -> Target {
    let target = read(text.clone()).unwrap();
    assert_eq!(serde_json::to_value(&target).unwrap(), *text);
    target
}

#[test]
fn every_form_is_written_as_it_was_read() {
    let short = json!({"namespace": "default", "virtualService": "pets", "route": "rest", "destinationRule": "dogs"});
    let target = round(&short);
    let routes = target.routes().unwrap();
    assert_eq!(routes.destination_rule().unwrap().to_string(), "DestinationRule default/dogs");
    assert_eq!(target.state_object().to_string(), "VirtualService default/pets");

    let several =
        round(&json!({"namespace": "edge", "destinationRuleNamespace": "models", "routes": [
            {"virtualService": "pets", "rules": ["rest", {"match": {"port": 8500}}]},
            {"virtualService": "inside", "namespace": "models", "rules": "all"},
        ]}));
    let routes = several.routes().unwrap();
    assert_eq!((routes.arms, routes.routes.len()), (Arms::Subsets, 2));
    assert_eq!(routes.destination_rule().unwrap().to_string(), "DestinationRule models/pets");
    assert_eq!(routes.object(&routes.routes[1]).to_string(), "VirtualService models/inside");

    let gateway = round(
        &json!({"namespace": "default", "routes": [{"httpRoute": "pets"}, {"grpcRoute": "pets"}]}),
    );
    assert_eq!(gateway.state_object().to_string(), "HTTPRoute default/pets");
    assert_eq!(gateway.routes().unwrap().destination_rule(), None);

    let services =
        round(&json!({"namespace": "default", "virtualService": "pets", "arms": "services"}));
    assert_eq!(services, Routes::of([Route::virtual_service("pets")]).services().into());
}

#[test]
fn one_rule_of_one_virtual_service_has_the_short_form() {
    let route = Route::virtual_service("pets").rules(["rest"]);
    let written = serde_json::to_value(Target::from(Routes::of([route]))).unwrap();
    assert_eq!(written, json!({"namespace": "default", "virtualService": "pets", "route": "rest"}));
    assert_eq!(Route::http_route("pets").all_rules().rules, Rules::All);
}

#[test]
fn a_target_that_says_two_things_or_none_is_refused() {
    for (text, words) in [
        (json!({}), "neither virtualService nor routes"),
        (json!({"routes": []}), "target.routes is empty"),
        (json!({"virtualService": "a", "routes": []}), "both virtualService and routes"),
        (json!({"route": "a", "routes": [{"httpRoute": "a"}]}), "target.routes[].rules"),
        (json!({"routes": [{"namespace": "a"}]}), "must have exactly one of"),
        (json!({"routes": [{"httpRoute": "a", "grpcRoute": "a"}]}), "exactly one of"),
        (json!({"routes": [{"httpRoute": "a", "rules": "some"}]}), "write all, or a list"),
        (json!({"routes": [{"httpRoute": "a", "rules": []}]}), "rules is empty"),
        (json!({"routes": [{"httpRoutes": "a"}]}), "unknown field `httpRoutes`"),
    ] {
        let error = read(text.clone()).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    }
}
