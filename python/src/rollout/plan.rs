//! `canary.Plan`.

use std::collections::BTreeMap;

use canary_core::rollout::{self, Gate, Hold, OnInconclusive, Scenario, Step};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyBool, PyDict},
};

use crate::{
    client::Client,
    cluster::Cluster,
    door,
    error::IntoPy,
    finding::Finding,
    guardrail::Guardrail,
    json,
    lab::Lab,
    place::Place,
    prometheus::Prometheus,
    recipe::Arguments,
    run::{Run, Start},
    simulation::{Power, Simulation},
    time,
};

/// A canary rollout as data.
#[pyclass(frozen, module = "canary", from_py_object)]
pub(crate) struct Plan {
    pub(crate) core: rollout::Plan,
    /// The scores of custom guardrails, by name.
    pub(crate) scores: BTreeMap<String, Py<PyAny>>,
}

impl Clone for Plan {
    fn clone(&self) -> Self {
        Python::attach(|py| Self { core: self.core.clone(), scores: self.scores_of(py) })
    }
}

impl Plan {
    fn scores_of(&self, py: Python<'_>) -> BTreeMap<String, Py<PyAny>> {
        self.scores.iter().map(|(name, score)| (name.clone(), score.clone_ref(py))).collect()
    }
}

/// The usual hold of a step where the caller gives none: so many requests of both versions together.
const USUAL_HOLD: u64 = 2_000;

/// Requests of the canary as a number, or a mapping with any of `requests`, `total_requests`, `pairs` and `time`.
fn hold(value: &Bound<'_, PyAny>) -> PyResult<Hold> {
    if value.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err(
            "hold is a bool; give a number of requests that the canary serves, or a dict",
        ));
    }
    if let Ok(requests) = value.extract::<u64>() {
        return Ok(Hold::requests(requests));
    }
    let Ok(bounds) = value.cast::<PyDict>() else {
        return Err(PyTypeError::new_err(
            "hold is a number of requests that the canary serves, or a dict with any of requests, total_requests, pairs, \
             time",
        ));
    };
    let mut hold = Hold::default();
    for (name, bound) in bounds.iter() {
        match name.extract::<String>()?.as_str() {
            "requests" => hold.requests = Some(bound.extract()?),
            // As keyword arguments are written, and as in YAML.
            "total_requests" | "totalRequests" => hold.total_requests = Some(bound.extract()?),
            "pairs" => hold.pairs = Some(bound.extract()?),
            "time" => hold.time = Some(time::seconds(&bound)?),
            other => {
                return Err(PyValueError::new_err(format!(
                    "hold has no {other:?}; it has requests, total_requests, pairs and time"
                )));
            }
        }
    }
    Ok(hold)
}

/// A weight, or a mapping as in YAML.
fn step(value: &Bound<'_, PyAny>, usual: Hold) -> PyResult<Step> {
    if let Ok(weight) = value.extract::<u32>() {
        let hold = if weight < 100 { usual } else { Hold::default() };
        return Ok(Step::new(weight).hold(hold));
    }
    json::read("step", json::from_python(value)?)
}

