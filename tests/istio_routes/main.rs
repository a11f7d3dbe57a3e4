//! The evaluator against Istio's own control plane: the routes that istiod makes of generated objects run in real Envoy,
//! and the same requests must have the same outcome in both.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail loudly and say what they leave out"
)]

mod run;
mod scene;
mod settings;
mod stock;

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use canary_lab::envoy::Envoy;
use canary_tests::istio::Oracle;
use scene::Kind;

/// The batches that every run makes, by seed.
const SEEDS: std::ops::Range<u64> = 0..6;
/// The batches that once showed a difference, one a line: the kind of proxy and the seed.
const KEPT: &str = include_str!("seeds.txt");

/// The seeds to run: those of every run and those kept, or a range in `CANARY_ISTIO_SEEDS` such as `100..200`.
fn seeds(kind: &str) -> Vec<u64> {
    if let Ok(range) = std::env::var("CANARY_ISTIO_SEEDS") {
        let (from, to) =
            range.split_once("..").expect("CANARY_ISTIO_SEEDS is a range such as 100..200");
        return (from.trim().parse().unwrap()..to.trim().parse().unwrap()).collect();
    }
    let kept = KEPT
        .lines()
        .filter_map(|line| line.strip_prefix(kind)?.split('#').next()?.trim().parse().ok());
    SEEDS.chain(kept).collect()
}

/// One test at a time: both take from the log of the same servers.
static TURN: Mutex<()> = Mutex::new(());

/// Compares the batches of one kind of proxy.
fn compare(kind: Kind, name: &str) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let untested = format!("the evaluator against istiod's routes for a {name}");
    let Some(binary) = Envoy::find() else {
        let required = std::env::var("CANARY_REAL_PARTS").is_ok_and(|value| value == "required");
        assert!(!required, "envoy is missing; run scripts/setup.sh test");
        println!("left out: {untested} (envoy is missing; run scripts/setup.sh test)");
        return;
    };
    let Some(mut oracle) = Oracle::start(&untested) else { return };
    let (mut pairs, mut differences) = (0, Vec::new());
    let mut ends = BTreeMap::<&str, usize>::new();
    for seed in seeds(name) {
        let batch = run::batch(&binary, &mut oracle, kind, seed);
        pairs += batch.pairs;
        differences.extend(batch.differences);
        for (end, count) in batch.ends {
            *ends.entry(end).or_default() += count;
        }
    }
    let shown = if std::env::var("CANARY_ISTIO_SEEDS").is_ok() { usize::MAX } else { 20 };
    println!("{name}: {pairs} requests compared, {} differences; {ends:?}", differences.len());
    assert!(
        differences.is_empty(),
        "{} differences of {pairs}, the first:\n{}",
        differences.len(),
        differences[..differences.len().min(shown)].join("\n\n")
    );
    assert!(pairs >= 2_000 || std::env::var("CANARY_ISTIO_SEEDS").is_ok(), "only {pairs} pairs");
}

#[test]
fn gateways_route_as_istiod_makes_them() {
    compare(Kind::Gateway, "gateway");
}

#[test]
fn sidecars_route_as_istiod_makes_them() {
    compare(Kind::Sidecar, "sidecar");
}

#[test]
fn gateways_route_by_the_gateway_api_as_istiod_makes_them() {
    compare(Kind::RoutesAtGateway, "routes-at-gateway");
}

#[test]
fn sidecars_route_by_the_gateway_api_as_istiod_makes_them() {
    compare(Kind::RoutesInMesh, "routes-in-mesh");
}
