//! Further conditions that lead to the canary: made beside the header, reached, and removed.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::{CanaryMatch, Route, Routes, Sticky};
use canary_istio::networking::StringMatch;

fn with(matches: impl IntoIterator<Item = CanaryMatch>) -> Plan {
    matches.into_iter().fold(plan(), Plan::canary_match)
}

fn every_kind() -> Plan {
    with([
        CanaryMatch::new().header("x-team", StringMatch::prefix("ml-")),
        CanaryMatch::new().header("x-build", StringMatch::regex("[0-9]+-rc")),
        CanaryMatch::new().cookie("beta", "1"),
        CanaryMatch::new().query_param("beta", StringMatch::exact("yes")),
    ])
}

const CANARY: &str = "outbound|8501|resnet101|image-classifier.default.svc.cluster.local";
const STABLE: &str = "outbound|8501|resnet50|image-classifier.default.svc.cluster.local";

fn to(object: &Value, path: &str, headers: &[(&str, &str)]) -> String {
    let plain = Request::post(&format!("http://x{path}")).random(u64::MAX);
    let request =
        headers.iter().fold(plain, |request, (name, value)| request.header(*name, *value));
    answered(object, &request)
}

#[test]
fn each_kind_of_condition_leads_to_the_canary_and_nothing_else_does() {
    let (plan, live) = (every_kind(), live());
    assert!(!plan.validate().has_errors(), "{}", plan.validate());
    let changed = after(&plan, &live, &header_route(true));
    assert!(has_header_route(&plan, &changed));
    for (path, headers, expected) in [
        ("/v1/models/m", &[("user-group", "canary")][..], CANARY),
        ("/v1/models/m", &[("x-team", "ml-vision")], CANARY),
        ("/v1/models/m", &[("x-team", "web")], STABLE),
        ("/v1/models/m", &[("x-build", "17-rc")], CANARY),
        ("/v1/models/m", &[("x-build", "17-rc1")], STABLE),
        ("/v1/models/m", &[("cookie", "a=b; beta=1")], CANARY),
        ("/v1/models/m", &[("cookie", "beta=10")], STABLE),
        ("/v1/models/m?beta=yes", &[], CANARY),
        ("/v1/models/m?beta=no", &[], STABLE),
        ("/v1/models/m", &[], STABLE),
    ] {
        assert_eq!(to(&changed, path, headers), expected, "{path} {headers:?}");
    }
    // The requests of other rules stay theirs.
    assert!(to(&changed, "/metrics?beta=yes", &[]).contains("prometheus"));
    // The service and the metrics know them by the plan's header.
    assert_eq!(changed["spec"]["http"][1]["headers"]["request"]["set"]["user-group"], "canary");
    assert_eq!(after(&plan, &changed, &header_route(true)), changed, "they are made once");
    assert_eq!(after(&plan, &changed, &header_route(false)), live);
    let left = clean_up(&plan, &changed, Split::STABLE).unwrap().unwrap();
    assert_eq!(rules_of(&apply(&changed, &left)), rules_of(&live));
}

#[test]
fn a_plan_that_lost_or_got_a_condition_replaces_the_route() {
    let live = live();
    let by_header = after(&plan(), &live, &header_route(true));
    let plan = every_kind();
    assert!(!has_header_route(&plan, &by_header));
    let changed = after(&plan, &by_header, &header_route(true));
    assert!(has_header_route(&plan, &changed));
    assert_eq!(rules_of(&changed).len(), rules_of(&by_header).len());
    assert!(!has_header_route(&super::plan(), &changed));
    assert_eq!(after(&super::plan(), &changed, &header_route(true)), by_header);
}

