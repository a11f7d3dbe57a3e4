//! `canary.Guardrail` and the functions that make one.

use canary_core::rollout::{self, Check};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
};

use crate::{json, time};

/// One thing that must not get worse.
#[pyclass(frozen, module = "canary", from_py_object)]
pub(crate) struct Guardrail {
    pub(crate) core: rollout::Guardrail,
    /// The caller's own score, for a custom guardrail.
    pub(crate) score: Option<Py<PyAny>>,
}

impl Clone for Guardrail {
    fn clone(&self) -> Self {
        let score = Python::attach(|py| self.score.as_ref().map(|score| score.clone_ref(py)));
        Self { core: self.core.clone(), score }
    }
}

impl Guardrail {
    fn new(
        mut core: rollout::Guardrail,
        name: Option<String>,
        share: f64,
        minimum: Option<u64>,
        proven: Option<f64>,
    ) -> Self {
        core = core.share(share);
        if let Some(name) = name {
            core = core.named(name);
        }
        if let Some(minimum) = minimum {
            core = core.minimum(minimum);
        }
        if let Some(bound) = proven {
            core = core.proven(bound);
        }
        Self { core, score: None }
    }
}

#[pymethods]
impl Guardrail {
    #[getter]
    fn name(&self) -> &str {
        &self.core.name
    }

    #[getter]
    fn test(&self) -> &'static str {
        self.core.check.kind()
    }

    #[getter]
    fn share(&self) -> f64 {
        self.core.share
    }

    #[getter]
    fn minimum(&self) -> u64 {
        self.core.minimum
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &json::value(&self.core)?)
    }

    fn __eq__(&self, other: &Self) -> bool {
        let same = match (&self.score, &other.score) {
            (None, None) => true,
            (Some(one), Some(two)) => one.is(two),
            _ => false,
        };
        same && self.core == other.core
    }

    fn __hash__(&self) -> PyResult<u64> {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        json::value(&self.core)?.to_string().hash(&mut hasher);
        Ok(hasher.finish())
    }

    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, GuardrailParts<'py>)> {
        let make = py.get_type::<Self>().getattr("_restore")?;
        let score = self.score.as_ref().map(|score| score.clone_ref(py));
        Ok((make, (self.to_dict(py)?, score)))
    }

    #[staticmethod]
    #[pyo3(signature = (value, score = None))]
    fn _restore(value: &Bound<'_, PyAny>, score: Option<Py<PyAny>>) -> PyResult<Self> {
        Ok(Self { core: json::read("guardrail", json::from_python(value)?)?, score })
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        crate::show::card(slf, "render_value")
    }

    fn __repr__(&self) -> PyResult<String> {
        Ok(format!("Guardrail({})", json::value(&self.core)?))
    }
}

/// The parts of a pickled guardrail.
type GuardrailParts<'py> = (Bound<'py, PyAny>, Option<Py<PyAny>>);

/// The canary's error rate is at most `at_most` times the stable one.
#[pyfunction]
#[pyo3(signature = (at_most = 1.0, *, proven_below = None, share = 1.0, minimum = None, name = None))]
pub(crate) fn error_ratio(
    at_most: f64,
    proven_below: Option<f64>,
    share: f64,
    minimum: Option<u64>,
    name: Option<String>,
) -> Guardrail {
    Guardrail::new(rollout::Guardrail::error_ratio(at_most), name, share, minimum, proven_below)
}

/// The canary's rate of slow requests is at most `at_most` times the stable one.
#[pyfunction]
#[pyo3(signature = (at_most = 1.0, *, threshold = None, quantile = None, warmup = None, proven_below = None, share = 1.0, minimum = None, name = None))]
#[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
pub(crate) fn slow_ratio(
    at_most: f64,
    threshold: Option<Bound<'_, PyAny>>,
    quantile: Option<f64>,
    warmup: Option<u64>,
    proven_below: Option<f64>,
    share: f64,
    minimum: Option<u64>,
    name: Option<String>,
) -> PyResult<Guardrail> {
    let mut core = rollout::Guardrail::slow_ratio(at_most);
    if let Check::SlowRatio(check) = &mut core.check {
        check.threshold = threshold.map(|value| time::seconds(&value)).transpose()?;
        check.quantile = quantile.unwrap_or(check.quantile);
        check.warmup = warmup.unwrap_or(check.warmup);
    }
    Ok(Guardrail::new(core, name, share, minimum, proven_below))
}

/// Both models give the same top class for at least `at_least` of the inputs.
#[pyfunction]
#[pyo3(signature = (at_least, *, proven_above = None, share = 1.0, minimum = None, name = None))]
pub(crate) fn agreement(
    at_least: f64,
    proven_above: Option<f64>,
    share: f64,
    minimum: Option<u64>,
    name: Option<String>,
) -> Guardrail {
    Guardrail::new(rollout::Guardrail::agreement(at_least), name, share, minimum, proven_above)
}

/// On labelled inputs the canary is right no less often than the stable model.
#[pyfunction]
#[pyo3(signature = (*, proven_above = None, share = 1.0, minimum = None, name = None))]
pub(crate) fn accuracy(
    proven_above: Option<f64>,
    share: f64,
    minimum: Option<u64>,
    name: Option<String>,
) -> Guardrail {
    Guardrail::new(rollout::Guardrail::accuracy(), name, share, minimum, proven_above)
}

/// In pairs the canary fails no more often than the stable version.
#[pyfunction]
#[pyo3(signature = (*, proven_above = None, share = 1.0, minimum = None, name = None))]
pub(crate) fn pair_errors(
    proven_above: Option<f64>,
    share: f64,
    minimum: Option<u64>,
    name: Option<String>,
) -> Guardrail {
    Guardrail::new(rollout::Guardrail::pair_errors(), name, share, minimum, proven_above)
}

/// The mean probability of the top class falls by no more than `margin`.
#[pyfunction]
#[pyo3(signature = (margin, *, proven_above = None, share = 1.0, minimum = None, name = None))]
pub(crate) fn numeric_drift(
    margin: f64,
    proven_above: Option<f64>,
    share: f64,
    minimum: Option<u64>,
    name: Option<String>,
) -> Guardrail {
    Guardrail::new(rollout::Guardrail::numeric_drift(margin), name, share, minimum, proven_above)
}

/// The mean of `score(pair)`, a number from 0 to 1, is at least `at_least`.
#[pyfunction]
#[pyo3(signature = (name, score, at_least, *, proven_above = None, share = 1.0, minimum = None))]
pub(crate) fn custom(
    name: String,
    score: Bound<'_, PyAny>,
    at_least: f64,
    proven_above: Option<f64>,
    share: f64,
    minimum: Option<u64>,
) -> PyResult<Guardrail> {
    if !score.is_callable() {
        return Err(PyTypeError::new_err(format!(
            "the score of guardrail {name:?} is {}; give a function of a pair",
            score.get_type().name()?
        )));
    }
    if name.is_empty() {
        return Err(PyValueError::new_err("a custom guardrail needs a name"));
    }
    let core = rollout::Guardrail::custom(name, at_least);
    let mut guardrail = Guardrail::new(core, None, share, minimum, proven_above);
    guardrail.score = Some(score.unbind());
    Ok(guardrail)
}
