//! The functions that make a guardrail.

use std::sync::Arc;

use canary_core::rollout::{self, Check};
use canary_python_macros::binding;
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
};

use super::guardrail::Guardrail;
use crate::convert::time::Seconds;

/// The canary's error rate is at most `at_most` times the stable one.
#[binding]
#[pyfunction]
#[pyo3(signature = (at_most = 1.0, *, proven_below = None, harm = None, share = 1.0, minimum = None, action = None, name = None))]
pub(crate) fn error_ratio(
    at_most: f64,
    proven_below: Option<f64>,
    harm: Option<f64>,
    share: f64,
    minimum: Option<u64>,
    action: Option<&str>,
    name: Option<String>,
) -> PyResult<Guardrail> {
    let core = tuned(rollout::Guardrail::error_ratio(at_most), harm);
    Guardrail::new(core, name, share, minimum, proven_below, action)
}

/// The canary's rate of slow requests is at most `at_most` times the stable one.
#[binding]
#[pyfunction]
#[pyo3(signature = (at_most = 1.0, *, threshold = None, quantile = None, warmup = None, proven_below = None, harm = None, share = 1.0, minimum = None, action = None, name = None))]
#[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
pub(crate) fn slow_ratio(
    at_most: f64,
    threshold: Option<Seconds>,
    quantile: Option<f64>,
    warmup: Option<u64>,
    proven_below: Option<f64>,
    harm: Option<f64>,
    share: f64,
    minimum: Option<u64>,
    action: Option<&str>,
    name: Option<String>,
) -> PyResult<Guardrail> {
    let mut core = tuned(rollout::Guardrail::slow_ratio(at_most), harm);
    if let Check::SlowRatio(check) = &mut core.check {
        check.threshold = threshold.map(Into::into);
        learn((&mut check.quantile, quantile), (&mut check.warmup, warmup));
    }
    Guardrail::new(core, name, share, minimum, proven_below, action)
}

/// A quantile of the canary's latency is at most `at_most` times the same quantile of the stable version.
#[binding]
#[pyfunction]
#[pyo3(signature = (at_most, *, quantile = None, warmup = None, proven_below = None, share = 1.0, minimum = None, action = None, name = None))]
#[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
pub(crate) fn quantile_ratio(
    at_most: f64,
    quantile: Option<f64>,
    warmup: Option<u64>,
    proven_below: Option<f64>,
    share: f64,
    minimum: Option<u64>,
    action: Option<&str>,
    name: Option<String>,
) -> PyResult<Guardrail> {
    let mut core = rollout::Guardrail::quantile_ratio(at_most);
    if let Check::QuantileRatio(check) = &mut core.check {
        learn((&mut check.quantile, quantile), (&mut check.warmup, warmup));
    }
    Guardrail::new(core, name, share, minimum, proven_below, action)
}

/// Of the canary's requests at most the part `at_most` fails; with `and_worse`, or no more than the stable rate times that.
#[binding]
#[pyfunction]
#[pyo3(signature = (at_most, *, and_worse = None, proven_below = None, share = 1.0, minimum = None, action = None, name = None))]
pub(crate) fn error_rate(
    at_most: f64,
    and_worse: Option<f64>,
    proven_below: Option<f64>,
    share: f64,
    minimum: Option<u64>,
    action: Option<&str>,
    name: Option<String>,
) -> PyResult<Guardrail> {
    let core = match and_worse {
        Some(ratio) => rollout::Guardrail::error_rate_and_worse(at_most, ratio),
        None => rollout::Guardrail::error_rate(at_most),
    };
    Guardrail::new(core, name, share, minimum, proven_below, action)
}

