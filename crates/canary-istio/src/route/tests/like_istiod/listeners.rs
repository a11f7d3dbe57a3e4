//! Sidecars: the listener that accepts a connection.

use super::*;

/// The port for everything that `x.example.com` is asked for.
const X: &str = "http://x.example.com/";

fn x_to_a() -> String {
    vs("x", 1, &format!("hosts: [x.example.com], {TO_A}"))
}

/// Everything to port 81 of service `a`.
const TO_81: &str = "http: [{route: [{destination: {host: a, port: {number: 81}}}]}]";
const A_81: &str = "outbound|81||a.default.svc.cluster.local";

/// A Kubernetes Service with one port 80 of some name.
fn named(name: &str, port: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{ports: [{{port: 80, name: {port}}}]}}\n---\n"
    )
}

/// A host outside of the cluster with port 80, and further fields.
fn outside(host: &str, second: u32, protocol: &str, more: &str) -> String {
    let name = host.replace('.', "-");
    let spec = format!(
        "hosts: [{host}], {more} resolution: NONE, ports: [{{number: 80, name: p, protocol: {protocol}}}]"
    );
    object("ServiceEntry", &name, second, &spec)
}

fn asked(yaml: &str, url: &str) -> String {
    ends(&mesh(yaml), &from("default", url))
}

#[test]
fn a_sidecar_resource_listens_on_its_own_port_only_for_services() {
    let own = |hosts: &str| {
        format!("{{port: {{number: 80, protocol: HTTP, name: h}}, hosts: ['{hosts}']}}")
    };
    let with = |egress: &str| {
        ab() + &x_to_a() + &object("Sidecar", "s", 1, &format!("egress: [{egress}]"))
    };
    // The VirtualService is imported, and no service: nothing listens.
    let none = own("./x.example.com");
    assert_eq!(asked(&with(&none), X), "passed");
    assert_eq!(asked(&with(&own("./a.default.svc.cluster.local")), X), "passed");
    assert_eq!(asked(&with(&own("./*")), X), A);
    // Another entry listens, and the routes are still those of the first.
    let both = format!("{none}, {{hosts: ['*/*']}}");
    assert_eq!(asked(&with(&both), X), A);
    assert_eq!(asked(&with(&both), "http://b/"), "passed");
    // A service that stands for another has no listener.
    let alias =
        svc("alias", &[80], "type: ExternalName, externalName: a.default.svc.cluster.local,");
    let only = alias + &svc("a", &[81], "") + &x_to_a();
    assert_eq!(asked(&only, X), "passed");
}

#[test]
fn a_service_of_unknown_protocol_listens_on_its_own_address() {
    let rule = vs("a", 1, &format!("hosts: [a], {TO_B}"));
    let sniffed = named("a", "web") + &svc("b", &[81], "") + &rule + &x_to_a();
    assert_eq!(asked(&sniffed, X), "passed");
    assert_eq!(asked(&sniffed, "http://a/"), "503 NC");
    assert_eq!(asked(&(sniffed + &svc("c", &[80], "")), X), A);
    // Outside of the cluster it is the shared address unless one is given; a range is a part of that for all.
    let to_e = vs("e", 2, &format!("hosts: [x.example.com, e.com], {TO_81}"));
    let a = svc("a", &[81], "");
    let entry =
        |protocol: &str, more: &str| a.clone() + &outside("e.com", 1, protocol, more) + &to_e;
    let (address, range) = ("addresses: [10.1.0.1],", "addresses: [10.1.0.0/16],");
    for (protocol, more, by_rule, called) in [
        ("''", "", A_81, A_81),
        ("''", address, "passed", A_81),
        ("''", range, A_81, "outbound|80||e.com"),
        ("HTTP", address, A_81, A_81),
    ] {
        let yaml = entry(protocol, more);
        assert_eq!(asked(&yaml, X), by_rule, "{protocol} {more}");
        assert_eq!(asked(&yaml, "http://e.com/"), called, "{protocol} {more}");
    }
    // Where a `Sidecar` resource has routes for the port, those are all: the listener of another service has none.
    let split = "egress: [{port: {number: 80, protocol: HTTP, name: h}, hosts: ['./a.default.svc.cluster.local']}, {hosts: ['*/*']}]";
    let yaml = named("a", "web") + &named("b", "web") + &object("Sidecar", "s", 1, split);
    assert_eq!(asked(&yaml, "http://a/"), A);
    assert_eq!(asked(&yaml, "http://b/"), "404 NR");
}

