//! Simulates a plan against a canary that is no worse and against one that is; `canary simulate` does more.
//!
//! `cargo run --release --example simulate -- examples/plan.yaml`

#![allow(clippy::print_stdout, reason = "an example speaks to its user")]

use anyhow::{Context, Result};
use canary_core::{Plan, rollout::Scenario};

fn main() -> Result<()> {
    let file = std::env::args().nth(1).context("usage: simulate PLAN")?;
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
    let plan = Plan::from_yaml(&text)?.validated()?;
    let healthy = Scenario::new(100.0).errors(0.01, 0.01).slow(0.05, 0.05).pairs(10.0, 0.97);
    for (name, scenario) in [("no worse", healthy), ("errors x5", healthy.errors(0.01, 0.05))] {
        let simulation = plan.simulate(&scenario, 1_000, 7)?;
        println!(
            "{name}: rolled back {}, promoted {}, {:.0} requests",
            simulation.rollback, simulation.promote, simulation.requests.median
        );
    }
    Ok(())
}
