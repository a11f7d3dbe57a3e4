//! The assumptions of a simulation, as Python gives them.

use canary_core::rollout::{Plan, Rates, Scenario};

/// The stable version's probability, and the canary's.
pub(super) type Pair = (f64, f64);

/// The assumptions that `simulate` and `power` have in common.
pub(super) struct Assumed {
    pub(super) errors: Pair,
    pub(super) slow: Pair,
    pub(super) agreement: f64,
    pub(super) only_right: Pair,
    pub(super) latency_ratio: f64,
    pub(super) mean: Pair,
    pub(super) rate: f64,
    pub(super) pairs_per_second: Option<f64>,
}

impl Assumed {
    /// The scenario of a plan under these assumptions.
    pub(super) fn scenario(&self, plan: &Plan) -> Scenario {
        let rates = |(stable, canary): Pair| Rates::new(stable, canary);
        Scenario {
            rate: self.rate,
            errors: rates(self.errors),
            slow: rates(self.slow),
            pairs_per_second: self.pairs_per_second.unwrap_or_else(|| plan.usual_pairs(self.rate)),
            agreement: self.agreement,
            only_right: rates(self.only_right),
            latency_ratio: self.latency_ratio,
            mean: rates(self.mean),
            ..Scenario::default()
        }
    }
}
