//! The inputs of a run: taken from a Python iterable only when they are needed, or made.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use canary_core::{evidence::Sample, predict::Input, stats::Random};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyByteArray, PyBytes, PyDict, PyIterator, PySlice, PyString, PyTuple},
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
    Python(Given, Raised),
    Random(Random),
    Again(Sample),
    Over,
}

/// What a caller gave.
struct Given {
    items: Entries,
    /// Whether one answer is compared with one, so that an input may be no batch.
    pairs: bool,
}

enum Entries {
    Iterator(Py<PyIterator>),
    /// The entries of an array's first dimension.
    Rows {
        array: Py<PyAny>,
        count: usize,
    },
}

impl Given {
    fn new(inputs: &Bound<'_, PyAny>, pairs: bool) -> PyResult<Self> {
        if let Some(what) = single(inputs)? {
            return Err(PyTypeError::new_err(format!(
                "inputs is one {what}; give a list or another iterable of them, one for each request"
            )));
        }
        let items = match rows(inputs)? {
            Some(count) => Entries::Rows { array: inputs.clone().unbind(), count },
            None => Entries::Iterator(inputs.try_iter()?.unbind()),
        };
        Ok(Self { items, pairs })
    }

    /// The input of that number, where all before it were taken.
    fn next(&self, py: Python<'_>, number: usize) -> Option<PyResult<Sample>> {
        let item = match &self.items {
            Entries::Iterator(items) => items.bind(py).clone().next()?,
            Entries::Rows { count, .. } if number >= *count => return None,
            Entries::Rows { array, .. } => entry(array.bind(py), number),
        };
        Some(item.and_then(|item| sample(&item, number, self.pairs)))
    }
}

/// What it is when it is one input rather than several: iterating over it would give its characters or keys.
fn single(inputs: &Bound<'_, PyAny>) -> PyResult<Option<&'static str>> {
    let file = inputs.is_instance_of::<PyString>()
        || inputs.is_instance_of::<PyBytes>()
        || inputs.is_instance_of::<PyByteArray>()
        || inputs.hasattr("__fspath__")?
        || inputs.hasattr("read")?
        || (inputs.hasattr("mode")? && inputs.hasattr("save")?);
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

/// One entry of an array as a batch of one.
fn entry<'py>(array: &Bound<'py, PyAny>, number: usize) -> PyResult<Bound<'py, PyAny>> {
    let start = isize::try_from(number)?;
    array.get_item(PySlice::new(array.py(), start, start + 1, 1))
}

impl Samples {
    fn of(first: Sample, items: Items) -> (Self, Sample) {
        let taking = Taking { first: Some(first.clone()), items, taken: 1 };
        (Self(Arc::new(Mutex::new(taking))), first)
    }

    /// The inputs of an iterable, or the entries of an array, and the first of them. Where pairs are needed, an input
    /// is no batch.
    pub(crate) fn new(
        inputs: &Bound<'_, PyAny>,
        pairs: bool,
        raised: Raised,
    ) -> PyResult<(Self, Sample)> {
        let given = Given::new(inputs, pairs)?;
        let Some(first) = given.next(inputs.py(), 0) else {
            return Err(PyValueError::new_err("inputs is empty; a run needs inputs to ask about"));
        };
        Ok(Self::of(first?, Items::Python(given, raised)))
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
            Items::Python(given, raised) => match Python::attach(|py| given.next(py, taken)) {
                Some(Ok(sample)) => return Some(Ok(sample)),
                Some(Err(error)) => Some((error, Arc::clone(raised))),
                None => None,
            },
        };
        taking.items = Items::Over;
        if let Some((error, raised)) = next {
            raised.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
        None
    }
}

/// `(name, input)`, `(name, input, label)`, or an input alone: what `predict` takes.
fn sample(item: &Bound<'_, PyAny>, number: usize, pairs: bool) -> PyResult<Sample> {
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
    let input = input::read(value).map_err(|error| {
        // A file that is missing, say, tells itself what it is.
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
