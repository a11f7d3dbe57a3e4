//! The bound that a guardrail's test compares with, in the units of its readings.

use crate::{Check, Percent, Plan, Reading, guardrail::Mean};

impl Check {
    /// The value at which the canary is as bad as the guardrail permits; none of a test whose bound depends on the
    /// traffic.
    pub fn bound(&self) -> Option<f64> {
        match self {
            Self::ErrorRatio(check) => Some(check.at_most),
            Self::SlowRatio(check) => Some(check.at_most),
            Self::QuantileRatio(check) => Some(check.at_most),
            Self::ErrorRate(check) => Some(check.at_most),
            Self::Agreement(check) => Some(check.at_least),
            Self::Custom(check) => Some(check.at_least),
            Self::NumericDrift(check) => Some(-check.margin),
            Self::Mean(check) => Some(check.difference(check.margin)),
            Self::Accuracy(_) | Self::PairErrors(_) => Some(0.0),
            Self::ObservedSplit(_) => None,
        }
    }
}

impl Mean {
    /// The difference of the means, canary − stable, of a canary that is worse by this amount.
    pub(super) fn difference(&self, margin: f64) -> f64 {
        if self.lower_is_better { margin } else { 0.0 - margin }
    }
}

/// The bound of a reading's test at the canary's weight; see [`Plan::bound_of`].
pub(crate) fn of_reading(plan: &Plan, reading: &Reading, weight: Option<Percent>) -> Option<f64> {
    let name = &reading.guardrail;
    let guardrail = plan.guardrails.iter().find(|one| one.name == *name);
    match guardrail.map(|guardrail| &guardrail.check) {
        Some(Check::ObservedSplit(_)) => {
            weight.filter(|weight| weight.is_part()).map(Percent::share)
        }
        check => check?.bound(),
    }
}
