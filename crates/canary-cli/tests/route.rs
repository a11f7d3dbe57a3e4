//! `route` with one request and with files of cases, and `diff`.

use serde_json::Value;

use crate::folder::Folder;

#[test]
fn one_request_is_explained() {
    let folder = Folder::new("one");
    let url = "http://any/v1/models/m:predict";
    let (status, text, _) = folder.run(&["route", "mesh.yaml", "--url", url]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("share: 70/100") && text.contains("(everyone)"), "{text}");
    let header =
        ["route", "mesh.yaml", "--url", url, "--header", "user-group=canary", "-o", "json"];
    let (_, text, _) = folder.run(&header);
    let decision: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(decision["outcome"]["forward"]["subset"], "resnet101", "{decision}");
    // The mesh itself answers.
    let (status, text, _) =
        folder.run(&["route", "mesh.yaml", "--url", url, "--gateway", "default/none"]);
    assert_eq!(status, Some(1), "{text}");
    let (status, _, error) = folder.run(&["route", "mesh.yaml", "--url", url, "-o", "junit"]);
    assert!(status == Some(2) && error.contains("--test"), "{error}");
}

#[test]
fn cases_hold_or_say_what_was_found() {
    let folder = Folder::new("cases");
    let (status, text, _) = folder.run(&["route", "mesh.yaml", "--test", "cases.yaml"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.ends_with("2 cases, 0 failed\n"), "{text}");
    // 60/40 instead of 70/30.
    let (status, text, _) = folder.run(&["route", "changed.yaml", "--test", "cases.yaml"]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("ok   testers get the canary"), "{text}");
    assert!(text.contains("FAIL GET http://any/v1/models/m\n"), "{text}");
    assert!(text.contains("expected 70 % for resnet50, found 60.00 %"), "{text}");
    assert!(text.contains("matched VirtualService default/image-classifier"), "{text}");
    let junit =
        ["route", "changed.yaml", "--test", "cases.yaml", "--test", "cases.yaml", "-o", "junit"];
    let (_, text, _) = folder.run(&junit);
    assert!(text.contains(r#"tests="4" failures="2""#), "{text}");
    let (_, text, _) = folder.run(&["route", "changed.yaml", "--test", "cases.yaml", "-o", "json"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&report["passed"], &report["failed"]), (&1.into(), &1.into()));
    assert_eq!(report["cases"][1]["broken"].as_array().unwrap().len(), 2);
}

/// Each expectation can fail.
#[test]
fn each_expectation_is_held() {
    let folder = Folder::new("expectations");
    for (expect, broken) in [
        ("{subset: resnet50}", "expected subset resnet50, found outbound|8501|resnet50|"),
        ("{host: other}", "expected host other"),
        ("{port: 80}", "expected port 80"),
        ("{shares: {resnet50: 70}}", "expected no other destination, found 30/100"),
        ("{shares: {resnet50: 70, resnet101: 30, v3: 1}}", "expected 1 % for v3, found 0.00 %"),
        ("{status: 404}", "expected status 404 of the proxy"),
        ("{path: /v2}", "expected path /v2, found /v1"),
        ("{authority: other}", "expected authority other, found any"),
        ("{rule: testers}", "expected rule testers, found everyone"),
    ] {
        let case = format!("cases:\n- request: {{url: \"http://any/v1\"}}\n  expect: {expect}\n");
        folder.write("one.yaml", &case);
        let (status, text, error) = folder.run(&["route", "mesh.yaml", "--test", "one.yaml"]);
        assert_eq!(status, Some(1), "{expect}: {text}{error}");
        assert!(text.contains(broken), "{expect}: {text}");
    }
    for (file, part) in [
        ("cases: []\n", "cases is empty"),
        (
            "cases:\n- request: {url: \"http://a/\"}\n  expect: {}\n",
            "cases[0]: expect states nothing",
        ),
        ("cases:\n- request: {ulr: \"http://a/\"}\n  expect: {port: 1}\n", "did you mean `url`"),
    ] {
        folder.write("one.yaml", file);
        let (status, _, error) = folder.run(&["route", "mesh.yaml", "--test", "one.yaml"]);
        assert!(status == Some(2) && error.contains(part), "{error}");
    }
}

#[test]
fn a_difference_comes_with_a_request() {
    let folder = Folder::new("diff");
    let (status, text, _) = folder.run(&["diff", "mesh.yaml", "mesh.yaml"]);
    assert_eq!((status, text.as_str()), (Some(0), "no request changes its destination\n"));
    let (status, text, _) = folder.run(&["diff", "mesh.yaml", "changed.yaml", "-o", "json"]);
    assert_eq!(status, Some(1));
    let diff: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(diff["changes"][0]["after"]["shares"][0]["weight"], 60, "{diff}");
    assert!(diff["changes"][0]["witness"]["path"].is_string(), "{diff}");
}

/// A gateway of the Gateway API and a split of 70/30 by an HTTPRoute, with a rule for testers.
const ROUTES: &str = "\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: pets}
spec:
  parentRefs: [{name: public}]
  rules:
  - name: everyone
    backendRefs: [{name: pets-v1, port: 80, weight: 70}, {name: pets-v2, port: 80, weight: 30}]
  - name: testers
    matches: [{headers: [{name: user-group, value: canary}]}]
    backendRefs: [{name: pets-v2, port: 80}]
";

#[test]
fn routes_of_the_gateway_api_are_read_too() {
    let folder = Folder::new("gateway-api");
    folder.write("routes.yaml", ROUTES);
    folder.write(
        "later.yaml",
        &ROUTES.replace("weight: 70", "weight: 40").replace("weight: 30", "weight: 60"),
    );
    let cases = "\
cases:
- request: {url: \"http://any/cats\", headers: {user-group: canary}}
  expect: {host: pets-v2, port: 80, rule: testers}
- request: {url: \"http://any/cats\"}
  expect: {shares: {pets-v1: 70, pets-v2: 30}, rule: everyone}
";
    folder.write("routes-cases.yaml", cases);
    let (status, text, error) =
        folder.run(&["route", "routes.yaml", "--test", "routes-cases.yaml"]);
    assert_eq!(status, Some(0), "{text}{error}");
    let (status, text, _) = folder.run(&["route", "later.yaml", "--test", "routes-cases.yaml"]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("matched HTTPRoute default/pets spec.rules[0] (everyone)"), "{text}");
    let (status, text, _) = folder.run(&["diff", "routes.yaml", "later.yaml", "-o", "json"]);
    assert_eq!(status, Some(1), "{text}");
    let diff: Value = serde_json::from_str(&text).unwrap();
    let change = &diff["changes"][0];
    assert_eq!(change["before"]["rule"]["object"], "HTTPRoute default/pets", "{diff}");
    assert_eq!(change["after"]["shares"][1]["weight"], 60, "{diff}");
}
