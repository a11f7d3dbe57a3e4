//! `canary.load`, `canary.loads`, `canary.dumps` and `canary.validate`.

use std::path::PathBuf;

use canary_core::{Manifest, Object, validate::Options};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyList};

use crate::{
    error::{IntoPy, to_py},
    finding::Finding,
    istio::{DestinationRule, Gateway, VirtualService},
    json,
};

/// An object of the core as the Python class of its kind, or as a plain dictionary.
fn to_python(py: Python<'_>, object: Object) -> PyResult<Bound<'_, PyAny>> {
    Ok(match object {
        Object::Gateway(gateway) => Bound::new(py, Gateway(gateway))?.into_any(),
        Object::VirtualService(service) => Bound::new(py, VirtualService(service))?.into_any(),
        Object::DestinationRule(rule) => Bound::new(py, DestinationRule(rule))?.into_any(),
        other => json::to_python(py, &other.to_json_value().py()?)?,
    })
}

/// Any object of Python as an object of the core.
pub(crate) fn from_python(object: &Bound<'_, PyAny>) -> PyResult<Vec<Object>> {
    if let Ok(gateway) = object.cast::<Gateway>() {
        return Ok(vec![gateway.get().0.clone().into()]);
    }
    if let Ok(service) = object.cast::<VirtualService>() {
        return Ok(vec![service.get().0.clone().into()]);
    }
    if let Ok(rule) = object.cast::<DestinationRule>() {
        return Ok(vec![rule.get().0.clone().into()]);
    }
    Ok(Manifest::from_json_value(&json::from_python(object)?).py()?.objects)
}

/// One object, or a list of them.
pub(crate) fn all_from_python(objects: &Bound<'_, PyAny>) -> PyResult<Vec<Object>> {
    if let Ok(list) = objects.cast::<PyList>() {
        let parts = list.iter().map(|object| from_python(&object)).collect::<PyResult<Vec<_>>>()?;
        return Ok(parts.into_iter().flatten().collect());
    }
    from_python(objects)
}

fn read_file(path: &PathBuf) -> PyResult<String> {
    let what = path.display().to_string();
    std::fs::read_to_string(path).map_err(|cause| {
        to_py(if cause.kind() == std::io::ErrorKind::NotFound {
            canary_core::Error::NotFound {
                object: format!("file {what}"),
                help: "check the path".to_owned(),
            }
        } else {
            canary_core::Error::Manifest { what, reason: cause.to_string() }
        })
    })
}

fn objects(py: Python<'_>, manifest: Manifest) -> PyResult<Vec<Bound<'_, PyAny>>> {
    manifest.objects.into_iter().map(|object| to_python(py, object)).collect()
}

/// Reads every object of a file, YAML or JSON, one document or several.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "an argument from Python is made for the call")]
pub(crate) fn load(py: Python<'_>, path: PathBuf) -> PyResult<Vec<Bound<'_, PyAny>>> {
    let text = read_file(&path)?;
    objects(py, Manifest::read_named(&path.display().to_string(), &text).py()?)
}

/// Reads every object of a text.
#[pyfunction]
pub(crate) fn loads<'py>(py: Python<'py>, text: &str) -> PyResult<Vec<Bound<'py, PyAny>>> {
    objects(py, Manifest::read(text).py()?)
}

/// Writes objects as YAML documents, ready for `kubectl apply`.
#[pyfunction]
pub(crate) fn dumps(objects: &Bound<'_, PyAny>) -> PyResult<String> {
    all_from_python(objects)?.into_iter().collect::<Manifest>().to_yaml().py()
}

/// Finds what Istio would refuse or warn of in one object or in several.
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
    let findings: Vec<_> = all_from_python(objects)?
        .iter()
        .flat_map(|object| canary_core::validate::validate(object, &options))
        .map(Finding)
        .collect();
    crate::show::records(objects.py(), findings)
}
