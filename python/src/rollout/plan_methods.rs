//! `canary.Plan`: its methods.

use std::collections::BTreeMap;

use canary_core::rollout;
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyDict};

use super::{
    guardrail::Guardrail,
    plan::Plan,
    plan_new::Draft,
    plan_view as view,
    power::Power,
    replay::replay,
    scenario::{Assumed, Pair},
    scores::Scores,
    simulation::Simulation,
    sticky::Sticky,
    target,
    verdict::Verdict,
};
use crate::{
    cluster::Cluster,
    convert::{percent::Number, plain::Plain, time::Seconds, value::hash_of},
    door::{self, Call, Task},
    error::IntoPy,
    finding::Finding,
    json,
    lab::Lab,
    macros::pymethods,
    run::{Notify, Start},
    show,
};

/// The parts of a pickled plan.
type Parts<'py> = (Bound<'py, PyAny>, BTreeMap<String, Py<PyAny>>);

pymethods! {
    Plan [dict, plot]
    get |plan| {
        virtual_service: &str = plan.core.target.name();
        namespace: &str = plan.core.target.namespace();
        route: Option<&str> = plan.core.target.routes().and_then(rollout::Routes::rule);
        destination_rule: Option<&str> = plan.core.target.routes().and_then(|routes| routes.destination_rule.as_deref());
        canary_labels: BTreeMap<String, String> = plan.core.labels_of_canary();
        on_inconclusive: &'static str = view::on_inconclusive(&plan.core);
        proven_on: &'static str = view::proven_on(&plan.core);
        gates: BTreeMap<&str, BTreeMap<&str, &str>> = view::gates(&plan.core);
        sequential: PyResult<Option<Plain>> = view::sequential(&plan.core);
        stable: &str = &plan.core.stable;
        canary: &str = &plan.core.canary;
        alpha: f64 = plan.core.alpha;
        header: Option<(&str, &str)> = plan.core.header.as_ref().map(|one| (one.name.as_str(), one.value.as_str()));
        canary_matches: PyResult<Vec<Plain>> = view::canary_matches(&plan.core);
        settle: f64 = plan.core.settle.as_secs_f64();
        request_timeout: f64 = plan.core.request_timeout.as_secs_f64();
        burst_window: Option<f64> = plan.core.burst_window().map(|window| window.as_secs_f64());
        startup_timeout: f64 = plan.core.startup_timeout.as_secs_f64();
        patience: f64 = plan.core.patience.as_secs_f64();
        scale_down_after: Option<f64> = plan.core.scale_down_after.map(|time| time.as_secs_f64());
        labels_within: Option<f64> = plan.core.labels.map(|labels| labels.within.as_secs_f64());
        users_within: Option<f64> = plan.core.users.map(|users| users.within.as_secs_f64());
        sticky: Option<Sticky> = plan.core.sticky.clone().map(|core| Sticky { core });
        weights: Vec<Number> = plan.core.steps.iter().map(|step| Number(step.weight)).collect();
        guards: Vec<Guardrail> = plan
            .core
            .guardrails
            .iter()
            .map(|core| Guardrail { core: core.clone(), score: plan.scores.0.get(&core.name).cloned() })
            .collect();
        aa: bool = plan.core.aa;
        digest: String = plan.core.hash();
    }
    make |plan, py| {
        target: PyResult<Bound<'py, PyAny>> = target::shown(py, &plan.core.target);
        steps: PyResult<Vec<Bound<'py, PyDict>>> = plan.core.steps.iter().map(|step| view::step(py, step)).collect();
        bursts: PyResult<Bound<'py, PyAny>> = view::bursts(py, &plan.core);
    }
    twins |plan, py| {
        #[pyo3(signature = (lab = None, *, cluster = None, client = None, inputs = None, evidence = None, labels = None, store = None, concurrency = 4, tick = None, anew = false, progress = None, notify = None, events = false, notify_link = None, notify_token_file = None, notify_cleartext = false, metrics = None))]
        #[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
        run, run_async (
            lab: Option<&Bound<'py, Lab>>,
            cluster: Option<&Bound<'py, Cluster>>,
            client: Option<&Bound<'py, PyAny>>,
            inputs: Option<&Bound<'py, PyAny>>,
            evidence: Option<&Bound<'py, PyAny>>,
            labels: Option<&Bound<'py, PyAny>>,
            store: Option<std::path::PathBuf>,
            concurrency: usize,
            tick: Option<Seconds>,
            anew: bool,
            progress: Option<&Bound<'py, PyAny>>,
            notify: Option<&Bound<'py, PyAny>>,
            events: bool,
            notify_link: Option<String>,
            notify_token_file: Option<std::path::PathBuf>,
            notify_cleartext: bool,
            metrics: Option<String>,
        ) = Task::new(
            Start::new(py, plan, (lab, cluster), client, inputs, evidence, labels)?
                .paced(concurrency, tick)
                .storing(store)
                .telling(Notify { addresses: notify, events, link: notify_link, token_file: notify_token_file, cleartext: notify_cleartext })?
                .metered(metrics)
                .viewed(py, progress)?
                .begin(anew),
        );
    }
    methods {
        #[new]
        #[pyo3(signature = (virtual_service = None, *, stable, canary, **settings))]
        fn new(
            py: Python<'_>,
            virtual_service: Option<&str>,
            stable: &str,
            canary: &str,
            settings: Option<&Bound<'_, PyDict>>,
        ) -> PyResult<Self> {
            let settings = settings.cloned().unwrap_or_else(|| PyDict::new(py));
            if let Some(name) = virtual_service {
                settings.set_item("virtual_service", name)?;
            } else if settings.get_item("target")?.is_none_or(|target| target.is_none()) {
                return Err(PyTypeError::new_err(
                    "a plan needs the name of a VirtualService, or a target, such as Plan(\"pets\", stable=\"v1\", canary=\"v2\")",
                ));
            }
            Draft::new(virtual_service.unwrap_or_default(), stable, canary).complete(Some(&settings))
        }

        #[pyo3(signature = (**changes))]
        fn replace(&self, changes: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
            Draft::of(self).complete(changes)
        }

        #[staticmethod]
        #[pyo3(signature = (text, *, scores = None))]
        fn from_yaml(text: &str, scores: Option<BTreeMap<String, Py<PyAny>>>) -> PyResult<Self> {
            let core = rollout::Plan::from_yaml(text).py()?;
            Ok(Self { core, scores: Scores::new(scores.into_iter().flatten()) })
        }

        #[staticmethod]
        #[pyo3(signature = (value, *, scores = None))]
        fn from_dict(value: &Bound<'_, PyAny>, scores: Option<BTreeMap<String, Py<PyAny>>>) -> PyResult<Self> {
            let core = json::read("plan", json::from_python(value)?)?;
            Ok(Self { core, scores: Scores::new(scores.into_iter().flatten()) })
        }

        fn to_yaml(&self) -> PyResult<String> {
            self.core.to_yaml().py()
        }

        fn validate<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            show::records(py, self.core.validate().iter().cloned().map(Finding).collect())
        }

        #[pyo3(signature = (*, errors = (0.0, 0.0), slow = (0.0, 0.0), agreement = 1.0, only_right = (0.0, 0.0), drift = 0.0, drift_deviation = 0.0, latency_ratio = 1.0, mean = (0.5, 0.5), score = 1.0, split_error = 0.0, rate = 100.0, pairs_per_second = None, runs = 1000, seed = 0))]
        #[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
        fn simulate(
            &self,
            py: Python<'_>,
            errors: Pair,
            slow: Pair,
            agreement: f64,
            only_right: Pair,
            drift: f64,
            drift_deviation: f64,
            latency_ratio: f64,
            mean: Pair,
            score: f64,
            split_error: f64,
            rate: f64,
            pairs_per_second: Option<f64>,
            runs: u64,
            seed: u64,
        ) -> PyResult<Simulation> {
            let assumed = Assumed { errors, slow, agreement, only_right, latency_ratio, mean, rate, pairs_per_second };
            let mut scenario = assumed.scenario(&self.core);
            scenario.split_error = split_error;
            scenario.drift = drift;
            scenario.drift_deviation = drift_deviation;
            scenario.custom = score;
            let plan = self.core.clone();
            let core = door::compute(py, |go_on| plan.simulate_while(&scenario, runs, seed, go_on))?.py()?;
            Ok(Simulation { core, plan, scenario })
        }

        #[pyo3(signature = (probability = 0.9, *, errors = (0.0, 0.0), slow = (0.0, 0.0), agreement = 1.0, only_right = (0.0, 0.0), latency_ratio = 1.0, mean = (0.5, 0.5), rate = 100.0, pairs_per_second = None, runs = 300, seed = 0))]
        #[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
        fn power(
            &self,
            py: Python<'_>,
            probability: f64,
            errors: Pair,
            slow: Pair,
            agreement: f64,
            only_right: Pair,
            latency_ratio: f64,
            mean: Pair,
            rate: f64,
            pairs_per_second: Option<f64>,
            runs: u64,
            seed: u64,
        ) -> PyResult<Power> {
            let assumed = Assumed { errors, slow, agreement, only_right, latency_ratio, mean, rate, pairs_per_second };
            let scenario = assumed.scenario(&self.core);
            let plan = self.core.clone();
            let found = door::compute(py, |go_on| plan.power_while(&scenario, probability, runs, seed, go_on))?;
            Ok(Power { core: found.py()?, scores: self.scores.clone() })
        }

        #[pyo3(signature = (observations, *, weights = None))]
        fn replay(
            &self,
            py: Python<'_>,
            observations: &Bound<'_, PyAny>,
            weights: Option<&Bound<'_, PyAny>>,
        ) -> PyResult<Verdict> {
            replay(py, &self.core, &self.scores, observations, weights)
        }

        fn __hash__(&self) -> u64 {
            hash_of(&self.core.hash())
        }

        fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Parts<'py>)> {
            let restore = py.get_type::<Self>().getattr("_restore")?;
            Ok((restore, (self.to_dict(py)?, self.scores.to_python(py))))
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
                core.target.name(), core.stable, core.canary, self.weights(), guards.join(", "), core.alpha
            )
        }

        fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
            let alphas = self.core.guardrails.iter().map(|one| (self.core.alpha_of(one), one.minimum));
            let alphas: Vec<(f64, u64)> = alphas.collect();
            let module = py.import("canary._rollout_html")?;
            module.call_method1("render_plan", (self.to_dict(py)?, alphas))?.extract()
        }
    }
}
