//! `canary.Plan`: its data.

use canary_core::rollout;
use canary_python_macros::binding;
use pyo3::prelude::*;

use super::scores::Scores;

/// A canary rollout as data.
#[binding("Plan(name, stable=\"…\", canary=\"…\", guards=[…])")]
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct Plan {
    pub(crate) core: rollout::Plan,
    /// The scores of custom guardrails.
    pub(crate) scores: Scores,
}