/// The mean of a number of each request is no worse at the canary than at the stable version.
#[binding]
#[pyfunction]
#[pyo3(signature = (*, range, of = None, margin = 0.0, lower_is_better = false, labelled = false, unlabelled = None, proven_within = None, share = 1.0, minimum = None, action = None, name = None))]
#[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
pub(crate) fn mean(
    range: (f64, f64),
    of: Option<Bound<'_, PyAny>>,
    margin: f64,
    lower_is_better: bool,
    labelled: bool,
    unlabelled: Option<f64>,
    proven_within: Option<f64>,
    share: f64,
    minimum: Option<u64>,
    action: Option<&str>,
    name: Option<String>,
) -> PyResult<Guardrail> {
    let (low, high) = range;
    let mut core = rollout::Guardrail::mean("mean", low, high, margin);
    if let Check::Mean(check) = &mut core.check {
        check.lower_is_better = lower_is_better;
        check.labelled = labelled;
        check.unlabelled = unlabelled;
    }
    let mut guardrail = Guardrail::new(core, name, share, minimum, proven_within, action)?;
    if let Some(of) = of {
        if !of.is_callable() {
            return Err(PyTypeError::new_err(format!(
                "of is {}; give a function of an Observation, or None for its value",
                of.get_type().name()?
            )));
        }
        if labelled {
            return Err(PyValueError::new_err(
                "of and labelled are two sources of the number; give one of them",
            ));
        }
        guardrail.score = Some(Arc::new(of.unbind()));
    }
    Ok(guardrail)
}

/// Sets the quantile of the stable latencies that is learned, and the number of them that it is learned from.
fn learn((quantile, given): (&mut f64, Option<f64>), (warmup, latencies): (&mut u64, Option<u64>)) {
    *quantile = given.unwrap_or(*quantile);
    *warmup = latencies.unwrap_or(*warmup);
}

/// The guardrail, tuned to find a harm where one is stated.
fn tuned(core: rollout::Guardrail, harm: Option<f64>) -> rollout::Guardrail {
    match harm {
        Some(harm) => core.harm(harm),
        None => core,
    }
}

/// Both models give the same top class for at least `at_least` of the inputs.
#[binding]
#[pyfunction]
#[pyo3(signature = (at_least, *, proven_above = None, share = 1.0, minimum = None, action = None, name = None))]
pub(crate) fn agreement(
    at_least: f64,
    proven_above: Option<f64>,
    share: f64,
    minimum: Option<u64>,
    action: Option<&str>,
    name: Option<String>,
) -> PyResult<Guardrail> {
    Guardrail::new(
        rollout::Guardrail::agreement(at_least),
        name,
        share,
        minimum,
        proven_above,
        action,
    )
}

/// On labelled inputs the canary is right no less often than the stable model.
#[binding]
#[pyfunction]
#[pyo3(signature = (*, proven_above = None, share = 1.0, minimum = None, action = None, name = None))]
pub(crate) fn accuracy(
    proven_above: Option<f64>,
    share: f64,
    minimum: Option<u64>,
    action: Option<&str>,
    name: Option<String>,
) -> PyResult<Guardrail> {
    Guardrail::new(rollout::Guardrail::accuracy(), name, share, minimum, proven_above, action)
}

/// In pairs the canary fails no more often than the stable version.
#[binding]
#[pyfunction]
#[pyo3(signature = (*, proven_above = None, share = 1.0, minimum = None, action = None, name = None))]
pub(crate) fn pair_errors(
    proven_above: Option<f64>,
    share: f64,
    minimum: Option<u64>,
    action: Option<&str>,
    name: Option<String>,
) -> PyResult<Guardrail> {
    Guardrail::new(rollout::Guardrail::pair_errors(), name, share, minimum, proven_above, action)
}

/// The mean probability of the top class falls by no more than `margin`.
#[binding]
#[pyfunction]
#[pyo3(signature = (margin, *, proven_above = None, share = 1.0, minimum = None, action = None, name = None))]
pub(crate) fn numeric_drift(
    margin: f64,
    proven_above: Option<f64>,
    share: f64,
    minimum: Option<u64>,
    action: Option<&str>,
    name: Option<String>,
) -> PyResult<Guardrail> {
    Guardrail::new(
        rollout::Guardrail::numeric_drift(margin),
        name,
        share,
        minimum,
        proven_above,
        action,
    )
}

/// The mean of `score(pair)`, a number from 0 to 1, is at least `at_least`.
#[binding]
#[pyfunction]
#[pyo3(signature = (name, score, at_least, *, proven_above = None, share = 1.0, minimum = None, action = None))]
pub(crate) fn custom(
    name: String,
    score: Bound<'_, PyAny>,
    at_least: f64,
    proven_above: Option<f64>,
    share: f64,
    minimum: Option<u64>,
    action: Option<&str>,
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
    let mut guardrail = Guardrail::new(core, None, share, minimum, proven_above, action)?;
    guardrail.score = Some(Arc::new(score.unbind()));
    Ok(guardrail)
}
