//! Simulates a plan against a healthy canary and against worse ones.
//!
//! `cargo run --release -p canary-examples --example simulate -- examples/plan.yaml [--json]`

#![allow(clippy::print_stdout, reason = "an example speaks to its user")]
#![allow(clippy::cast_precision_loss, reason = "the number of runs is small")]

use canary_core::{
    Plan,
    rollout::{Scenario, Simulation},
};

/// Requests per second, runs and seed of every scenario.
const RATE: f64 = 100.0;
const RUNS: u64 = 1_000;
const SEED: u64 = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (flags, files): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let [file] = files.as_slice() else {
        return Err("usage: simulate PLAN [--json]".into());
    };
    let plan = Plan::from_yaml(&std::fs::read_to_string(file)?)?.validated()?;
    let healthy = Scenario::new(RATE).errors(0.01, 0.01).slow(0.05, 0.05).pairs(RATE / 10.0, 0.97);
    let scenarios = [
        ("no worse", healthy),
        ("errors 1 % -> 2 %", healthy.errors(0.01, 0.02)),
        ("errors 1 % -> 5 %", healthy.errors(0.01, 0.05)),
        ("slow 5 % -> 10 %", healthy.slow(0.05, 0.10)),
        ("agreement 90 %", healthy.pairs(RATE / 10.0, 0.90)),
        ("split 5 points off", Scenario { split_error: 5.0, ..healthy }),
    ];
    let mut results = Vec::new();
    let began = std::time::Instant::now();
    for (name, scenario) in scenarios {
        results.push((name, scenario, plan.simulate(&scenario, RUNS, SEED)?));
    }
    if flags.iter().any(|flag| flag == "--json") {
        let all: Vec<_> = results
            .iter()
            .map(|(name, scenario, simulation)| {
                serde_json::json!({"name": name, "scenario": scenario, "simulation": simulation})
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&all)?);
    } else {
        print(&results);
        let requests = |(_, _, of): &(&str, Scenario, Simulation)| of.requests.mean * RUNS as f64;
        let all: f64 = results.iter().map(requests).sum();
        let millions = all / 1e6;
        println!(
            "\n{millions:.1} million requests simulated, {:.1} million a second",
            millions / began.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

fn print(results: &[(&str, Scenario, Simulation)]) {
    println!(
        "{RUNS} runs each at {RATE} requests/s, seed {SEED}; percentages with 95 % intervals\n"
    );
    let columns = ["canary", "rollback", "promote", "inconclusive", "requests", "exposure"];
    let [name, rollback, promote, inconclusive, requests, exposure] = columns;
    println!(
        "{name:<20} {rollback:>22} {promote:>22} {inconclusive:>22} {requests:>9} {exposure:>9}"
    );
    for (name, _, simulation) in results {
        let Simulation { rollback, promote, inconclusive, requests, exposure, .. } = simulation;
        println!(
            "{name:<20} {:>22} {:>22} {:>22} {:>9.0} {:>9.0}",
            rollback.to_string(),
            promote.to_string(),
            inconclusive.to_string(),
            requests.median,
            exposure.median
        );
        for (guardrail, runs) in &simulation.rolled_back_by {
            println!("{:20}   rolled back by {guardrail}: {runs}", "");
        }
    }
}
