//! `canary.dumps` and `canary.validate`.

use canary_core::{
    Manifest,
    validate::{Channel, Options},
};
use canary_python_macros::binding;
use pyo3::{exceptions::PyValueError, prelude::*};

use super::manifest::{all_from_python, all_placed};
use crate::{
    door,
    error::IntoPy,
    finding::{Finding, located},
    show,
};

/// Objects from which on they are written on a thread of its own, which Ctrl-C leaves alone: some milliseconds.
const LARGE: usize = 32;

/// Writes objects as YAML documents, ready for `kubectl apply`.
#[binding]
#[pyfunction]
pub(crate) fn dumps(objects: &Bound<'_, PyAny>) -> PyResult<String> {
    let found = all_from_python(objects)?;
    // A thread of its own takes longer than a few objects do.
    let large = found.len() > LARGE;
    let work = move || found.into_iter().collect::<Manifest>().to_yaml().py();
    if large { door::abandon(objects.py(), work) } else { work() }
}

/// Finds everything that Istio would refuse or warn of in one object or in several.
#[binding]
#[pyfunction]
#[pyo3(signature = (objects, *, istio_version = None, channel = "standard"))]
pub(crate) fn validate<'py>(
    objects: &Bound<'py, PyAny>,
    istio_version: Option<&str>,
    channel: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let channel = channel
        .parse::<Channel>()
        .map_err(|error| PyValueError::new_err(format!("channel: {error}")))?;
    let mut options = Options::default().channel(channel);
    if let Some(version) = istio_version {
        let version = version
            .parse()
            .map_err(|error| PyValueError::new_err(format!("istio_version: {error}")))?;
        options = options.istio_version(version);
    }
    let mut findings = Vec::new();
    for (object, source) in all_placed(objects)? {
        objects.py().check_signals()?;
        let found = canary_core::validate::validate(&object, &options);
        findings.extend(located(found, source.as_ref()).into_iter().map(Finding));
    }
    show::records(objects.py(), findings)
}
