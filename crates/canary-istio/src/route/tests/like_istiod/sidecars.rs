//! Sidecars: the names that they know on a port.

use super::*;

#[test]
fn a_service_is_served_on_its_own_ports_only() {
    let yaml = svc("a", &[80], "") + &svc("b", &[9000], "");
    assert_eq!(ends(&mesh(&yaml), &from("default", "http://b/").port(80)), "passed");
    assert_eq!(
        ends(&mesh(&yaml), &from("default", "http://b/").port(9000)),
        "outbound|9000||b.default.svc.cluster.local"
    );
}

#[test]
fn hosts_that_are_no_services_are_served_on_port_80() {
    let yaml = svc("a", &[80, 8080], "") + &vs("v", 1, &format!("hosts: [x.example.com], {TO_A}"));
    assert_eq!(ends(&mesh(&yaml), &from("default", "http://x.example.com/").port(8080)), "passed");
    assert_eq!(ends(&mesh(&yaml), &from("default", "http://x.example.com/")), A);
    // Beside a host that is a service they come along to its ports.
    let both = svc("a", &[8080], "") + &vs("v", 1, &format!("hosts: [a, x.example.com], {TO_A}"));
    assert_eq!(
        ends(&mesh(&both), &from("default", "http://x.example.com/").port(8080)),
        "outbound|8080||a.default.svc.cluster.local"
    );
}

#[test]
fn a_wildcard_that_fits_services_stands_for_those_alone() {
    let wide = vs("v", 1, &format!("hosts: ['*.default.svc.cluster.local'], {TO_B}"));
    let mesh = mesh(&(ab() + &wide));
    assert_eq!(ends(&mesh, &from("default", "http://a/")), B);
    assert_eq!(ends(&mesh, &from("default", "http://other.default.svc.cluster.local/")), "passed");
    // Where no service fits, it is a host like others.
    let free = super::mesh(&(ab() + &vs("v", 1, &format!("hosts: ['*.example.com'], {TO_B}"))));
    assert_eq!(ends(&free, &from("default", "http://x.example.com/")), B);
    assert_eq!(ends(&free, &from("default", "http://example.com/")), "passed");
}

#[test]
fn a_destination_without_port_takes_the_listeners_unless_its_service_listens_there() {
    let yaml =
        svc("a", &[80], "") + &svc("b", &[9000], "") + &vs("v", 1, &format!("hosts: [a], {TO_B}"));
    assert_eq!(ends(&mesh(&yaml), &from("default", "http://a/")), "503 NC");
    let gateway = format!(
        "{EDGE}{}{}",
        svc("b", &[9000], ""),
        vs("v", 1, &format!("hosts: [a.com], gateways: [edge], {TO_B}"))
    );
    assert_eq!(
        ends(&mesh(&gateway), &get("http://a.com/")),
        "outbound|9000||b.default.svc.cluster.local"
    );
    // Of several ports neither proxy guesses one.
    let several = format!(
        "{EDGE}{}{}",
        svc("b", &[9000, 9001], ""),
        vs("v", 1, &format!("hosts: [a.com], gateways: [edge], {TO_B}"))
    );
    assert_eq!(ends(&mesh(&several), &get("http://a.com/")), "503 NC");
}

#[test]
fn without_a_rule_for_the_client_a_virtual_service_is_not_there() {
    let others =
        "http: [{match: [{sourceLabels: {app: other}}], route: [{destination: {host: b}}]}]";
    let hidden = mesh(&(ab() + &vs("v", 1, &format!("hosts: [a], {others}"))));
    assert_eq!(ends(&hidden, &from("default", "http://a/")), A);
    assert_eq!(ends(&hidden, &get("http://a/").from_workload("default", [("app", "other")])), B);
    let why = hidden.route(&from("default", "http://a/")).why().to_string();
    assert!(why.contains("VirtualService default/v has no rule for this client"), "{why}");
    for matches in ["{gateways: [edge]}", "{port: 81}", "{sourceNamespace: other}"] {
        let http = format!("http: [{{match: [{matches}], route: [{{destination: {{host: b}}}}]}}]");
        let unknown =
            mesh(&(ab() + &vs("v", 1, &format!("hosts: [x.com], gateways: [mesh, edge], {http}"))));
        assert_eq!(ends(&unknown, &from("default", "http://x.com/")), "passed", "{matches}");
    }
    // The next of the same host has it then.
    let younger = mesh(
        &(ab()
            + &vs("old", 1, &format!("hosts: [a], {others}"))
            + &vs("young", 2, &format!("hosts: [a], {TO_B}"))),
    );
    assert_eq!(ends(&younger, &from("default", "http://a/")), B);
    // A wildcard has not: the service belongs to the one that names it, which is not there.
    let wide = mesh(
        &(ab()
            + &vs("old", 1, &format!("hosts: [a], {others}"))
            + &vs("wide", 2, &format!("hosts: ['*.cluster.local'], {TO_B}"))),
    );
    assert_eq!(ends(&wide, &from("default", "http://a/")), A);
    assert_eq!(ends(&wide, &from("default", "http://b/")), B);
}

#[test]
fn a_short_name_that_is_no_service_is_nobodys() {
    let yaml = svc("a", &[80], "") + &vs("v", 1, &format!("hosts: [nobody], {TO_A}"));
    assert_eq!(ends(&mesh(&yaml), &from("default", "http://nobody/")), "passed");
    assert_eq!(ends(&mesh(&yaml), &from("default", "http://nobody.default.svc.cluster.local/")), A);
}

