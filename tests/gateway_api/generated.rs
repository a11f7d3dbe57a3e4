//! Generated objects.

use std::collections::BTreeMap;

use canary_core::cluster::Kubernetes;
use canary_tests::{apiserver::ApiServer, generated::Generator};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::verdicts::{ours, theirs, written};

/// The seeds of every run, each with as many objects of each kind and channel as [`OF_EACH_KIND`] says.
const SEEDS: std::ops::Range<u64> = 0..2;
const OF_EACH_KIND: usize = 150;
/// The seeds that once showed a difference, one a line.
const KEPT: &str = include_str!("seeds.txt");

const KINDS: [&str; 6] =
    ["HTTPRoute", "GRPCRoute", "Gateway", "GatewayClass", "ReferenceGrant", "BackendTLSPolicy"];

/// The seeds to run: those of every run and those kept, or a range in `CANARY_GATEWAY_API` such as `100..200`.
fn seeds() -> Vec<u64> {
    if let Ok(range) = std::env::var("CANARY_GATEWAY_API") {
        let (from, to) =
            range.split_once("..").expect("CANARY_GATEWAY_API is a range such as 100..200");
        return (from.trim().parse().unwrap()..to.trim().parse().unwrap()).collect();
    }
    let kept = KEPT.lines().filter_map(|line| line.split('#').next()?.trim().parse().ok());
    SEEDS.chain(kept).collect()
}

/// An object with the version and the metadata of its kind.
pub(crate) fn whole(mut object: Value) -> Value {
    match object["kind"].as_str().unwrap() {
        "ReferenceGrant" => object["apiVersion"] = json!("gateway.networking.k8s.io/v1beta1"),
        "GatewayClass" => {
            object["metadata"].as_object_mut().unwrap().remove("namespace");
        }
        _ => {}
    }
    object
}

pub(crate) async fn compare(cluster: &Kubernetes, channel: &str) {
    let definitions = ApiServer::gateway_api(channel).unwrap();
    let mut objects = Vec::new();
    for seed in seeds() {
        for kind in KINDS {
            let mut generator = Generator::of_gateway_api(&definitions, kind, seed);
            objects.extend((0..OF_EACH_KIND).map(|_| (seed, whole(generator.next("default")))));
        }
    }
    let total = objects.len();
    let results: Vec<_> = stream::iter(objects)
        .map(|(seed, object)| {
            let cluster = cluster.clone();
            async move { (ours(&object, channel), theirs(&cluster, &object).await, seed, object) }
        })
        .buffer_unordered(16)
        .collect()
        .await;
    let (mut both_admit, mut both_refuse, mut by_code) = (0, 0, BTreeMap::<String, usize>::new());
    let mut wrong = Vec::new();
    for (ours, theirs, seed, object) in &results {
        match (ours.is_empty(), theirs) {
            (true, Ok(stored)) => {
                both_admit += 1;
                let (same, filled) = written(object);
                if same != *object {
                    wrong.push(format!(
                        "seed {seed}: it is written in another way:\n  {object}\n  {same}"
                    ));
                }
                if filled != stored["spec"] {
                    let stored = &stored["spec"];
                    wrong.push(format!(
                        "seed {seed}: the defaults differ:\n  {object}\n  ours   {filled}\n  theirs {stored}"
                    ));
                }
            }
            (false, Err(_)) => {
                both_refuse += 1;
                for one in ours {
                    let code = one.split(' ').next().unwrap_or_default();
                    *by_code.entry(code.to_owned()).or_default() += 1;
                }
            }
            (true, Err(reason)) => {
                wrong.push(format!("seed {seed}: the server alone refuses: {reason}\n  {object}"));
            }
            (false, Ok(_)) => {
                wrong.push(format!("seed {seed}: we alone refuse: {ours:?}\n  {object}"));
            }
        }
    }
    println!(
        "{channel}: {total} objects: both admit {both_admit}, both refuse {both_refuse}, {} differ; our codes {by_code:?}",
        wrong.len()
    );
    assert!(both_admit * 5 >= total && both_refuse * 10 >= total, "{both_admit} {both_refuse}");
    assert!(
        wrong.is_empty(),
        "{channel}: {} differences, the first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(12)].join("\n")
    );
}
