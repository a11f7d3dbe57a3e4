//! `canary.ScriptedModel`.

use std::time::Duration;

use canary_lab::model::{Code, Latency, Scripted};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyDict};

use crate::{show, time, value};

/// A model for the lab that answers by a script: for tests, and for trying out plans.
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct ScriptedModel {
    label: String,
    probability: f64,
    errors: f64,
    error_status: u16,
    disagree: f64,
    other: String,
    drift: f64,
    latency: f64,
    seed: u64,
}

/// The ways in which a model can fail.
const CODES: [Code; 6] = [
    Code::InvalidArgument,
    Code::NotFound,
    Code::ResourceExhausted,
    Code::Internal,
    Code::Unavailable,
    Code::DeadlineExceeded,
];

/// The failure that has the status; none where no model fails so.
fn code(status: u16) -> Option<Code> {
    CODES.into_iter().find(|code| code.http_status() == status)
}

impl ScriptedModel {
    pub(crate) fn model(&self) -> Scripted {
        Scripted::new(&self.label, self.probability)
            .errors(self.errors)
            .error_code(code(self.error_status).unwrap_or(Code::Internal))
            .disagree(self.disagree, &self.other)
            .drift(self.drift)
            .latency(Latency::Fixed(Duration::from_secs_f64(self.latency)))
            .seed(self.seed)
    }
}

#[pymethods]
impl ScriptedModel {
    #[pyo3(signature = (**changes))]
    fn replace(slf: &Bound<'_, Self>, changes: Option<&Bound<'_, PyDict>>) -> PyResult<Py<Self>> {
        value::replace(slf, &["label", "probability"], changes)
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        (&self.label, &self.other, self.seed, self.error_status).hash(&mut hasher);
        let shares = [self.probability, self.errors, self.disagree, self.drift, self.latency];
        // Zero is equal to minus zero.
        shares.map(|share| (share + 0.0).to_bits()).hash(&mut hasher);
        hasher.finish()
    }

    fn __getnewargs_ex__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<((&str, f64), Bound<'py, PyDict>)> {
        let arguments = PyDict::new(py);
        arguments.set_item("errors", self.errors)?;
        arguments.set_item("error_status", self.error_status)?;
        arguments.set_item("disagree", self.disagree)?;
        arguments.set_item("other", &self.other)?;
        arguments.set_item("drift", self.drift)?;
        arguments.set_item("latency", self.latency)?;
        arguments.set_item("seed", self.seed)?;
        Ok(((&self.label, self.probability), arguments))
    }

    #[new]
    #[pyo3(signature = (label, probability = 0.5, *, errors = 0.0, error_status = 500, disagree = 0.0, other = "academic gown", drift = 0.0, latency = None, seed = 0))]
    #[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
    fn new(
        label: String,
        probability: f64,
        errors: f64,
        error_status: u16,
        disagree: f64,
        other: &str,
        drift: f64,
        latency: Option<Bound<'_, PyAny>>,
        seed: u64,
    ) -> PyResult<Self> {
        let latency =
            latency.map_or(Ok(Duration::ZERO), |value| time::seconds(&value))?.as_secs_f64();
        for (name, value) in
            [("probability", probability), ("errors", errors), ("disagree", disagree)]
        {
            if !(0.0..=1.0).contains(&value) {
                return Err(PyValueError::new_err(format!(
                    "{name} is {value}; give a share from 0 to 1"
                )));
            }
        }
        if code(error_status).is_none() {
            let known: Vec<String> =
                CODES.iter().map(|code| code.http_status().to_string()).collect();
            return Err(PyValueError::new_err(format!(
                "error_status is {error_status}; a model server fails with one of {}",
                known.join(", ")
            )));
        }
        Ok(Self {
            label,
            probability,
            errors,
            error_status,
            disagree,
            other: other.to_owned(),
            drift,
            latency,
            seed,
        })
    }

    #[getter]
    fn label(&self) -> &str {
        &self.label
    }

    #[getter]
    fn probability(&self) -> f64 {
        self.probability
    }

    #[getter]
    fn errors(&self) -> f64 {
        self.errors
    }

    #[getter]
    fn error_status(&self) -> u16 {
        self.error_status
    }

    #[getter]
    fn disagree(&self) -> f64 {
        self.disagree
    }

    #[getter]
    fn other(&self) -> &str {
        &self.other
    }

    #[getter]
    fn drift(&self) -> f64 {
        self.drift
    }

    #[getter]
    fn latency(&self) -> f64 {
        self.latency
    }

    #[getter]
    fn seed(&self) -> u64 {
        self.seed
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        show::card(slf, "render_scripted_model")
    }

    fn __repr__(&self) -> String {
        format!("ScriptedModel({:?}, {})", self.label, self.probability)
    }
}
