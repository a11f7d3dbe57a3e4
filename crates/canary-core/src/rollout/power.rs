//! How long a plan must hold its steps to catch a stated harm.

use serde::{Deserialize, Serialize};

use super::{plan::Plan, scenario::Scenario, summary::Chance};
use crate::{Error, Result};

/// The longest holds that are tried, as a multiple of the plan's.
const MOST: f64 = 1024.0;

/// A plan whose holds are long enough, and how long that is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Power {
    /// By how much the holds of the plan were multiplied; below 1 when they were longer than needed.
    pub factor: f64,
    /// The plan with these holds.
    pub plan: Plan,
    /// The chance that it rolls the harm back.
    pub rollback: Chance,
    /// Requests over all steps of that plan.
    pub requests: u64,
}

impl Plan {
    /// Suggests holds that catch the harm of `scenario` with at least the stated probability.
    ///
    /// All holds are multiplied by one factor, which is found to within 3 % by simulation; patience grows with them.
    ///
    /// ```
    /// use canary_core::{Plan, rollout::{Guardrail, Hold, Scenario}};
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
    ///     .weights([10, 100], Hold::requests(500))
    ///     .guardrail(Guardrail::error_ratio(1.0));
    /// let harm = Scenario::new(100.0).errors(0.01, 0.05);
    /// let power = plan.power(&harm, 0.9, 200, 7)?;
    /// assert!(power.rollback.p >= 0.9);
    /// assert!(power.plan.steps[0].hold.requests > Some(1_000));
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Plan::simulate`]; [`Error::Plan`] also when `probability` is not between 0 and 1, or when the harm cannot
    /// be caught by holds 1024 times as long.
    pub fn power(
        &self,
        scenario: &Scenario,
        probability: f64,
        runs: u64,
        seed: u64,
    ) -> Result<Power> {
        self.power_while(scenario, probability, runs, seed, || true)
    }

    /// As [`power`](Self::power), as long as `go_on` says so: it is asked before each run.
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
        if !(probability > 0.0 && probability < 1.0) {
            return Err(Error::Plan(format!(
                "the probability to catch the harm is {probability}, expected between 0 and 1"
            )));
        }
        let chance = |factor: f64| -> Result<Chance> {
            Ok(self.lengthened(factor).simulate_while(scenario, runs, seed, &go_on)?.rollback)
        };
        let enough = |chance: &Chance| chance.p >= probability;
        let (mut high, mut found) = (1.0, chance(1.0)?);
        while !enough(&found) {
            high *= 2.0;
            if high > MOST {
                return Err(Error::Plan(format!(
                    "holds {MOST} times as long catch this harm with {found} only; choose a guardrail that sees it"
                )));
            }
            found = chance(high)?;
        }
        let mut low = if high > 1.0 { high / 2.0 } else { 1.0 / 64.0 };
        while high / low > 1.03 {
            let middle = (low * high).sqrt();
            let tried = chance(middle)?;
            if enough(&tried) {
                (high, found) = (middle, tried);
            } else {
                low = middle;
            }
        }
        let plan = self.lengthened(high);
        let requests = plan.steps.iter().filter_map(|step| step.hold.requests).sum();
        Ok(Power { factor: high, plan, rollback: found, requests })
    }

    /// The plan with all holds, and its patience, multiplied.
    fn lengthened(&self, factor: f64) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "holds are far below 2^53"
        )]
        let times = |count: u64| ((count as f64 * factor).ceil() as u64).max(1);
        let mut plan = self.clone();
        for step in &mut plan.steps {
            step.hold.requests = step.hold.requests.map(times);
            step.hold.pairs = step.hold.pairs.map(times);
            step.hold.time = step.hold.time.map(|time| time.mul_f64(factor));
        }
        plan.patience = plan.patience.mul_f64(factor.max(1.0));
        plan
    }
}
