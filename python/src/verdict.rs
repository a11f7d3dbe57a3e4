//! `canary.Verdict`, `canary.Reading`, `canary.Progress`: what a run says.

use std::collections::BTreeMap;

use canary_core::{
    Verdict as CoreVerdict, cluster,
    rollout::{self, Cause, Why},
};
use pyo3::prelude::*;

use crate::{json, value};

/// What a guardrail shows.
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct Reading(pub(crate) rollout::Reading);

#[pymethods]
impl Reading {
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
    fn guardrail(&self) -> &str {
        &self.0.guardrail
    }

    #[getter]
    fn test(&self) -> &str {
        &self.0.test
    }

    #[getter]
    fn quantity(&self) -> &str {
        &self.0.quantity
    }

    #[getter]
    fn e(&self) -> f64 {
        self.0.e
    }

    #[getter]
    fn p_value(&self) -> f64 {
        self.0.p_value
    }

    #[getter]
    fn alpha(&self) -> f64 {
        self.0.alpha
    }

    #[getter]
    fn alarm(&self) -> bool {
        self.0.alarm
    }

    #[getter]
    fn estimate(&self) -> Option<f64> {
        self.0.estimate
    }

    #[getter]
    fn low(&self) -> f64 {
        self.0.interval.low
    }

    #[getter]
    fn high(&self) -> f64 {
        self.0.interval.high
    }

    #[getter]
    fn proven(&self) -> Option<bool> {
        self.0.proven
    }

    #[getter]
    fn counts(&self) -> BTreeMap<String, u64> {
        self.0.counts.iter().cloned().collect()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        crate::show::card(slf, "render_reading")
    }

    fn __repr__(&self) -> String {
        format!("Reading({})", self.0)
    }
}

/// What a rollout has come to.
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct Verdict(pub(crate) CoreVerdict);

impl Verdict {
    /// The readings that decided.
    pub(crate) fn readings(&self) -> &[rollout::Reading] {
        match &self.0 {
            CoreVerdict::Promote { evidence, .. } => evidence,
            CoreVerdict::Rollback { evidence: Cause::Alarm(reading), .. }
            | CoreVerdict::Inconclusive { why: Why::Split { reading } } => {
                std::slice::from_ref(reading)
            }
            CoreVerdict::Inconclusive { why: Why::HarmNotExcluded { guardrails } } => guardrails,
            _ => &[],
        }
    }
}

#[pymethods]
impl Verdict {
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
    fn name(&self) -> &'static str {
        self.0.name()
    }

    #[getter]
    fn promoted(&self) -> bool {
        matches!(self.0, CoreVerdict::Promote { .. })
    }

    #[getter]
    fn rolled_back(&self) -> bool {
        matches!(self.0, CoreVerdict::Rollback { .. })
    }

    #[getter]
    fn guardrail(&self) -> Option<&str> {
        match &self.0 {
            CoreVerdict::Rollback { guardrail, .. } => Some(guardrail),
            _ => None,
        }
    }

    #[getter]
    fn exposure(&self) -> Option<u64> {
        match &self.0 {
            CoreVerdict::Promote { exposure, .. } | CoreVerdict::Rollback { exposure, .. } => {
                Some(*exposure)
            }
            _ => None,
        }
    }

    #[getter]
    fn evidence<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        crate::show::records(py, self.readings().iter().cloned().map(Reading).collect())
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.0.to_json())
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("Verdict({})", self.0)
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        let module = py.import("canary._rollout_html")?;
        let readings = self.evidence(py)?;
        module.call_method1("render_verdict", (self.name(), self.__str__(), readings))?.extract()
    }
}

/// Something that a run did or saw.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Progress(pub(crate) cluster::Progress);

impl Progress {
    fn snapshot(&self) -> Option<&cluster::Snapshot> {
        match &self.0 {
            cluster::Progress::Seen(snapshot) => Some(snapshot),
            _ => None,
        }
    }
}

