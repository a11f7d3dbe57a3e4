//! `canary.ScriptedModel`.

use std::time::Duration;

use canary_lab::model::{Code, Latency, Scripted};
use canary_python_macros::binding;
use pyo3::{exceptions::PyValueError, prelude::*, types::PyDict};

use crate::{
    convert::{time::Seconds, value::hash_of},
    macros::{arguments, pymethods},
};

/// A model for the lab that answers by a script: for tests, and for trying out plans.
#[binding("ScriptedModel(\"cat\", 0.9)")]
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

pymethods! {
    ScriptedModel [replace(label, probability), card(render_scripted_model)]
    get |model| {
        label: &str = &model.label;
        probability: f64 = model.probability;
        errors: f64 = model.errors;
        error_status: u16 = model.error_status;
        disagree: f64 = model.disagree;
        other: &str = &model.other;
        drift: f64 = model.drift;
        latency: f64 = model.latency;
        seed: u64 = model.seed;
    }
    methods {
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
            latency: Option<Seconds>,
            seed: u64,
        ) -> PyResult<Self> {
            let latency = latency.map_or(Duration::ZERO, Into::into).as_secs_f64();
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

        fn __hash__(&self) -> u64 {
            let shares = [self.probability, self.errors, self.disagree, self.drift, self.latency];
            // Zero is equal to minus zero.
            let shares = shares.map(|share| (share + 0.0).to_bits());
            hash_of(&(&self.label, &self.other, self.seed, self.error_status, shares))
        }

        fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<((&str, f64), Bound<'py, PyDict>)> {
            let arguments = arguments!(py, self; errors, error_status, disagree, other, drift, latency, seed);
            Ok(((&self.label, self.probability), arguments))
        }

        fn __repr__(&self) -> String {
            format!("ScriptedModel({:?}, {})", self.label, self.probability)
        }
    }
}
