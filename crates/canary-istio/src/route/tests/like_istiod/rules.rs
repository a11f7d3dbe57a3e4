//! The DestinationRule that applies to a client.

use super::*;

#[test]
fn a_private_rule_does_not_hide_a_public_one_from_others() {
    let yaml = edge_to_v1()
        + &rule("own", 1, "host: a, exportTo: ['.']")
        + &rule("wide", 2, &format!("host: '*.default.svc.cluster.local', {V1}"));
    assert_eq!(ends(&mesh(&yaml), &get("http://x/")), A_V1);
    let yaml = edge_to_v1()
        + &rule("istio-system/public", 1, "host: a.default.svc.cluster.local")
        + &rule(
            "istio-system/own",
            2,
            &format!("host: '*.default.svc.cluster.local', exportTo: ['.'], {V1}"),
        );
    assert_eq!(ends(&mesh(&yaml), &get("http://x/")), A_V1);
}

#[test]
fn rules_of_one_host_that_are_exported_differently_do_not_merge() {
    let with = |public: u32, private: u32| {
        let rules = rule("public", public, &format!("host: a, {V1}"))
            + &rule("private", private, "host: a, exportTo: ['.']");
        svc("a", &[80], "") + &vs("v", 1, &format!("hosts: [a], {TO_A_V1}")) + &rules
    };
    assert_eq!(ends(&mesh(&with(1, 2)), &from("default", "http://a/")), "503 NC");
    assert_eq!(ends(&mesh(&with(2, 1)), &from("default", "http://a/")), A_V1);
    let yaml = edge_to_v1()
        + &rule("public", 1, &format!("host: a, {V1}"))
        + &rule("private", 2, "host: a, exportTo: ['.']");
    assert_eq!(
        ends(&builder(&yaml).gateway_namespace("default").build().unwrap(), &get("http://x/")),
        "503 NC"
    );
}

#[test]
fn rules_for_some_workloads_take_those_for_all_in_or_hide_them() {
    let some = "exportTo: ['.'], workloadSelector: {matchLabels: {app: other}}";
    let to_v1 = svc("a", &[80], "") + &vs("v", 1, &format!("hosts: [a], {TO_A_V1}"));
    let both = rule("plain", 2, &format!("host: a, exportTo: ['.'], {V1}"))
        + &rule("some", 1, &format!("host: a, {some}"));
    assert_eq!(ends(&mesh(&(to_v1.clone() + &both)), &from("default", "http://a/")), "503 NC");
    // In the namespace of the client.
    let hidden = to_v1
        + &rule("all", 1, &format!("host: a, {V1}"))
        + &rule("web/some", 2, &format!("host: a.default.svc.cluster.local, {some}"));
    assert_eq!(ends(&mesh(&hidden), &from("web", "http://a.default/")), "503 NC");
    assert_eq!(ends(&mesh(&hidden), &from("desk", "http://a.default/")), A_V1);
    // In the root namespace, for a gateway there.
    let root = edge_to_v1()
        + &rule("all", 1, &format!("host: a, {V1}"))
        + &rule("istio-system/some", 2, &format!("host: '*.default.svc.cluster.local', {some}"));
    assert_eq!(ends(&mesh(&root), &get("http://x/")), "503 NC");
}

#[test]
fn a_rule_that_is_exported_further_is_lost_in_an_older_one() {
    let yaml = svc("a", &[80], "")
        + &vs("v", 1, &format!("hosts: [a], {TO_A_V1}"))
        + &rule("one", 1, "host: a, exportTo: [web]")
        + &rule("two", 2, &format!("host: a, exportTo: [web, desk], {V1}"));
    assert_eq!(ends(&mesh(&yaml), &from("desk", "http://a.default/")), "503 NC");
    assert_eq!(ends(&mesh(&yaml), &from("web", "http://a.default/")), A_V1);
}

#[test]
fn the_namespace_of_a_service_entry_finds_its_rules() {
    let yaml = format!(
        "{EDGE}{}{}{}",
        object(
            "ServiceEntry",
            "out/e",
            1,
            "hosts: [ext.org], ports: [{number: 80, name: http, protocol: HTTP}], resolution: STATIC, endpoints: [{address: 1.2.3.4}]"
        ),
        vs(
            "v",
            1,
            "hosts: ['*'], gateways: [edge], http: [{route: [{destination: {host: ext.org, subset: v1}}]}]"
        ),
        rule("out/d", 1, &format!("host: ext.org, {V1}")),
    );
    assert_eq!(ends(&mesh(&yaml), &get("http://a.com/")), "outbound|80|v1|ext.org");
    assert_eq!(ends(&mesh(&yaml), &from("default", "http://ext.org/")), "outbound|80||ext.org");
    // One that is exported to its own namespace is known there alone.
    let hidden = yaml.replace("resolution: STATIC", "exportTo: ['.'], resolution: STATIC");
    assert_eq!(ends(&mesh(&hidden), &from("default", "http://ext.org/")), "passed");
    assert_eq!(ends(&mesh(&hidden), &from("out", "http://ext.org/")), "outbound|80||ext.org");
}

#[test]
fn retries_are_hashed_by_the_rules_of_the_host_that_is_written() {
    let alias =
        svc("alias", &[80], "type: ExternalName, externalName: a.default.svc.cluster.local,");
    let hash = "trafficPolicy: {loadBalancer: {consistentHash: {httpHeaderName: x-user}}}";
    let elsewhere = |host: &str, hashed: &str| {
        let to = format!("hosts: [b], http: [{{route: [{{destination: {{host: {host}}}}}]}}]");
        let mesh = mesh(
            &(ab() + &alias + &vs("v", 1, &to) + &rule("r", 1, &format!("host: {hashed}, {hash}"))),
        );
        let request = from("default", "http://b/");
        let decision = mesh.route(&request);
        assert_eq!(decision.outcome().to_string(), A);
        decision.retries().is_some_and(|retries| retries.ignore_previous_hosts)
    };
    assert!(elsewhere("alias", "a"));
    assert!(!elsewhere("alias", "alias"));
    assert!(!elsewhere("a", "a"));
}

#[test]
fn a_destination_that_stands_for_another_needs_the_port_that_a_sidecar_listens_on() {
    let alias =
        svc("alias", &[80], "type: ExternalName, externalName: a.default.svc.cluster.local,");
    let to = "hosts: [b], http: [{route: [{destination: {host: alias, port: {number: 80}}}]}]";
    let services = svc("a", &[80], "") + &svc("b", &[80, 8501], "") + &alias;
    let mesh = mesh(&(services + &vs("v", 1, to)));
    assert_eq!(ends(&mesh, &from("default", "http://b/")), A);
    assert_eq!(ends(&mesh, &from("default", "http://b/").port(8501)), "503 NC");
}
