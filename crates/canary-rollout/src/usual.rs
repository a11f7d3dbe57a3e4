//! The default steps, gates and pairs of a plan.

use crate::{Gate, Hold, Plan, Step};

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
    pub fn held(weight: u32, hold: Hold) -> Self {
        Self::new(weight).hold(if weight < 100 { hold } else { Hold::default() })
    }
}

impl Plan {
    /// The usual steps: 5, 30 and 100 percent, each with the same hold.
    #[must_use]
    pub fn usual_weights(self, hold: Hold) -> Self {
        self.weights([5, 30, 100], hold)
    }

    /// Adds a gate; it is evaluated before the first weight unless a step names it.
    ///
    /// ```
    /// use canary_core::{Plan, rollout::{Gate, Hold}};
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
    ///     .usual_weights(Hold::usual())
    ///     .gate_first(Gate::new("golden"));
    /// assert_eq!(plan.steps[0].gates, ["golden"]);
    /// ```
    #[must_use]
    pub fn gate_first(mut self, gate: Gate) -> Self {
        let named = self.steps.iter().any(|step| step.gates.contains(&gate.name));
        if !named && let Some(first) = self.steps.first_mut() {
            first.gates.push(gate.name.clone());
        }
        self.gate(gate)
    }

    /// The default number of pairs per second: a tenth of the requests if a guardrail or a hold needs pairs.
    pub fn usual_pairs(&self, rate: f64) -> f64 {
        if self.needs_pairs() { rate / REQUESTS_A_PAIR } else { 0.0 }
    }
}
