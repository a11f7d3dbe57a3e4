//! The steps of a plan, and the times and probabilities that hold for all of them.

use super::{
    super::{
        approval::Otherwise,
        plan::{Plan, Step},
    },
    seconds::seconds,
};
use canary_istio::{Finding, Findings};

/// The largest number of steps.
const MAX_STEPS: usize = 200;

pub(super) fn check(plan: &Plan, findings: &mut Findings) {
    numbers(plan, findings);
    steps(plan, findings);
}

fn numbers(plan: &Plan, findings: &mut Findings) {
    if !(plan.alpha > 0.0 && plan.alpha < 1.0) {
        findings.push(
            Finding::error(
                "C104",
                "alpha",
                "a bound on a probability lies between 0 and 1, both excluded",
            )
            .found(plan.alpha)
            .help("with 0 no guardrail could ever alarm; 0.05 is usual"),
        );
    } else if plan.alpha > 0.2 {
        findings.push(
            Finding::warning(
                "C104",
                "alpha",
                "more than one healthy canary in five may be rolled back",
            )
            .found(plan.alpha)
            .help("0.05 is usual"),
        );
    }
    if plan.patience.is_zero() {
        findings.push(
            Finding::error("C105", "patience", "patience is zero")
                .help("give the longest time that a step may take, such as 1h"),
        );
    }
    if plan.settle >= plan.patience && !plan.patience.is_zero() {
        findings.push(
            Finding::error("C105", "settle", "every request of a step would be ignored")
                .found(seconds(plan.settle))
                .help("keep it below patience; 2s is usual"),
        );
    }
}

fn steps(plan: &Plan, findings: &mut Findings) {
    if plan.steps.is_empty() || plan.steps.len() > MAX_STEPS {
        findings.push(
            Finding::error("C106", "steps", format!("a plan has 1 to {MAX_STEPS} steps"))
                .found(plan.steps.len())
                .help("give the weights, such as 5, 30 and 100"),
        );
    }
    let last = plan.steps.len().saturating_sub(1);
    let mut before: Option<&Step> = None;
    for (index, step) in plan.steps.iter().enumerate() {
        let path = |field: &str| format!("steps[{index}].{field}");
        for (field, percent) in [("weight", step.weight), ("mirror", step.mirror)] {
            if percent > 100 {
                findings.push(
                    Finding::error("C107", path(field), "a percentage is at most 100")
                        .found(percent),
                );
            }
        }
        if let Some(before) = before {
            if step.weight < before.weight {
                findings.push(
                    Finding::error("C108", path("weight"), "weights may not go down")
                        .found(step.weight)
                        .help(format!(
                            "the step before has {}; a rollout only adds traffic, and only the driver decides on a rollback",
                            before.weight
                        )),
                );
            } else if step.split() == before.split() && step.gates.is_empty() {
                findings.push(
                    Finding::warning("C108", path("weight"), "the step changes nothing")
                        .found(step.weight)
                        .help("lengthen the hold of the step before instead"),
                );
            }
        }
        before = Some(step);
        approval(step, &path, findings);
        hold(plan, step, index == last, &path, findings);
    }
}

fn approval(step: &Step, path: &dyn Fn(&str) -> String, findings: &mut Findings) {
    let Some(approve) = step.approve else { return };
    if approve.timeout.is_some_and(|timeout| timeout.is_zero()) {
        findings.push(
            Finding::error("C126", path("approve.timeout"), "the timeout is zero").found(0).help(
                "give the longest time to wait, such as 4h, or leave it out to wait without end",
            ),
        );
    }
    if approve.timeout.is_none() && approve.otherwise != Otherwise::Hold {
        findings.push(
            Finding::error(
                "C126",
                path("approve.otherwise"),
                "without a timeout the approval is never overdue, so this never happens",
            )
            .found("rollback")
            .help("give a timeout too, such as 4h"),
        );
    }
}

fn hold(
    plan: &Plan,
    step: &Step,
    last: bool,
    path: &dyn Fn(&str) -> String,
    findings: &mut Findings,
) {
    let hold = &step.hold;
    for (field, zero) in [
        ("hold.requests", hold.requests == Some(0)),
        ("hold.totalRequests", hold.total_requests == Some(0)),
        ("hold.pairs", hold.pairs == Some(0)),
        ("hold.time", hold.time.is_some_and(|time| time.is_zero())),
    ] {
        if zero {
            findings.push(
                Finding::error("C109", path(field), "a hold of zero shows nothing").found(0).help(
                    "state what the step has to observe, or leave the hold out at the last step",
                ),
            );
        }
    }
    if hold.is_empty() && !(last && step.weight == 100) {
        findings.push(Finding::error("C109", path("hold"), "the step has no hold").help(
            "state requests, totalRequests, pairs or time; only a last step at 100 needs none",
        ));
    }
    if let Some(time) = hold.time
        && time >= plan.patience
    {
        findings.push(
            Finding::error("C110", path("hold.time"), "the hold is not shorter than the patience")
                .found(seconds(time))
                .help(format!("raise patience above it; it is {} now", seconds(plan.patience))),
        );
    }
    if hold.pairs.is_some() && !plan.reaches_canary() && step.mirror == 0 {
        findings.push(
            Finding::error(
                "C111",
                path("hold.pairs"),
                "pairs need a route to the canary by header, or a mirror",
            )
            .help("give the plan a header, such as user-group: canary"),
        );
    }
    if hold.requests.is_some() && step.weight == 0 {
        findings.push(
            Finding::error(
                "C112",
                path("hold.requests"),
                "no request reaches the canary at weight 0, so the step never ends",
            )
            .found(hold.requests.unwrap_or_default())
            .help("hold by pairs, by time or by totalRequests, or give the step a weight"),
        );
    }
}