#[test]
fn the_conditions_of_the_rule_stay_beside_those_of_the_plan() {
    let mut object = live();
    object["spec"]["http"][1]["match"] = json!([
        {"uri": {"prefix": "/v1"}, "headers": {"x-team": {"regex": ".*"}}, "sourceLabels": {"app": "web"}},
        {"uri": {"prefix": "/v2"}, "headers": {"x-team": {"exact": "web"}}},
        {"uri": {"prefix": "/v3"}, "headers": {"x-team": {"exact": "ml-a"}}},
    ]);
    let team = CanaryMatch::new()
        .header("x-team", StringMatch::exact("ml-a"))
        .source_label("app", "web")
        .source_label("tier", "front");
    let changed = after(&with([team]), &object, &header_route(true));
    let mut made = rules_of(&changed)[1]["match"].as_array().unwrap().clone();
    made.drain(..3);
    let labels = json!({"app": "web", "tier": "front"});
    assert_eq!(
        Value::from(made),
        json!([
            {"uri": {"prefix": "/v1"}, "headers": {"x-team": {"exact": "ml-a"}}, "sourceLabels": labels},
            {"uri": {"prefix": "/v3"}, "headers": {"x-team": {"exact": "ml-a"}}, "sourceLabels": labels},
        ])
    );
}

#[test]
fn a_condition_that_leads_nowhere_or_everywhere_is_refused_before_any_write() {
    let team = || with([CanaryMatch::new().header("x-team", StringMatch::prefix("ml-"))]);
    let refuse = |matches: Value| {
        let mut object = live();
        object["spec"]["http"][1]["match"] = matches;
        refused(&team(), &object, &header_route(true))
    };
    for (matches, words) in [
        (json!([{"headers": {"x-team": {"exact": "web"}}}]), "no request that fulfils"),
        (json!([{"headers": {"x-team": {"exact": "ml-a"}}}]), "all of its traffic would go to"),
        (json!([{"headers": {"x-team": {"regex": "m.*"}}}]), "cannot be combined"),
    ] {
        let message = refuse(matches);
        assert!(message.contains(words) && message.contains("canaryMatches[0]"), "{message}");
    }
    // A route before the target that takes these requests.
    let elsewhere = json!([{"destination": {"host": "image-classifier", "subset": "old"}}]);
    let mut object = live();
    let taken = json!({"match": [{"headers": {"x-team": {"prefix": "ml-"}}}], "route": elsewhere});
    routes(&mut object).insert(0, taken);
    let message = refused(&team(), &object, &header_route(true));
    assert!(message.contains("leads to subset old of host image-classifier"), "{message}");
    assert!(message.contains("spec.http[0] answers every request"), "{message}");
}

#[test]
fn a_route_of_somebody_else_that_does_the_same_is_enough() {
    let to_canary = json!([{"destination": {"host": "image-classifier", "subset": "resnet101"}}]);
    let group =
        json!({"match": [{"headers": {"user-group": {"exact": "canary"}}}], "route": to_canary});
    let team = json!({"match": [{"headers": {"x-team": {"prefix": "ml-"}}}], "route": to_canary});
    let plan = with([CanaryMatch::new().header("x-team", StringMatch::prefix("ml-"))]);
    let mut object = live();
    routes(&mut object).splice(0..0, [group.clone(), team]);
    assert_eq!(after(&plan, &object, &header_route(true)), object);
    assert!(has_header_route(&plan, &object));
    // Only the header is led there: the other condition has a route of the run's.
    let mut object = live();
    routes(&mut object).insert(0, group);
    assert!(!has_header_route(&plan, &object));
    let changed = after(&plan, &object, &header_route(true));
    assert!(has_header_route(&plan, &changed));
    assert_eq!(rules_of(&changed)[2]["match"], json!([{"headers": {"x-team": {"prefix": "ml-"}}}]));
    assert_eq!(after(&plan, &changed, &header_route(false)), object);
}

