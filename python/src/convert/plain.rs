//! JSON as plain values of Python: small objects travel as text.

use pyo3::prelude::*;
use serde_json::Value;

use super::value;

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

/// A value of the core as a plain dictionary.
pub(crate) fn to_dict<'py>(
    py: Python<'py>,
    core: &impl serde::Serialize,
) -> PyResult<Bound<'py, PyAny>> {
    to_python(py, &value::json(core)?)
}

/// A message of an object, as the class of that name in a module such as `canary.istio`.
pub(crate) fn to_message<'py>(
    py: Python<'py>,
    module: &str,
    class: &str,
    value: &Value,
    path: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let class = py.import(module)?.getattr(class)?;
    class.call_method1("_new", (to_python(py, value)?, path))
}
