//! `canary.load` and `canary.loads`.

use canary_core::{Manifest, Object, manifest::Source, rollout::Error};
use pyo3::prelude::*;

use super::{destination_rule::DestinationRule, gateway::Gateway, virtual_service::VirtualService};
use crate::{
    convert::{file::File, plain},
    error::IntoPy,
};

/// An object of the core as the Python class of its kind, or as a plain dictionary.
pub(crate) fn to_python(
    py: Python<'_>,
    object: Object,
    source: Option<Source>,
) -> PyResult<Bound<'_, PyAny>> {
    Ok(match object {
        Object::Gateway(gateway) => Bound::new(py, Gateway(gateway, source))?.into_any(),
        Object::VirtualService(service) => {
            Bound::new(py, VirtualService(service, source))?.into_any()
        }
        Object::DestinationRule(rule) => Bound::new(py, DestinationRule(rule, source))?.into_any(),
        other => plain::to_python(py, &other.to_json_value().py()?)?,
    })
}

fn text_of(path: &File) -> canary_core::rollout::Result<String> {
    let unreadable = |what, reason| Error::manifest(what, reason);
    String::from_utf8(path.read(unreadable)?).map_err(|error| {
        unreadable(path.path().display().to_string(), format!("it is no UTF-8: {error}"))
    })
}

fn objects(py: Python<'_>, manifest: Manifest) -> PyResult<Vec<Bound<'_, PyAny>>> {
    let sources: Vec<_> =
        (0..manifest.objects.len()).map(|at| manifest.source(at).cloned()).collect();
    manifest
        .objects
        .into_iter()
        .zip(sources)
        .map(|(object, source)| to_python(py, object, source))
        .collect()
}

/// Reads every object of a file, YAML or JSON, one document or several.
#[pyfunction]
pub(crate) fn load<'py>(
    py: Python<'py>,
    path: &Bound<'py, PyAny>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let path: File = path.extract()?;
    let text = text_of(&path).py()?;
    objects(py, Manifest::read_named(&path.path().display().to_string(), &text).py()?)
}

/// Reads every object of a text.
#[pyfunction]
pub(crate) fn loads<'py>(py: Python<'py>, text: &str) -> PyResult<Vec<Bound<'py, PyAny>>> {
    objects(py, Manifest::read(text).py()?)
}
