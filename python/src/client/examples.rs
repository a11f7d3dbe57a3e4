//! Inputs of `classify` and `regress`: a mapping of features, or a list of these.

use canary_core::predict::{Example, Examples, Feature};
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyByteArray, PyBytes, PyDict, PyList, PyString},
};

use crate::convert::given::{argument, kind};

/// The examples, and the features common to all of them.
pub(crate) fn read(
    examples: &Bound<'_, PyAny>,
    context: Option<&Bound<'_, PyAny>>,
) -> PyResult<Examples> {
    let listed = match examples.cast::<PyDict>() {
        Ok(one) => vec![example(one)?],
        Err(_) => items(examples)?
            .map(|(at, item)| {
                let item = item?;
                example(
                    item.cast::<PyDict>()
                        .map_err(|_| refused(&format!("examples[{at}]"), &item))?,
                )
            })
            .collect::<PyResult<Vec<_>>>()?,
    };
    let examples = Examples::from(listed);
    match context {
        None => Ok(examples),
        Some(context) => {
            let features = context.cast::<PyDict>().map_err(|_| refused("context", context))?;
            Ok(examples.context(example(features)?))
        }
    }
}

/// The examples of a list, each with its number.
fn items<'py>(
    examples: &Bound<'py, PyAny>,
) -> PyResult<impl Iterator<Item = (usize, PyResult<Bound<'py, PyAny>>)>> {
    let items = examples.try_iter().map_err(|_| refused("examples", examples))?;
    Ok(items.enumerate())
}

/// The error of an argument that is no example.
fn refused(what: &str, found: &Bound<'_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!(
        "{what} is {}; give a dict of features by name, such as {{\"age\": 37.0}}, or a list of these as examples",
        kind(found)
    ))
}

fn example(features: &Bound<'_, PyDict>) -> PyResult<Example> {
    let mut example = Example::new();
    for (name, value) in features {
        let name: String = argument("the name of a feature", &name)?;
        let feature = feature(&name, &value)?;
        example = example.with(name, feature);
    }
    Ok(example)
}

/// One value or several: texts and bytes, whole numbers, or numbers of which at least one is a float.
fn feature(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Feature> {
    let py = value.py();
    // Arrays and their scalars become plain numbers.
    let value =
        if value.hasattr("tolist")? { value.call_method0("tolist")? } else { value.clone() };
    let values: Vec<Bound<'_, PyAny>> = if bytes(&value).is_some() || value.try_iter().is_err() {
        vec![value]
    } else {
        value.try_iter()?.collect::<PyResult<_>>()?
    };
    let texts: Vec<_> = values.iter().filter_map(bytes).collect();
    if !values.is_empty() && texts.len() == values.len() {
        return Ok(Feature::Bytes(texts));
    }
    let list = PyList::new(py, &values)?;
    if !values.is_empty()
        && let Ok(whole) = list.extract::<Vec<i64>>()
    {
        return Ok(Feature::Ints(whole));
    }
    let floats = list.extract::<Vec<f64>>().map_err(|_| {
        let kinds: Vec<_> = values.iter().map(|value| value.get_type().to_string()).collect();
        PyTypeError::new_err(format!(
            "feature {name:?} holds {}; expected numbers only, or str and bytes only, whole numbers of 64 bits",
            kinds.join(", ")
        ))
    })?;
    // `float_list` has 32 bits.
    #[allow(clippy::cast_possible_truncation)]
    Ok(Feature::Floats(floats.into_iter().map(|value| value as f32).collect()))
}

fn bytes(value: &Bound<'_, PyAny>) -> Option<Vec<u8>> {
    if let Ok(text) = value.cast::<PyString>() {
        return Some(text.to_str().ok()?.as_bytes().to_vec());
    }
    if value.is_instance_of::<PyBytes>() || value.is_instance_of::<PyByteArray>() {
        return value.extract().ok();
    }
    None
}
