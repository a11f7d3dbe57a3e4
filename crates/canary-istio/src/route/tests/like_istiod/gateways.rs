//! Gateways: servers, their ports and hosts, mirrors and retries.

use super::*;
use crate::route::GatewayWorkload;

/// A server for HTTPS on port 443.
fn https(name: &str, hosts: &str) -> String {
    format!(
        "{{port: {{number: 443, name: {name}, protocol: HTTPS}}, hosts: {hosts}, tls: {{mode: SIMPLE, credentialName: c}}}}"
    )
}

#[test]
fn a_redirect_to_https_is_for_hosts_without_a_namespace() {
    let with = |hosts: &str| {
        mesh(&object(
            "Gateway",
            "edge",
            1,
            &format!(
                "servers: [{{port: {{number: 80, name: http, protocol: HTTP}}, hosts: {hosts}, tls: {{httpsRedirect: true}}}}]"
            ),
        ))
    };
    assert_eq!(ends(&with("['./*']"), &get("http://a.com/")), "404 NR");
    assert_eq!(ends(&with("['shop/*.com']"), &get("http://a.com/")), "404 NR");
    for hosts in ["['*/*']", "['*/a.com']", "['A.com']"] {
        assert_eq!(ends(&with(hosts), &get("http://a.com/")), "301 to https://a.com/", "{hosts}");
    }
    // With a VirtualService there is a virtual host, and it redirects.
    let served = mesh(&format!(
        "{}{}",
        object(
            "Gateway",
            "edge",
            1,
            "servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['./*'], tls: {httpsRedirect: true}}]"
        ),
        vs("all", 1, &format!("hosts: [a.com], gateways: [edge], {TO_A}")),
    ));
    assert_eq!(ends(&served, &get("http://a.com/")), "301 to https://a.com/");
}

#[test]
fn at_a_gateway_a_wider_host_serves_then() {
    let yaml = format!(
        "{EDGE}{}{}{}",
        svc("a", &[80], ""),
        vs(
            "exact",
            1,
            "hosts: [a.com], gateways: [edge], http: [{match: [{port: 81}], route: [{destination: {host: x}}]}]"
        ),
        vs("wide", 2, &format!("hosts: ['*.com'], gateways: [edge], {TO_A}")),
    );
    assert_eq!(ends(&mesh(&yaml), &get("http://a.com/")), A);
}

#[test]
fn mirrors_keep_the_authority() {
    let yaml = format!(
        "{EDGE}{}{}",
        ab(),
        vs(
            "v",
            1,
            "hosts: ['*'], gateways: [edge], http: [{rewrite: {authority: x.com}, route: [{destination: {host: a}}], mirror: {host: b}}]"
        )
    );
    let (mesh, request) = (mesh(&yaml), get("http://a.com/"));
    let decision = mesh.route(&request);
    assert_eq!(decision.mirrors()[0].name, B);
    assert_eq!(decision.authority(), "x.com");
}

#[test]
fn a_server_one_of_whose_hosts_is_taken_is_left_out_whole() {
    let with = |hosts: &str| {
        svc("a", &[80], "")
            + &object("Gateway", "one", 1, &format!("servers: [{}]", https("https", "[a.com]")))
            + &object("Gateway", "two", 2, &format!("servers: [{}]", https("https", hosts)))
            + &vs(
                "v",
                1,
                "hosts: [b.com], gateways: [one, two], http: [{route: [{destination: {host: a, port: {number: 80}}}]}]",
            )
    };
    let request = get("https://b.com/").gateway("default/two");
    assert_eq!(ends(&mesh(&with("[b.com]")), &request), A);
    let taken = mesh(&with("[a.com, b.com]"));
    assert_eq!(ends(&taken, &request), "404 NR");
    let notes: Vec<_> = taken.notes().collect();
    assert!(notes[0].contains("Gateway default/two") && notes[0].contains("a.com"), "{notes:?}");
    // Another address is another listener.
    let elsewhere =
        with("[a.com, b.com]").replacen("hosts: [a.com],", "bind: 10.0.0.1, hosts: [a.com],", 1);
    assert_eq!(ends(&mesh(&elsewhere), &request), A);
}

