//! The inputs of a run, taken from a Python iterable only when they are needed.

use std::sync::PoisonError;

use canary_core::evidence::Sample;
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyIterator, PyTuple},
};

use crate::{input, run::Raised};

/// An iterator over a Python iterable of inputs.
///
/// What the iterable raises ends the inputs, and is raised by the run.
pub(crate) struct Samples {
    first: Option<Sample>,
    items: Option<Py<PyIterator>>,
    taken: usize,
    raised: Raised,
}

impl Samples {
    /// The inputs, and the first of them.
    pub(crate) fn new(inputs: &Bound<'_, PyAny>, raised: Raised) -> PyResult<(Self, Sample)> {
        let mut items = inputs.try_iter()?;
        let Some(first) = items.next() else {
            return Err(PyValueError::new_err("inputs is empty; a run needs inputs to ask about"));
        };
        let first = sample(&first?, 0)?;
        let items = Some(items.unbind());
        Ok((Self { first: Some(first.clone()), items, taken: 1, raised }, first))
    }
}

impl Iterator for Samples {
    type Item = canary_core::Result<Sample>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first));
        }
        let items = self.items.as_ref()?;
        let taken = self.taken;
        self.taken += 1;
        let next = Python::attach(|py| {
            let mut items = items.bind(py).clone();
            items.next().map(|item| item.and_then(|item| sample(&item, taken)))
        });
        match next {
            Some(Ok(sample)) => Some(Ok(sample)),
            Some(Err(error)) => {
                self.items = None;
                self.raised.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                None
            }
            None => {
                self.items = None;
                None
            }
        }
    }
}

/// `(name, file)`, `(name, file, label)`, or a file alone: a path, bytes, a PIL image.
fn sample(item: &Bound<'_, PyAny>, number: usize) -> PyResult<Sample> {
    if let Ok(parts) = item.cast::<PyTuple>() {
        let label = match parts.len() {
            2 => None,
            3 => parts.get_item(2)?.extract()?,
            other => {
                return Err(PyTypeError::new_err(format!(
                    "input {number} is a tuple of {other}; give (name, file) or (name, file, label)"
                )));
            }
        };
        let name: String = parts.get_item(0)?.extract()?;
        let mut sample = Sample::new(name, file(&parts.get_item(1)?, number)?);
        sample.label = label;
        return Ok(sample);
    }
    let name = if item.hasattr("__fspath__")? || item.is_instance_of::<pyo3::types::PyString>() {
        let path: std::path::PathBuf = item.extract()?;
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    } else {
        format!("input {number}")
    };
    Ok(Sample::new(name, file(item, number)?))
}

fn file(value: &Bound<'_, PyAny>, number: usize) -> PyResult<Vec<u8>> {
    input::file(value)?.ok_or_else(|| {
        PyTypeError::new_err(format!(
            "input {number} is no image file; give a path, bytes or a PIL image"
        ))
    })
}