#[pymethods]
impl Plan {
    #[new]
    #[pyo3(signature = (virtual_service, *, stable, canary, steps = None, hold = None, guards = None, header = None, alpha = None, namespace = None, route = None, destination_rule = None, gates = None, settle = None, request_timeout = None, startup_timeout = None, patience = None, on_inconclusive = None))]
    #[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
    fn new(
        virtual_service: &str,
        stable: &str,
        canary: &str,
        steps: Option<Vec<Bound<'_, PyAny>>>,
        hold: Option<Bound<'_, PyAny>>,
        guards: Option<Vec<Guardrail>>,
        header: Option<(String, String)>,
        alpha: Option<f64>,
        namespace: Option<String>,
        route: Option<String>,
        destination_rule: Option<String>,
        gates: Option<BTreeMap<String, BTreeMap<String, String>>>,
        settle: Option<Bound<'_, PyAny>>,
        request_timeout: Option<Bound<'_, PyAny>>,
        startup_timeout: Option<Bound<'_, PyAny>>,
        patience: Option<Bound<'_, PyAny>>,
        on_inconclusive: Option<&str>,
    ) -> PyResult<Self> {
        let mut core = rollout::Plan::new(virtual_service, stable, canary);
        let usual = hold.map_or(Ok(Hold::total_requests(USUAL_HOLD)), |hold| self::hold(&hold))?;
        core.steps = match steps {
            Some(steps) => {
                steps.iter().map(|one| step(one, usual)).collect::<PyResult<Vec<_>>>()?
            }
            None => core.clone().weights([5, 30, 100], usual).steps,
        };
        let mut scores = BTreeMap::new();
        for guardrail in guards.into_iter().flatten() {
            if let Some(score) = guardrail.score {
                scores.insert(guardrail.core.name.clone(), score);
            }
            core = core.guardrail(guardrail.core);
        }
        if let Some((name, value)) = header {
            core = core.header(name, value);
        }
        core.alpha = alpha.unwrap_or(core.alpha);
        core.target.namespace = namespace.unwrap_or(core.target.namespace);
        core.target.route = route;
        core.target.destination_rule = destination_rule;
        for (name, golden) in gates.into_iter().flatten() {
            let gate = golden
                .into_iter()
                .fold(Gate::new(&name), |gate, (input, answer)| gate.image(input, answer));
            core = core.gate(gate);
            // A gate is evaluated before the first weight unless a step names it.
            if !core.steps.iter().any(|step| step.gates.contains(&name))
                && let Some(first) = core.steps.first_mut()
            {
                first.gates.push(name);
            }
        }
        for (given, place) in [
            (settle, &mut core.settle),
            (request_timeout, &mut core.request_timeout),
            (startup_timeout, &mut core.startup_timeout),
            (patience, &mut core.patience),
        ] {
            if let Some(given) = given {
                *place = time::seconds(&given)?;
            }
        }
        core.on_inconclusive = match on_inconclusive {
            None | Some("keep") => OnInconclusive::Keep,
            Some("rollback") => OnInconclusive::Rollback,
            Some(other) => {
                return Err(PyValueError::new_err(format!(
                    "on_inconclusive is {other:?}; give \"keep\" or \"rollback\""
                )));
            }
        };
        Ok(Self { core: core.validated().py()?, scores })
    }

    #[staticmethod]
    #[pyo3(signature = (text, *, scores = None))]
    fn from_yaml(text: &str, scores: Option<BTreeMap<String, Py<PyAny>>>) -> PyResult<Self> {
        Ok(Self { core: rollout::Plan::from_yaml(text).py()?, scores: scores.unwrap_or_default() })
    }

    #[staticmethod]
    #[pyo3(signature = (value, *, scores = None))]
    fn from_dict(
        value: &Bound<'_, PyAny>,
        scores: Option<BTreeMap<String, Py<PyAny>>>,
    ) -> PyResult<Self> {
        let core = json::read("plan", json::from_python(value)?)?;
        Ok(Self { core, scores: scores.unwrap_or_default() })
    }

