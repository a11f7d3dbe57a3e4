//! The state of each version of a model, with the error of one that could not be loaded.

use std::collections::BTreeMap;

use canary_core::predict::{ModelStatus, VersionStatus};
use pyo3::prelude::*;

/// One version; in Python a text with attributes.
pub(crate) struct VersionState(VersionStatus);

impl<'py> IntoPyObject<'py> for VersionState {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let VersionStatus { state, error_code, error_message, .. } = self.0;
        let class = py.import("canary._version_state")?.getattr("VersionState")?;
        class.call1((state.to_string(), error_code, error_message))
    }
}

/// The state of each version by its number.
pub(crate) fn states(status: &ModelStatus) -> BTreeMap<i64, VersionState> {
    status.versions.iter().map(|one| (one.version, VersionState(one.clone()))).collect()
}
