//! The looks of a plan that tests at planned numbers of requests.

use super::Plan;
use crate::{
    guardrail::{Check, Guardrail},
    sequential::{OF_LOOKS, Sequential},
};

impl Plan {
    /// The requests of both versions in all steps that divide the traffic, where every hold of them fixes it.
    pub(crate) fn planned_requests(&self) -> Option<u64> {
        let divided = self.steps.iter().filter(|step| (1..100).contains(&step.weight));
        let total = divided.map(|step| step.hold.total_requests).sum::<Option<u64>>();
        total.filter(|total| *total > 0)
    }

    /// The test at looks of a guardrail, where the plan has one.
    pub(crate) fn looks_of(
        &self,
        guardrail: &Guardrail,
    ) -> canary_stats::Result<Option<canary_stats::GroupSequential>> {
        let (Some(sequential), Some(planned)) = (self.sequential, self.planned_requests()) else {
            return Ok(None);
        };
        let at_most = match &guardrail.check {
            Check::ErrorRatio(check) => check.at_most,
            Check::SlowRatio(check) => check.at_most,
            _ => return Ok(None),
        };
        let alpha = canary_stats::Alpha::new(OF_LOOKS * self.alpha_of(guardrail))?;
        let Sequential { looks, spending } = sequential;
        canary_stats::GroupSequential::new(at_most, planned, looks, spending, alpha).map(Some)
    }
}
