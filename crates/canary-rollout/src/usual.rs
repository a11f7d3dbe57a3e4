//! The default steps, gates and pairs of a plan.

use crate::{Hold, Percent, Plan, Step};

/// The requests of both versions together that the usual hold of a step waits for.
const USUAL_HOLD: u64 = 2_000;

/// The default number of requests for each pair.
const REQUESTS_A_PAIR: f64 = 10.0;

impl Hold {
    /// The default hold of a step.
    pub fn usual() -> Self {
        Self::total_requests(USUAL_HOLD)
    }
}

impl Step {
    /// A step at that weight with that hold; at 100 there is nothing left to compare, and none is needed.
    pub fn held(weight: impl Into<Percent>, hold: Hold) -> Self {
        let step = Self::new(weight);
        if step.weight < Percent::ALL { step.hold(hold) } else { step }
    }
}

/// The default number of pairs per second; see [`Plan::usual_pairs`].
pub(crate) fn pairs(plan: &Plan, rate: f64) -> f64 {
    if plan.needs_pairs() { rate / REQUESTS_A_PAIR } else { 0.0 }
}
