//! The places of findings in the text that was read.

use canary_core::{Findings, Manifest};

use crate::strict::service;

#[test]
fn places_are_found_afterwards() {
    let text = service("  http:\n  - match:\n    - headers: {a.b: {exact: x}}\n    route: []\n");
    let (manifest, _) = Manifest::read_lenient(&format!("# a comment\n---\n{text}---\n{text}"));
    let source = manifest.source(0).unwrap();
    assert_eq!(source.position("spec.http[0].route"), (10, 12));
    assert_eq!(source.position("spec.http[0].match[0].headers[\"a.b\"].exact"), (9, 30));
    let rule = source.position("spec.http[0]");
    assert_eq!(source.position("spec.http[0].missing.deeper"), rule);
    let second = manifest.source(1).unwrap();
    assert_eq!(second.position("spec.http[0]").1, rule.1);
    assert!(second.position("spec.http[0]").0 > rule.0 && second.document() > source.document());
    assert!(manifest.source(2).is_none());
}

/// Findings of a manifest's text with their places, as `code document:line:column`.
fn places(findings: &Findings) -> Vec<String> {
    let number = |value: Option<usize>| value.map_or("?".to_owned(), |value| value.to_string());
    findings
        .iter()
        .map(|finding| {
            let at = [finding.document, finding.line, finding.column].map(number).join(":");
            format!("{} {at}", finding.code)
        })
        .collect()
}

const TWO: &str = "\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, lables: {}}
spec: {selector: {istio: ingressgateway}, servers: []}
---
apiVersion: v1
kind: List
items:
- apiVersion: networking.istio.io/v1
  kind: VirtualService
  metadata: {name: shop}
  spec:
    hosts: [shop.example.com]
    gateways: [missing]
    http:
    - route:
      - destination: {host: shop}
        weight: -1
";

#[test]
fn findings_have_the_place_that_reading_saw() {
    let (mut manifest, reading) = Manifest::read_with_findings("two.yaml", TWO).unwrap();
    assert_eq!(places(&reading), ["C301 1:3:26"]);
    let rules = places(&manifest.validate());
    assert!(rules.contains(&"V021 1:4:52".to_owned()), "{rules:?}");
    assert!(rules.contains(&"V073 2:18:17".to_owned()), "{rules:?}");
    let inventory = canary_core::analyze::Inventory::default();
    let analysis = canary_core::analyze::analyze_manifest(&manifest, &inventory);
    let between = places(&analysis.findings);
    assert!(between.contains(&"IST0101 2:14:16".to_owned()), "{between:?}");
    // An object that has moved in the list is found by its name.
    manifest.objects.remove(0);
    let rules = places(&manifest.validate());
    assert!(rules.contains(&"V073 2:18:17".to_owned()), "{rules:?}");
    // One that was not read has no place.
    manifest.objects = vec![canary_core::DestinationRule::default().into()];
    assert!(places(&manifest.validate()).iter().all(|place| place.ends_with("?:?:?")));
}

#[test]
fn places_are_no_part_of_a_manifest_s_value() {
    let (manifest, _) = Manifest::read_lenient(TWO);
    let written = manifest.to_yaml().unwrap();
    assert_eq!(Manifest::read(&written).unwrap(), manifest);
    let json = serde_json::to_value(manifest.validate()).unwrap();
    assert_eq!((&json[0]["document"], &json[0]["line"]), (&1.into(), &4.into()));
}
