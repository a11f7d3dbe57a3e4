//! The space in the state of a plan for inputs, users and pairs.

use std::collections::BTreeSet;

use canary_stats::Known;

use super::{
    guardrail::{Check, ErrorRate, Guardrail},
    plan::{Plan, ProvenOn, Step},
    state::MAX_STATE_BYTES,
    waiting::MAX_WAITING,
};

/// Bytes of a state for everything except the tests and what is remembered: the counts, the verdict, the commands.
const REST: usize = 8_000;

/// The inputs that are remembered where the holds ask for fewer.
const USUAL_INPUTS: u64 = 5_000;

/// The bytes that the tests of the plan's guardrails take in a stored state at most.
pub(crate) fn of_tests(plan: &Plan) -> usize {
    plan.guardrails.iter().map(|guardrail| of_test(plan, guardrail)).sum()
}

fn of_test(plan: &Plan, guardrail: &Guardrail) -> usize {
    // A test of rates keeps sixteen rows of evidence, and counts for each weight and each guess of the stable rate.
    // Those where one version has everything count as one.
    let part = |step: &Step| Some(step.weight).filter(|weight| weight.is_part());
    let weights: BTreeSet<_> = plan.steps.iter().map(part).collect();
    let measured = 1_000 * usize::from(plan.aa);
    let ratio = measured + 4_000 + 75 * (20 + weights.len()).min(64);
    let test = match guardrail.check {
        Check::ErrorRatio(_) | Check::SlowRatio(_) => ratio,
        Check::ErrorRate(ErrorRate { and_worse: Some(_), .. }) => 450 + ratio,
        // Seventeen counts for each of these, and the latencies of both versions by buckets.
        Check::QuantileRatio(_) => 2 * ratio + 8_000,
        // Capitals for each of 33 means, and those that leave the range of numbers; those of two arms twice.
        Check::NumericDrift(_) | Check::Custom(_) => 8_000,
        Check::Mean(_) => 14_000,
        _ => 450,
    };
    let proof = plan.proven_on == ProvenOn::LastStep && guardrail.check.proven_bound().is_some();
    let looks = plan.sequential.map_or(0, |sequential| sequential.looks as usize * 120);
    test * if proof { 2 } else { 1 } + looks
}

/// The bytes that are left for inputs and users.
pub(crate) fn to_remember(plan: &Plan) -> usize {
    let waiting = for_labels(plan) * of_label(plan) + 16;
    MAX_STATE_BYTES.saturating_sub(REST + of_tests(plan) + waiting)
}

/// The number of pairs and requests that may wait for their labels: half of what the tests leave.
pub(crate) fn for_labels(plan: &Plan) -> usize {
    if plan.labels.is_none() {
        return 0;
    }
    let left = MAX_STATE_BYTES.saturating_sub(REST + of_tests(plan));
    (left / 2 / of_label(plan)).min(MAX_WAITING)
}

/// Bytes of a pair or a request that waits for its label, as text.
fn of_label(plan: &Plan) -> usize {
    if plan.steps.iter().all(|step| step.weight.whole().is_some()) { 30 } else { 32 }
}

/// The number of distinct inputs of pairs that a rollout remembers: somewhat more than its holds ask for; where a step
/// with pairs is not held by their number, or a proof may need more, as many as the state has room for.
pub(crate) fn for_inputs(plan: &Plan) -> u64 {
    let with_pairs = |step: &&Step| step.weight < 100 && (step.mirror > 0 || plan.reaches_canary());
    let held = plan.steps.iter().filter(with_pairs).map(|step| step.hold.pairs);
    let proves =
        |one: &Guardrail| !one.check.compares_traffic() && one.check.proven_bound().is_some();
    match held.sum::<Option<u64>>() {
        Some(pairs) if pairs > 0 && !plan.guardrails.iter().any(proves) => {
            (pairs + pairs / 4).max(USUAL_INPUTS).min(most_inputs(plan))
        }
        _ => most_inputs(plan),
    }
}

/// The most distinct inputs of pairs that the state has room for.
pub(crate) fn most_inputs(plan: &Plan) -> u64 {
    let users = plan.users.map_or(0, |users| Known::stored_bytes(users.at_most));
    let bytes = to_remember(plan).saturating_sub(users);
    // Base64 has six bits a byte, and an input takes ten.
    (bytes.saturating_sub(64) as u64 * 6 / 10).min(Known::CAPACITY)
}
