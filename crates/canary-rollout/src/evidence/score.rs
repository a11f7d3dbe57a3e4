//! The caller's own scores, for custom guardrails.

use super::observation::Observation;

/// Turns observations into the score of a custom guardrail.
///
/// The guardrail's null is that the mean score is at least the bound in the plan. The engine does the testing, so the
/// test is as valid as the others for any score. The caller has to make sure that a score depends only on its own
/// observation.
///
/// A value outside 0 to 1, or that is not a number, is an error of the plan's function. It is left out, counted and
/// shown as refused. After ten of them the run ends as inconclusive with this reason, because an invalid score proves
/// nothing. `None` means that the score does not apply to the observation, which is not an error. A guardrail whose
/// score never applies does not reach its least number of observations, so the release is not promoted.
///
/// For a pair with a failed half the function is not called: where the stable half failed there is no score, and where
/// the canary's alone did it is 0. So a function only sees pairs with two answers, and a failing canary still gets a
/// score.
///
/// Requests are scored by [`Request::value`](super::Request::value) or by anything else that an observation has, in a
/// plan without a header and a mirror.
///
/// Any function with this signature is a score:
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

    /// The score as [`Score::score`] gives it, or a text that describes the value if it is not a number. A score whose
    /// values come from another language returns this text, so that a verdict can quote it.
    fn number(&self, observation: &Observation) -> Option<Result<f64, String>> {
        self.score(observation).map(Ok)
    }
}

impl<F: Fn(&Observation) -> Option<f64> + Send + Sync> Score for F {
    fn score(&self, observation: &Observation) -> Option<f64> {
        self(observation)
    }
}
