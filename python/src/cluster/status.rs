//! `canary.Preflight` and `canary.Status`: reports on a cluster.

use canary_core::cluster;
use pyo3::prelude::*;

use crate::{json, show, value, verdict::Verdict};

/// The findings of a preflight.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Preflight(pub(crate) cluster::Preflight);

#[pymethods]
impl Preflight {
    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn __hash__(&self) -> PyResult<u64> {
        value::hash(&self.0.checks)
    }

    #[getter]
    fn is_ready(&self) -> bool {
        self.0.is_ready()
    }

    #[getter]
    fn checks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &json::value(&self.0.checks)?)
    }

    fn to_json(&self) -> String {
        self.0.to_json().to_string()
    }

    fn to_html(&self) -> String {
        self.0.to_html()
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

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        show::card(slf, "render_preflight")
    }

    fn __bool__(&self) -> bool {
        self.0.is_ready()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        let failed = self.0.checks.iter().filter(|check| check.outcome == cluster::Outcome::Fail);
        format!("Preflight({} checks, {} failed)", self.0.checks.len(), failed.count())
    }
}

/// The state of a rollout on a cluster.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Status(pub(crate) cluster::Status);

#[pymethods]
impl Status {
    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn __hash__(&self) -> PyResult<u64> {
        value::hash(&self.0)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<value::Parts<'py>> {
        value::reduce::<Self>(py, &self.0)
    }

    #[staticmethod]
    #[pyo3(name = "_restore")]
    fn restore(bytes: &[u8]) -> PyResult<Self> {
        value::restore(bytes).map(Self)
    }

    #[getter]
    fn verdict(&self) -> Option<Verdict> {
        self.0.rollout.as_ref().map(|rollout| Verdict::new(rollout.verdict.clone(), None))
    }

    #[getter]
    fn driver(&self) -> Option<&str> {
        self.0.driver.as_deref()
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &json::value(&self.0)?)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("Status({:?})", self.0.object)
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        show::card(slf, "render_status")
    }
}
