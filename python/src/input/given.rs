//! The inputs that a caller gives to a run, read one by one.

use canary_core::{evidence::Sample, predict::Input};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyByteArray, PyBytes, PyDict, PyIterator, PyString, PyTuple},
};

use super::{pil, value};

/// An iterator over the inputs: of an array, over the entries of its first dimension.
pub(crate) fn iterate<'py>(inputs: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyIterator>> {
    if let Some(what) = single(inputs)? {
        return Err(PyTypeError::new_err(format!(
            "inputs is one {what}; give a list or another iterable of them, one for each request"
        )));
    }
    match rows(inputs)? {
        Some(count) => {
            let module = inputs.py().import("canary._inputs")?;
            module.call_method1("entries", (inputs, count))?.try_iter()
        }
        None => inputs.try_iter(),
    }
}

/// Names the type when it is one input rather than several: iterating over it would give its characters or keys.
fn single(inputs: &Bound<'_, PyAny>) -> PyResult<Option<&'static str>> {
    let file = inputs.is_instance_of::<PyString>()
        || inputs.is_instance_of::<PyBytes>()
        || inputs.is_instance_of::<PyByteArray>()
        || inputs.hasattr("__fspath__")?
        || inputs.hasattr("read")?
        || pil::is_image(inputs)?;
    Ok(match file {
        true => Some("file"),
        false if inputs.is_instance_of::<PyDict>() => Some("dictionary"),
        false => None,
    })
}

/// The length of the first dimension, when it is an array, of numbers if it has but one: the paths in a column of a
/// data frame are files.
fn rows(inputs: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
    let array = inputs.hasattr("__array__")? || inputs.hasattr("__dlpack__")?;
    if !array || !inputs.hasattr("shape")? {
        return Ok(None);
    }
    let shape: Vec<usize> = inputs.getattr("shape")?.extract()?;
    if shape.len() == 1 {
        let first = inputs.try_iter()?.next().transpose()?;
        let text = |first: Bound<'_, PyAny>| {
            first.is_instance_of::<PyString>()
                || first.is_instance_of::<PyBytes>()
                || !first.hasattr("__float__").unwrap_or(false)
        };
        if first.is_some_and(text) {
            return Ok(None);
        }
    }
    Ok(shape.first().copied())
}

/// `(name, input)`, `(name, input, label)`, or an input alone: what `predict` takes.
pub(crate) fn sample(item: &Bound<'_, PyAny>, number: usize, pairs: bool) -> PyResult<Sample> {
    let Ok(parts) = item.cast::<PyTuple>() else {
        let path = item.hasattr("__fspath__")? || item.is_instance_of::<PyString>();
        let name = if path {
            let path: std::path::PathBuf = item.extract()?;
            path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
        } else {
            format!("input {number}")
        };
        return Ok(Sample::new(name, read(item, number, pairs)?));
    };
    let shape = || {
        PyTypeError::new_err(format!(
            "input {number} is a tuple of {}; give (name, input) or (name, input, label), the name and the label as texts",
            kinds(parts)
        ))
    };
    if !(2..=3).contains(&parts.len()) {
        return Err(shape());
    }
    let name: String = parts.get_item(0)?.extract().map_err(|_| shape())?;
    let label: Option<String> = match parts.len() {
        3 => parts.get_item(2)?.extract().map_err(|_| shape())?,
        _ => None,
    };
    let mut sample = Sample::new(name, read(&parts.get_item(1)?, number, pairs)?);
    sample.label = label;
    Ok(sample)
}

/// The types of a tuple's parts, such as `str, ndarray`.
fn kinds(parts: &Bound<'_, PyTuple>) -> String {
    let name = |part: Bound<'_, PyAny>| {
        part.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string())
    };
    match parts.len() {
        0 => "nothing".to_owned(),
        _ => parts.iter().map(name).collect::<Vec<_>>().join(", "),
    }
}

fn read(value: &Bound<'_, PyAny>, number: usize, pairs: bool) -> PyResult<Input<'static>> {
    let input = value::read(value).map_err(|error| {
        // Other errors, such as that of a missing file, explain themselves.
        if !error.is_instance_of::<PyTypeError>(value.py()) {
            return error;
        }
        PyTypeError::new_err(format!("input {number}: {}", error.value(value.py())))
    })?;
    match input.batch_len() {
        Some(entries) if pairs && entries != 1 => Err(PyValueError::new_err(format!(
            "input {number} is a batch of {entries}, and a pair compares one answer with one; give a first dimension of 1: \
             array[None] for one without a batch, each entry by itself otherwise"
        ))),
        _ => Ok(input),
    }
}
