//! `canary.observed_share`.

use canary_core::stats::{Alpha, EProcess, Split, StatsError};
use canary_python_macros::binding;
use pyo3::{exceptions::PyValueError, prelude::*};
use serde::{Deserialize, Serialize};

use crate::macros::pymethods;

/// The observed split of the traffic, with a confidence sequence and the evidence against the weight.
#[binding]
#[pyclass(frozen, eq, module = "canary")]
#[derive(PartialEq, Deserialize, Serialize)]
pub(crate) struct ObservedShare {
    estimate: Option<f64>,
    low: f64,
    high: f64,
    e: f64,
    p_value: f64,
    weight: f64,
}

pymethods! {
    ObservedShare [value, plot, card(render_share)]
    get |share| {
        estimate: Option<f64> = share.estimate;
        low: f64 = share.low;
        high: f64 = share.high;
        e: f64 = share.e;
        p_value: f64 = share.p_value;
        weight: f64 = share.weight;
    }
    methods {
        fn __repr__(&self) -> String {
            let estimate = self.estimate.map_or_else(|| "None".to_owned(), |value| format!("{value:.3}"));
            format!("ObservedShare({estimate} in [{:.3}, {:.3}], p={:.3})", self.low, self.high, self.p_value)
        }
    }
}

/// Estimates the canary's share of the traffic from the counts.
#[binding]
#[pyfunction]
#[pyo3(signature = (canary, stable, *, weight, alpha = 0.05))]
pub(crate) fn observed_share(
    canary: u64,
    stable: u64,
    weight: f64,
    alpha: f64,
) -> PyResult<ObservedShare> {
    let wrong = |error: StatsError| PyValueError::new_err(error.to_string());
    let mut split = Split::new(weight).map_err(wrong)?;
    split.observe_counts(canary, stable);
    let interval = split.interval(Alpha::new(alpha).map_err(wrong)?);
    Ok(ObservedShare {
        estimate: split.estimate(),
        low: interval.low,
        high: interval.high,
        e: split.e(),
        p_value: split.p_value(),
        weight,
    })
}
