//! Rules that other VirtualServices stand in for.

use super::*;

const ROOT: &str = "- match: [{uri: {prefix: /models}}]\n  delegate: {name: models, namespace: team}\n  timeout: 5s\n- route: [{destination: {host: rest}}]";

fn with(delegate: &str) -> Mesh {
    mesh(&format!(
        "{EDGE}{}kind: VirtualService\nmetadata: {{name: models, namespace: team}}\nspec:\n{delegate}",
        service("root", "['*']", ROOT)
    ))
}

const INNER: &str = "  http:
  - match: [{uri: {prefix: /models/v2}}]
    name: two
    timeout: 1s
    route: [{destination: {host: two}}]
  - route: [{destination: {host: one}}]
";

#[test]
fn rules_of_the_delegate_stand_under_the_roots_match() {
    let mesh = with(INNER);
    assert_eq!(goes(&mesh, &get("http://x/models/v2/m")), "two");
    assert_eq!(goes(&mesh, &get("http://x/models/v1/m")), "one");
    assert_eq!(goes(&mesh, &get("http://x/other")), "rest");
}

#[test]
fn hosts_belong_to_the_delegates_namespace_and_fields_are_inherited() {
    let mesh = with(INNER);
    let request = get("http://x/models/v1");
    let decision = mesh.route(&request);
    assert_eq!(decision.cluster().unwrap().host, "one.team.svc.cluster.local");
    assert_eq!(decision.timeout(), Some(std::time::Duration::from_secs(5)));
    let rule = decision.rule().unwrap();
    assert_eq!(
        rule.to_string(),
        "VirtualService default/root spec.http[0].match[0] by VirtualService team/models spec.http[1]"
    );
    let two = get("http://x/models/v2");
    assert_eq!(mesh.route(&two).timeout(), Some(std::time::Duration::from_secs(1)));
}

#[test]
fn a_conflicting_rule_disappears_alone() {
    let mesh = with(
        "  http:\n  - match: [{uri: {prefix: /elsewhere}}]\n    route: [{destination: {host: two}}]\n  - route: [{destination: {host: one}}]\n",
    );
    assert_eq!(goes(&mesh, &get("http://x/elsewhere")), "rest");
    assert_eq!(goes(&mesh, &get("http://x/models")), "one");
    assert!(mesh.notes().any(|note| note.contains("team/models spec.http[0] is not in force")));
}

#[test]
fn a_missing_or_hidden_delegate_takes_only_its_rule_away() {
    let hidden = with(&format!("  exportTo: ['.']\n{INNER}"));
    assert_eq!(goes(&hidden, &get("http://x/models/v2")), "rest");
    assert!(hidden.notes().next().unwrap().contains("is not exported to namespace default"));
    let missing = mesh(&format!("{EDGE}{}", service("root", "['*']", ROOT)));
    assert_eq!(goes(&missing, &get("http://x/models/v2")), "rest");
}

#[test]
fn a_delegate_serves_no_host_itself() {
    let mesh = mesh(&format!(
        "{EDGE}kind: VirtualService\nmetadata: {{name: models}}\nspec:\n  http:\n  - route: [{{destination: {{host: a}}}}]\n"
    ));
    assert_eq!(goes(&mesh, &get("http://x/")), "404 NR");
}

#[test]
fn products_of_matches_are_bounded() {
    let many: Vec<String> = (0..400).map(|n| format!("{{uri: {{prefix: /{n}}}}}")).collect();
    let many = many.join(", ");
    let root = format!("- match: [{many}]\n  delegate: {{name: inner}}");
    let inner =
        format!("  http:\n  - match: [{many}]\n    route: [{{destination: {{host: a}}}}]\n");
    let yaml = format!(
        "{EDGE}{}kind: VirtualService\nmetadata: {{name: inner}}\nspec:\n{inner}",
        service("root", "['*']", &root)
    );
    assert!(builder(&yaml).build().unwrap_err().to_string().contains("multiply to too many"));
}

#[test]
fn what_is_inherited_keeps_the_roots_namespace() {
    let root = "- match: [{uri: {prefix: /}, gateways: [edge]}]\n  delegate: {name: models, namespace: team}\n  mirror: {host: shadow}";
    let mesh = mesh(&format!(
        "{EDGE}{}kind: VirtualService\nmetadata: {{name: models, namespace: team}}\nspec:\n{INNER}",
        service("root", "['*']", root)
    ));
    let request = get("http://x/a");
    let decision = mesh.route(&request);
    assert_eq!(decision.cluster().unwrap().host, "one.team.svc.cluster.local");
    assert_eq!(decision.mirrors()[0].host, "shadow.default.svc.cluster.local");
}
