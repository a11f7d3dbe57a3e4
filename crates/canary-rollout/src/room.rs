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

/// Bytes of a pair or a request that waits for its label, as text.
const LABEL_BYTES: usize = 30;

impl Plan {
    /// The bytes that the tests of the plan's guardrails take in a stored state at most.
    pub(crate) fn tests_bytes(&self) -> usize {
        self.guardrails.iter().map(|guardrail| self.test_bytes(guardrail)).sum()
    }

    fn test_bytes(&self, guardrail: &Guardrail) -> usize {
        // A test of rates keeps sixteen rows of evidence, and counts for each weight and each guess of the stable rate.
        let weights: BTreeSet<u32> = self.steps.iter().map(|step| step.weight % 100).collect();
        let measured = 1_000 * usize::from(self.aa);
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
        let proof =
            self.proven_on == ProvenOn::LastStep && guardrail.check.proven_bound().is_some();
        let looks = self.sequential.map_or(0, |sequential| sequential.looks as usize * 120);
        test * if proof { 2 } else { 1 } + looks
    }

    /// The bytes that are left for inputs and users.
    pub(crate) fn bytes_to_remember(&self) -> usize {
        let waiting = self.room_for_labels() * LABEL_BYTES + 16;
        MAX_STATE_BYTES.saturating_sub(REST + self.tests_bytes() + waiting)
    }

    /// The number of pairs and requests that may wait for their labels: half of what the tests leave.
    pub(crate) fn room_for_labels(&self) -> usize {
        if self.labels.is_none() {
            return 0;
        }
        let left = MAX_STATE_BYTES.saturating_sub(REST + self.tests_bytes());
        (left / 2 / LABEL_BYTES).min(MAX_WAITING)
    }

    /// The number of distinct inputs of pairs that a rollout remembers: somewhat more than its holds ask for; where a step
    /// with pairs is not held by their number, or a proof may need more, as many as the state has room for.
    pub(crate) fn room_for_inputs(&self) -> u64 {
        let with_pairs =
            |step: &&Step| step.weight < 100 && (step.mirror > 0 || self.header.is_some());
        let held = self.steps.iter().filter(with_pairs).map(|step| step.hold.pairs);
        let proves =
            |one: &Guardrail| !one.check.compares_traffic() && one.check.proven_bound().is_some();
        match held.sum::<Option<u64>>() {
            Some(pairs) if pairs > 0 && !self.guardrails.iter().any(proves) => {
                (pairs + pairs / 4).max(USUAL_INPUTS).min(self.most_inputs())
            }
            _ => self.most_inputs(),
        }
    }

    /// The most distinct inputs of pairs that the state has room for.
    pub(crate) fn most_inputs(&self) -> u64 {
        let users = self.users.map_or(0, |users| Known::stored_bytes(users.at_most));
        let bytes = self.bytes_to_remember().saturating_sub(users);
        // Base64 has six bits a byte, and an input takes ten.
        (bytes.saturating_sub(64) as u64 * 6 / 10).min(Known::CAPACITY)
    }
}
