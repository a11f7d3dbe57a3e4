//! Our validation against Istio's admission: the schemas and rules of its `CustomResourceDefinition`s, then its webhook,
//! both from Istio's own module. Generated documents must be admitted by both or by neither.
#![expect(clippy::unwrap_used, reason = "tests fail loudly and say what they leave out")]

mod documents;

use std::collections::BTreeMap;

use canary_core::{DestinationRule, Gateway, Severity, VirtualService};
use canary_tests::{apiserver::ApiServer, istio::Oracle};
use documents::Documents;
use serde_json::{Value, json};

/// The seeds of every run, each with as many documents of each kind as [`OF_EACH_KIND`] says.
const SEEDS: std::ops::Range<u64> = 0..4;
const OF_EACH_KIND: usize = 500;
/// The seeds that once showed a difference, one a line.
const KEPT: &str = include_str!("seeds.txt");

/// The seeds to run: those of every run and those kept, or a range in `CANARY_ISTIO_ADMISSION` such as `100..200`.
fn seeds() -> Vec<u64> {
    if let Ok(range) = std::env::var("CANARY_ISTIO_ADMISSION") {
        let (from, to) =
            range.split_once("..").expect("CANARY_ISTIO_ADMISSION is a range such as 100..200");
        return (from.trim().parse().unwrap()..to.trim().parse().unwrap()).collect();
    }
    let kept = KEPT.lines().filter_map(|line| line.split('#').next()?.trim().parse().ok());
    SEEDS.chain(kept).collect()
}

/// Our own refusal: the codes of errors, or the reason why the text is none of the kind's type; `None` when we admit it.
fn ours(object: &Value) -> Option<String> {
    let found = match object["kind"].as_str() {
        Some("Gateway") => Gateway::from_json_value(object).map(|object| object.validate()),
        Some("VirtualService") => {
            VirtualService::from_json_value(object).map(|object| object.validate())
        }
        _ => DestinationRule::from_json_value(object).map(|object| object.validate()),
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => return Some(format!("cannot be read: {error}")),
    };
    let errors: Vec<String> = found
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| format!("{} at {}: {}", finding.code, finding.path, finding.message))
        .collect();
    (!errors.is_empty()).then(|| errors.join("; "))
}

/// Istio's refusal: of the API server by the schema, else of the webhook; `None` when they admit it.
fn theirs(oracle: &mut Oracle, object: &Value) -> Option<String> {
    let answer = oracle.ask(&json!({"ask": "admission", "document": object}));
    let refusal = |part: &str| answer[part].as_str().map(|text| format!("{part}: {text}"));
    refusal("schema").or_else(|| refusal("webhook"))
}

#[test]
fn documents_are_admitted_by_both_or_by_neither() {
    let Some(mut oracle) = Oracle::start("our validation against Istio's admission") else {
        return;
    };
    let definitions = ApiServer::definitions().unwrap();
    let (mut both_admit, mut both_refuse) = (0, 0);
    let mut wrong = BTreeMap::<String, (usize, String)>::new();
    for seed in seeds() {
        let mut documents = Documents::new(&definitions, seed);
        for _ in 0..OF_EACH_KIND * 3 {
            let object = documents.next();
            match (ours(&object), theirs(&mut oracle, &object)) {
                (None, None) => both_admit += 1,
                (Some(_), Some(_)) => both_refuse += 1,
                (None, Some(reason)) => {
                    let entry = wrong.entry(kind_of(&format!("Istio alone refuses: {reason}")));
                    let text = format!("seed {seed}: {reason}\n  {object}");
                    entry.or_insert((0, text)).0 += 1;
                }
                (Some(reason), None) => {
                    let entry = wrong.entry(kind_of(&format!("we alone refuse: {reason}")));
                    let text = format!("seed {seed}: {reason}\n  {object}");
                    entry.or_insert((0, text)).0 += 1;
                }
            }
        }
    }
    let differing: usize = wrong.values().map(|(count, _)| count).sum();
    let total = both_admit + both_refuse + differing;
    println!(
        "{total} documents: both admit {both_admit}, both refuse {both_refuse}, {differing} differ"
    );
    assert!(both_admit * 5 >= total && both_refuse * 10 >= total, "{both_admit} {both_refuse}");
    let listed: Vec<String> =
        wrong.iter().map(|(kind, (count, first))| format!("{count} × {kind}\n  {first}")).collect();
    assert!(wrong.is_empty(), "{differing} differences:\n{}", listed.join("\n"));
}

/// A reason without its numbers and quoted values, so that alike ones are counted together.
fn kind_of(reason: &str) -> String {
    let mut out = String::new();
    let mut quoted = false;
    for letter in reason.chars().take(300) {
        if letter == '"' || letter == '`' {
            quoted = !quoted;
        } else if !quoted && !letter.is_ascii_digit() {
            out.push(letter);
        }
    }
    out.chars().take(140).collect()
}
