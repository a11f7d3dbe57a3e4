//! The VirtualServices and routes of a gateway, and the host that a request matches.

use super::*;
use crate::route::GatewayWorkload;

const TO_A: &str = "- route: [{destination: {host: a}}]";
const TO_B: &str = "- route: [{destination: {host: b}}]";

fn gateway(name: &str, hosts: &str) -> String {
    format!(
        "kind: Gateway\nmetadata: {{name: {name}}}\nspec:\n  servers:\n  - {{port: {{number: 80, protocol: HTTP, name: http}}, hosts: {hosts}}}\n---\n"
    )
}

#[test]
fn short_hosts_are_completed_and_dotted_ones_are_not() {
    let mesh = mesh(&format!(
        "{EDGE}{}{}",
        service("short", "[models]", TO_A),
        service(
            "dotted",
            "[models.other]",
            "- route: [{destination: {host: b.other, port: {number: 1}}}]"
        ),
    ));
    assert_eq!(goes(&mesh, &get("http://models.default.svc.cluster.local/")), "a");
    assert_eq!(goes(&mesh, &get("http://models/")), "404 NR");
    let dotted = get("http://models.other/");
    let decision = mesh.route(&dotted);
    assert_eq!(decision.cluster().unwrap().name, "outbound|1||b.other");
}

#[test]
fn the_most_specific_host_wins_and_there_is_no_way_back() {
    let mesh = mesh(&format!(
        "{EDGE}{}{}{}",
        service("any", "['*']", "- route: [{destination: {host: any}}]"),
        service("wide", "['*.foo.com']", "- route: [{destination: {host: wide}}]"),
        service(
            "exact",
            "[a.foo.com]",
            "- match: [{uri: {prefix: /only}}]\n  route: [{destination: {host: exact}}]"
        ),
    ));
    assert_eq!(goes(&mesh, &get("http://a.foo.com/only")), "exact");
    assert_eq!(goes(&mesh, &get("http://a.foo.com/else")), "404 NR");
    assert_eq!(goes(&mesh, &get("http://b.foo.com/else")), "wide");
    assert_eq!(goes(&mesh, &get("http://x.b.foo.com/")), "wide");
    assert_eq!(goes(&mesh, &get("http://foo.com/")), "any");
    assert_eq!(goes(&mesh, &get("http://B.FOO.com:8080/else")), "wide");
}

#[test]
fn server_hosts_and_service_hosts_meet_in_the_narrower() {
    let yaml =
        |hosts: &str| format!("{}{}", gateway("edge", hosts), service("a", "['*.foo.com']", TO_A));
    assert_eq!(goes(&mesh(&yaml("[x.foo.com]")), &get("http://x.foo.com/")), "a");
    assert_eq!(goes(&mesh(&yaml("[x.foo.com]")), &get("http://y.foo.com/")), "404 NR");
    assert_eq!(goes(&mesh(&yaml("['*.com']")), &get("http://y.foo.com/")), "a");
    assert_eq!(goes(&mesh(&yaml("['*.com']")), &get("http://y.bar.com/")), "404 NR");
    assert_eq!(goes(&mesh(&yaml("['bar.com']")), &get("http://x.foo.com/")), "404 NR");
}

#[test]
fn server_hosts_may_ask_for_a_namespace() {
    let route = |hosts: &str, namespace: &str| {
        let yaml = format!("{}{}", gateway("edge", hosts), service("a", "['*']", TO_A))
            .replace("{name: a}", &format!("{{name: a, namespace: {namespace}}}"))
            .replace("[edge]", "[default/edge]");
        goes(&mesh(&yaml), &get("http://x.com/"))
    };
    assert_eq!(route("['shop/*']", "shop"), "a");
    assert_eq!(route("['shop/*']", "web"), "404 NR");
    assert_eq!(route("['./*']", "default"), "a");
    assert_eq!(route("['./*']", "web"), "404 NR");
    assert_eq!(route("['*/*']", "web"), "a");
}

#[test]
fn services_on_one_host_concatenate_and_catch_alls_go_last() {
    let specific = "- match: [{uri: {prefix: /b}}]\n  route: [{destination: {host: b}}]\n- route: [{destination: {host: rest-of-b}}]";
    let mesh = mesh(&format!(
        "{EDGE}{}{}",
        service("one", "['*']", TO_A),
        service("two", "['*']", specific)
    ));
    assert_eq!(goes(&mesh, &get("http://x/b")), "b");
    assert_eq!(goes(&mesh, &get("http://x/other")), "a");
}

