//! `canary.load`, `canary.loads`, `canary.dumps` and `canary.validate`.

use canary_core::{Manifest, Object, manifest::Source, rollout::Error, validate::Options};
use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    types::{PyList, PyString},
};

use crate::{
    error::IntoPy,
    file::File,
    finding::Finding,
    istio::{self, DestinationRule, Gateway, VirtualService},
    json,
    workload::Workload,
};

/// An object of the core as the Python class of its kind, or as a plain dictionary.
fn to_python(py: Python<'_>, object: Object, source: Option<Source>) -> PyResult<Bound<'_, PyAny>> {
    Ok(match object {
        Object::Gateway(gateway) => Bound::new(py, Gateway(gateway, source))?.into_any(),
        Object::VirtualService(service) => {
            Bound::new(py, VirtualService(service, source))?.into_any()
        }
        Object::DestinationRule(rule) => Bound::new(py, DestinationRule(rule, source))?.into_any(),
        other => json::to_python(py, &other.to_json_value().py()?)?,
    })
}

/// An object of the core, with its places in the text that it was read from.
pub(crate) type Placed = (Object, Option<Source>);

/// Any object of Python as an object of the core; a workload is several.
fn from_python(object: &Bound<'_, PyAny>) -> PyResult<Vec<Placed>> {
    if let Ok(gateway) = object.cast::<Gateway>() {
        let Gateway(object, source) = gateway.get().clone();
        return Ok(vec![(object.into(), source)]);
    }
    if let Ok(service) = object.cast::<VirtualService>() {
        let VirtualService(object, source) = service.get().clone();
        return Ok(vec![(object.into(), source)]);
    }
    if let Ok(rule) = object.cast::<DestinationRule>() {
        let DestinationRule(object, source) = rule.get().clone();
        return Ok(vec![(object.into(), source)]);
    }
    let objects = match object.cast::<Workload>() {
        Ok(workload) => workload.get().0.objects().py()?.into_iter().map(Object::Other).collect(),
        Err(_) => Manifest::from_json_value(&json::from_python(object)?).py()?.objects,
    };
    Ok(objects.into_iter().map(|object| (object, None)).collect())
}

/// One object, or several of them in anything that can be iterated over.
pub(crate) fn all_from_python(objects: &Bound<'_, PyAny>) -> PyResult<Vec<Object>> {
    Ok(all_placed(objects)?.into_iter().map(|(object, _)| object).collect())
}

/// As [`all_from_python`], with the places of those that were read from text.
pub(crate) fn all_placed(objects: &Bound<'_, PyAny>) -> PyResult<Vec<Placed>> {
    if let Ok(list) = objects.cast::<PyList>() {
        return each(list.iter().map(Ok));
    }
    let single = json::is_mapping(objects)? || objects.is_instance_of::<PyString>();
    match objects.try_iter() {
        Ok(items) if !single => each(items),
        _ => from_python(objects),
    }
}

/// Any number of objects, until Ctrl-C.
fn each<'py>(items: impl Iterator<Item = PyResult<Bound<'py, PyAny>>>) -> PyResult<Vec<Placed>> {
    let mut all = Vec::new();
    for item in items {
        let item = item?;
        item.py().check_signals()?;
        all.extend(from_python(&item)?);
    }
    Ok(all)
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
    let findings: Vec<_> = all_placed(objects)?
        .iter()
        .flat_map(|(object, source)| {
            istio::located(canary_core::validate::validate(object, &options), source.as_ref())
        })
        .map(Finding)
        .collect();
    crate::show::records(objects.py(), findings)
}
