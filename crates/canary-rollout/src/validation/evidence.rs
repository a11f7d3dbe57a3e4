//! The rules of a plan about its evidence: a guardrail without observations never alarms, which must not look like
//! success.

use super::{
    super::{
        evidence_steps::has_evidence_at,
        guardrail::{Check, Guardrail},
        plan::{Plan, Step},
        room,
    },
    seconds::seconds,
};
use crate::evidence::Kind;
use canary_istio::{Finding, Findings};

pub(super) fn check(plan: &Plan, findings: &mut Findings) {
    sources(plan, findings);
    end(plan, findings);
    least(plan, findings);
    pairs(plan, findings);
    timeouts(plan, findings);
    labels(plan, findings);
}

/// Each guardrail has a step in which it can have observations.
fn sources(plan: &Plan, findings: &mut Findings) {
    let labels = plan.target.version_labels().is_some();
    let divides = plan.steps.iter().any(|step| step.weight.is_part());
    let unpaired = !plan.reaches_canary() && !plan.steps.iter().any(|step| step.mirror > 0);
    for (index, guardrail) in plan.guardrails.iter().enumerate() {
        let path = format!("guardrails[{index}].{}", guardrail.check.kind());
        match guardrail.check.needs() {
            // Said once for the target, with the reason.
            Kind::Requests | Kind::Latency | Kind::Values if labels => {}
            Kind::Requests | Kind::Latency | Kind::Values if !divides => findings.push(
                Finding::error(
                    "C118",
                    path,
                    "no step divides the traffic, so there is nothing to compare",
                )
                .help("add a step with a weight above 0 and below 100, or remove the guardrail"),
            ),
            Kind::Pairs | Kind::Labels | Kind::Scores if unpaired => findings.push(
                Finding::error(
                    "C118",
                    path,
                    "pairs need a route to the canary by header, or a mirror",
                )
                .help("give the plan a header, such as user-group: canary"),
            ),
            _ => {}
        }
    }
}

/// A promotion gives the canary all traffic, so the plan ends with that; and the canary is observed before.
fn end(plan: &Plan, findings: &mut Findings) {
    let Some(last) = plan.steps.last() else { return };
    let index = plan.steps.len() - 1;
    if last.weight < 100 {
        findings.push(
            Finding::error(
                "C122",
                format!("steps[{index}].weight"),
                "the plan does not end at 100, where a promotion leads",
            )
            .found(last.weight)
            .help("add a last step of weight 100; to stay below, pause the release at this step"),
        );
    }
    let sees = |step: &Step| {
        let speaks = |guardrail: &Guardrail| has_evidence_at(guardrail, plan, step);
        step.weight < 100 && (plan.guardrails.iter().any(speaks) || step.hold.pairs.is_some())
            || step.weight.is_part() && step.hold.requests.is_some()
    };
    if !plan.steps.iter().any(sees) {
        findings.push(
            Finding::error(
                "C123",
                "steps",
                "the canary is not observed before it gets all of the traffic",
            )
            .help(
                "add a step with a weight above 0 and below 100, or hold a step of weight 0 by pairs with a guardrail for them",
            ),
        );
    }
}

/// No hold is below the least number of observations that a guardrail of the step requires.
fn least(plan: &Plan, findings: &mut Findings) {
    for (index, step) in plan.steps.iter().enumerate() {
        for guardrail in plan.guardrails.iter().filter(|one| has_evidence_at(one, plan, step)) {
            let (field, held) = match guardrail.check {
                Check::ErrorRatio(_)
                | Check::SlowRatio(_)
                | Check::ErrorRate(_)
                | Check::Mean(_) => ("requests", step.hold.requests),
                Check::ObservedSplit(_) => ("totalRequests", step.hold.total_requests),
                _ => ("pairs", step.hold.pairs),
            };
            let Some(held) = held.filter(|held| *held < guardrail.minimum && *held > 0) else {
                continue;
            };
            findings.push(
                Finding::error(
                    "C121",
                    format!("steps[{index}].hold.{field}"),
                    format!(
                        "the hold is below the {} observations of each version that {} needs in each step",
                        guardrail.minimum, guardrail.name
                    ),
                )
                .found(held)
                .help("raise the hold, or state a smaller minimum of the guardrail"),
            );
        }
    }
}

