//! Python values as JSON and back: small objects travel as text.

use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyDict, PyString},
};
use serde_json::Value;

/// A plain Python value (dict, list, str, …) from JSON.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (value.to_string(),))
}

/// JSON that becomes a plain Python value when it is handed over.
pub(crate) struct Plain(pub(crate) Value);

impl<'py> IntoPyObject<'py> for Plain {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        to_python(py, &self.0)
    }
}

/// JSON from a plain Python value, or from one that shows itself as one: `to_dict()`, or kr8s' `raw`.
pub(crate) fn from_python(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    let py = value.py();
    let value = unwrap_object(value)?;
    let options = PyDict::new(py);
    options.set_item("default", py.import("canary._node")?.getattr("plain")?)?;
    options.set_item("allow_nan", false)?;
    let text = py.import("json")?.call_method("dumps", (value,), Some(&options))?;
    let text = text.cast_into::<PyString>()?;
    serde_json::from_str(text.to_str()?)
        .map_err(|error| PyTypeError::new_err(format!("this is no JSON value: {error}")))
}

/// Returns `true` when a value is a plain object, or one of another library that presents itself as one.
pub(crate) fn is_mapping(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(value.is_instance_of::<PyDict>() || value.hasattr("to_dict")? || value.hasattr("raw")?)
}

/// The plain dictionary inside an object of another library.
fn unwrap_object<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if value.is_instance_of::<PyDict>() {
        return Ok(value.clone());
    }
    if let Ok(raw) = value.getattr("raw") {
        return match raw.getattr("to_dict") {
            Ok(to_dict) => to_dict.call0(),
            Err(_) => Ok(raw),
        };
    }
    if let Ok(to_dict) = value.getattr("to_dict") {
        return to_dict.call0();
    }
    Ok(value.clone())
}

/// A message of an object, as the class of that name in `canary.istio`.
pub(crate) fn to_message<'py>(
    py: Python<'py>,
    class: &str,
    value: &Value,
    path: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let class = py.import("canary.istio")?.getattr(class)?;
    class.call_method1("_new", (to_python(py, value)?, path))
}

/// A value of the core as JSON.
pub(crate) fn value(value: &impl serde::Serialize) -> PyResult<Value> {
    serde_json::to_value(value).map_err(|error| {
        pyo3::exceptions::PyValueError::new_err(format!("this cannot be written as JSON: {error}"))
    })
}

/// A value of the core from JSON.
pub(crate) fn read<T: serde::de::DeserializeOwned>(what: &str, value: Value) -> PyResult<T> {
    serde_json::from_value(value).map_err(|error| {
        crate::error::to_py(canary_core::rollout::Error::manifest(
            what.to_owned(),
            error.to_string(),
        ))
    })
}