#[test]
fn a_tcp_service_without_address_takes_what_no_http_service_takes() {
    let tcp = outside("t.com", 1, "TCP", "");
    let a = svc("a", &[81], "");
    let alone = a.clone() + &tcp + &x_to_a();
    assert_eq!(asked(&alone, X), "outbound|80||t.com");
    assert_eq!(asked(&alone, "http://t.com/"), "outbound|80||t.com");
    // With an address it is asked for itself alone.
    let placed = a.clone() + &outside("t.com", 1, "TCP", "addresses: [10.1.0.1],") + &x_to_a();
    assert_eq!(asked(&placed, X), "passed");
    assert_eq!(asked(&placed, "http://t.com/"), "outbound|80||t.com");
    assert_eq!(asked(&placed, "http://10.1.0.1/"), "outbound|80||t.com");
    // Of two without address the older has it.
    let two = a.clone() + &outside("u.com", 2, "TCP", "") + &tcp;
    assert_eq!(asked(&two, "http://u.com/"), "outbound|80||t.com");
    // What a service beside it serves over HTTP is told apart; the host without HTTP is nobody's then.
    let shared = svc("a", &[80], "") + &tcp + &x_to_a();
    assert_eq!(asked(&shared, X), A);
    assert_eq!(asked(&shared, "http://t.com/"), "passed");
    assert_eq!(asked(&shared, "tcp://other.com:80/"), "outbound|80||t.com");
    // TLS is told apart by name.
    let tls = a + &outside("s.com", 1, "TLS", "") + &outside("t.com", 2, "TCP", "");
    assert_eq!(asked(&tls, "https://s.com:80/"), "outbound|80||s.com");
    assert_eq!(asked(&tls, "https://t.com:80/"), "outbound|80||t.com");
    assert_eq!(asked(&tls, "http://s.com/"), "outbound|80||t.com");
}

#[test]
fn servers_that_speak_first_share_their_address_with_nobody() {
    let both = |mongo: u32, http: u32| {
        outside("m.com", mongo, "MONGO", "")
            + &outside("h.com", http, "HTTP", "")
            + &vs("x", 3, "hosts: [x.example.com], http: [{route: [{destination: {host: h.com}}]}]")
    };
    assert_eq!(asked(&both(1, 2), X), "outbound|80||m.com");
    assert_eq!(asked(&both(2, 1), X), "outbound|80||h.com");
    assert_eq!(asked(&both(2, 1), "tcp://m.com:80/"), "passed");
}

#[test]
fn udp_is_left_alone() {
    let udp = "apiVersion: v1\nkind: Service\nmetadata: {name: u}\nspec: {ports: [{port: 80, protocol: UDP}]}\n---\n";
    assert_eq!(asked(&(svc("a", &[81], "") + udp + &x_to_a()), X), "passed");
    assert_eq!(asked(&(svc("a", &[81], "") + udp), "http://u/"), "passed");
}

#[test]
fn a_name_that_a_sidecar_resource_leaves_out_stands_for_nothing() {
    let alias =
        svc("alias", &[80], "type: ExternalName, externalName: a.default.svc.cluster.local,");
    let to_alias = vs("v", 1, "hosts: [b], http: [{route: [{destination: {host: alias}}]}]");
    let yaml = ab() + &alias + &to_alias;
    assert_eq!(asked(&yaml, "http://b/"), A);
    let some = object("Sidecar", "s", 1, "egress: [{hosts: ['./b.default.svc.cluster.local']}]");
    assert_eq!(asked(&(yaml + &some), "http://b/"), "503 NC");
}
