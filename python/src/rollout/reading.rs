//! `canary.Reading`.

use std::collections::BTreeMap;

use canary_core::rollout;
use canary_python_macros::binding;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{macros::pymethods, show};

/// The reading of a guardrail.
#[binding]
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq, Deserialize, Serialize)]
pub(crate) struct Reading(rollout::Reading);

/// Readings as `canary.Records`.
pub(crate) fn records<'py>(
    py: Python<'py>,
    readings: &[rollout::Reading],
) -> PyResult<Bound<'py, PyAny>> {
    show::records(py, readings.iter().cloned().map(Reading).collect())
}

pymethods! {
    Reading [value, card(render_reading)]
    get |reading| {
        guardrail: &str = &reading.0.guardrail;
        test: &str = &reading.0.test;
        quantity: &str = &reading.0.quantity;
        e: f64 = reading.0.e;
        p_value: f64 = reading.0.p_value;
        proof_alpha: f64 = reading.0.proof_alpha;
        alpha: f64 = reading.0.alpha;
        alarm: bool = reading.0.alarm;
        estimate: Option<f64> = reading.0.estimate;
        low: f64 = reading.0.interval.low;
        high: f64 = reading.0.interval.high;
        proven: Option<bool> = reading.0.proven;
        counts: BTreeMap<String, u64> = reading.0.counts.iter().cloned().collect();
    }
    methods {
        fn __str__(&self) -> String {
            self.0.to_string()
        }

        fn __repr__(&self) -> String {
            format!("Reading({})", self.0)
        }
    }
}
