//! The part of an answer that a rollout compares, as a caller chooses it.

use std::sync::Arc;

use canary_core::{
    predict::{self, Predicted, Prediction},
    serving::{Error, Result},
};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyDict, PyString},
};

use crate::{answer::Answer, convert::given::kind};

type Make = fn() -> Prediction;

/// The names of the choices that read one output.
const KINDS: [(&str, Make); 3] =
    [("argmax", Prediction::argmax), ("class", Prediction::class), ("number", Prediction::number)];

/// A choice, with the object that it was given as.
#[derive(Clone)]
pub(super) struct Chosen {
    given: Arc<Py<PyAny>>,
    core: Prediction,
}

impl PartialEq for Chosen {
    fn eq(&self, other: &Self) -> bool {
        Python::attach(|py| self.given.bind(py).eq(other.given.bind(py)).unwrap_or(false))
    }
}

fn refused(found: &Bound<'_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!(
        "prediction is {}; give \"labels\", \"argmax\", \"class\" or \"number\", a dict such as \
         {{\"argmax\": \"logits\", \"classes\": […]}}, or a function of an Answer",
        kind(found)
    ))
}

impl Chosen {
    pub(super) fn read(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        let core = if let Ok(name) = value.cast::<PyString>() {
            named(&name.to_string_lossy())?
        } else if let Ok(parts) = value.cast::<PyDict>() {
            of_parts(parts)?
        } else if value.is_callable() {
            by(value)
        } else {
            return Err(refused(value));
        };
        Ok(Self { given: Arc::new(value.clone().unbind()), core })
    }

    /// The choice for the client.
    pub(super) fn core(&self) -> Prediction {
        self.core.clone()
    }

    /// The object that it was given as.
    pub(super) fn argument(&self, py: Python<'_>) -> Py<PyAny> {
        self.given.clone_ref(py)
    }
}

fn named(name: &str) -> PyResult<Prediction> {
    if name == "labels" {
        return Ok(Prediction::labels());
    }
    let found = KINDS.iter().find(|(known, _)| *known == name);
    found.map(|(_, make)| make()).ok_or_else(|| {
        PyValueError::new_err(format!(
            "prediction is {name:?}; choose one of \"labels\", \"argmax\", \"class\", \"number\""
        ))
    })
}

/// `{"argmax": "logits", "classes": ["cat", "dog"]}`: the choice with the name of its output.
fn of_parts(parts: &Bound<'_, PyDict>) -> PyResult<Prediction> {
    let mut chosen: Option<Prediction> = None;
    let mut classes: Option<Vec<String>> = None;
    for (key, value) in parts {
        let key: String = key.extract()?;
        if key == "classes" {
            classes = Some(value.extract()?);
            continue;
        }
        let prediction = named(&key)?;
        let output: Option<String> = value.extract()?;
        let prediction = match output {
            Some(output) => prediction.output(output),
            None => prediction,
        };
        if chosen.replace(prediction).is_some() {
            return Err(PyValueError::new_err("prediction names two choices; name one"));
        }
    }
    let chosen = chosen.ok_or_else(|| {
        PyValueError::new_err(
            "prediction names no choice; add one, such as {\"argmax\": \"logits\"}",
        )
    })?;
    Ok(match classes {
        Some(classes) => chosen.classes(classes),
        None => chosen,
    })
}

/// The prediction that a function gives for the only row of an answer.
fn by(function: &Bound<'_, PyAny>) -> Prediction {
    let function = function.clone().unbind();
    Prediction::by(move |answer: &predict::Answer| -> Result<Vec<Option<Predicted>>> {
        Python::attach(|py| {
            let answer = Answer { core: answer.clone(), image: None };
            let given = function.call1(py, (answer,)).and_then(|given| value(given.bind(py)));
            given.map(|one| vec![one]).map_err(|error| Error::Input {
                what: "the function prediction".to_owned(),
                reason: format!("it failed: {error}"),
            })
        })
    })
}

/// A text, a number, either with its probability in a tuple, or None for no prediction.
pub(crate) fn value(given: &Bound<'_, PyAny>) -> PyResult<Option<Predicted>> {
    if given.is_none() {
        return Ok(None);
    }
    if let Ok((class, probability)) = given.extract::<(Bound<'_, PyAny>, Option<f64>)>() {
        return Ok(class_of(&class)?.map(|class| (class, probability)));
    }
    Ok(class_of(given)?.map(|class| (class, None)))
}

/// The class as text; `None` for a NaN: two models that both give it do not agree.
fn class_of(given: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    if given.is_instance_of::<PyString>() {
        return given.extract().map(Some);
    }
    // Also the numbers of NumPy.
    if given.hasattr("__index__")? {
        return given.call_method0("__index__")?.str()?.extract().map(Some);
    }
    if given.hasattr("__float__")? {
        let number = given.call_method0("__float__")?;
        if number.extract::<f64>()?.is_nan() {
            return Ok(None);
        }
        return number.str()?.extract().map(Some);
    }
    Err(PyTypeError::new_err(format!(
        "it gave {}; give a text or a number, or a tuple of it and its probability, or None",
        kind(given)
    )))
}
