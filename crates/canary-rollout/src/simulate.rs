//! Simulations of a plan: many runs of the same state machine on simulated traffic.

mod run;

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    guardrail::Check,
    machine::Machine,
    plan::Plan,
    scenario::Scenario,
    summary::{Chance, Summary},
    verdict::Verdict,
};
use crate::{Error, Result, evidence::Timestamp};
use canary_stats::Random;
use run::{Outcome, SimulatedRun};

/// The number of simulated runs of a plan by outcome, and their cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Simulation {
    /// The number of runs.
    pub runs: u64,
    /// The seed: the same plan, scenario, runs and seed give the same numbers on every platform.
    pub seed: u64,
    /// The chance of a rollback.
    pub rollback: Chance,
    /// The chance of a promotion.
    pub promote: Chance,
    /// The chance of no decision.
    pub inconclusive: Chance,
    /// The number of runs that each guardrail rolled back.
    pub rolled_back_by: BTreeMap<String, u64>,
    /// The reasons why runs were inconclusive, with their numbers.
    pub inconclusive_because: BTreeMap<String, u64>,
    /// Requests until the verdict, over all runs.
    pub requests: Summary,
    /// Requests until the rollback, over the runs that were rolled back.
    pub requests_to_rollback: Summary,
    /// Seconds until the verdict, over all runs.
    pub seconds: Summary,
    /// Requests that the canary served until the verdict, over all runs.
    pub exposure: Summary,
}

/// Refuses zero runs, and more than the maximum.
pub(super) fn check_runs(runs: u64) -> Result<()> {
    if runs == 0 || runs > 10_000_000 {
        return Err(Error::Plan(format!("{runs} runs, expected 1 to 10000000")));
    }
    Ok(())
}

/// Simulates a plan `runs` times, as long as `go_on` returns `true`; see [`Plan::simulate_while`].
pub(crate) fn simulation(
    plan: &Plan,
    scenario: &Scenario,
    runs: u64,
    seed: u64,
    go_on: impl Fn() -> bool,
) -> Result<Simulation> {
    scenario.check()?;
    check_runs(runs)?;
    let machine = Machine::new(with_known_threshold(plan.clone()))?;
    let fresh = machine.begin(Timestamp(0))?;
    let mut outcomes = Vec::new();
    for run in 0..runs {
        if !go_on() {
            return Err(Error::Plan(format!("the simulation was stopped after {run} runs")));
        }
        let run = SimulatedRun::new(&machine, *scenario, Random::of_run(seed, run));
        outcomes.push(run.run(fresh.clone())?);
    }
    Ok(summarise(&outcomes, seed))
}

/// Slow requests are drawn, not latencies, so the threshold must be one that counts refer to.
fn with_known_threshold(mut plan: Plan) -> Plan {
    for guardrail in &mut plan.guardrails {
        if let Check::SlowRatio(check) = &mut guardrail.check {
            check.threshold.get_or_insert(Duration::from_secs(1));
        }
    }
    plan
}

fn summarise(outcomes: &[Outcome], seed: u64) -> Simulation {
    let runs = outcomes.len() as u64;
    let mut rolled_back_by = BTreeMap::new();
    let mut inconclusive_because = BTreeMap::new();
    let (mut promoted, mut rolled_back) = (0, 0);
    for outcome in outcomes {
        match &outcome.verdict {
            Verdict::Promote { .. } => promoted += 1,
            Verdict::Rollback { guardrail, .. } => {
                rolled_back += 1;
                *rolled_back_by.entry(guardrail.clone()).or_default() += 1;
            }
            Verdict::Inconclusive { why } => {
                *inconclusive_because.entry(why.name().to_owned()).or_default() += 1;
            }
            _ => {}
        }
    }
    let rollback = |outcome: &&Outcome| matches!(outcome.verdict, Verdict::Rollback { .. });
    #[expect(clippy::cast_precision_loss, reason = "requests are far below 2^53")]
    let requests = |outcome: &Outcome| outcome.requests as f64;
    #[expect(clippy::cast_precision_loss, reason = "requests are far below 2^53")]
    let exposure = |outcome: &Outcome| outcome.exposure as f64;
    Simulation {
        runs,
        seed,
        rollback: Chance::of(rolled_back, runs),
        promote: Chance::of(promoted, runs),
        inconclusive: Chance::of(runs - promoted - rolled_back, runs),
        rolled_back_by,
        inconclusive_because,
        requests: Summary::of(outcomes.iter().map(requests)),
        requests_to_rollback: Summary::of(outcomes.iter().filter(rollback).map(requests)),
        seconds: Summary::of(outcomes.iter().map(|outcome| outcome.seconds)),
        exposure: Summary::of(outcomes.iter().map(exposure)),
    }
}

#[cfg(test)]
#[path = "simulate_tests.rs"]
#[expect(clippy::float_cmp, reason = "these numbers are exact")]
mod tests;
