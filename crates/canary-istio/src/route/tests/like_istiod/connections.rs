//! TLS that is passed on, and TCP.

use super::*;

#[test]
fn a_passthrough_server_sends_connections_on_by_name() {
    let gateway = object(
        "Gateway",
        "edge",
        1,
        "servers: [{port: {number: 443, name: tls, protocol: TLS}, hosts: ['*.example.com'], tls: {mode: PASSTHROUGH}}]",
    );
    let tls = |sni: &str, more: &str, weights: [u32; 2]| {
        format!(
            "{{match: [{{{more} sniHosts: [{sni}]}}], route: [{{destination: {{host: one, port: {{number: 443}}}}, weight: {}}}, {{destination: {{host: two, port: {{number: 443}}}}, weight: {}}}]}}",
            weights[0], weights[1]
        )
    };
    let rules = format!(
        "hosts: ['*.example.com'], gateways: [edge], tls: [{}, {}, {}]",
        tls("a.example.com", "port: 8443,", [0, 1]),
        tls("a.example.com", "port: 443, sourceLabels: {app: nobody},", [80, 20]),
        tls("'*.example.com'", "", [1, 3]),
    );
    let mesh = mesh(&(gateway + &vs("v", 1, &rules)));
    let shares = |url: &str| {
        let request = get(url);
        let decision = mesh.route(&request);
        let shares: Vec<_> =
            decision.shares().iter().map(|share| (share.weight, share.total)).collect();
        (shares, decision.rule().map(|rule| rule.path.clone()).unwrap_or_default())
    };
    assert_eq!(
        shares("https://a.example.com/"),
        (vec![(80, 100), (20, 100)], "spec.tls[1].match[0]".to_owned())
    );
    assert_eq!(
        shares("https://b.example.com/"),
        (vec![(1, 4), (3, 4)], "spec.tls[2].match[0]".to_owned())
    );
    assert_eq!(ends(&mesh, &get("https://b.example.org/")), "404 NR");
    assert_eq!(
        ends(&mesh, &get("https://a.example.com/").random(79)),
        "outbound|443||one.default.svc.cluster.local"
    );
    assert_eq!(
        ends(&mesh, &get("https://a.example.com/").random(80)),
        "outbound|443||two.default.svc.cluster.local"
    );
    assert_eq!(mesh.route(&get("https://a.example.com/")).retries(), None);
}

#[test]
fn a_tcp_server_sends_every_connection_to_the_first_rule() {
    let gateway = |server: &str| object("Gateway", "edge", 1, &format!("servers: [{server}]"));
    let rules = "hosts: ['*'], gateways: [edge], tcp: [{match: [{port: 81}], route: [{destination: {host: x}}]}, {match: [{gateways: [edge]}], route: [{destination: {host: db, port: {number: 5432}}}]}]";
    let plain = gateway("{port: {number: 5432, name: tcp, protocol: TCP}, hosts: ['*']}");
    let mesh = mesh(&(plain.clone() + &vs("v", 1, rules)));
    assert_eq!(ends(&mesh, &get("tcp://any:5432/")), "outbound|5432||db.default.svc.cluster.local");
    let without = super::mesh(&plain);
    assert_eq!(ends(&without, &get("tcp://any:5432/")), "404 NR");
    let ended = gateway(
        "{port: {number: 5432, name: tls, protocol: TLS}, hosts: [db.com], tls: {mode: SIMPLE, credentialName: c}}",
    );
    let ended = super::mesh(&(ended + &vs("v", 1, rules)));
    assert_eq!(
        ends(&ended, &get("https://db.com:5432/")),
        "outbound|5432||db.default.svc.cluster.local"
    );
    assert_eq!(ends(&ended, &get("https://other.com:5432/")), "404 NR");
}

#[test]
fn sidecars_send_tls_and_tcp_on_by_the_service_that_is_called() {
    let entry = object(
        "ServiceEntry",
        "e",
        1,
        "hosts: [ext.org], ports: [{number: 443, name: tls, protocol: TLS}, {number: 5432, name: db, protocol: TCP}], resolution: DNS",
    );
    let with =
        |rules: &str| mesh(&(ab() + &entry + &vs("v", 1, &format!("hosts: [ext.org], {rules}"))));
    let tls = get("https://ext.org/").from_workload("default", [("app", "shopper")]);
    let tcp = from("default", "tcp://ext.org/").port(5432);
    let none = with("http: [{route: [{destination: {host: b}}]}]");
    assert_eq!(ends(&none, &tls), "outbound|443||ext.org");
    assert_eq!(ends(&none, &tcp), "outbound|5432||ext.org");
    let some = with(
        "tls: [{match: [{sniHosts: [ext.org], sourceLabels: {app: shopper}}], route: [{destination: {host: b, port: {number: 80}}}]}], tcp: [{match: [{sourceNamespace: other}], route: [{destination: {host: b, port: {number: 80}}}]}, {route: [{destination: {host: a, port: {number: 80}}}]}]",
    );
    assert_eq!(ends(&some, &tls), B);
    assert_eq!(ends(&some, &tcp), A);
    assert_eq!(
        ends(&some, &get("https://ext.org/").from_workload("default", [("app", "x")])),
        "outbound|443||ext.org"
    );
    let other = with(
        "tls: [{match: [{sniHosts: ['*.ext.org']}], route: [{destination: {host: b, port: {number: 80}}}]}]",
    );
    assert_eq!(ends(&other, &tls), "passed");
}
