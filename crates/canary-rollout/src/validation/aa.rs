//! The rules of an A/A plan.

use super::super::{
    guardrail::{Check, Guardrail},
    plan::Plan,
};
use canary_istio::{Finding, Findings};

pub(super) fn check(plan: &Plan, findings: &mut Findings) {
    if !plan.aa {
        return;
    }
    let measured =
        |one: &Guardrail| matches!(one.check, Check::ErrorRatio(_) | Check::SlowRatio(_));
    if !plan.steps.iter().any(|step| step.weight.is_part()) {
        findings.push(
            Finding::error("C128", "steps", "no step of the A/A plan divides the traffic").help(
                "give it a step with a weight above 0 and below 100; it ends before the weight 100",
            ),
        );
    }
    if !plan.guardrails.iter().any(measured) {
        findings.push(
            Finding::error(
                "C128",
                "guardrails",
                "an A/A plan measures ratios of rates, and has none",
            )
            .help("add errorRatio: {atMost: 1.0}, or slowRatio"),
        );
    }
    if plan.scale_down_after.is_some() {
        let message = "an A/A plan promotes nothing, so no version is scaled down";
        findings.push(
            Finding::error("C128", "scaleDownAfter", message).help("leave scaleDownAfter out"),
        );
    }
    for (index, guardrail) in plan.guardrails.iter().enumerate() {
        if let Some(bound) = guardrail.check.proven_bound() {
            let path = format!("guardrails[{index}].{}", guardrail.check.kind());
            let message = "an A/A plan promotes nothing, so this proof is not waited for";
            findings.push(Finding::warning("C128", path, message).found(bound));
        }
    }
}
