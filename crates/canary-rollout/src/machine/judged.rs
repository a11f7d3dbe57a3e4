//! The observations that a guardrail has judged at a step, and those that it lacks, as text.

use super::super::{
    guardrail::{Check, ErrorRate, Guardrail},
    monitor::Monitor,
    state::State,
};

pub(super) fn share_of(state: &State) -> f64 {
    state.written.map_or(0.0, |split| split.canary.share())
}

/// The number of observations of the version of which the guardrail has judged less; for the split, which is about the
/// two together, of both.
pub(super) fn least(guardrail: &Guardrail, monitor: &Monitor) -> u64 {
    let judged = monitor.judged();
    match guardrail.check {
        Check::ObservedSplit(_) => judged.stable.saturating_add(judged.canary),
        Check::ErrorRate(ErrorRate { and_worse: None, .. }) => judged.canary,
        _ => judged.stable.min(judged.canary),
    }
}

pub(super) fn of_what(check: &Check, monitor: &Monitor) -> &'static str {
    let judged = monitor.judged();
    match check {
        Check::ObservedSplit(_) => "requests",
        Check::ErrorRate(ErrorRate { and_worse: None, .. }) => "requests of the canary",
        Check::ErrorRatio(_)
        | Check::SlowRatio(_)
        | Check::QuantileRatio(_)
        | Check::ErrorRate(_)
            if judged.canary <= judged.stable =>
        {
            "requests of the canary"
        }
        Check::ErrorRatio(_)
        | Check::SlowRatio(_)
        | Check::QuantileRatio(_)
        | Check::ErrorRate(_) => "requests of the stable version",
        Check::Mean(_) if judged.canary <= judged.stable => "values of the canary",
        Check::Mean(_) => "values of the stable version",
        Check::Custom(_) => "scores",
        _ => "pairs",
    }
}
