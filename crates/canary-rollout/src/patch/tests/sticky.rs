//! Users who stay with a version: the cookie of each divided rule, and the rules that obey it.

use proptest::prelude::*;
use serde_json::json;

use super::{generated::objects, *};
use crate::{Route, Routes, Sticky, evidence::Timestamp};

const RUN: Option<Timestamp> = Some(Timestamp(1_700_000_000_000));

fn sticky() -> Plan {
    plan().sticky(Sticky::cookie("pets"))
}

/// The object after a change in a run.
fn in_run(plan: &Plan, object: &Value, change: &RouteChange) -> Value {
    let of = RouteOf::from(plan).of_run(RUN);
    apply(object, &change_route(of, object, change).unwrap())
}

fn in_run_refused(plan: &Plan, object: &Value, change: &RouteChange) -> String {
    change_route(RouteOf::from(plan).of_run(RUN), object, change).unwrap_err().to_string()
}

/// The rules for cookies of an object.
fn pins(object: &Value) -> Vec<&Value> {
    let rules = object["spec"].get("http").or_else(|| object["spec"].get("rules")).unwrap();
    let named = |rule: &&Value| rule["name"].as_str().is_some_and(|name| name.contains(".sticky-"));
    rules.as_array().unwrap().iter().filter(named).collect()
}

/// The values of `set-cookie` that the mesh adds to the response of a request, and the cluster that it goes to.
fn drawn(object: &Value, request: &Request) -> (Vec<String>, String) {
    let mesh = mesh(object);
    let decision = mesh.route(request);
    let cluster = decision.cluster().map(|cluster| cluster.name.clone()).unwrap_or_default();
    let mut headers = Vec::new();
    canary_istio::route::apply_header_edits(&mut headers, decision.response_edits(), |_, _, _| {
        None
    });
    let cookies = headers.into_iter().filter(|(name, _)| name == "set-cookie");
    (cookies.map(|(_, value)| value).collect(), cluster)
}

/// The cookie that a client sends back.
fn pair(set_cookie: &str) -> &str {
    set_cookie.split(';').next().unwrap()
}

fn at(random: u64) -> Request {
    Request::post("http://x/v1/models/m:predict").random(random)
}

/// Random numbers whose requests a weight sends to the canary, and to the stable version.
fn both_draws(object: &Value) -> [u64; 2] {
    let arm = |wanted: &str| {
        let mut all = (0..400u64).map(|n| n * 10_000_019);
        all.find(|random| drawn(object, &at(*random)).1.contains(wanted)).unwrap()
    };
    [arm("resnet50"), arm("resnet101")]
}

#[test]
fn a_client_stays_with_its_version_until_the_weights_move() {
    let at_30 = in_run(&sticky(), &live(), &split(30));
    let randoms = both_draws(&at_30);
    for (random, arm, subset) in
        [(randoms[0], "stable", "resnet50"), (randoms[1], "canary", "resnet101")]
    {
        let (cookies, cluster) = drawn(&at_30, &at(random));
        let [cookie] = &cookies[..] else { panic!("{cookies:?}") };
        assert!(cluster.contains(subset), "{cluster}");
        let (name, rest) = cookie.split_once('=').unwrap();
        assert_eq!(
            (name, &rest[12..]),
            ("pets", format!(".{arm}; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax").as_str())
        );
        for other in randoms {
            let (again, cluster) = drawn(&at_30, &at(other).header("cookie", pair(cookie)));
            assert_eq!((again.len(), cluster.contains(subset)), (0, true), "{cluster}");
            let among = format!("a=b; {}; c=d", pair(cookie));
            assert!(drawn(&at_30, &at(other).header("cookie", &among)).1.contains(subset));
        }
        // Every user is drawn again at the next weight.
        let at_60 = in_run(&sticky(), &at_30, &split(60));
        for other in both_draws(&at_60) {
            let (anew, _) = drawn(&at_60, &at(other).header("cookie", pair(cookie)));
            assert_ne!(pair(&anew[0]), pair(cookie));
        }
        // Afterwards the cookie means nothing.
        for end in [0, 100] {
            let ended = in_run(&sticky(), &at_60, &split(end));
            let (cookies, cluster) = drawn(&ended, &at(random).header("cookie", pair(cookie)));
            let left = if end == 0 { "resnet50" } else { "resnet101" };
            assert!(cookies.is_empty() && cluster.contains(left), "{end}: {cluster}");
        }
    }
}

