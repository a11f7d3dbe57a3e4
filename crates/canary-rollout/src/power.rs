//! The time that a plan must hold its steps to catch a stated harm.

use serde::{Deserialize, Serialize};

use super::{
    plan::{Percent, Plan},
    room,
    sequential::Sequential,
    summary::Chance,
};
use crate::{Error, Result};

/// The longest holds that are tried, as a multiple of the plan's.
const MOST: f64 = 1024.0;

/// A plan whose holds are long enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Power {
    /// The factor by which the holds of the plan were multiplied; below 1 when they were longer than needed.
    pub factor: f64,
    /// The plan with these holds.
    pub plan: Plan,
    /// The chance that it rolls the harm back.
    pub rollback: Chance,
    /// Requests of both versions over all steps of that plan, as far as its holds count requests: where a hold counts
    /// the canary's, as many as its weight needs for them.
    pub requests: u64,
    /// The chance with the other way to test ratios, if the plan's holds allow both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<OtherTest>,
}

/// The other way to test the ratios of rates of a plan: at planned looks where the plan looks at any time, and the other
/// way round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OtherTest {
    /// The looks of the other plan; none where it looks at any time.
    pub sequential: Option<Sequential>,
    /// The chance that it rolls the harm back, with the same holds.
    pub rollback: Chance,
    /// `true` when its chance is larger by more than the error of the simulation.
    pub is_better: bool,
}

/// Finds holds that reach `probability`; `chance` simulates a plan.
pub(super) fn search(
    plan: &Plan,
    probability: f64,
    chance: impl Fn(&Plan) -> Result<Chance>,
) -> Result<Power> {
    if !(probability > 0.0 && probability < 1.0) {
        return Err(Error::Plan(format!(
            "the probability of detecting the harm is {probability}, expected between 0 and 1"
        )));
    }
    if plan.aa {
        let why = "an A/A plan rolls nothing back at an alarm, so it detects no harm; leave aa out";
        return Err(Error::Plan(why.to_owned()));
    }
    let tried = |factor: f64| chance(&lengthened(plan, factor));
    let enough = |chance: &Chance| chance.p >= probability;
    let most = most_lengthened(plan);
    let (mut low, mut high, mut found) = (1.0 / 64.0, 1.0, tried(1.0)?);
    while !enough(&found) {
        if high >= most {
            return Err(Error::Plan(uncaught(plan, high, &found)));
        }
        (low, high) = (high, (high * 2.0).min(most));
        found = tried(high)?;
    }
    while high / low > 1.03 {
        let middle = (low * high).sqrt();
        let at_middle = tried(middle)?;
        if enough(&at_middle) {
            (high, found) = (middle, at_middle);
        } else {
            low = middle;
        }
    }
    let plan = lengthened(plan, high);
    let requests = plan.steps.iter().filter_map(|step| {
        let weight = step.weight.thousandths().max(1);
        let by_weight =
            |canary: u64| canary.saturating_mul(Percent::ALL.thousandths()).div_ceil(weight);
        step.hold.total_requests.max(step.hold.requests.map(by_weight))
    });
    let requests = requests.fold(0, u64::saturating_add);
    let other = other(&plan).map(|(sequential, plan)| {
        let rollback = chance(&plan)?;
        let is_better = rollback.low > found.high;
        Ok::<_, Error>(OtherTest { sequential, rollback, is_better })
    });
    Ok(Power { factor: high, plan, rollback: found, requests, other: other.transpose()? })
}

/// The plan with the other way to test ratios, where it is valid.
fn other(plan: &Plan) -> Option<(Option<Sequential>, Plan)> {
    let sequential = if plan.sequential.is_some() { None } else { Some(Sequential::default()) };
    let other = Plan { sequential, ..plan.clone() };
    (!other.validate().has_errors()).then_some((sequential, other))
}

/// The largest factor for the holds: the distinct inputs of all steps have to be remembered.
fn most_lengthened(plan: &Plan) -> f64 {
    let pairs = plan.steps.iter().filter_map(|step| step.hold.pairs);
    // Each step's number is rounded up.
    let room = room::most_inputs(plan).saturating_sub(pairs.clone().count() as u64);
    #[expect(clippy::cast_precision_loss, reason = "holds are far below 2^53")]
    let most = room as f64 / pairs.fold(0, u64::saturating_add) as f64;
    most.clamp(1.0, MOST)
}

