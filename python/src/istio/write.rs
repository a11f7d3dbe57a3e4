//! `canary.dumps` and `canary.validate`.

use canary_core::{Manifest, validate::Options};
use canary_python_macros::binding;
use pyo3::{exceptions::PyValueError, prelude::*};

use super::manifest::{all_from_python, all_placed};
use crate::{
    error::IntoPy,
    finding::{Finding, located},
    show,
};

/// Writes objects as YAML documents, ready for `kubectl apply`.
#[binding]
#[pyfunction]
pub(crate) fn dumps(objects: &Bound<'_, PyAny>) -> PyResult<String> {
    all_from_python(objects)?.into_iter().collect::<Manifest>().to_yaml().py()
}

/// Finds everything that Istio would refuse or warn of in one object or in several.
#[binding]
#[pyfunction]
#[pyo3(signature = (objects, *, istio_version = None))]
pub(crate) fn validate<'py>(
    objects: &Bound<'py, PyAny>,
    istio_version: Option<&str>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut options = Options::default();
    if let Some(version) = istio_version {
        let version = version
            .parse()
            .map_err(|error| PyValueError::new_err(format!("istio_version: {error}")))?;
        options = options.istio_version(version);
    }
    let findings: Vec<_> = all_placed(objects)?
        .iter()
        .flat_map(|(object, source)| {
            located(canary_core::validate::validate(object, &options), source.as_ref())
        })
        .map(Finding)
        .collect();
    show::records(objects.py(), findings)
}
