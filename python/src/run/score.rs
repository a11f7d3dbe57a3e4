//! A caller's function as the score of a custom guardrail.

use std::sync::Arc;

use canary_core::{
    evidence::{self, Arm, Observation, Seen},
    rollout::{Check, Plan},
};
use pyo3::{exceptions::PyTypeError, prelude::*};

use super::raised::Raised;
use crate::rollout::{
    observation,
    pair::Pair,
    scores::{Score, Scores},
};

/// The longest text of a value that is no score, in characters.
const LONGEST_VALUE: usize = 80;

/// The caller's functions by the names of their guardrails; those of custom guardrails score `requests` where the plan has
/// no pairs.
pub(crate) fn own_scores(
    plan: &Plan,
    scores: &Scores,
    raised: &Raised,
    requests: bool,
) -> Vec<(Arc<str>, OwnScore)> {
    let of = |(name, function): (&String, &Score)| {
        let of = plan.guardrails.iter().find(|of| of.name == *name);
        let mean = of.is_some_and(|of| matches!(of.check, Check::Mean(_)));
        let (function, raised) = (Arc::clone(function), raised.clone());
        (name.as_str().into(), OwnScore { function, raised, requests, mean })
    };
    scores.0.iter().map(of).collect()
}

/// A caller's function as the score of a custom guardrail: of pairs, and not of those with a failed half; in a plan
/// without pairs, of the canary's requests that the caller has observed; or as the number of each request, for `mean`.
pub(crate) struct OwnScore {
    function: Score,
    raised: Raised,
    /// `true` when it scores the canary's requests.
    requests: bool,
    /// `true` when it gives the number of each request of a guardrail `mean`.
    mean: bool,
}

impl evidence::Score for OwnScore {
    fn score(&self, observation: &Observation) -> Option<f64> {
        self.number(observation)?.ok()
    }

    fn number(&self, observation: &Observation) -> Option<Result<f64, String>> {
        Python::attach(|py| {
            let returned = match &observation.what {
                Seen::Pair(_) if self.mean => return None,
                Seen::Pair(pair) => self.function.call1(py, (Pair(pair.clone()),)),
                Seen::Request(request)
                    if self.mean && request.arm != Arm::Unknown
                        || self.requests && request.arm == Arm::Canary =>
                {
                    let observed = observation::Observation::of(observation.at, request);
                    self.function.call1(py, (observed,))
                }
                _ => return None,
            };
            // A request that the score is not about.
            if (self.requests || self.mean)
                && returned.as_ref().is_ok_and(|value| value.is_none(py))
            {
                return None;
            }
            let value = returned.and_then(|value| number(value.bind(py)));
            value.inspect_err(|error| self.raised.keep(error.clone_ref(py))).ok()
        })
    }
}

/// The number that a score is, or the text of another value, such as None, which the rollout counts as an invalid score
/// and reports; an exception of the conversion is the caller's error.
fn number(value: &Bound<'_, PyAny>) -> PyResult<Result<f64, String>> {
    match value.extract::<f64>() {
        Err(error) if error.is_instance_of::<PyTypeError>(value.py()) => Ok(Err(shown(value))),
        converted => converted.map(Ok),
    }
}

/// The beginning of a value's `repr`, or its type where it has none.
fn shown(value: &Bound<'_, PyAny>) -> String {
    let text = match value.repr() {
        Ok(text) => text.to_string_lossy().into_owned(),
        Err(_) => value.get_type().to_string(),
    };
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
