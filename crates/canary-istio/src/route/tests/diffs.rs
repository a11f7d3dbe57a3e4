//! Changes between two meshes, with a request for each.

use super::*;
use crate::route::{Diff, diff};

fn changes(before: &Mesh, after: &Mesh) -> Vec<String> {
    let found = diff(before, after);
    assert!(found.unjudged.is_empty(), "{:?}", found.unjudged);
    proven(before, after, &found);
    found.changes.iter().map(ToString::to_string).collect()
}

/// Each witness has another route in the second mesh than in the first.
fn proven(before: &Mesh, after: &Mesh, found: &Diff) {
    for change in &found.changes {
        let sides = [before, after].map(|mesh| mesh.route(&change.witness));
        assert_ne!(
            sides[0].outcome().to_string(),
            sides[1].outcome().to_string(),
            "{}",
            change.witness
        );
    }
}

const TO_A: &str = "- route: [{destination: {host: a}}]";

#[test]
fn equal_meshes_do_not_differ_and_reduced_weights_are_equal() {
    let mesh = |one: u32, two: u32| {
        rules(&format!(
            "- route: [{{destination: {{host: a}}, weight: {one}}}, {{destination: {{host: b}}, weight: {two}}}]"
        ))
    };
    assert!(changes(&mesh(70, 30), &mesh(7, 3)).is_empty());
    assert_eq!(
        changes(&mesh(70, 30), &mesh(50, 50)),
        [
            "GET http://any0.example/, by default/edge, port 80: 70/100 outbound|80||a.default.svc.cluster.local, \
          30/100 outbound|80||b.default.svc.cluster.local -> 50/100 outbound|80||a.default.svc.cluster.local, \
          50/100 outbound|80||b.default.svc.cluster.local"
        ]
    );
}

#[test]
fn a_new_rule_concerns_the_requests_that_reach_it() {
    let before = rules(&format!(
        "- match: [{{uri: {{prefix: /v1}}}}]\n  route: [{{destination: {{host: b}}}}]\n{TO_A}"
    ));
    let after = rules(&format!(
        "- match: [{{uri: {{prefix: /v1}}}}]\n  route: [{{destination: {{host: b}}}}]\n- match: [{{headers: {{user-group: {{exact: canary}}}}}}]\n  route: [{{destination: {{host: c}}}}]\n{TO_A}"
    ));
    let found = diff(&before, &after);
    proven(&before, &after, &found);
    assert_eq!(found.changes.len(), 1);
    let witness = &found.changes[0].witness;
    assert_eq!(witness.headers, [("user-group".to_owned(), "canary".to_owned())]);
    assert!(!witness.path.starts_with("/v1"));
    assert_eq!(found.changes[0].after.rule.as_ref().unwrap().path, "spec.http[1].match[0]");
    // A rule that an earlier one covers changes nothing.
    let shadowed = rules(&format!(
        "- match: [{{uri: {{prefix: /v1}}}}]\n  route: [{{destination: {{host: b}}}}]\n- match: [{{uri: {{regex: '/v1/m[0-9]+'}}}}]\n  route: [{{destination: {{host: c}}}}]\n{TO_A}"
    ));
    assert!(changes(&before, &shadowed).is_empty());
}

#[test]
fn expressions_are_solved() {
    let mesh = |pattern: &str| {
        rules(&format!(
            "- match: [{{uri: {{regex: '{pattern}'}}}}]\n  route: [{{destination: {{host: b}}}}]\n{TO_A}"
        ))
    };
    assert!(changes(&mesh("/v(1|2)"), &mesh("/v[12]")).is_empty());
    let found = changes(&mesh("/v(1|2)"), &mesh("/v[123]"));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("GET http://any0.example/v3,"), "{found:?}");
}

#[test]
fn hosts_that_come_and_go_are_changes() {
    let one = mesh(&format!("{EDGE}{}", service("a", "['*.foo.com']", TO_A)));
    let two = mesh(&format!(
        "{EDGE}{}{}",
        service("a", "['*.foo.com']", TO_A),
        service("b", "[x.foo.com, y.com]", "- route: [{destination: {host: b}}]")
    ));
    let found = diff(&one, &two);
    proven(&one, &two, &found);
    let hosts: Vec<&str> =
        found.changes.iter().map(|change| change.witness.authority.as_str()).collect();
    assert_eq!(hosts, ["x.foo.com", "y.com"]);
    assert!(found.changes[1].before.outcome.starts_with("404 NR"));
}

#[test]
fn subsets_that_vanish_are_changes() {
    let rule =
        "kind: DestinationRule\nmetadata: {name: a}\nspec: {host: a, subsets: [{name: v1}]}\n---\n";
    let split = service("a", "['*']", "- route: [{destination: {host: a, subset: v1}}]");
    let one = mesh(&format!("{EDGE}{rule}{split}"));
    let two = mesh(&format!("{EDGE}{split}"));
    let found = diff(&one, &two);
    proven(&one, &two, &found);
    assert_eq!(found.changes.len(), 1);
    assert!(found.changes[0].after.outcome.starts_with("503 NC"));
}

#[test]
fn sidecars_differ_too() {
    let of_mesh = |http: &str| {
        mesh(&service("reviews", "[reviews]", http).replace("  gateways: [edge]\n", ""))
    };
    let one = of_mesh(TO_A);
    let two = of_mesh(&format!(
        "- match: [{{sourceLabels: {{app: web}}, port: 9080}}]\n  route: [{{destination: {{host: b, port: {{number: 1}}}}}}]\n{TO_A}"
    ));
    let found = diff(&one, &two);
    proven(&one, &two, &found);
    let witness = &found.changes[0].witness;
    assert_eq!(witness.source_labels["app"], "web");
    assert_eq!(witness.port, Some(9080));
}

#[test]
fn one_change_among_many_rules_is_found_without_a_look_at_every_pair() {
    let mesh = |changed: usize| {
        let rules_of: Vec<String> = (0..400)
            .map(|n| {
                let host = if n == changed { "b" } else { "a" };
                format!("- match: [{{uri: {{prefix: /p{n}/}}}}]\n  route: [{{destination: {{host: {host}{n}}}}}]\n")
            })
            .collect();
        rules(&rules_of.concat())
    };
    let found = changes(&mesh(400), &mesh(300));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("/p300/"), "{found:?}");
}

#[test]
fn what_takes_too_long_is_said_to_be_open() {
    let mesh = |letter: char| {
        let rules_of: Vec<String> = (0..3000)
            .map(|n| format!("- match: [{{headers: {{{letter}{n}: {{prefix: v}}}}}}]\n  route: [{{destination: {{host: {letter}{n}}}}}]\n"))
            .collect();
        rules(&rules_of.concat())
    };
    let (before, after) = (mesh('a'), mesh('b'));
    let found = diff(&before, &after);
    proven(&before, &after, &found);
    assert!(!found.changes.is_empty() && !found.unjudged.is_empty());
}