#[test]
fn the_rules_are_copies_of_the_divided_one_behind_the_header_route() {
    let mut object = live();
    routes(&mut object)[1]["retries"] = json!({"attempts": 2});
    routes(&mut object)[1]["match"] =
        json!([{"uri": {"prefix": "/v1"}, "headers": {"x-team": {"exact": "a"}}}, {"port": 80}]);
    let change = RouteChange { header_route: Some(true), ..split(30) };
    let changed = in_run(&sticky(), &object, &change);
    let names: Vec<&str> =
        rules_of(&changed).iter().map(|rule| rule["name"].as_str().unwrap_or("-")).collect();
    let of = |arm: &str| format!("canary-rollout-resnet101.sticky-{arm}");
    assert_eq!(names, ["-", "canary-rollout-resnet101", &of("stable"), &of("canary"), "-", "rest"]);
    let [_, canary] = pins(&changed)[..] else { panic!("{changed:#}") };
    let regex = &canary["match"][0]["headers"]["cookie"]["regex"];
    assert!(regex.as_str().unwrap().starts_with(r"(.*;\s*)?pets="), "{regex}");
    let mut entry = entry("resnet101", 0);
    entry.as_object_mut().unwrap().remove("weight");
    assert_eq!(
        *canary,
        json!({
            "name": of("canary"), "timeout": "10s", "retries": {"attempts": 2}, "route": [entry],
            "match": [
                {"uri": {"prefix": "/v1"}, "headers": {"x-team": {"exact": "a"}, "cookie": {"regex": regex}}},
                {"port": 80, "headers": {"cookie": {"regex": regex}}},
            ],
        })
    );
    assert_eq!(in_run(&sticky(), &changed, &change), changed, "written once");
    let ours = RouteOf::from(&sticky()).of_run(RUN).route.clone();
    assert_eq!(ours.name, "image-classifier");
    let end = RouteChange { header_route: Some(false), ..split(0) };
    assert_eq!(in_run(&sticky(), &changed, &end), object);
    let left = after(&sticky(), &changed, &RouteChange::keep_weights());
    assert_eq!(left, after(&plan(), &object, &split(30)), "the weights alone stay");
}

#[test]
fn each_of_several_rules_has_its_own_and_a_third_destination_is_in_none() {
    let mut plan = sticky();
    plan.target.routes_mut().unwrap().routes[0].rules = crate::Rules::All;
    let other = |weight: u64| json!({"destination": {"host": "other"}, "weight": weight});
    let object = with_routes(&json!([
        {"name": "rest", "match": [{"uri": {"prefix": "/v1"}}], "route": [entry("resnet50", 80), other(20)]},
        {"name": "web", "route": [entry("resnet50", 100)]},
    ]));
    let changed = in_run(&plan, &object, &split(50));
    let names: Vec<&str> =
        rules_of(&changed).iter().map(|rule| rule["name"].as_str().unwrap()).collect();
    let of = |arm: &str, number: &str| format!("canary-rollout-resnet101.sticky-{arm}{number}");
    let made = [of("stable", ""), of("canary", ""), of("stable", "-2"), of("canary", "-2")];
    assert_eq!(names, [&made[0], &made[1], "rest", &made[2], &made[3], "web"]);
    assert!(pins(&changed).iter().all(|pin| pin["route"].as_array().unwrap().len() == 1));
    assert!(rules_of(&changed)[2]["route"][1]["headers"].is_null(), "no cookie for the third");
    assert_eq!(in_run(&plan, &changed, &split(50)), changed);
    let moved = in_run(&plan, &changed, &split(60));
    assert_eq!((pins(&moved).len(), rules_of(&moved).len()), (4, 6));
    let back = in_run(&plan, &moved, &split(0));
    assert_eq!(back["spec"], object["spec"]);
    assert_eq!(back["metadata"]["annotations"], json!({}));
}

