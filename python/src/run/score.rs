//! A caller's function as the score of a custom guardrail.

use canary_core::evidence::{self, Observation, Seen};
use pyo3::{exceptions::PyTypeError, prelude::*};

use super::raised::Raised;
use crate::rollout::{pair::Pair, scores::Score};

/// The longest text of a value that is no score, in characters.
const LONGEST_VALUE: usize = 80;

/// A caller's function as the score of a custom guardrail. It is not called for pairs with a failed half.
pub(super) struct OwnScore {
    pub(super) function: Score,
    pub(super) raised: Raised,
}

impl evidence::Score for OwnScore {
    fn score(&self, observation: &Observation) -> Option<f64> {
        self.number(observation)?.ok()
    }

    fn number(&self, observation: &Observation) -> Option<Result<f64, String>> {
        let Seen::Pair(pair) = &observation.what else { return None };
        Python::attach(|py| {
            let returned = self.function.call1(py, (Pair(pair.clone()),));
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