#[test]
fn a_route_of_the_gateway_api_has_them_as_matches() {
    let plan = every_kind().target(Routes::of([Route::http_route("pets")]));
    let backend = |name: &str, weight: u64| json!({"name": name, "port": 8501, "weight": weight});
    let live = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": "pets", "namespace": "default", "resourceVersion": "7"},
        "spec": {"parentRefs": [{"name": "public"}], "rules": [{
            "matches": [{"path": {"type": "PathPrefix", "value": "/v1"}}],
            "filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"add": [{"name": "a", "value": "b"}]}}],
            "backendRefs": [backend("resnet50", 100), backend("resnet101", 0)],
        }]},
    });
    let changed = after(&plan, &live, &header_route(true));
    let rules = changed["spec"]["rules"].as_array().unwrap();
    let path = json!({"type": "PathPrefix", "value": "/v1"});
    let header =
        |kind: &str, name: &str, value: &str| json!([{"type": kind, "name": name, "value": value}]);
    assert_eq!(
        rules[1]["matches"],
        json!([
            {"path": path, "headers": header("Exact", "user-group", "canary")},
            {"path": path, "headers": header("RegularExpression", "x-team", "ml\\-.*")},
            {"path": path, "headers": header("RegularExpression", "x-build", "[0-9]+-rc")},
            {"path": path, "headers": header("RegularExpression", "cookie", "(.*; ?)?beta=1(;.*)?")},
            {"path": path, "queryParams": header("Exact", "beta", "yes")},
        ])
    );
    let set = json!([{"name": "user-group", "value": "canary"}]);
    let add = json!([{"name": "a", "value": "b"}]);
    assert_eq!(rules[1]["filters"][0]["requestHeaderModifier"], json!({"add": add, "set": set}));
    assert!(has_header_route(&plan, &changed));
    assert_eq!(after(&plan, &changed, &header_route(true)), changed);
    assert_eq!(after(&plan, &changed, &header_route(false)), live);
}

#[test]
fn conditions_that_cannot_be_are_findings_of_the_plan() {
    let codes = |plan: &Plan| {
        let found = plan.validate();
        found.iter().map(|one| (one.path.clone(), one.code.clone())).collect::<BTreeMap<_, _>>()
    };
    let labels = || CanaryMatch::new().source_label("app", "web");
    let query = || CanaryMatch::new().query_param("beta", StringMatch::Present);
    let http = Routes::of([Route::http_route("pets")]);
    let grpc = Routes::of([Route::grpc_route("pets")]);
    for (plan, path) in [
        (with([CanaryMatch::new()]), "canaryMatches[0]"),
        (Plan { header: None, ..with([labels()]) }, "canaryMatches"),
        (with([labels()]).target(http.clone()), "canaryMatches[0].sourceLabels"),
        (with([query()]).target(grpc), "canaryMatches[0].queryParams"),
        (
            with([query()]).target(http.clone()).sticky(Sticky::cookie("pets")),
            "canaryMatches[0].queryParams",
        ),
        (with([CanaryMatch::new().cookie("a b", "1")]), "canaryMatches[0].cookie.name"),
        (with([CanaryMatch::new().cookie("a", "1;")]), "canaryMatches[0].cookie.value"),
        (
            with([CanaryMatch::new().cookie("a", "1").header("cookie", StringMatch::Present)]),
            "canaryMatches[0].cookie",
        ),
        (
            with([CanaryMatch::new().header("X-Team", StringMatch::Present)]),
            "canaryMatches[0].headers.X-Team",
        ),
        (
            with([CanaryMatch::new().header("x", StringMatch::regex("("))]),
            "canaryMatches[0].headers.x.regex",
        ),
        (
            with([CanaryMatch::new().header("x", StringMatch::prefix(""))]),
            "canaryMatches[0].headers.x.prefix",
        ),
        (with((0..17).map(|_| labels())), "canaryMatches"),
    ] {
        assert_eq!(codes(&plan).get(path).map(String::as_str), Some("C136"), "{path}");
    }
    assert!(!with([query()]).target(http).validate().has_errors());
}
