//! The scores of a caller's functions: of one observation, for each guardrail that has one.

use std::sync::Arc;

use crate::{
    Check, Plan,
    evidence::{Observation, Score, ScoreValue, Seen},
};

/// Has an observation scored. The number of a guardrail `mean` becomes a part of the request; the others are
/// observations of their own, which follow it.
pub(super) fn scored(
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
