//! The caller's own scores, for custom guardrails.

use super::observation::{Observation, Seen};

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

/// The score of pairs of numbers: 1 where they differ by no more than `tolerance`, and 0 where they differ by more. A
/// pair whose stable half is not a number has no score; one whose canary alone is not a number has 0.
///
/// It scores a custom guardrail of models that answer with numbers.
///
/// ```
/// use canary_core::evidence::{Answer, Observation, Pair, Score, Seen, Timestamp, close};
///
/// let pair = |stable: &str, canary: &str| {
///     let (stable, canary) = (Answer::new(stable, None), Answer::new(canary, None));
///     let what = Seen::Pair(Pair { input: None, name: None, stable, canary, label: None });
///     Observation { source: "pairs".into(), sequence: None, at: Timestamp(0), what }
/// };
/// let score = close(0.5);
/// assert_eq!(score.score(&pair("21.5", "21.25")), Some(1.0));
/// assert_eq!(score.score(&pair("21.5", "23")), Some(0.0));
/// assert_eq!(score.score(&pair("warm", "21.25")), None);
/// ```
pub fn close(tolerance: f64) -> impl Score {
    move |observation: &Observation| {
        let Seen::Pair(pair) = &observation.what else { return None };
        let stable: f64 = pair.stable.class.parse().ok().filter(|number: &f64| !number.is_nan())?;
        // Equal infinities have no difference.
        let agree = pair.canary.class.parse::<f64>().is_ok_and(|canary| {
            canary.total_cmp(&stable).is_eq() || (canary - stable).abs() <= tolerance
        });
        Some(f64::from(u8::from(agree)))
    }
}

impl<F: Fn(&Observation) -> Option<f64> + Send + Sync> Score for F {
    fn score(&self, observation: &Observation) -> Option<f64> {
        self(observation)
    }
}