/// The inputs of a rollout are remembered in a fixed space, so that each counts once.
fn pairs(plan: &Plan, findings: &mut Findings) {
    let wanted: u64 =
        plan.steps.iter().filter_map(|step| step.hold.pairs).fold(0, u64::saturating_add);
    let room = room::most_inputs(plan);
    if wanted > room {
        findings.push(
            Finding::error(
                "C124",
                "steps",
                format!("the steps require more pairs than the {room} distinct inputs that a rollout can track"),
            )
            .found(wanted)
            .help("require fewer pairs; a relevant difference shows after some thousands"),
        );
    }
}

/// A request that is slow for a guardrail must have ended before it counts.
fn timeouts(plan: &Plan, findings: &mut Findings) {
    for (index, guardrail) in plan.guardrails.iter().enumerate() {
        let Check::SlowRatio(slow) = &guardrail.check else { continue };
        let Some(threshold) = slow.threshold.filter(|threshold| *threshold > plan.request_timeout)
        else {
            continue;
        };
        findings.push(
            Finding::error(
                "C125",
                format!("guardrails[{index}].slowRatio.threshold"),
                format!(
                    "a request is slow only after the requestTimeout of {}, before which it has ended",
                    seconds(plan.request_timeout)
                ),
            )
            .found(seconds(threshold))
            .help("raise requestTimeout to the longest time that a request may take"),
        );
    }
    let longest = plan.settle.saturating_add(plan.request_timeout);
    if longest >= plan.patience && plan.settle < plan.patience && !plan.patience.is_zero() {
        findings.push(
            Finding::warning(
                "C125",
                "requestTimeout",
                "counts of requests that have ended, as from Prometheus, would never be used in a step",
            )
            .found(seconds(plan.request_timeout))
            .help(format!("keep it below patience, which is {}", seconds(plan.patience))),
        );
    }
}

/// Labels are awaited for a guardrail, and within a step's patience.
fn labels(plan: &Plan, findings: &mut Findings) {
    let is_labelled = |one: &Guardrail| matches!(&one.check, Check::Mean(mean) if mean.labelled);
    let labelled = plan.guardrails.iter().position(is_labelled);
    if let Some(place) = labelled {
        let path = format!("guardrails[{place}].mean.labelled");
        if plan.labels.is_none() {
            findings.push(
                Finding::error("C127", path, "the plan states no time within which labels come")
                    .help("give labels: {within: 24h}, or leave labelled out"),
            );
        } else if plan.users.is_some() {
            findings.push(
                Finding::error("C127", path, "a label belongs to a request, and users are counted")
                    .help("leave labelled or users out"),
            );
        }
    }
    let Some(labels) = plan.labels else { return };
    let by_pairs = plan.guardrails.iter().any(|one| matches!(one.check, Check::Accuracy(_)));
    if !by_pairs && labelled.is_none() {
        findings.push(
            Finding::error("C127", "labels", "no guardrail uses the labels").help(
                "add the guardrail accuracy, or mean with labelled: true, or leave labels out",
            ),
        );
    }
    if labels.within.is_zero() {
        findings.push(
            Finding::error("C127", "labels.within", "labels.within is zero")
                .help("give the longest time from a prediction to its label, such as 24h"),
        );
    } else if labels.within >= plan.patience {
        findings.push(
            Finding::warning(
                "C127",
                "labels.within",
                "a step may end inconclusive while its labels are still awaited",
            )
            .found(seconds(labels.within))
            .help(format!("keep it below patience, which is {}", seconds(plan.patience))),
        );
    }
}