#[test]
fn cookies_of_others_are_kept_and_what_would_take_ours_away_is_refused() {
    let theirs = json!({"set-cookie": "theirs=1"});
    let mut object = live();
    routes(&mut object)[1]["route"][0]["headers"]["response"]["add"] = theirs.clone();
    let changed = in_run(&sticky(), &object, &split(30));
    let [stable, _] = both_draws(&changed);
    let (cookies, _) = drawn(&changed, &at(stable));
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    assert!(cookies.contains(&"theirs=1".to_owned()), "{cookies:?}");
    assert_eq!(pins(&changed)[0]["route"][0]["headers"]["response"]["add"], theirs);
    assert_eq!(in_run(&sticky(), &changed, &split(0)), object);

    for (edits, word) in [
        (json!({"set": {"Set-Cookie": "a=b"}}), "set of the response header Set-Cookie"),
        (json!({"remove": ["set-cookie"]}), "remove of the response header set-cookie"),
    ] {
        let mut object = live();
        routes(&mut object)[1]["headers"] = json!({"response": edits});
        let error = in_run_refused(&sticky(), &object, &split(30));
        assert!(error.contains(word) && error.contains("spec.http[1]"), "{error}");
    }
    let mut object = live();
    routes(&mut object)[1]["match"] = json!([{"headers": {"Cookie": {"prefix": "a"}}}]);
    let error = in_run_refused(&sticky(), &object, &split(30));
    assert!(error.contains("condition on the header cookie"), "{error}");
}

#[test]
fn what_an_earlier_run_left_goes_with_the_first_write_and_ours_with_the_clean_up() {
    let earlier = Plan { sticky: Some(Sticky::cookie("old")), ..plan() };
    let left = in_run(&earlier, &live(), &split(30));
    let stable = |object: &Value| {
        let mut object = object.clone();
        let target = routes(&mut object)
            .iter_mut()
            .find(|rule| rule["timeout"] == "10s" && rule["match"].is_null());
        let entries = target.unwrap()["route"].as_array_mut().unwrap();
        (entries[0]["weight"], entries[1]["weight"]) = (json!(100), json!(0));
        object
    };
    let left = stable(&left);
    assert_eq!(pins(&left).len(), 2);
    for plan in [plan(), sticky()] {
        for change in [header_route(false), split(0), RouteChange::keep_weights()] {
            assert_eq!(in_run(&plan, &left, &change), live());
        }
        let made = in_run(&plan, &left, &header_route(true));
        assert_eq!(made, in_run(&plan, &live(), &header_route(true)));
    }
    // Somebody has edited the weights, and the rule beside them.
    let mut edited = in_run(&sticky(), &live(), &split(30));
    routes(&mut edited)[3]["route"][1]["weight"] = json!(77);
    let clean = clean_up(&sticky(), &edited, Split::new(30)).unwrap().unwrap();
    let clean = apply(&edited, &clean);
    assert!(pins(&clean).is_empty() && !clean.to_string().contains("Max-Age"), "{clean:#}");
    assert_eq!(rules_of(&clean)[1]["route"][1]["weight"], 77);
    assert_eq!(clean_up(&sticky(), &clean, Split::STABLE).unwrap(), None);
}

