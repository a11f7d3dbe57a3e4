//! The functions that score the pairs of custom guardrails.

use std::{collections::BTreeMap, sync::Arc};

use pyo3::prelude::*;

/// A function of the caller's.
pub(crate) type Score = Arc<Py<PyAny>>;

/// The functions by the names of their guardrails.
#[derive(Clone, Default)]
pub(crate) struct Scores(pub(crate) BTreeMap<String, Score>);

impl Scores {
    pub(crate) fn new(scores: impl IntoIterator<Item = (String, Py<PyAny>)>) -> Self {
        Self(scores.into_iter().map(|(name, score)| (name, Arc::new(score))).collect())
    }

    /// The functions, for a pickle.
    pub(crate) fn to_python(&self, py: Python<'_>) -> BTreeMap<String, Py<PyAny>> {
        self.0.iter().map(|(name, score)| (name.clone(), score.clone_ref(py))).collect()
    }
}

/// Functions are compared by identity.
impl PartialEq for Scores {
    fn eq(&self, other: &Self) -> bool {
        let same = |((name, one), (other, two)): ((&String, &Score), (&String, &Score))| {
            name == other && one.is(&**two)
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(same)
    }
}
