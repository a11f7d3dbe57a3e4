//! Calls from within the mesh.

use super::*;
use crate::route::Service;

fn of_mesh(name: &str, hosts: &str, http: &str) -> String {
    service(name, hosts, http).replace("  gateways: [edge]\n", "")
}

fn call(url: &str) -> Request {
    get(url).from_workload("default", [("app", "web")])
}

const TO_A: &str = "- route: [{destination: {host: a}}]";
const TO_B: &str = "- route: [{destination: {host: b}}]";

#[test]
fn a_service_is_known_by_all_its_names() {
    let mesh = mesh(&of_mesh("reviews", "[reviews]", TO_A));
    for host in [
        "reviews",
        "reviews.default",
        "reviews.default.svc",
        "reviews.default.svc.cluster.local",
        "reviews:9080",
    ] {
        assert_eq!(goes(&mesh, &call(&format!("http://{host}/"))), "a", "{host}");
    }
    let far = get("http://reviews/").from_workload("web", [("app", "web")]);
    assert_eq!(mesh.route(&far).cluster().unwrap().host, "reviews.web.svc.cluster.local");
    assert_eq!(mesh.route(&call("http://example.com/")).outcome(), &Outcome::Passthrough);
    let named = get("http://reviews.default/").from_workload("web", [("app", "web")]);
    assert_eq!(goes(&mesh, &named), "a");
    let known = builder(&of_mesh("reviews", "[reviews]", TO_A))
        .services([Service::of_cluster("default", "a").port(80)])
        .build()
        .unwrap();
    assert_eq!(known.route(&far).outcome(), &Outcome::Passthrough);
}

#[test]
fn the_oldest_has_the_host_and_nothing_is_concatenated() {
    let specific = "- match: [{uri: {prefix: /b}}]\n  route: [{destination: {host: b}}]";
    let mesh = mesh(&format!(
        "{}{}",
        of_mesh(
            "one",
            "[reviews]",
            "- match: [{uri: {prefix: /a}}]\n  route: [{destination: {host: a}}]"
        ),
        of_mesh("two", "[reviews]", specific)
    ));
    assert_eq!(goes(&mesh, &call("http://reviews/a")), "a");
    assert_eq!(goes(&mesh, &call("http://reviews/b")), "404 NR");
}

#[test]
fn services_bound_to_gateways_do_not_concern_sidecars() {
    let mesh = mesh(&format!("{EDGE}{}", service("a", "[reviews]", TO_A)));
    let request = call("http://reviews.default.svc.cluster.local/");
    let decision = mesh.route(&request);
    // No inventory: a name of the cluster counts as a service.
    assert_eq!(decision.cluster().unwrap().name, "outbound|80||reviews.default.svc.cluster.local");
    assert!(decision.rule().is_none());
    let both = super::mesh(&format!(
        "{EDGE}{}",
        service("a", "[reviews]", TO_A).replace("[edge]", "[edge, mesh]")
    ));
    assert_eq!(goes(&both, &call("http://reviews/")), "a");
}

#[test]
fn wildcards_attach_to_services_longest_first() {
    let mesh = builder(&format!(
        "{}{}",
        of_mesh("wide", "['*.local']", TO_A),
        of_mesh("near", "['*.default.svc.cluster.local']", TO_B)
    ))
    .services([
        Service::of_cluster("default", "reviews").port(80),
        Service::of_cluster("other", "reviews").port(80),
        Service::of_cluster("default", "a").port(80),
        Service::of_cluster("default", "b").port(80),
    ])
    .build()
    .unwrap();
    assert_eq!(goes(&mesh, &call("http://reviews/")), "b");
    assert_eq!(goes(&mesh, &call("http://reviews.other/")), "a");
    assert_eq!(mesh.route(&call("http://example.com/")).outcome(), &Outcome::Passthrough);
}

#[test]
fn conditions_on_the_client_are_judged_with_the_request() {
    let http = "- match: [{gateways: [edge]}]\n  route: [{destination: {host: gateway}}]\n- match: [{sourceLabels: {app: web}, port: 9080}]\n  route: [{destination: {host: labels}}]\n- match: [{sourceNamespace: shop}]\n  route: [{destination: {host: namespace}}]\n- match: [{gateways: [mesh], uri: {prefix: /m}}]\n  route: [{destination: {host: mesh}}]\n- route: [{destination: {host: rest}}]";
    let mesh = mesh(&of_mesh("reviews", "[reviews]", http));
    assert_eq!(goes(&mesh, &call("http://reviews:9080/")), "labels");
    assert_eq!(goes(&mesh, &call("http://reviews:9081/")), "rest");
    assert_eq!(
        goes(&mesh, &get("http://reviews.default/").from_workload("shop", [("app", "x")])),
        "namespace"
    );
    assert_eq!(goes(&mesh, &call("http://reviews/m")), "mesh");
}

#[test]
fn exports_are_judged_by_the_clients_namespace() {
    let mesh = mesh(
        &of_mesh("reviews", "[reviews]", TO_A).replace("  http:", "  exportTo: ['.']\n  http:"),
    );
    assert_eq!(goes(&mesh, &call("http://reviews/")), "a");
    let far = get("http://reviews.default.svc/").from_workload("web", [("app", "web")]);
    assert_eq!(mesh.route(&far).cluster().unwrap().host, "reviews.default.svc.cluster.local");
}

#[test]
fn destination_rules_are_chosen_for_the_client() {
    let rule = "kind: DestinationRule\nmetadata: {name: a}\nspec: {host: a, exportTo: ['.'], subsets: [{name: v1}]}\n---\n";
    let mesh = mesh(&format!(
        "{rule}{}",
        of_mesh("reviews", "[reviews]", "- route: [{destination: {host: a, subset: v1}}]")
    ));
    assert_eq!(goes(&mesh, &call("http://reviews/")), "a");
    let far = get("http://reviews.default/").from_workload("web", [("app", "web")]);
    assert_eq!(goes(&mesh, &far), "503 NC");
}