#[test]
fn a_missing_rule_or_cookie_is_an_edit_and_other_fields_are_not() {
    let plan = sticky();
    let of = RouteOf::from(&plan).of_run(RUN);
    let at_30 = Split::new(30);
    let object = in_run(&plan, &live(), &split(30));
    let found = |edit: &dyn Fn(&mut Vec<Value>)| {
        let mut edited = object.clone();
        edit(routes(&mut edited));
        differences(of, &edited, at_30, false).to_string()
    };
    assert_eq!(found(&|_| {}), "");
    assert_eq!(found(&|http| http[3]["timeout"] = json!("20s")), "");
    assert_eq!(
        found(&|http| http.insert(0, json!({"name": "health", "redirect": {"uri": "/"}}))),
        ""
    );
    let gone = found(&|http| drop(http.remove(2)));
    assert!(gone.contains("canary-rollout-resnet101.sticky-canary"), "{gone}");
    assert!(gone.contains("found none"), "{gone}");
    let moved = found(&|http| {
        let pin = http.remove(2);
        http.push(pin);
    });
    assert!(moved.contains("not reached"), "{moved}");
    let led = found(&|http| http[2]["route"] = json!([entry("resnet50", 1)]));
    assert!(led.contains("another one"), "{led}");
    let bare = found(&|http| drop(http[3]["route"][0].as_object_mut().unwrap().remove("headers")));
    assert!(bare.contains("sets the cookie pets"), "{bare}");
    // Another run, and a run that is over, have other cookies or none.
    let other = RouteOf::from(&plan).of_run(Some(Timestamp(1)));
    assert!(!differences(other, &object, at_30, false).is_empty());
    assert!(differences(&plan, &object, at_30, false).is_empty());
}

fn http_route() -> (Plan, Value) {
    let backend = |name: &str, weight: u64| {
        json!({"name": name, "port": 8501, "weight": weight, "filters": [{
            "type": "ResponseHeaderModifier",
            "responseHeaderModifier": {"set": [{"name": "x-served-by", "value": name}]},
        }]})
    };
    let path = |path: &str| json!({"path": {"type": "PathPrefix", "value": path}});
    let object = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": "pets", "namespace": "default", "resourceVersion": "7"},
        "spec": {"parentRefs": [{"name": "public"}], "rules": [
            {"matches": [path("/v1")], "timeouts": {"request": "10s"},
             "backendRefs": [backend("pets-v1", 100), backend("pets-v2", 0)]},
            {"matches": [path("/metrics")], "backendRefs": [{"name": "prometheus", "port": 80}]},
        ]},
    });
    let plan = Plan::new("pets", "pets-v1", "pets-v2")
        .target(Routes::of([Route::http_route("pets")]))
        .header("user-group", "canary")
        .weights([30, 60, 100], Hold::requests(100))
        .sticky(Sticky::cookie("pets"));
    (plan, object)
}

#[test]
fn an_http_route_has_them_at_its_end() {
    let (plan, object) = http_route();
    let change = RouteChange { header_route: Some(true), ..split(30) };
    let changed = in_run(&plan, &object, &change);
    let rules = changed["spec"]["rules"].as_array().unwrap();
    let names: Vec<&str> = rules.iter().map(|rule| rule["name"].as_str().unwrap_or("-")).collect();
    let of = |arm: &str| format!("canary-rollout-pets-v2.sticky-{arm}");
    assert_eq!(
        names,
        ["-", "-", "canary-rollout-pets-v2", &of("stable"), &of("canary")],
        "the header's rule wins where a request has both"
    );
    let headers = &rules[4]["matches"][0]["headers"];
    assert_eq!(headers[0]["type"], "RegularExpression");
    let mut bare = object["spec"]["rules"][0]["backendRefs"][1].clone();
    bare["weight"] = json!(1);
    assert_eq!(rules[4]["backendRefs"], json!([bare]));
    assert_eq!(rules[4]["timeouts"], json!({"request": "10s"}));
    let filters = &rules[0]["backendRefs"][1]["filters"];
    let added = &filters[0]["responseHeaderModifier"]["add"][0];
    assert_eq!((filters.as_array().unwrap().len(), &added["name"]), (1, &json!("set-cookie")));
    assert!(added["value"].as_str().unwrap().contains(".canary; Path=/"), "{added}");
    assert_eq!(in_run(&plan, &changed, &change), changed, "written once");
    let end = RouteChange { header_route: Some(false), ..split(0) };
    assert_eq!(in_run(&plan, &changed, &end), object);

    let mut theirs = object.clone();
    theirs["spec"]["rules"][0]["backendRefs"][0]["filters"][0]["responseHeaderModifier"]["add"] =
        json!([{"name": "Set-Cookie", "value": "a=b"}]);
    let error = in_run_refused(&plan, &theirs, &split(30));
    assert!(error.contains("spec.rules[0].backendRefs[0] adds the response header"), "{error}");
    let mut theirs = object.clone();
    let query = json!([{"path": {"type": "PathPrefix", "value": "/v1"}, "queryParams": [{"name": "a", "value": "b"}]}]);
    theirs["spec"]["rules"][1]["matches"] = query;
    let error = in_run_refused(&plan, &theirs, &split(30));
    assert!(error.contains("spec.rules[1] answers some requests before spec.rules[0]"), "{error}");
    let mut many = object;
    let rules = many["spec"]["rules"].as_array_mut().unwrap();
    rules.extend(
        (0..13)
            .map(|n| json!({"matches": [{"path": {"type": "Exact", "value": format!("/{n}")}}]})),
    );
    let error = in_run_refused(&plan, &many, &split(30));
    assert!(error.contains("it would have 17 rules, and the Gateway API allows 16"), "{error}");
}

