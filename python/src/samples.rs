//! The inputs of a run: taken from a Python iterable only when they are needed, or made.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use canary_core::{evidence::Sample, stats::Random};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyIterator, PyTuple},
};

use crate::{input, recipe::Raised};

/// Bytes of a random input.
const BYTES: usize = 64;

/// An iterator of inputs. Its clones take turns, so that a run which goes on after a pause goes on with its inputs.
///
/// What a caller's iterable raises ends the inputs, and is raised by the run.
#[derive(Clone)]
pub(crate) struct Samples(Arc<Mutex<Taking>>);

struct Taking {
    first: Option<Sample>,
    items: Items,
    taken: usize,
}

enum Items {
    Python(Py<PyIterator>, Raised),
    Random(Random),
    Again(Sample),
    Over,
}

impl Samples {
    fn of(first: Sample, items: Items) -> (Self, Sample) {
        let taking = Taking { first: Some(first.clone()), items, taken: 1 };
        (Self(Arc::new(Mutex::new(taking))), first)
    }

    /// The inputs of an iterable, and the first of them.
    pub(crate) fn new(inputs: &Bound<'_, PyAny>, raised: Raised) -> PyResult<(Self, Sample)> {
        let mut items = inputs.try_iter()?;
        let Some(first) = items.next() else {
            return Err(PyValueError::new_err("inputs is empty; a run needs inputs to ask about"));
        };
        Ok(Self::of(sample(&first?, 0)?, Items::Python(items.unbind(), raised)))
    }

    /// Random bytes without end, others at every call.
    pub(crate) fn random() -> (Self, Sample) {
        let nanos = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the low bits are the ones that differ"
        )]
        let mut random = Random::new(nanos as u64);
        let first = made(&mut random, 0);
        Self::of(first, Items::Random(random))
    }

    /// The same input without end.
    pub(crate) fn again_and_again(sample: Sample) -> (Self, Sample) {
        Self::of(sample.clone(), Items::Again(sample))
    }
}

fn made(random: &mut Random, number: usize) -> Sample {
    let bytes: Vec<u8> = (0..BYTES / 8).flat_map(|_| random.bits().to_le_bytes()).collect();
    Sample::new(format!("random bytes {number}"), bytes)
}

impl Iterator for Samples {
    type Item = canary_core::Result<Sample>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut taking = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = taking.first.take() {
            return Some(Ok(first));
        }
        let taken = taking.taken;
        taking.taken += 1;
        let next = match &mut taking.items {
            Items::Random(random) => return Some(Ok(made(random, taken))),
            Items::Again(sample) => return Some(Ok(sample.clone())),
            Items::Over => return None,
            Items::Python(items, raised) => {
                let next = Python::attach(|py| {
                    let mut items = items.bind(py).clone();
                    items.next().map(|item| item.and_then(|item| sample(&item, taken)))
                });
                match next {
                    Some(Ok(sample)) => return Some(Ok(sample)),
                    Some(Err(error)) => Some((error, Arc::clone(raised))),
                    None => None,
                }
            }
        };
        taking.items = Items::Over;
        if let Some((error, raised)) = next {
            raised.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
        None
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
