//! Inputs in memory of their own.

use canary_core::predict::{Input, Value};
use pyo3::{
    prelude::*,
    types::{PyDict, PyList, PyTuple},
};

use super::file::file;
use crate::array;

/// The inputs of one request, in memory of their own.
pub(crate) fn read(value: &Bound<'_, PyAny>) -> PyResult<Input<'static>> {
    Ok(Input::named(by_name(value, one)?))
}

/// Reads each input with `read`, by its name; the one that needs no name has an empty one.
pub(super) fn by_name<'py, T>(
    value: &Bound<'py, PyAny>,
    read: impl Fn(&Bound<'py, PyAny>) -> PyResult<T>,
) -> PyResult<Vec<(String, T)>> {
    let Ok(named) = value.cast::<PyDict>() else {
        return Ok(vec![(String::new(), read(value)?)]);
    };
    named.iter().map(|(name, value)| Ok((name.extract()?, read(&value)?))).collect()
}

/// One input: a file, an array, or a list of files or of arrays.
pub(super) fn one(value: &Bound<'_, PyAny>) -> PyResult<Value<'static>> {
    if let Some(file) = file(value)? {
        return Ok(Value::Files(vec![file.into()]));
    }
    if value.hasattr("__next__")? {
        // An iterator gives the entries of one batch.
        return one(
            PyList::new(value.py(), value.try_iter()?.collect::<PyResult<Vec<_>>>()?)?.as_any()
        );
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let items: Vec<Bound<'_, PyAny>> = value.extract()?;
        let files = items.iter().map(file).collect::<PyResult<Vec<_>>>()?;
        if !files.is_empty() && files.iter().all(Option::is_some) {
            return Ok(Value::Files(files.into_iter().flatten().map(Into::into).collect()));
        }
    }
    Ok(Value::Tensor(array::to_tensor(value)?))
}