#[test]
fn hosts_that_differ_by_namespace_alone_make_a_listener_that_envoy_refuses() {
    let yaml = svc("a", &[80], "")
        + &object(
            "Gateway",
            "one",
            1,
            &format!("servers: [{}, {}]", https("h1", "[a.com]"), https("h2", "[./a.com]")),
        )
        + &vs(
            "v",
            1,
            "hosts: [a.com], gateways: [one], http: [{route: [{destination: {host: a, port: {number: 80}}}]}]",
        );
    let mesh = mesh(&yaml);
    let notes: Vec<_> = mesh.notes().collect();
    assert!(
        notes.iter().any(|note| note.contains("Envoy refuses the listener on port 443")),
        "{notes:?}"
    );
    assert_eq!(ends(&mesh, &get("https://a.com/")), "404 NR");
}

#[test]
fn the_ports_of_a_gateway_are_those_of_its_service() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: gw, namespace: istio-system}\nspec: {selector: {istio: ingressgateway, app: gw}, ports: [{port: 80, targetPort: 8080, name: http}]}\n---\n";
    let other = "kind: Gateway\nmetadata: {name: other}\nspec:\n  selector: {istio: ingressgateway}\n  servers:\n  - {port: {number: 8080, protocol: HTTP, name: http}, hosts: ['*']}\n---\n";
    let rules = vs(
        "v",
        1,
        "hosts: ['*'], gateways: [edge], http: [{match: [{port: 80}], route: [{destination: {host: a}}]}]",
    );
    let more = vs(
        "w",
        2,
        "hosts: ['*'], gateways: [other], http: [{match: [{uri: {prefix: /w}}], route: [{destination: {host: b}}]}]",
    );
    let yaml = format!("{EDGE}{other}{service}{}{rules}{more}", ab());
    let whole = mesh(&yaml);
    for url in ["http://x/", "http://x:80/", "http://x:8080/"] {
        let request = get(url);
        let decision = whole.route(&request);
        assert_eq!(
            (decision.listener_port(), ends(&whole, &request)),
            (8080, A.to_owned()),
            "{url}"
        );
    }
    // Both Gateways are one listener, in which a rule for everything comes last.
    assert_eq!(ends(&whole, &get("http://x/w").port(80)), B);
    let unequal = yaml.replace("match: [{port: 80}]", "match: [{uri: {prefix: /v}}]");
    assert_eq!(ends(&mesh(&unequal), &get("http://x/w").port(80)), B);
    // Pods that the Service does not select keep their ports.
    let told = builder(&unequal)
        .gateway_workload(GatewayWorkload {
            gateways: vec!["default/edge".to_owned(), "default/other".to_owned()],
            namespace: "istio-system".to_owned(),
            labels: [("istio".to_owned(), "ingressgateway".to_owned())].into(),
        })
        .build()
        .unwrap();
    assert_eq!(ends(&told, &get("http://x/w").port(80)), "404 NR");
}
#[test]
fn retries_to_hashed_endpoints_may_go_to_the_same_again() {
    let hashed = "host: a, trafficPolicy: {loadBalancer: {consistentHash: {httpHeaderName: x}}}";
    let avoids = |http: &str, rules: &str| {
        let yaml = format!(
            "{EDGE}{}{}{rules}",
            ab(),
            vs("v", 1, &format!("hosts: ['*'], gateways: [edge], http: [{http}]"))
        );
        let (mesh, request) = (mesh(&yaml), get("http://x/"));
        mesh.route(&request).retries().unwrap().ignore_previous_hosts
    };
    let hash = rule("d", 1, hashed);
    assert!(avoids("{route: [{destination: {host: a}}]}", ""));
    assert!(!avoids("{route: [{destination: {host: a}}]}", &hash));
    assert!(!avoids("{retries: {attempts: 3}, route: [{destination: {host: a}}]}", &hash));
    assert!(avoids(
        "{retries: {attempts: 3, retryIgnorePreviousHosts: true}, route: [{destination: {host: a}}]}",
        &hash
    ));
    // Of several destinations none counts.
    assert!(avoids(
        "{route: [{destination: {host: a}, weight: 1}, {destination: {host: b}, weight: 1}]}",
        &hash
    ));
    let of_port = rule(
        "d",
        1,
        "host: a, trafficPolicy: {portLevelSettings: [{port: {number: 80}, loadBalancer: {consistentHash: {useSourceIp: true}}}]}",
    );
    assert!(avoids("{route: [{destination: {host: a}}]}", &of_port));
    assert!(!avoids("{route: [{destination: {host: a, port: {number: 80}}}]}", &of_port));
}
