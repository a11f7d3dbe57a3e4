//! Destinations: weights, clusters, health, DestinationRules.

use super::*;
use crate::route::Service;

const SPLIT: &str = "
- route:
  - {destination: {host: models, subset: a, port: {number: 8501}}, weight: 70}
  - {destination: {host: models, subset: none, port: {number: 8501}}}
  - {destination: {host: models, subset: b, port: {number: 8501}}, weight: 30}
";

const SUBSETS: &str = "
kind: DestinationRule
metadata: {name: models}
spec:
  host: models
  trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}
  subsets:
  - {name: a, labels: {version: a}}
  - {name: b, labels: {version: b}, trafficPolicy: {loadBalancer: {simple: RANDOM}}}
---
";

fn split() -> String {
    format!("{EDGE}{SUBSETS}{}", service("a", "['*']", SPLIT))
}

#[test]
fn every_residue_falls_on_its_share() {
    let mesh = mesh(&split());
    let mut seen = std::collections::BTreeMap::<String, u32>::new();
    for random in 0..1000 {
        let request = get("http://x/").random(random);
        let decision = mesh.route(&request);
        let subset = decision.cluster().unwrap().subset.clone().unwrap();
        *seen.entry(subset).or_default() += 1;
    }
    assert_eq!(seen["a"], 700);
    assert_eq!(seen["b"], 300);
    assert_eq!(seen.len(), 2);
    // Intervals in listed order: 0..70 is the first, 70..100 the last.
    let subset = |random| {
        let request = get("http://x/").random(random);
        mesh.route(&request).cluster().unwrap().subset.clone().unwrap()
    };
    assert_eq!(
        (subset(69), subset(70), subset(169), subset(100)),
        ("a".into(), "b".into(), "a".into(), "a".into())
    );
}

#[test]
fn shares_are_exact_and_sum_to_the_total() {
    let mesh = mesh(&split());
    let request = get("http://x/");
    let shares = mesh.route(&request).shares();
    let told: Vec<_> = shares.iter().map(|share| (share.weight, share.total)).collect();
    assert_eq!(told, [(70, 100), (0, 100), (30, 100)]);
    assert!((shares.iter().map(super::super::Share::fraction).sum::<f64>() - 1.0).abs() < 1e-12);
    assert_eq!(shares[2].cluster.name, "outbound|8501|b|models.default.svc.cluster.local");
}

#[test]
fn weights_need_not_sum_to_a_hundred() {
    let mesh = rules(
        "- route: [{destination: {host: a}, weight: 1}, {destination: {host: b}, weight: 2}]",
    );
    let to_a =
        (0..3000).filter(|random| goes(&mesh, &get("http://x/").random(*random)) == "a").count();
    assert_eq!(to_a, 1000);
    let single = rules("- route: [{destination: {host: a}, weight: 0}]");
    assert_eq!(goes(&single, &get("http://x/").random(u64::MAX)), "a");
}

#[test]
fn weights_that_envoy_refuses_are_refused() {
    let refused = |http: &str| {
        let yaml = format!("{EDGE}{}", service("a", "['*']", http));
        let crate::Error::Invalid(findings) = builder(&yaml).build().unwrap_err() else { panic!() };
        findings.0[0].code.clone()
    };
    assert_eq!(
        refused("- route: [{destination: {host: a}}, {destination: {host: b}, weight: 0}]"),
        "V074"
    );
    assert_eq!(
        refused(
            "- route: [{destination: {host: a}, weight: -1}, {destination: {host: b}, weight: 2}]"
        ),
        "V073"
    );
    let huge = "- route: [{destination: {host: a}, weight: 2147483647}, {destination: {host: b}, weight: 2147483647}, {destination: {host: c}, weight: 2147483647}]";
    assert_eq!(refused(huge), "C901");
    assert_eq!(refused("- redirect: {redirectCode: 304, uri: /x}"), "C903");
    assert_eq!(refused("- name: nothing"), "V059");
    for (field, value) in [("headers", "{}"), ("withoutHeaders", "{}"), ("headers", "{regex: '*'}")]
    {
        let claim = format!(
            "- match: [{{{field}: {{'@request.auth.claims.group': {value}}}}}]\n  route: [{{destination: {{host: a}}}}]"
        );
        assert_eq!(refused(&claim), "C905", "{field} {value}");
    }
}

#[test]
fn subsets_that_no_rule_declares_do_not_exist() {
    let mesh = mesh(&format!(
        "{EDGE}{}",
        service("a", "['*']", "- route: [{destination: {host: models, subset: a}}]")
    ));
    let request = get("http://x/");
    let decision = mesh.route(&request);
    assert_eq!(told(&decision), "503 NC");
    assert!(decision.why().to_string().contains("subset a of models.default.svc.cluster.local"));
    assert_eq!(decision.cluster().unwrap().subset.as_deref(), Some("a"));
}

