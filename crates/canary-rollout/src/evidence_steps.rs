//! The steps of a plan at which a guardrail can have evidence.

use super::{
    guardrail::{Check, Guardrail},
    plan::{Plan, Step},
};

/// Returns `true` when a guardrail can have evidence at a step of the plan: the ratios and the split where both versions
/// serve; tests that compare responses where pairs come, which is at the mirrored steps of a plan that has some,
/// and before the last weight of a plan with a header or of labels otherwise.
pub(super) fn has_evidence_at(guardrail: &Guardrail, plan: &Plan, step: &Step) -> bool {
    let divides = step.weight.is_part();
    let mirrors = plan.steps.iter().any(|step| step.mirror > 0);
    let pairs = if mirrors { step.mirror > 0 } else { plan.reaches_canary() && step.weight < 100 };
    // A caller's score may be of pairs or of requests.
    let scores_pairs = mirrors || plan.reaches_canary();
    match guardrail.check {
        Check::ErrorRatio(_)
        | Check::SlowRatio(_)
        | Check::QuantileRatio(_)
        | Check::ErrorRate(_)
        | Check::Mean(_)
        | Check::ObservedSplit(_) => divides,
        Check::Custom(_) if !scores_pairs => divides,
        Check::Agreement(_)
        | Check::Accuracy(_)
        | Check::NumericDrift(_)
        | Check::PairErrors(_)
        | Check::Custom(_) => pairs,
    }
}
