use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::lines;
use crate::{
    finding::{
        Findings,
        catalogue::{CATALOGUE, Source},
    },
    gateway_api::GatewayClass,
    manifest::Manifest,
    validate::{Channel, Options, Validate},
};

/// The cases, which a test against a real API server checks too.
const CASES: &str = include_str!("cases.yaml");

#[derive(Deserialize)]
struct Case {
    code: String,
    channel: Option<String>,
    kind: String,
    spec: Value,
}

/// The findings of reading and of the rules.
fn findings(case: &Case) -> Findings {
    let version = if case.kind == "ReferenceGrant" { "v1beta1" } else { "v1" };
    let object = json!({
        "apiVersion": format!("gateway.networking.k8s.io/{version}"), "kind": case.kind,
        "metadata": {"name": "it", "namespace": "here"}, "spec": case.spec,
    });
    let channel = match case.channel.as_deref() {
        Some("experimental") => Channel::Experimental,
        _ => Channel::Standard,
    };
    let (manifest, mut findings) =
        Manifest::read_with_findings("case", &object.to_string()).unwrap();
    findings.extend(manifest.validate_with(&Options::default().channel(channel)));
    findings
}

#[test]
pub(in super::super) fn every_rule_of_the_server_has_a_case() {
    let cases: Vec<Case> = serde_saphyr::from_str(CASES).unwrap();
    let mut met = BTreeSet::new();
    for case in &cases {
        let found = findings(case);
        lines(&found);
        let hit = found.errors().find(|one| one.code == case.code);
        let hit = hit.unwrap_or_else(|| panic!("{}: {}\n{found}", case.code, case.spec));
        assert!(hit.object.ends_with("here/it"), "{found}");
        assert!(hit.path.starts_with("spec"), "{found}");
        met.insert(case.code.as_str());
    }
    let changed = GatewayClass::new("istio", "example.com/other");
    lines(&changed.validate_update(&GatewayClass::istio()));
    met.insert("G136");
    let listed: BTreeSet<&str> = CATALOGUE
        .iter()
        .filter(|rule| rule.code.starts_with('G') && rule.source == Source::ApiServer)
        .map(|rule| rule.code)
        .collect();
    assert_eq!(met, listed);
}

#[test]
fn what_the_server_admits_is_admitted() {
    let case = |kind: &str, spec: Value| Case {
        code: String::new(),
        channel: None,
        kind: kind.to_owned(),
        spec,
    };
    let backends = json!([{"name": "pets", "port": 80}]);
    for admitted in [
        case("HTTPRoute", json!({})),
        // Two backends that replace the prefix: the server looks at one only.
        case(
            "HTTPRoute",
            json!({"rules": [{"matches": [{"path": {"type": "Exact", "value": "/a"}}], "backendRefs": [
            {"name": "a", "port": 80, "filters": [{"type": "URLRewrite", "urlRewrite": {"path":
                {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/b"}}}]},
            {"name": "b", "port": 80, "filters": [{"type": "URLRewrite", "urlRewrite": {"path":
                {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/b"}}}]}]}]}),
        ),
        case(
            "HTTPRoute",
            json!({"hostnames": ["1.2.3.4"], "rules": [{"backendRefs": backends,
            "timeouts": {"request": "0s", "backendRequest": "1h"}}]}),
        ),
        case(
            "HTTPRoute",
            json!({"rules": [{"matches": [{"path": {"type": "RegularExpression", "value": "("}}],
            "backendRefs": backends}]}),
        ),
        case(
            "HTTPRoute",
            json!({"rules": [{"matches": [{"headers": [{"name": "a", "value": "1"}, {"name": "A", "value": "1"}]}],
            "backendRefs": backends}]}),
        ),
        case("GRPCRoute", json!({"rules": []})),
        case(
            "GRPCRoute",
            json!({"rules": [{"matches": [{"method": {"service": ".a.b"}}], "backendRefs": backends}]}),
        ),
        case(
            "Gateway",
            json!({"gatewayClassName": "Any text", "listeners": [{"name": "a", "port": 1, "protocol": "X.y/Z"}],
            "addresses": [{"type": "XIPAddress"}, {}, {"value": "::ffff:1.2.3.4"}]}),
        ),
    ] {
        let found = findings(&admitted);
        assert!(!found.has_errors(), "{}\n{found}", admitted.spec);
    }
}
