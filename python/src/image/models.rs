//! `canary.preprocess_models`.

use canary_core::image::model_names;
use canary_python_macros::binding;
use pyo3::prelude::*;

/// The models whose recipes a preparation knows.
#[binding]
#[pyfunction]
pub(crate) fn preprocess_models() -> Vec<String> {
    model_names()
}
