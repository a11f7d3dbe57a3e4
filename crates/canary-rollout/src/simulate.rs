//! Simulations of a plan: many runs of the same state machine on simulated traffic.

mod run;

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    guardrail::Check,
    machine::Machine,
    plan::Plan,
    power::{self, Power},
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

impl Plan {
    /// Simulates the plan in `scenario`, `runs` times, with the same state machine as a real run.
    ///
    /// Between two bad requests nothing changes for a test of rates, so the gap is drawn at once. Where the observed
    /// split is tested, the evidence is checked every 64 requests at the latest; a real run checks after each. Gates
    /// are taken as passed and the canary as reachable.
    ///
    /// ```
    /// use canary_core::{Plan, rollout::{Guardrail, Hold, Scenario}};
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
    ///     .weights([10, 100], Hold::requests(5_000))
    ///     .guardrail(Guardrail::error_ratio(1.0));
    /// let broken = Scenario::new(100.0).errors(0.01, 0.10);
    /// let simulation = plan.simulate(&broken, 100, 7)?;
    /// assert!(simulation.rollback.p > 0.95);
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] when the plan has an error; [`Error::Plan`] when a number of the scenario is out of range,
    /// when there are no runs, or when a run would not end.
    pub fn simulate(&self, scenario: &Scenario, runs: u64, seed: u64) -> Result<Simulation> {
        self.simulate_while(scenario, runs, seed, || true)
    }

    /// As [`simulate`](Self::simulate), as long as `go_on` returns `true`: it is called before each run.
    ///
    /// # Errors
    /// As [`simulate`](Self::simulate); [`Error::Plan`] also when it was stopped.
    pub fn simulate_while(
        &self,
        scenario: &Scenario,
        runs: u64,
        seed: u64,
        go_on: impl Fn() -> bool,
    ) -> Result<Simulation> {
        scenario.check()?;
        check_runs(runs)?;
        let machine = Machine::new(with_known_threshold(self.clone()))?;
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

    /// Suggests holds that catch the harm of `scenario` with at least the stated probability.
    ///
    /// All holds are multiplied by one factor, which is found to within 3 % by simulation; patience grows with them.
    /// None falls below the least number of observations that the guardrails require ([`Guardrail::minimum`]).
    ///
    /// [`Guardrail::minimum`]: super::Guardrail::minimum
    ///
    /// ```
    /// use canary_core::{Plan, rollout::{Guardrail, Hold, Scenario}};
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
    ///     .weights([10, 100], Hold::total_requests(500))
    ///     .guardrail(Guardrail::error_ratio(1.0));
    /// let harm = Scenario::new(100.0).errors(0.01, 0.05);
    /// let power = plan.power(&harm, 0.9, 200, 7)?;
    /// assert!(power.rollback.p >= 0.9);
    /// assert!(power.plan.steps[0].hold.total_requests > Some(1_000));
    /// assert_eq!(Some(power.requests), power.plan.steps[0].hold.total_requests);
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Plan::simulate`]; [`Error::Plan`] also when `probability` is not between 0 and 1, or when the harm cannot
    /// be caught by holds 1024 times as long, or by as many pairs as a rollout remembers ([`Known::CAPACITY`](canary_stats::Known::CAPACITY)).
    pub fn power(
        &self,
        scenario: &Scenario,
        probability: f64,
        runs: u64,
        seed: u64,
    ) -> Result<Power> {
        self.power_while(scenario, probability, runs, seed, || true)
    }

    /// As [`power`](Self::power), as long as `go_on` returns `true`: it is called before each run.
    ///
    /// # Errors
    /// As [`power`](Self::power); [`Error::Plan`] also when it was stopped.
    pub fn power_while(
        &self,
        scenario: &Scenario,
        probability: f64,
        runs: u64,
        seed: u64,
        go_on: impl Fn() -> bool,
    ) -> Result<Power> {
        power::search(self, probability, |plan| {
            Ok(plan.simulate_while(scenario, runs, seed, &go_on)?.rollback)
        })
    }
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