#[test]
fn the_port_is_the_destinations_else_the_services_else_the_listeners() {
    let http = "- match: [{uri: {prefix: /one}}]\n  route: [{destination: {host: one}}]\n- match: [{uri: {prefix: /two}}]\n  route: [{destination: {host: two}}]\n- route: [{destination: {host: two, port: {number: 8500}}}]";
    let mesh = builder(&format!("{EDGE}{}", service("a", "['*']", http)))
        .services([
            Service::of_cluster("default", "one").port(8501),
            Service::of_cluster("default", "two").port(8500).port(80),
        ])
        .build()
        .unwrap();
    let port = |path: &str| mesh.route(&get(&format!("http://x{path}"))).cluster().unwrap().port;
    assert_eq!((port("/one"), port("/two"), port("/three")), (8501, 80, 8500));
}

#[test]
fn an_inventory_shows_what_is_missing() {
    let with = |service: Service| {
        let mesh = builder(&split()).services([service]).build().unwrap();
        goes(&mesh, &get("http://x/").random(99))
    };
    let models = || Service::of_cluster("default", "models").port(8501);
    assert_eq!(with(models()), "models");
    assert_eq!(with(models().endpoint([("version", "b")], true)), "models");
    assert_eq!(with(models().endpoint([("version", "a")], true)), "503 UH");
    assert_eq!(with(models().endpoint([("version", "b")], false)), "503 UH");
    assert_eq!(with(Service::of_cluster("default", "models").port(8500)), "503 NC");
    assert_eq!(with(Service::of_cluster("default", "others").port(8501)), "503 NC");
}

#[test]
fn weight_is_not_moved_away_from_a_subset_without_endpoints() {
    let mesh = builder(&split())
        .services([Service::of_cluster("default", "models")
            .port(8501)
            .endpoint([("version", "a")], true)])
        .build()
        .unwrap();
    let failed = (0..100)
        .filter(|random| goes(&mesh, &get("http://x/").random(*random)) == "503 UH")
        .count();
    assert_eq!(failed, 30);
    let request = get("http://x/").random(0);
    let why = mesh.route(&request).why();
    assert!(
        why.notes
            .iter()
            .any(|note| note.starts_with("30/100 of the requests of this rule fail with 503 UH")),
        "{why}"
    );
}

#[test]
fn external_names_stand_for_their_target() {
    let mesh = builder(&format!(
        "{EDGE}{}",
        service("a", "['*']", "- route: [{destination: {host: out}}]")
    ))
    .known_service(Service::of_cluster("default", "out").port(443).external_name("api.example.com"))
    .build()
    .unwrap();
    let request = get("http://x/");
    assert_eq!(mesh.route(&request).cluster().unwrap().name, "outbound|443||api.example.com");
}

#[test]
fn an_external_name_needs_a_service_behind_it() {
    let with = |target: &str| {
        builder(&format!(
            "{EDGE}{}",
            service("a", "['*']", "- route: [{destination: {host: out}}]")
        ))
        .services([
            Service::of_cluster("default", "out").port(80).external_name(target),
            Service::of_cluster("default", "real").port(80).endpoint([("app", "real")], true),
        ])
        .build()
        .unwrap()
    };
    let request = get("http://x/");
    assert_eq!(goes(&with("real.default.svc.cluster.local"), &request), "real");
    assert_eq!(goes(&with("api.example.com"), &request), "503 NC");
}

#[test]
fn kubernetes_services_among_the_objects_tell_their_ports() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: models}\nspec: {ports: [{port: 8501}]}\n---\n";
    let mesh = mesh(&format!("{EDGE}{service}{}", service_to("models")));
    let request = get("http://x/");
    assert_eq!(mesh.route(&request).cluster().unwrap().port, 8501);
}

fn service_to(host: &str) -> String {
    service("a", "['*']", &format!("- route: [{{destination: {{host: {host}}}}}]"))
}

#[test]
fn the_policy_in_force_is_told_with_its_sources() {
    let mesh = mesh(&split());
    let source = |random| {
        let request = get("http://x/").random(random);
        mesh.route(&request).policy().unwrap().sources["loadBalancer"].clone()
    };
    assert_eq!(source(0), "DestinationRule default/models spec.trafficPolicy");
    assert_eq!(source(99), "DestinationRule default/models spec.subsets[1].trafficPolicy");
}

#[test]
fn a_rule_of_the_clients_namespace_hides_subsets() {
    let hiding = "kind: DestinationRule\nmetadata: {name: hide, namespace: web}\nspec: {host: models.default.svc.cluster.local, trafficPolicy: {}}\n---\n";
    let yaml = format!("{}{hiding}", split());
    let request = get("http://x/");
    assert_eq!(goes(&mesh(&yaml), &request), "models");
    let hidden = builder(&yaml).gateway_namespace("web").build().unwrap();
    assert_eq!(goes(&hidden, &request), "503 NC");
    assert!(
        hidden
            .route(&request)
            .why()
            .to_string()
            .contains("DestinationRule web/hide does not declare it")
    );
}
