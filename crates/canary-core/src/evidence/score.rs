//! Scores of the caller's own, for custom guardrails.

use super::observation::Observation;

/// Turns observations into the score of a custom guardrail.
///
/// The guardrail's null is that the mean score is at least the bound in the plan. The engine does the betting, so
/// the test is as sound as the others whatever the score means; what the caller must hold is that a score looks at
/// its own observation only.
///
/// Any function of that shape is a score:
///
/// ```
/// use canary_core::evidence::{Observation, Score, Seen};
///
/// /// The canary is sure of its answer.
/// let sure = |observation: &Observation| match &observation.what {
///     Seen::Pair(pair) => pair.canary.score.map(|score| if score >= 0.5 { 1.0 } else { 0.0 }),
///     _ => None,
/// };
/// fn takes(_: impl Score) {}
/// takes(sure);
/// ```
pub trait Score: Send + Sync {
    /// The score, from 0 to 1, or `None` where it does not apply. A value outside that range or that is no number
    /// is an error of the guardrail: the observation is left out and counted as refused.
    fn score(&self, observation: &Observation) -> Option<f64>;
}

impl<F: Fn(&Observation) -> Option<f64> + Send + Sync> Score for F {
    fn score(&self, observation: &Observation) -> Option<f64> {
        self(observation)
    }
}
