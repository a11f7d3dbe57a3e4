//! The scores of a caller's functions: of one observation, for each guardrail that has one.

use std::sync::Arc;

use super::{
    observation::{Observation, ScoreValue, Seen},
    score::Score,
};
use crate::{Check, Plan};

/// Computes the scores of an observation. The number of a guardrail `mean` becomes a part of the request; the other
/// scores are separate observations, which follow it. A run does this itself. For [`Plan::replay`] of observations that
/// were not stored by a run, the caller has to do it.
///
/// ```
/// use std::sync::Arc;
/// use canary_core::{Plan, rollout::Guardrail};
/// use canary_core::evidence::{Arm, Observation, Request, Score, Seen, Timestamp, scored};
///
/// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
///     .guardrail(Guardrail::mean("seconds", 0.0, 60.0, 0.0));
/// let seconds = |observation: &Observation| match &observation.what {
///     Seen::Request(request) => request.latency.map(|latency| latency.as_secs_f64()),
///     _ => None,
/// };
/// let scores: [(Arc<str>, Box<dyn Score>); 1] = [("seconds".into(), Box::new(seconds))];
/// let request = Request::served(Arm::Canary, std::time::Duration::from_millis(250));
/// let (source, at, what) = ("log".into(), Timestamp(0), Seen::Request(request));
/// let mut observation = Observation { source, sequence: None, at, what };
/// assert!(scored(&scores, &plan, &mut observation).is_empty());
/// let Seen::Request(request) = observation.what else { panic!() };
/// assert_eq!(request.numbers["seconds"], Some(0.25));
/// ```
pub fn scored(
    scores: &[(Arc<str>, Box<dyn Score>)],
    plan: &Plan,
    observation: &mut Observation,
) -> Vec<Observation> {
    let mut observations = Vec::new();
    for (guardrail, score) in scores {
        let value = match &observation.what {
            // A failure is the worst response; a half without a counterpart has no score.
            Seen::Pair(pair) if !pair.stable.is_served() => None,
            Seen::Pair(pair) if !pair.canary.is_served() => Some(Ok(0.0)),
            _ => score.number(observation),
        };
        let of = plan.guardrails.iter().find(|of| *of.name == **guardrail);
        let is_mean = of.is_some_and(|of| matches!(of.check, Check::Mean(_)));
        match (&mut observation.what, value) {
            (Seen::Request(request), None) if is_mean => {
                request.numbers.insert(Arc::clone(guardrail), None);
            }
            (Seen::Request(request), Some(Ok(value))) if is_mean && value.is_finite() => {
                request.numbers.insert(Arc::clone(guardrail), Some(value));
            }
            // A guardrail mean is about requests.
            (Seen::Pair(_), _) if is_mean => {}
            (_, Some(value)) => {
                let (value, given) = match value {
                    Ok(value) => (value, None),
                    Err(given) => (f64::NAN, Some(given.into())),
                };
                let what =
                    Seen::Score(ScoreValue { guardrail: Arc::clone(guardrail), value, given });
                observations.push(Observation { sequence: None, what, ..observation.clone() });
            }
            (_, None) => {}
        }
    }
    observations
}
