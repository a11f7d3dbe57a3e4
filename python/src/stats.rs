//! `canary.observed_share`.

use canary_core::stats::{Alpha, EProcess, Split};
use pyo3::{exceptions::PyValueError, prelude::*};

/// The observed split of the traffic, with a confidence sequence and the evidence against the weight.
#[pyclass(frozen, eq, module = "canary")]
#[derive(PartialEq)]
pub(crate) struct ObservedShare {
    #[pyo3(get)]
    estimate: Option<f64>,
    #[pyo3(get)]
    low: f64,
    #[pyo3(get)]
    high: f64,
    #[pyo3(get)]
    e: f64,
    #[pyo3(get)]
    p_value: f64,
    #[pyo3(get)]
    weight: f64,
}

/// The parts of a pickled share.
type ShareParts = (Option<f64>, f64, f64, f64, f64, f64);

#[pymethods]
impl ObservedShare {
    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        [self.low, self.high, self.e, self.weight].map(f64::to_bits).hash(&mut hasher);
        hasher.finish()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, ShareParts)> {
        let restore = py.get_type::<Self>().getattr("_restore")?;
        let Self { estimate, low, high, e, p_value, weight } = *self;
        Ok((restore, (estimate, low, high, e, p_value, weight)))
    }

    #[staticmethod]
    #[pyo3(name = "_restore")]
    fn restore(
        estimate: Option<f64>,
        low: f64,
        high: f64,
        e: f64,
        p_value: f64,
        weight: f64,
    ) -> Self {
        Self { estimate, low, high, e, p_value, weight }
    }

    #[pyo3(signature = (ax = None))]
    fn plot<'py>(
        slf: &Bound<'py, Self>,
        ax: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        crate::show::plot(slf, ax)
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        crate::show::card(slf, "render_share")
    }

    fn __repr__(&self) -> String {
        let estimate =
            self.estimate.map_or_else(|| "None".to_owned(), |value| format!("{value:.3}"));
        format!(
            "ObservedShare({estimate} in [{:.3}, {:.3}], p={:.3})",
            self.low, self.high, self.p_value
        )
    }
}

/// Estimates the canary's share of the traffic from the counts.
#[pyfunction]
#[pyo3(signature = (canary, stable, *, weight, alpha = 0.05))]
pub(crate) fn observed_share(
    canary: u64,
    stable: u64,
    weight: f64,
    alpha: f64,
) -> PyResult<ObservedShare> {
    let wrong = |error: canary_core::stats::StatsError| PyValueError::new_err(error.to_string());
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