#[pymethods]
impl Progress {
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
    fn kind(&self) -> &'static str {
        use cluster::Progress as P;
        match &self.0 {
            P::Started { .. } => "started",
            P::Prepared => "prepared",
            P::Probed { .. } => "probed",
            P::GateJudged { .. } => "gateJudged",
            P::Written { .. } => "written",
            P::Seen(_) => "seen",
            P::Paused => "paused",
            P::Resumed => "resumed",
            P::Waiting { .. } => "waiting",
            P::SourceEnded { .. } => "sourceEnded",
            P::Finished { .. } => "finished",
            P::Suspended { .. } => "suspended",
            _ => "other",
        }
    }

    #[getter]
    fn step(&self) -> Option<usize> {
        match &self.0 {
            cluster::Progress::Started { step, .. }
            | cluster::Progress::Written { step, .. }
            | cluster::Progress::Suspended { step, .. } => Some(*step),
            cluster::Progress::Seen(snapshot) => Some(snapshot.step),
            _ => None,
        }
    }

    #[getter]
    fn weight(&self) -> Option<u32> {
        match &self.0 {
            cluster::Progress::Written { split, .. } => Some(split.canary),
            cluster::Progress::Seen(snapshot) => snapshot.split.map(|split| split.canary),
            cluster::Progress::Suspended { split, .. } => split.map(|split| split.canary),
            _ => None,
        }
    }

    #[getter]
    fn requests(&self) -> Option<u64> {
        self.snapshot().map(|snapshot| snapshot.requests)
    }

    #[getter]
    fn pairs(&self) -> Option<u64> {
        self.snapshot().map(|snapshot| snapshot.pairs)
    }

    #[getter]
    fn readings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let readings = self.snapshot().map(|snapshot| snapshot.readings.as_slice());
        let readings = readings.unwrap_or_default().iter().cloned().map(Reading).collect();
        crate::show::records(py, readings)
    }

    #[getter]
    fn verdict(&self) -> Option<Verdict> {
        match &self.0 {
            cluster::Progress::Finished { verdict } => Some(Verdict(verdict.clone())),
            _ => None,
        }
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &json::value(&self.0)?)
    }

    fn __str__(&self) -> String {
        use cluster::Progress as P;
        match &self.0 {
            P::Started { resumed: false, .. } => "started".to_owned(),
            P::Started { step, .. } => format!("goes on at step {step}"),
            P::Prepared => "the subset and the header route are in the mesh".to_owned(),
            P::Probed { problem: None } => "the header route leads to the canary".to_owned(),
            P::Probed { problem: Some(problem) } => format!("the header route: {problem}"),
            P::GateJudged { gate, outcome } => format!("gate {gate}: {outcome}"),
            P::Written { step, split } => format!("step {step}: weights {split}"),
            P::Seen(seen) => {
                let split =
                    seen.split.map_or_else(|| "no weight yet".to_owned(), |s| s.to_string());
                format!(
                    "step {} at {split}: {} requests, {} pairs",
                    seen.step, seen.requests, seen.pairs
                )
            }
            P::Paused => "paused".to_owned(),
            P::Suspended { .. } => {
                "suspended; the state is stored, and iterating again goes on".to_owned()
            }
            P::Resumed => "resumed".to_owned(),
            P::Waiting { problem, attempt, wait } => {
                format!("attempt {attempt} failed, the next in {} s: {problem}", wait.as_secs_f64())
            }
            P::SourceEnded { source, error: None } => format!("{source} has no more inputs"),
            P::SourceEnded { source, error: Some(error) } => format!("{source}: {error}"),
            P::Finished { verdict } => verdict.to_string(),
            other => format!("{other:?}"),
        }
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        crate::show::card(slf, "render_value")
    }

    fn __repr__(&self) -> String {
        format!("Progress({})", self.__str__())
    }
}
