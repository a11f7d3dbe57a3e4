//! The looks of a plan that tests at planned numbers of requests.

use super::{
    guardrail::{Check, Guardrail},
    plan::Plan,
    sequential::{OF_LOOKS, Sequential},
};

/// The requests of both versions in all steps that divide the traffic, where every hold of them fixes it.
pub(crate) fn planned(plan: &Plan) -> Option<u64> {
    let divided = plan.steps.iter().filter(|step| step.weight.is_part());
    let total = divided.map(|step| step.hold.total_requests).sum::<Option<u64>>();
    total.filter(|total| *total > 0)
}

/// The test at looks of a guardrail, where the plan has one.
pub(crate) fn of(
    plan: &Plan,
    guardrail: &Guardrail,
) -> canary_stats::Result<Option<canary_stats::GroupSequential>> {
    let (Some(sequential), Some(planned)) = (plan.sequential, planned(plan)) else {
        return Ok(None);
    };
    let at_most = match &guardrail.check {
        Check::ErrorRatio(check) => check.at_most,
        Check::SlowRatio(check) => check.at_most,
        _ => return Ok(None),
    };
    let alpha = canary_stats::Alpha::new(OF_LOOKS * plan.alpha_of(guardrail))?;
    let Sequential { looks, spending } = sequential;
    canary_stats::GroupSequential::new(at_most, planned, looks, spending, alpha).map(Some)
}