#[test]
fn routes_without_cookies_are_refused() {
    let (plan, mut object) = http_route();
    let plan = plan.target(Routes::of([Route::grpc_route("pets")]));
    object["spec"]["rules"] = json!([{"backendRefs": [{"name": "pets-v1", "port": 8500}]}]);
    let error = in_run_refused(&plan, &object, &split(30));
    assert!(error.contains("leave the route out of the target"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Rules for both versions are there if and only if the traffic is divided; each write is written once; and at the
    /// end the object is as it was.
    #[test]
    fn rules_for_cookies_are_there_while_the_traffic_is_divided(
        (_, object) in objects(),
        shares in proptest::collection::vec(0u32..=100, 1..5),
        header in any::<bool>(),
    ) {
        let plan = sticky().route("target");
        let mut live = in_run(&plan, &object, &split(0));
        let start = in_run(&plan, &live, &header_route(false));
        if header {
            let Ok(patch) = change_route(&plan, &live, &header_route(true)) else { return Ok(()) };
            live = apply(&live, &patch);
        }
        let mut seen = std::collections::BTreeMap::new();
        for share in shares {
            let of = RouteOf::from(&plan).of_run(RUN);
            live = apply(&live, &change_route(of, &live, &split(share)).unwrap());
            let divided = (1..100).contains(&share);
            prop_assert_eq!(pins(&live).len(), if divided { 2 } else { 0 }, "{} {:#}", share, live);
            prop_assert_eq!(live.to_string().matches("Max-Age").count(), if divided { 2 } else { 0 });
            prop_assert_eq!(&in_run(&plan, &live, &split(share)), &live, "written once");
            let expected = Split::new(share);
            prop_assert!(differences(of, &live, expected, header).is_empty());
            // A draw has its own cookie: another at each share, and the same when a share comes again.
            if let Some(pin) = pins(&live).first() {
                let all = pin["match"][0]["headers"]["cookie"].to_string();
                let before = seen.insert(share, all.clone());
                prop_assert!(before.is_none_or(|before| before == all));
                let distinct: std::collections::BTreeSet<_> = seen.values().collect();
                prop_assert_eq!(distinct.len(), seen.len());
            }
        }
        let end = RouteChange { header_route: Some(false), ..split(0) };
        let ended = in_run(&plan, &live, &end);
        prop_assert!(pins(&ended).is_empty());
        prop_assert_eq!(&ended["spec"], &start["spec"]);
        prop_assert!(ended["metadata"]["annotations"].as_object().is_none_or(serde_json::Map::is_empty));
    }
}
