//! Methods that value classes share: JSON, one hash for equal ones, pickles, and copies with changes.

use std::hash::{DefaultHasher, Hash, Hasher};

use pyo3::{
    PyClass, PyTypeInfo,
    exceptions::{PyAttributeError, PyValueError},
    prelude::*,
    types::{PyBytes, PyDict},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::names::unknown;

/// A value as JSON.
pub(crate) fn json(value: &impl Serialize) -> PyResult<Value> {
    serde_json::to_value(value)
        .map_err(|error| PyValueError::new_err(format!("this cannot be written as JSON: {error}")))
}

/// The hash of a value: that of its JSON, which equal values share.
pub(crate) fn hash(value: &impl Serialize) -> PyResult<u64> {
    Ok(hash_of(&json(value)?.to_string()))
}

/// The hash of the parts that equal values share.
pub(crate) fn hash_of(parts: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

/// The parts of a pickled value: the function `_restore` of its class, and its bytes.
pub(crate) type Parts<'py> = (Bound<'py, PyAny>, (Bound<'py, PyBytes>,));

/// Takes a value apart for pickle and copy.
pub(crate) fn reduce<'py, T: PyTypeInfo + Serialize>(
    py: Python<'py>,
    value: &T,
) -> PyResult<Parts<'py>> {
    let restore = py.get_type::<T>().getattr("_restore")?;
    Ok((restore, (bytes(py, value)?,)))
}

/// A value as bytes.
pub(crate) fn bytes<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyBytes>> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes)
        .map_err(|error| PyValueError::new_err(format!("this value cannot be pickled: {error}")))?;
    Ok(PyBytes::new(py, &bytes))
}

/// Puts the value together again.
pub(crate) fn restore<T: DeserializeOwned>(bytes: &[u8]) -> PyResult<T> {
    ciborium::from_reader(bytes).map_err(|error| {
        PyValueError::new_err(format!("this is not a pickle of such a value: {error}"))
    })
}

/// The error of an attribute that is set.
pub(crate) fn immutable<T: PyClass>(value: &Bound<'_, T>, name: &str) -> PyErr {
    let help = match value.as_any().hasattr("replace") {
        Ok(true) => format!("; replace({name}=…) gives a changed copy"),
        _ => String::new(),
    };
    let class = T::NAME;
    PyAttributeError::new_err(format!("cannot set {name:?} of this {class}: it is immutable{help}"))
}

/// A copy with other arguments of its constructor; the first ones, which have no keyword, are named in their order.
pub(crate) fn replace<T: PyClass>(
    value: &Bound<'_, T>,
    first: &[&str],
    changes: Option<&Bound<'_, PyDict>>,
) -> PyResult<Py<T>> {
    let py = value.py();
    let (positional, arguments): (Vec<Bound<'_, PyAny>>, Bound<'_, PyDict>) =
        value.as_any().call_method0("__getnewargs_ex__")?.extract()?;
    let all = PyDict::new(py);
    for (name, argument) in first.iter().zip(positional) {
        all.set_item(name, argument)?;
    }
    all.update(arguments.as_mapping())?;
    changed(value, &all, changes)
}

/// A value of the same class, from all the arguments of the constructor and changes to them.
pub(crate) fn changed<T: PyClass>(
    value: &Bound<'_, T>,
    all: &Bound<'_, PyDict>,
    changes: Option<&Bound<'_, PyDict>>,
) -> PyResult<Py<T>> {
    let py = value.py();
    let known: Vec<String> = all.keys().extract()?;
    for (name, change) in changes.into_iter().flatten() {
        let name: String = name.extract()?;
        if !known.contains(&name) {
            return Err(unknown(py, T::NAME, &name, &known));
        }
        all.set_item(name, change)?;
    }
    Ok(py.get_type::<T>().call((), Some(all))?.cast_into::<T>()?.unbind())
}
