//! The reasons of a decision.

use super::*;

const RULES: &str = "
- name: canary
  match:
  - {name: group, headers: {user-group: {exact: canary}}}
  - {uri: {prefix: /beta}, method: {exact: POST}}
  route: [{destination: {host: canary}}]
- match: [{port: 8080}]
  route: [{destination: {host: port}}]
- match: [{queryParams: {trace: {}}}]
  route: [{destination: {host: trace}}]
- name: stable
  route: [{destination: {host: stable}}]
- match: [{uri: {prefix: /late}}]
  route: [{destination: {host: late}}]
";

#[test]
fn each_earlier_rule_is_told_with_the_condition_that_failed() {
    let mesh = rules(RULES);
    let request = get("http://x/beta").header("user-group", "staff");
    let why = mesh.route(&request).why();
    let unmet: Vec<String> = why.tried.iter().map(|tried| tried.unmet.to_string()).collect();
    assert_eq!(
        unmet,
        [
            "spec.http[0].match[0].headers[user-group] wants exactly \"canary\", found \"staff\"",
            "spec.http[0].match[1].method wants exactly \"POST\", found \"GET\"",
            "spec.http[1].match[0].port wants listener port 8080, found \"80\"",
            "spec.http[2].match[0].queryParams[trace] wants any value, found none",
        ]
    );
    assert_eq!(why.matched.as_ref().unwrap().name, "stable");
    assert_eq!(why.host.as_deref(), Some("*"));
    assert_eq!(why.listener, "port 80 of Gateway default/edge");
    assert_eq!(why.tried[0].rule.name, "canary.group");
    let text = why.to_string();
    assert!(
        text.contains("not VirtualService default/a (canary.group): spec.http[0].match[0].headers[user-group] "),
        "{text}"
    );
    assert!(text.contains("outcome: outbound|80||stable.default.svc.cluster.local"), "{text}");
}

#[test]
fn a_rule_behind_a_catch_all_of_another_object_is_told() {
    let mesh = mesh(&format!(
        "{EDGE}{}{}",
        service("one", "['*']", RULES),
        service(
            "two",
            "['*']",
            "- match: [{uri: {prefix: /two}}]\n  route: [{destination: {host: two}}]"
        )
    ));
    let request = get("http://x/two");
    let why = mesh.route(&request).why();
    let note = "VirtualService default/one spec.http[4].match[0] is never tried: spec.http[3] before it matches everything";
    assert_eq!(why.notes, [note]);
    assert!(why.tried.iter().all(|tried| tried.rule.path != "spec.http[3]"));
    assert_eq!(why.matched.unwrap().object, "VirtualService default/two");
}

#[test]
fn an_unknown_host_is_explained_object_by_object() {
    let yaml = format!(
        "{}{}{}{}",
        EDGE.replace("['*']", "['*.com']"),
        service("hosts", "[a.com]", "- route: [{destination: {host: a}}]"),
        service("gateways", "['*']", "- route: [{destination: {host: a}}]")
            .replace("[edge]", "[other]"),
        service("server", "[x.org]", "- route: [{destination: {host: a}}]"),
    );
    let mesh = mesh(&yaml);
    let request = get("http://x.org/");
    let decision = mesh.route(&request);
    assert_eq!(told(&decision), "404 NR");
    let notes = decision.why().notes;
    assert_eq!(
        notes,
        [
            "VirtualService default/hosts does not serve it: its hosts are a.com",
            "VirtualService default/gateways does not serve it: its gateways are default/other",
            "VirtualService default/server does not serve it: the server's hosts are *.com",
        ]
    );
}

#[test]
fn a_decision_is_written_whole_as_json() {
    let mesh = rules(
        "- route: [{destination: {host: a}, weight: 3}, {destination: {host: b}, weight: 1}]\n  timeout: 2s\n  mirror: {host: m}\n  headers: {request: {set: {x: '1'}}}",
    );
    let request = get("http://x/p").random(3);
    let json = serde_json::to_value(mesh.route(&request)).unwrap();
    assert_eq!(json["outcome"]["forward"]["name"], "outbound|80||b.default.svc.cluster.local");
    assert_eq!(json["shares"][0]["weight"], 3);
    assert_eq!(json["shares"][0]["total"], 4);
    assert_eq!(json["timeout"], "2s");
    assert_eq!(json["mirrors"][0]["copied"], true);
    assert_eq!(json["requestEdits"][0]["edit"], "set");
    assert_eq!(json["why"]["matched"]["path"], "spec.http[0]");
    assert_eq!(json["retries"]["backoff"], "0.025s");
}

#[test]
fn an_owned_request_makes_an_owned_decision() {
    fn owned<T: Send + Sync + 'static>(value: T) -> T {
        value
    }
    let mesh = rules(RULES);
    let decision = owned(mesh.route(get("http://x/")));
    drop(mesh);
    assert_eq!(decision.why().matched.unwrap().name, "stable");
    assert_eq!(decision.request().authority, "x");
}
