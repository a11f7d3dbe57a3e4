//! The evaluator against real Envoy: generated meshes and requests must have the same outcome both ways.

mod front;
mod paths;
mod run;
mod shares;

use std::path::PathBuf;

use canary_lab::envoy::Envoy;

/// The batches that every run makes, by seed; each is one set of services and rules with many meshes.
const SEEDS: std::ops::Range<u64> = 0..14;
/// The batches that once showed a difference, one seed a line.
const KEPT: &str = include_str!("envoy/seeds.txt");

/// Envoy's program, or `None` after saying what is left untested.
#[expect(clippy::print_stdout, reason = "a test says what it leaves out")]
fn binary() -> Option<PathBuf> {
    let found = Envoy::find();
    if found.is_none() {
        let required = std::env::var("CANARY_REAL_PARTS").is_ok_and(|value| value == "required");
        assert!(!required, "envoy is missing; run scripts/setup.sh test");
        println!(
            "left out: the evaluator against real Envoy (envoy is missing; run scripts/setup.sh test)"
        );
    }
    found
}

/// The seeds to run: those of every run and those kept, or a range in `CANARY_ENVOY_SEEDS` such as `100..200`.
fn seeds() -> Vec<u64> {
    if let Ok(range) = std::env::var("CANARY_ENVOY_SEEDS") {
        let (from, to) =
            range.split_once("..").expect("CANARY_ENVOY_SEEDS is a range such as 100..200");
        return (from.trim().parse().unwrap()..to.trim().parse().unwrap()).collect();
    }
    let kept = KEPT.lines().filter_map(|line| line.split('#').next()?.trim().parse().ok());
    SEEDS.chain(kept).collect()
}

#[test]
fn generated_requests_end_alike_in_the_evaluator_and_on_envoy() {
    let Some(binary) = binary() else { return };
    let mut pairs = 0;
    let mut differences = Vec::new();
    for seed in seeds() {
        let batch = run::batch(&binary, seed);
        pairs += batch.pairs;
        differences.extend(batch.differences);
        if differences.len() > 20 {
            break;
        }
    }
    println!("{pairs} requests compared, {} differences", differences.len());
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n\n")
    );
    assert!(pairs >= 5_000 || std::env::var("CANARY_ENVOY_SEEDS").is_ok(), "only {pairs} pairs");
}
