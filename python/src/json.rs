//! Values of Python as JSON.

use canary_core::rollout::Error;
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyDict, PyString},
};
use serde_json::Value;

use crate::error::to_py;

/// JSON from a plain Python value, or from one that shows itself as one: `to_dict()`, or kr8s' `raw`.
pub(crate) fn from_python(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    let py = value.py();
    let options = PyDict::new(py);
    options.set_item("default", py.import("canary._node")?.getattr("plain")?)?;
    options.set_item("allow_nan", false)?;
    let text = py.import("json")?.call_method("dumps", (value,), Some(&options))?;
    let text = text.cast_into::<PyString>()?;
    serde_json::from_str(text.to_str()?)
        .map_err(|error| PyTypeError::new_err(format!("this is not a JSON value: {error}")))
}

/// Returns `true` when a value is a plain object, or one of another library that presents itself as one.
pub(crate) fn is_mapping(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(value.is_instance_of::<PyDict>() || value.hasattr("to_dict")? || value.hasattr("raw")?)
}

/// A value of the core from JSON.
pub(crate) fn read<T: serde::de::DeserializeOwned>(what: &str, value: Value) -> PyResult<T> {
    serde_json::from_value(value)
        .map_err(|error| to_py(Error::manifest(what.to_owned(), error.to_string())))
}