    fn to_yaml(&self) -> PyResult<String> {
        self.core.to_yaml().py()
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &json::value(&self.core)?)
    }

    fn validate<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let findings: Vec<_> = self.core.validate().iter().cloned().map(Finding).collect();
        crate::show::records(py, findings)
    }

    #[getter]
    fn virtual_service(&self) -> &str {
        &self.core.target.virtual_service
    }

    #[getter]
    fn stable(&self) -> &str {
        &self.core.stable
    }

    #[getter]
    fn canary(&self) -> &str {
        &self.core.canary
    }

    #[getter]
    fn alpha(&self) -> f64 {
        self.core.alpha
    }

    #[getter]
    fn header(&self) -> Option<(&str, &str)> {
        self.core.header.as_ref().map(|header| (header.name.as_str(), header.value.as_str()))
    }

    #[getter]
    fn settle(&self) -> f64 {
        self.core.settle.as_secs_f64()
    }

    #[getter]
    fn request_timeout(&self) -> f64 {
        self.core.request_timeout.as_secs_f64()
    }

    #[getter]
    fn startup_timeout(&self) -> f64 {
        self.core.startup_timeout.as_secs_f64()
    }

    #[getter]
    fn patience(&self) -> f64 {
        self.core.patience.as_secs_f64()
    }

    #[getter]
    fn weights(&self) -> Vec<u32> {
        self.core.steps.iter().map(|step| step.weight).collect()
    }

    #[getter]
    fn guards(&self, py: Python<'_>) -> Vec<Guardrail> {
        let guardrails = self.core.guardrails.iter();
        guardrails
            .map(|core| Guardrail {
                core: core.clone(),
                score: self.scores.get(&core.name).map(|score| score.clone_ref(py)),
            })
            .collect()
    }

    #[getter]
    fn digest(&self) -> String {
        self.core.hash()
    }

    #[pyo3(signature = (*, errors = (0.0, 0.0), slow = (0.0, 0.0), agreement = 1.0, only_right = (0.0, 0.0), drift = 0.0, drift_deviation = 0.0, score = 1.0, split_error = 0.0, rate = 100.0, pairs_per_second = None, runs = 1000, seed = 0))]
    #[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
    fn simulate(
        &self,
        py: Python<'_>,
        errors: (f64, f64),
        slow: (f64, f64),
        agreement: f64,
        only_right: (f64, f64),
        drift: f64,
        drift_deviation: f64,
        score: f64,
        split_error: f64,
        rate: f64,
        pairs_per_second: Option<f64>,
        runs: u64,
        seed: u64,
    ) -> PyResult<Simulation> {
        let scenario = Scenario {
            rate,
            errors: rates(errors),
            slow: rates(slow),
            split_error,
            pairs_per_second: pairs_per_second.unwrap_or_else(|| self.usual_pairs(rate)),
            agreement,
            only_right: rates(only_right),
            drift,
            drift_deviation,
            custom: score,
        };
        let core = self.core.clone();
        let done =
            door::compute(py, |go_on| core.simulate_while(&scenario, runs, seed, go_on))?.py()?;
        Ok(Simulation { core: done, plan: self.core.clone(), scenario })
    }

    #[pyo3(signature = (probability = 0.9, *, errors = (0.0, 0.0), slow = (0.0, 0.0), agreement = 1.0, only_right = (0.0, 0.0), rate = 100.0, pairs_per_second = None, runs = 300, seed = 0))]
    #[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
    fn power(
        &self,
        py: Python<'_>,
        probability: f64,
        errors: (f64, f64),
        slow: (f64, f64),
        agreement: f64,
        only_right: (f64, f64),
        rate: f64,
        pairs_per_second: Option<f64>,
        runs: u64,
        seed: u64,
    ) -> PyResult<Power> {
        let scenario = Scenario {
            rate,
            errors: rates(errors),
            slow: rates(slow),
            pairs_per_second: pairs_per_second.unwrap_or_else(|| self.usual_pairs(rate)),
            agreement,
            only_right: rates(only_right),
            ..Scenario::default()
        };
        let core = self.core.clone();
        let found =
            door::compute(py, |go_on| core.power_while(&scenario, probability, runs, seed, go_on))?
                .py()?;
        Ok(Power { core: found, scores: self.scores_of(py) })
    }

    #[pyo3(signature = (lab = None, *, cluster = None, client = None, inputs = None, evidence = None, concurrency = 4, tick = None, anew = false, progress = None))]
    #[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
    fn run(
        &self,
        py: Python<'_>,
        lab: Option<&Bound<'_, Lab>>,
        cluster: Option<&Bound<'_, Cluster>>,
        client: Option<&Client>,
        inputs: Option<&Bound<'_, PyAny>>,
        evidence: Option<Vec<PyRef<'_, Prometheus>>>,
        concurrency: usize,
        tick: Option<Bound<'_, PyAny>>,
        anew: bool,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Run> {
        let place = Place::new(lab, cluster)?;
        let tick = tick.map(|tick| time::seconds(&tick)).transpose()?;
        let evidence = evidence.unwrap_or_default().iter().map(|one| one.core.clone()).collect();
        let arguments = Arguments { lab, client, inputs, evidence, concurrency, tick };
        let start = Start::new(py, self, place, &arguments, anew, progress)?;
        door::block_on(py, start.begin())
    }

    #[pyo3(signature = (lab = None, *, cluster = None, client = None, inputs = None, evidence = None, concurrency = 4, tick = None, anew = false, progress = None))]
    #[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
    fn run_async<'py>(
        &self,
        py: Python<'py>,
        lab: Option<&Bound<'py, Lab>>,
        cluster: Option<&Bound<'py, Cluster>>,
        client: Option<&Client>,
        inputs: Option<&Bound<'py, PyAny>>,
        evidence: Option<Vec<PyRef<'py, Prometheus>>>,
        concurrency: usize,
        tick: Option<Bound<'py, PyAny>>,
        anew: bool,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let place = Place::new(lab, cluster)?;
        let tick = tick.map(|tick| time::seconds(&tick)).transpose()?;
        let evidence = evidence.unwrap_or_default().iter().map(|one| one.core.clone()).collect();
        let arguments = Arguments { lab, client, inputs, evidence, concurrency, tick };
        let start = Start::new(py, self, place, &arguments, anew, progress)?;
        door::later(py, start.begin())
    }

    fn __eq__(&self, other: &Self) -> bool {
        let same = self.scores.len() == other.scores.len()
            && self
                .scores
                .iter()
                .all(|(name, score)| other.scores.get(name).is_some_and(|one| one.is(score)));
        same && self.core == other.core
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.core.hash().hash(&mut hasher);
        hasher.finish()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, PlanParts<'py>)> {
        let make = py.get_type::<Self>().getattr("_restore")?;
        Ok((make, (self.to_dict(py)?, self.scores_of(py))))
    }

    #[staticmethod]
    fn _restore(value: &Bound<'_, PyAny>, scores: BTreeMap<String, Py<PyAny>>) -> PyResult<Self> {
        Self::from_dict(value, Some(scores))
    }

    fn __repr__(&self) -> String {
        let core = &self.core;
        let guards: Vec<&str> = core.guardrails.iter().map(|one| one.name.as_str()).collect();
        format!(
            "Plan({:?}, stable={:?}, canary={:?}, steps={:?}, guards=<{}>, alpha={})",
            core.target.virtual_service,
            core.stable,
            core.canary,
            self.weights(),
            guards.join(", "),
            core.alpha
        )
    }

    #[pyo3(signature = (ax = None))]
    fn plot<'py>(
        slf: &Bound<'py, Self>,
        ax: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        crate::show::plot(slf, ax)
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        let shares: Vec<f64> =
            self.core.guardrails.iter().map(|one| self.core.alpha_of(one)).collect();
        let module = py.import("canary._rollout_html")?;
        module.call_method1("render_plan", (self.to_dict(py)?, shares))?.extract()
    }
}

/// The parts of a pickled plan.
type PlanParts<'py> = (Bound<'py, PyAny>, BTreeMap<String, Py<PyAny>>);

impl Plan {
    /// Pairs come with a tenth of the requests where a guardrail or a hold needs them.
    fn usual_pairs(&self, rate: f64) -> f64 {
        if self.core.needs_pairs() { rate / 10.0 } else { 0.0 }
    }
}

fn rates((stable, canary): (f64, f64)) -> rollout::Rates {
    rollout::Rates::new(stable, canary)
}