#[test]
fn services_are_called_by_address_and_with_a_dot_at_the_end() {
    let yaml = svc("a", &[80], "clusterIP: 10.9.0.7,")
        + &svc("b", &[80], "")
        + &vs("v", 1, &format!("hosts: [a], {TO_B}"));
    let mesh = mesh(&yaml);
    for host in [
        "10.9.0.7",
        "a.default.svc.cluster.local.",
        "a",
        "a.default",
        "a.default.svc",
        "a.default.svc.cluster.local",
    ] {
        assert_eq!(ends(&mesh, &from("default", &format!("http://{host}/"))), B, "{host}");
    }
    for host in ["a.default.", "a.default.svc.", "10.9.0.8"] {
        assert_eq!(ends(&mesh, &from("default", &format!("http://{host}/"))), "passed", "{host}");
    }
    assert_eq!(ends(&mesh, &from("other", "http://a/")), "passed");
    let moved = super::mesh(
        &(svc("a", &[80], "") + &vs("v", 1, "hosts: [a], http: [{redirect: {uri: /y}}]")),
    );
    assert_eq!(
        ends(&moved, &from("other", "http://a.default.svc.cluster.local./")),
        "301 to http://a.default.svc.cluster.local./y"
    );
}

#[test]
fn pods_of_a_service_without_address_have_names_below_it() {
    let mesh = mesh(&(svc("a", &[80], "clusterIP: None,") + &svc("b", &[80], "")));
    assert_eq!(ends(&mesh, &from("default", "http://a-0.a.default.svc.cluster.local/")), A);
    assert_eq!(ends(&mesh, &from("default", "http://b-0.b.default.svc.cluster.local/")), "passed");
}

#[test]
fn sidecar_resources_say_what_a_client_knows() {
    let sidecar = |spec: &str| {
        ab() + &vs("v", 1, &format!("hosts: [b], {TO_A}")) + &object("Sidecar", "s", 1, spec)
    };
    let ends = |spec: &str, url: &str| ends(&mesh(&sidecar(spec)), &from("default", url));
    assert_eq!(ends("egress: [{hosts: ['./a.default.svc.cluster.local']}]", "http://a/"), A);
    assert_eq!(ends("egress: [{hosts: ['./a.default.svc.cluster.local']}]", "http://b/"), "passed");
    assert_eq!(ends("egress: [{hosts: ['*/*']}]", "http://b/"), A);
    assert_eq!(
        ends(
            "egress: [{hosts: ['other/*']}], outboundTrafficPolicy: {mode: REGISTRY_ONLY}",
            "http://b/"
        ),
        "502"
    );
    assert_eq!(ends("outboundTrafficPolicy: {}", "http://x.org/"), "502");
    assert_eq!(ends("outboundTrafficPolicy: {mode: ALLOW_ANY}", "http://x.org/"), "passed");
    assert_eq!(
        ends(
            "outboundTrafficPolicy: {mode: ALLOW_ANY, egressProxy: {host: b.default.svc.cluster.local, port: {number: 80}}}",
            "http://x.org/"
        ),
        B
    );
    assert_eq!(
        ends(
            "workloadSelector: {labels: {app: other}}, outboundTrafficPolicy: {}",
            "http://x.org/"
        ),
        "passed"
    );
    // A listener of its own for port 80 does not know what the others know.
    let split = "egress: [{port: {number: 80, protocol: HTTP, name: h}, hosts: ['./a.default.svc.cluster.local']}, {hosts: ['*/*']}]";
    assert_eq!(ends(split, "http://b/"), "passed");
    let strict = builder(&ab()).registry_only().build().unwrap();
    assert_eq!(super::ends(&strict, &from("default", "http://x.org/")), "502");
}

#[test]
fn a_service_that_stands_for_another_is_a_service_to_virtual_services() {
    let alias =
        svc("alias", &[80], "type: ExternalName, externalName: a.default.svc.cluster.local,");
    let ends = |more: &str, host: &str| {
        ends(&mesh(&(ab() + &alias + more)), &from("default", &format!("http://{host}/")))
    };
    // Nobody has it: its name leads to the service that it stands for, with that one's rules.
    assert_eq!(ends("", "alias"), A);
    assert_eq!(ends(&vs("v", 1, &format!("hosts: [a], {TO_B}")), "alias"), B);
    // A VirtualService has it, by its name or by a wildcard: it takes the name, unless an older one has the service.
    for host in ["alias", "'*.default.svc.cluster.local'"] {
        let own = vs("own", 2, &format!("hosts: [{host}], {TO_B}"));
        assert_eq!(ends(&own, "alias"), B, "{host}");
        assert_eq!(ends(&own, "alias.default.svc.cluster.local."), B, "{host}");
        let redirect = "http: [{redirect: {uri: /y}}]";
        let of_service = |second| vs("of-service", second, &format!("hosts: [a], {redirect}"));
        assert_eq!(ends(&(own.clone() + &of_service(3)), "alias"), B, "{host}");
        assert_eq!(
            ends(&(own.clone() + &of_service(1)), "alias"),
            "301 to http://alias/y",
            "{host}"
        );
    }
    // The wildcard stands for services alone where one fits it, even if that is such a service.
    let wide = vs("wide", 1, &format!("hosts: ['*.default.svc.cluster.local'], {TO_B}"));
    let only = mesh(&(svc("b", &[9000], "") + &alias + &wide));
    assert_eq!(
        super::ends(&only, &from("default", "http://x.default.svc.cluster.local/")),
        "passed"
    );
}
