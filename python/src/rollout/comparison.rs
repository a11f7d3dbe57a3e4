//! `canary.compare_rules`.

use canary_core::rollout::{self, ComparedTraffic, Rule};
use pyo3::prelude::*;

use crate::{door, error::IntoPy, json, show, value};

/// The results of several rules on the same simulated traffic.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Comparison {
    core: rollout::Comparison,
}

#[pymethods]
impl Comparison {
    #[getter]
    fn errors(&self) -> (f64, f64) {
        let errors = self.core.traffic.errors;
        (errors.stable, errors.canary)
    }

    #[getter]
    fn harmful(&self) -> bool {
        self.core.is_harmful()
    }

    #[getter]
    fn runs(&self) -> u64 {
        self.core.runs
    }

    #[getter]
    fn seed(&self) -> u64 {
        self.core.seed
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let mut value = json::value(&self.core)?;
        let outcomes = value.get_mut("rules").and_then(serde_json::Value::as_array_mut);
        for (outcome, rule) in outcomes.into_iter().flatten().zip(&self.core.rules) {
            outcome["name"] = rule.rule.to_string().into();
        }
        json::to_python(py, &value)
    }

    #[pyo3(signature = (ax = None))]
    fn plot<'py>(
        slf: &Bound<'py, Self>,
        ax: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        show::plot(slf, ax)
    }

    fn records<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        show::rows(slf)
    }

    fn to_pandas<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        show::frame(slf, "pandas")
    }

    fn to_polars<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        show::frame(slf, "polars")
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.core == other.core
    }

    fn __hash__(&self) -> PyResult<u64> {
        value::hash(&self.core)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<value::Parts<'py>> {
        value::reduce::<Self>(py, &self.core)
    }

    #[staticmethod]
    #[pyo3(name = "_restore")]
    fn restore(bytes: &[u8]) -> PyResult<Self> {
        Ok(Self { core: value::restore(bytes)? })
    }

    fn __repr__(&self) -> String {
        let rules: Vec<String> = self
            .core
            .rules
            .iter()
            .map(|one| format!("{}: rollback {}", one.rule, one.rollback))
            .collect();
        format!("Comparison({} runs; {})", self.core.runs, rules.join("; "))
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        show::card(slf, "render_comparison")
    }
}

/// Lets several rules judge the same simulated traffic.
#[pyfunction]
#[pyo3(signature = (*, errors, share = 0.1, requests = 20_000, interval = 200, alpha = 0.05, thresholds = vec![(0.99, 1), (0.99, 5)], runs = 1000, seed = 0))]
#[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
pub(crate) fn compare_rules(
    py: Python<'_>,
    errors: (f64, f64),
    share: f64,
    requests: u64,
    interval: u64,
    alpha: f64,
    thresholds: Vec<(f64, u32)>,
    runs: u64,
    seed: u64,
) -> PyResult<Comparison> {
    let mut traffic = ComparedTraffic::new(errors.0, errors.1);
    traffic.share = share;
    traffic.requests = requests;
    traffic.interval = interval;
    traffic.alpha = alpha;
    let fixed = |(success_rate, failures)| Rule::FixedThreshold { success_rate, failures };
    let mut rules: Vec<Rule> = thresholds.into_iter().map(fixed).collect();
    rules.extend([Rule::RepeatedZTest, Rule::RateRatio]);
    let compared =
        door::compute(py, |go_on| traffic.compare_while(&rules, runs, seed, go_on))?.py()?;
    Ok(Comparison { core: compared })
}