/// The plan with all holds, and its patience, multiplied. None becomes shorter than the least number of
/// observations that a guardrail requires: the step would still last as long, and such a plan is refused.
fn lengthened(plan: &Plan, factor: f64) -> Plan {
    let least = plan.guardrails.iter().map(|one| one.minimum).fold(1, u64::max);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "holds are far below 2^53"
    )]
    let times = |count: u64| ((count as f64 * factor).ceil() as u64).max(least.min(count));
    let mut plan = plan.clone();
    for step in &mut plan.steps {
        step.hold.requests = step.hold.requests.map(times);
        step.hold.total_requests = step.hold.total_requests.map(times);
        step.hold.pairs = step.hold.pairs.map(times);
        step.hold.time = step.hold.time.map(|time| time.mul_f64(factor));
    }
    plan.patience = plan.patience.mul_f64(factor.max(1.0));
    plan
}

/// The reason why no holds detect a harm.
fn uncaught(plan: &Plan, longest: f64, found: &Chance) -> String {
    let limit = if longest < MOST {
        format!(" (a rollout remembers {} distinct inputs of pairs)", room::most_inputs(plan))
    } else {
        String::new()
    };
    format!(
        "holds {} times as long{limit} detect this harm with a probability of only {found}; choose a guardrail that tests for it",
        (longest * 100.0).round() / 100.0
    )
}

#[cfg(test)]
mod tests {
    use super::super::{Guardrail, Hold, Scenario};
    use super::*;

    #[test]
    fn no_hold_falls_below_what_a_guardrail_requires() {
        let plan = Plan::new("s", "a", "b")
            .weights([50, 100], Hold::requests(200))
            .bursts(crate::Bursts::None)
            .guardrail(Guardrail::error_ratio(1.0).minimum(30));
        let harm = Scenario::new(100.0).errors(0.01, 0.5);
        let power = plan.power(&harm, 0.5, 40, 7).unwrap();
        assert!(power.plan.validate().is_empty());
        assert_eq!(power.plan.steps[0].hold.requests, Some(30), "some ten would do");
        // A hold that is below it from the beginning is not made longer: the plan is refused, as it is without this.
        let short = Plan::new("s", "a", "b").weights([50, 100], Hold::requests(5));
        assert_eq!(lengthened(&short, 0.5).steps[0].hold.requests, Some(5));
    }

    #[test]
    fn the_requests_of_a_step_below_one_percent_are_those_of_its_weight() {
        let plan = Plan::new("s", "a", "b")
            .weights([Percent::new(0.1).unwrap(), 100.into()], Hold::requests(200))
            .bursts(crate::Bursts::None)
            .guardrail(Guardrail::error_ratio(1.0));
        let harm = Scenario::new(100.0).errors(0.01, 0.5);
        let power = plan.power(&harm, 0.5, 10, 7).unwrap();
        let held = power.plan.steps[0].hold.requests.unwrap();
        assert_eq!(power.requests, held * 1_000);
    }

    #[test]
    fn pairs_are_held_no_longer_than_a_rollout_remembers() {
        let plan = |pairs| {
            Plan::new("s", "a", "b")
                .header("user-group", "canary")
                .weights([20, 50, 100], Hold::pairs(pairs))
                .guardrail(Guardrail::agreement(0.9))
        };
        // Nothing disagrees, so no number of pairs is enough.
        let harmless = Scenario::new(1_000.0).pairs(1_000.0, 1.0);
        for pairs in [3_001, 12_999] {
            let error = plan(pairs).power(&harmless, 0.9, 2, 7).unwrap_err();
            let message = error.to_string();
            assert!(
                message.contains("26000 distinct inputs") && message.contains("guardrail"),
                "{message}"
            );
        }
        // A plan that requires more by itself is refused as it is everywhere.
        let refused = plan(13_001).power(&harmless, 0.9, 2, 7);
        assert!(
            matches!(refused, Err(Error::Istio(canary_istio::Error::Invalid(_)))),
            "{refused:?}"
        );
        // Harm that is caught by more than twice the holds, and less than four times, is found below the limit.
        let small = Scenario::new(1_000.0).pairs(1_000.0, 0.87);
        let power = plan(300).power(&small, 0.8, 60, 7).unwrap();
        assert!(power.rollback.p >= 0.8 && power.plan.validate().is_empty(), "{power:?}");
    }
}