#[test]
fn older_services_come_first() {
    let timed = |name: &str, seconds: u32, host: &str| {
        service(
            name,
            "['*']",
            &format!(
                "- match: [{{uri: {{prefix: /p}}}}]\n  route: [{{destination: {{host: {host}}}}}]"
            ),
        )
        .replace(
            &format!("{{name: {name}}}"),
            &format!("{{name: {name}, creationTimestamp: '2026-01-01T00:00:{seconds:02}Z'}}"),
        )
    };
    let mesh = mesh(&format!("{EDGE}{}{}", timed("young", 9, "young"), timed("old", 1, "old")));
    assert_eq!(goes(&mesh, &get("http://x/p")), "old");
}

#[test]
fn nothing_is_generated_after_a_catch_all() {
    // Rules after the catch-all stay unreachable, even if the catch-all moves behind the rules of another object.
    let first = "- match: [{uri: {prefix: /a}}]\n  route: [{destination: {host: a}}]\n- match: [{uri: {prefix: /}}, {uri: {prefix: /x}}]\n  route: [{destination: {host: all}}]\n- match: [{uri: {prefix: /dead}}]\n  route: [{destination: {host: dead}}]";
    let mesh =
        mesh(&format!("{EDGE}{}{}", service("one", "['*']", first), service("two", "['*']", TO_B)));
    assert_eq!(goes(&mesh, &get("http://x/a")), "a");
    assert_eq!(goes(&mesh, &get("http://x/dead")), "all");
    assert_eq!(goes(&mesh, &get("http://x/x")), "all");
}

#[test]
fn gateways_that_share_proxies_share_hosts() {
    let mesh = mesh(&format!(
        "{}{}{}",
        gateway("edge", "['a.com']"),
        gateway("other", "['b.com']"),
        service("a", "['a.com', 'b.com']", TO_A)
    ));
    assert_eq!(goes(&mesh, &get("http://a.com/").gateway("default/other")), "a");
    assert_eq!(goes(&mesh, &get("http://b.com/")), "404 NR");
    assert_eq!(goes(&mesh, &get("http://b.com/").gateway("edge")), "404 NR");
}

#[test]
fn gateways_of_other_proxies_are_told_apart() {
    let other = gateway("other", "['b.com']").replace("spec:", "spec:\n  selector: {istio: other}");
    let mesh = mesh(&format!(
        "{}{other}{}{}",
        gateway("edge", "['*']"),
        service("a", "['*']", TO_A),
        service("b", "['*']", TO_B).replace("[edge]", "[other]"),
    ));
    assert_eq!(goes(&mesh, &get("http://b.com/").gateway("default/edge")), "a");
    assert_eq!(goes(&mesh, &get("http://b.com/").gateway("default/other")), "b");
    // Without a name the first that knows the host is taken.
    assert_eq!(goes(&mesh, &get("http://c.com/")), "a");
    assert_eq!(goes(&mesh, &get("http://b.com/").gateway("default/none")), "404 NR");
}

#[test]
fn listeners_are_found_by_port() {
    let yaml = format!(
        "{}{}",
        gateway("edge", "['*']").replace("  - {port", "  - {port: {number: 443, protocol: HTTPS, name: https}, hosts: ['*.com'], tls: {mode: SIMPLE, credentialName: c}}\n  - {port"),
        service("a", "['*']", TO_A)
    );
    let mesh = mesh(&yaml);
    let port = |request: Request| mesh.route(&request).listener_port();
    assert_eq!(port(get("http://x.com/")), 80);
    assert_eq!(port(get("https://x.com/")), 443);
    assert_eq!(port(get("http://x.com:443/")), 443);
    // A port that only the load balancer has carries no information.
    assert_eq!(port(get("http://x.com:31380/")), 80);
    assert_eq!(goes(&mesh, &get("https://x.com/")), "a");
    assert_eq!(goes(&mesh, &get("https://x.org/")), "404 NR");
    assert_eq!(goes(&mesh, &get("http://x.com/").port(8080)), "404 NR");
}

