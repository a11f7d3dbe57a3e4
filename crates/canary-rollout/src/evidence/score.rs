//! Scores of the caller's own, for custom guardrails.

use super::observation::Observation;

/// Turns observations into the score of a custom guardrail.
///
/// The guardrail's null is that the mean score is at least the bound in the plan. The engine does the betting, so
/// the test is as sound as the others whatever the score means; what the caller must hold is that a score looks at
/// its own observation only.
///
/// A value outside 0 to 1, or that is not a number, is an error of the plan's function. It is left out, counted and
/// shown as refused; after ten of them the run ends as inconclusive and says so, because a score that cannot be used
/// proves nothing. `None` says that the score does not apply to the observation, which is not an error; a guardrail whose
/// score never applies does not reach its least number of observations, and nothing is promoted on it.
///
/// For a pair with a failed half the function is not called: where the stable half failed there is no score, and where
/// the canary's alone did it is 0. A function thus sees answers of both models only, and a canary that fails does not
/// escape its score.
///
/// Requests are scored by [`Request::value`](super::Request::value) or by anything else that an observation has, in a
/// plan without a header and a mirror.
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
    /// The score, from 0 to 1, or `None` where it does not apply. Any other value is refused; the tenth ends the run.
    fn score(&self, observation: &Observation) -> Option<f64>;

    /// The score as [`Score::score`] gives it, or in words what came instead of a number. A score whose values come
    /// from another language gives these words, so that a verdict can quote them.
    fn number(&self, observation: &Observation) -> Option<Result<f64, String>> {
        self.score(observation).map(Ok)
    }
}

impl<F: Fn(&Observation) -> Option<f64> + Send + Sync> Score for F {
    fn score(&self, observation: &Observation) -> Option<f64> {
        self(observation)
    }
}
