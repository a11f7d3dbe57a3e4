//! `canary.Simulation` and `canary.Power`.

use std::collections::BTreeMap;

use canary_core::rollout::{self, Chance, Summary};
use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict},
};

use crate::{json, plan::Plan, show, value};

/// The number of simulated runs of a plan by outcome, and their cost.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Simulation {
    pub(crate) core: rollout::Simulation,
    pub(crate) plan: rollout::Plan,
    pub(crate) scenario: rollout::Scenario,
}

fn interval(chance: &Chance) -> (f64, f64) {
    (chance.low, chance.high)
}

fn quantiles<'py>(py: Python<'py>, summary: &Summary) -> PyResult<Bound<'py, PyDict>> {
    let values = PyDict::new(py);
    for (name, value) in [
        ("mean", summary.mean),
        ("p05", summary.p05),
        ("median", summary.median),
        ("p95", summary.p95),
        ("max", summary.max),
    ] {
        values.set_item(name, value)?;
    }
    Ok(values)
}

#[pymethods]
impl Simulation {
    fn __hash__(&self) -> PyResult<u64> {
        value::hash(&(&self.core, &self.plan, &self.scenario))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<value::Parts<'py>> {
        value::reduce::<Self>(py, &(&self.core, &self.plan, &self.scenario))
    }

    #[staticmethod]
    #[pyo3(name = "_restore")]
    fn restore(bytes: &[u8]) -> PyResult<Self> {
        let (core, plan, scenario) = value::restore(bytes)?;
        Ok(Self { core, plan, scenario })
    }

    #[getter]
    fn runs(&self) -> u64 {
        self.core.runs
    }

    #[getter]
    fn seed(&self) -> u64 {
        self.core.seed
    }

    #[getter]
    fn p_rollback(&self) -> f64 {
        self.core.rollback.p
    }

    #[getter]
    fn p_promote(&self) -> f64 {
        self.core.promote.p
    }

    #[getter]
    fn p_inconclusive(&self) -> f64 {
        self.core.inconclusive.p
    }

    #[getter]
    fn intervals(&self) -> BTreeMap<&'static str, (f64, f64)> {
        let core = &self.core;
        BTreeMap::from([
            ("rollback", interval(&core.rollback)),
            ("promote", interval(&core.promote)),
            ("inconclusive", interval(&core.inconclusive)),
        ])
    }

    #[getter]
    fn rolled_back_by(&self) -> BTreeMap<String, u64> {
        self.core.rolled_back_by.clone()
    }

    #[getter]
    fn inconclusive_because(&self) -> BTreeMap<String, u64> {
        self.core.inconclusive_because.clone()
    }

    #[getter]
    fn requests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        quantiles(py, &self.core.requests)
    }

    #[getter]
    fn requests_to_rollback<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        quantiles(py, &self.core.requests_to_rollback)
    }

    #[getter]
    fn seconds<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        quantiles(py, &self.core.seconds)
    }

    #[getter]
    fn exposure<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        quantiles(py, &self.core.exposure)
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let mut value = json::value(&self.core)?;
        if let Some(members) = value.as_object_mut() {
            members.insert("scenario".to_owned(), json::value(&self.scenario)?);
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
        self.core == other.core && self.plan == other.plan && self.scenario == other.scenario
    }

    fn __repr__(&self) -> String {
        let core = &self.core;
        format!(
            "Simulation({} runs: rollback {}, promote {}, inconclusive {})",
            core.runs, core.rollback, core.promote, core.inconclusive
        )
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        let module = py.import("canary._rollout_html")?;
        module.call_method1("render_simulation", (self.to_dict(py)?,))?.extract()
    }
}

/// A plan whose holds are long enough to catch a stated harm.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Power {
    pub(crate) core: rollout::Power,
    pub(crate) scores: BTreeMap<String, Py<PyAny>>,
}

/// The parts of a pickled power.
type PowerParts<'py> = (Bound<'py, PyBytes>, BTreeMap<String, Py<PyAny>>);

#[pymethods]
impl Power {
    fn __eq__(&self, other: &Self) -> bool {
        self.core == other.core
    }

    fn __hash__(&self) -> PyResult<u64> {
        value::hash(&self.core)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, PowerParts<'py>)> {
        let restore = py.get_type::<Self>().getattr("_restore")?;
        let scores =
            self.scores.iter().map(|(name, score)| (name.clone(), score.clone_ref(py))).collect();
        Ok((restore, (value::bytes(py, &self.core)?, scores)))
    }

    #[staticmethod]
    #[pyo3(name = "_restore")]
    fn restore(bytes: &[u8], scores: BTreeMap<String, Py<PyAny>>) -> PyResult<Self> {
        Ok(Self { core: value::restore(bytes)?, scores })
    }

    #[getter]
    fn factor(&self) -> f64 {
        self.core.factor
    }

    #[getter]
    fn plan(&self, py: Python<'_>) -> Plan {
        let scores =
            self.scores.iter().map(|(name, score)| (name.clone(), score.clone_ref(py))).collect();
        Plan { core: self.core.plan.clone(), scores }
    }

    #[getter]
    fn p_rollback(&self) -> f64 {
        self.core.rollback.p
    }

    #[getter]
    fn interval(&self) -> (f64, f64) {
        interval(&self.core.rollback)
    }

    #[getter]
    fn requests(&self) -> u64 {
        self.core.requests
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &json::value(&self.core)?)
    }

    #[pyo3(signature = (ax = None))]
    fn plot<'py>(
        slf: &Bound<'py, Self>,
        ax: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        show::plot(slf, ax)
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        show::card(slf, "render_power")
    }

    fn __repr__(&self) -> String {
        let core = &self.core;
        format!("Power(holds x {:.2}: rollback {})", core.factor, core.rollback)
    }
}