#[test]
fn plain_requests_are_sent_to_https() {
    let yaml = format!(
        "{}{}",
        gateway("edge", "['a.com']")
            .replace("hosts: ['a.com']", "hosts: ['a.com'], tls: {httpsRedirect: true}"),
        service("a", "['*']", TO_A)
    );
    let mesh = mesh(&yaml);
    assert_eq!(goes(&mesh, &get("http://a.com/x?y")), "301 to https://a.com/x?y");
    // Also without any VirtualService.
    let alone = super::mesh(&gateway("edge", "['a.com'], tls: {httpsRedirect: true}"));
    assert_eq!(goes(&alone, &get("http://a.com/")), "301 to https://a.com/");
}

#[test]
fn exports_are_judged_by_the_namespace_of_the_proxies() {
    let yaml = |export: &str| {
        format!("{EDGE}{}", service("a", "['*']", TO_A))
            .replace("  gateways:", &format!("  exportTo: {export}\n  gateways:"))
    };
    assert_eq!(goes(&mesh(&yaml("['*']")), &get("http://x/")), "a");
    assert_eq!(goes(&mesh(&yaml("['.']")), &get("http://x/")), "404 NR");
    assert_eq!(goes(&mesh(&yaml("[istio-system]")), &get("http://x/")), "a");
    let own = builder(&yaml("['.']")).gateway_namespace("default").build().unwrap();
    assert_eq!(goes(&own, &get("http://x/")), "a");
}

#[test]
fn nearer_services_come_before_public_ones() {
    let rule = |host: &str| {
        format!("- match: [{{uri: {{prefix: /p}}}}]\n  route: [{{destination: {{host: {host}}}}}]")
    };
    let mesh = mesh(&format!(
        "{EDGE}{}{}",
        service("public", "['*']", &rule("public")),
        service("named", "['*']", &rule("named"))
            .replace("  gateways:", "  exportTo: [istio-system]\n  gateways:")
    ));
    assert_eq!(goes(&mesh, &get("http://x/p")), "named");
}

#[test]
fn conditions_on_the_proxy_are_judged_at_the_gateway() {
    let http = "- match: [{port: 8080}]\n  route: [{destination: {host: port}}]\n- match: [{gateways: [other]}]\n  route: [{destination: {host: gateway}}]\n- match: [{sourceLabels: {app: x}}]\n  route: [{destination: {host: labels}}]\n- match: [{sourceNamespace: web}]\n  route: [{destination: {host: namespace}}]\n- route: [{destination: {host: rest}}]";
    let yaml = format!("{EDGE}{}", service("a", "['*']", http));
    // The client's own labels never count at a gateway.
    let mut request = get("http://x/");
    request.source_labels.insert("app".to_owned(), "x".to_owned());
    request.source_namespace = Some("web".to_owned());
    assert_eq!(goes(&mesh(&yaml), &request), "rest");
    let labelled = builder(&yaml)
        .gateway_workload(GatewayWorkload {
            gateways: vec!["default/edge".to_owned()],
            namespace: "web".to_owned(),
            labels: [("app".to_owned(), "x".to_owned())].into(),
        })
        .build()
        .unwrap();
    assert_eq!(goes(&labelled, &get("http://x/")), "labels");
}

#[test]
fn naming_gateways_in_a_match_switches_source_conditions_off() {
    let http = "- match: [{gateways: [edge], sourceLabels: {app: x}, sourceNamespace: web}]\n  route: [{destination: {host: a}}]";
    assert_eq!(goes(&rules(http), &get("http://x/")), "a");
}

#[test]
fn hosts_times_rules_have_a_limit() {
    // Each host has services of its own beside one with many rules: no two share their routes.
    let hosts: Vec<String> = (0..300).map(|n| format!("a{n}.x")).collect();
    let many: Vec<String> = (0..4000)
        .map(|n| {
            format!(
                "- match: [{{uri: {{exact: /p{n}}}}}]\n  route: [{{destination: {{host: a}}}}]\n"
            )
        })
        .collect();
    let mut text =
        format!("{EDGE}{}", service("all", &format!("[{}]", hosts.join(", ")), &many.concat()));
    for (n, host) in hosts.iter().enumerate() {
        text += &service(
            &format!("own{n}"),
            &format!("[{host}]"),
            "- route: [{destination: {host: b}}]",
        );
    }
    let error = builder(&text).build().unwrap_err().to_string();
    assert!(error.contains("C904") && error.contains("1000000 routes"), "{error}");
}
