//! `canary.Verdict`, `canary.Reading`, `canary.Progress`: what a run says.

use std::collections::BTreeMap;

use canary_core::{
    Verdict as CoreVerdict, cluster,
    evidence::Timestamp,
    rollout::{self, Cause},
};
use pyo3::{
    prelude::*,
    types::{PyDateTime, PyTzInfo},
};

use crate::{json, time, value};

/// The reading of a guardrail.
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

/// The result of a rollout.
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) core: CoreVerdict,
    /// When it was given, where that was by an earlier run on the same release.
    pub(crate) stored: Option<Timestamp>,
}

impl Verdict {
    /// The verdict of a run, which is an earlier one's where it was given at another time.
    pub(crate) fn new(core: CoreVerdict, stored: Option<Timestamp>) -> Self {
        Self { core, stored }
    }

    /// The verdict in one sentence, and whose it is.
    pub(crate) fn sentence(&self) -> String {
        let Self { core, stored } = self;
        stored.map_or_else(
            || core.to_string(),
            |at| {
                let at = time::utc(at);
                format!("{core} (given {at} by an earlier run; nothing was asked again)")
            },
        )
    }
}

#[pymethods]
impl Verdict {
    fn __hash__(&self) -> PyResult<u64> {
        value::hash(&(&self.core, self.stored))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<value::Parts<'py>> {
        value::reduce::<Self>(py, &(&self.core, self.stored))
    }

    #[staticmethod]
    #[pyo3(name = "_restore")]
    fn restore(bytes: &[u8]) -> PyResult<Self> {
        let (core, stored) = value::restore(bytes)?;
        Ok(Self { core, stored })
    }

    #[getter]
    fn name(&self) -> &'static str {
        self.core.name()
    }

    #[getter]
    fn promoted(&self) -> bool {
        matches!(self.core, CoreVerdict::Promote { .. })
    }

    #[getter]
    fn rolled_back(&self) -> bool {
        matches!(self.core, CoreVerdict::Rollback { .. })
    }

    #[getter]
    fn stored<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        let Some(Timestamp(millis)) = self.stored else { return Ok(None) };
        #[expect(clippy::cast_precision_loss, reason = "milliseconds below 2^53")]
        let seconds = millis as f64 / 1e3;
        let utc = PyTzInfo::utc(py)?.to_owned();
        PyDateTime::from_timestamp(py, seconds, Some(&utc)).map(Some)
    }

    #[getter]
    fn cause(&self) -> Option<&'static str> {
        match &self.core {
            CoreVerdict::Rollback { evidence, .. } => Some(match evidence {
                Cause::Alarm(_) => "alarm",
                Cause::Gate(_) => "gate",
                Cause::Asked(_) => "asked",
                Cause::NotReady(_) => "notReady",
                Cause::CanaryFails { .. } => "canaryFails",
                Cause::Unreachable { .. } => "unreachable",
                _ => "other",
            }),
            CoreVerdict::Inconclusive { why } => Some(why.name()),
            _ => None,
        }
    }

    #[getter]
    fn guardrail(&self) -> Option<&str> {
        match &self.core {
            CoreVerdict::Rollback { guardrail, .. } => Some(guardrail),
            _ => None,
        }
    }

    #[getter]
    fn exposure(&self) -> Option<u64> {
        match &self.core {
            CoreVerdict::Promote { exposure, .. } | CoreVerdict::Rollback { exposure, .. } => {
                Some(*exposure)
            }
            _ => None,
        }
    }

    #[getter]
    fn evidence<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        crate::show::records(py, self.core.readings().iter().cloned().map(Reading).collect())
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let mut json = self.core.to_json();
        if let Some(members) = json.as_object_mut() {
            members.insert("sentence".to_owned(), self.sentence().into());
            members.insert("stored".to_owned(), self.stored.map(time::rfc3339).into());
        }
        json::to_python(py, &json)
    }

    fn __str__(&self) -> String {
        self.sentence()
    }

    fn __repr__(&self) -> String {
        format!("Verdict({})", self.sentence())
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        let module = py.import("canary._rollout_html")?;
        let readings = self.evidence(py)?;
        module.call_method1("render_verdict", (self.name(), self.sentence(), readings))?.extract()
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
            P::Inspected { .. } => "inspected",
            P::Prepared => "prepared",
            P::Probed { .. } => "probed",
            P::GateJudged { .. } => "gateJudged",
            P::Written { .. } => "written",
            P::Seen(_) => "seen",
            P::Paused => "paused",
            P::Resumed => "resumed",
            P::Waiting { .. } => "waiting",
            P::SourceQuiet { .. } => "sourceQuiet",
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
    fn canary(&self) -> Option<u64> {
        self.snapshot().map(|snapshot| snapshot.canary)
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
            cluster::Progress::Finished { verdict, stored } => {
                Some(Verdict::new(verdict.clone(), *stored))
            }
            _ => None,
        }
    }

    #[getter]
    fn anew(&self) -> Option<&str> {
        match &self.0 {
            cluster::Progress::Started { anew, .. } => anew.as_deref(),
            _ => None,
        }
    }

    #[getter]
    fn source(&self) -> Option<&str> {
        match &self.0 {
            cluster::Progress::SourceQuiet { source, .. }
            | cluster::Progress::SourceEnded { source, .. } => Some(source),
            _ => None,
        }
    }

    #[getter]
    fn problem(&self) -> Option<&str> {
        use cluster::Progress as P;
        match &self.0 {
            P::Inspected { problem } | P::Probed { problem } => problem.as_deref(),
            P::Waiting { problem, .. } => Some(problem),
            P::SourceEnded { error, .. } => error.as_deref(),
            _ => None,
        }
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &json::value(&self.0)?)
    }

    fn __str__(&self) -> String {
        use cluster::Progress as P;
        match &self.0 {
            P::Started { stored: Some(_), .. } => {
                "is over: an earlier run of this plan gave the verdict on this release".to_owned()
            }
            P::Started { anew: Some(why), .. } => format!("started anew: {why}"),
            P::Started { resumed: true, step, .. } => format!("goes on at step {step}"),
            P::Started { .. } => "started".to_owned(),
            P::Inspected { problem: None } => "pods of the canary are ready".to_owned(),
            P::Inspected { problem: Some(problem) } => format!("the canary's pods: {problem}"),
            P::Prepared => "the canary's subset is in the mesh".to_owned(),
            P::Probed { problem: None } => "the canary answers".to_owned(),
            P::Probed { problem: Some(problem) } => format!("the probe: {problem}"),
            P::GateJudged { gate, outcome } => format!("gate {gate}: {outcome}"),
            P::Written { step, split } => format!("step {step}: weights {split}"),
            P::Seen(seen) => {
                let split =
                    seen.split.map_or_else(|| "no weight yet".to_owned(), |s| s.to_string());
                format!(
                    "step {} at {split}: {} requests, {} by the canary, {} pairs",
                    seen.step, seen.requests, seen.canary, seen.pairs
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
            P::SourceQuiet { source, silent } => {
                format!("{source} has told nothing for {} s", silent.as_secs())
            }
            P::SourceEnded { source, error: None } => format!("{source} has no more inputs"),
            P::SourceEnded { source, error: Some(error) } => format!("{source}: {error}"),
            P::Finished { verdict, stored } => Verdict::new(verdict.clone(), *stored).sentence(),
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
