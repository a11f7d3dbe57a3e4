//! A plan from keyword arguments: those of `canary.Plan`, and the changes of `Plan.replace`.

use std::collections::BTreeMap;

use canary_core::rollout::{
    self, Bursts, CanaryMatch, Check, Gate, Hold, OnInconclusive, ProvenOn, Sequential, Step,
};
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyDict, PyFloat, PyInt},
};

use super::{
    guardrail::Guardrail,
    hold::{hold, step},
    plan::Plan,
    scores::Scores,
    sticky::Sticky,
    target::target_of,
};
use crate::{
    convert::{
        choice::either,
        given::{Given, argument, kind},
        names::unknown,
        time::Seconds,
    },
    error::IntoPy,
    json,
};

/// The names of the arguments, in the order of the constructor.
const NAMES: [&str; 28] = [
    "virtual_service",
    "target",
    "stable",
    "canary",
    "steps",
    "hold",
    "guards",
    "header",
    "alpha",
    "namespace",
    "route",
    "destination_rule",
    "gates",
    "settle",
    "request_timeout",
    "bursts",
    "startup_timeout",
    "patience",
    "on_inconclusive",
    "labels_within",
    "users_within",
    "sticky",
    "sequential",
    "proven_on",
    "aa",
    "canary_labels",
    "scale_down_after",
    "canary_matches",
];

/// The pairs that decide a release by labels, unless the hold says another number.
const PAIRS: u64 = 500;

/// The arguments that say a part of the target.
const PARTS: [&str; 4] = ["virtual_service", "namespace", "route", "destination_rule"];

/// The golden images of a gate: the class agreed for each file.
type Golden = BTreeMap<String, String>;

/// A plan that gets its arguments one after the other.
pub(super) struct Draft {
    core: rollout::Plan,
    scores: Scores,
    steps: Option<Vec<Py<PyAny>>>,
    hold: Option<Hold>,
    gates: Option<Vec<Gate>>,
}

impl Draft {
    /// A new plan, whose steps and hold are the usual ones unless they are given.
    pub(super) fn new(virtual_service: &str, stable: &str, canary: &str) -> Self {
        let core = rollout::Plan::new(virtual_service, stable, canary);
        Self { core, scores: Scores::default(), steps: None, hold: None, gates: None }
    }

    /// The copy of a plan.
    pub(super) fn of(plan: &Plan) -> Self {
        let Plan { core, scores } = plan.clone();
        Self { core, scores, steps: None, hold: None, gates: None }
    }

    /// The plan with these arguments; None stands for what is usual.
    pub(super) fn complete(mut self, arguments: Option<&Bound<'_, PyDict>>) -> PyResult<Plan> {
        // First, so that the order of the arguments does not matter.
        let target = arguments.map(|all| all.get_item("target")).transpose()?.flatten();
        let target = target.filter(|target| !target.is_none());
        if let Some(target) = &target {
            self.core.target = target_of(target)?;
        }
        for (name, value) in arguments.into_iter().flatten() {
            let name: String = name.extract()?;
            if target.is_some() && PARTS.contains(&name.as_str()) {
                self.check_part(&name, &value)?;
            } else if name != "target" {
                self.set(&name, &value)?;
            }
        }
        self.finish()
    }

    /// Refuses an argument that contradicts the target beside it.
    pub(super) fn check_part(&self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let target = &self.core.target;
        let routes = target.routes();
        let said = match name {
            "virtual_service" => Some(target.name()),
            "namespace" => Some(target.namespace()),
            "route" => routes.and_then(rollout::Routes::rule),
            _ => routes.and_then(|routes| routes.destination_rule.as_deref()),
        };
        let given: Option<String> = argument(name, value)?;
        if given.is_none() || given.as_deref() == said {
            return Ok(());
        }
        Err(PyTypeError::new_err(format!(
            "target and {name} are both given, and {name} is another; the target says it alone: see canary.Target"
        )))
    }

    fn set(&mut self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let core = &mut self.core;
        let usual = || rollout::Plan::new("", "", "");
        match name {
            "virtual_service" => {
                let name: String = argument(name, value)?;
                if let Some(routes) = core.target.routes_mut() {
                    routes.set_name(name);
                }
            }
            "stable" => core.stable = argument(name, value)?,
            "canary" => core.canary = argument(name, value)?,
            "steps" => self.steps = steps(value)?,
            "hold" => {
                self.hold = Some(if value.is_none() { Hold::usual() } else { hold(value)? });
            }
            "guards" => self.guard(argument(name, value)?),
            "header" => {
                let header: Option<(String, String)> = argument(name, value)?;
                core.header = None;
                if let Some((name, value)) = header {
                    core.header = Some(rollout::HeaderRoute { name, value });
                }
            }
            "alpha" => core.alpha = given(name, value)?.unwrap_or_else(|| usual().alpha),
            "namespace" => {
                let namespace: Option<String> = given(name, value)?;
                let usual = usual();
                core.target.set_namespace(namespace.as_deref().unwrap_or(usual.target.namespace()));
            }
            "route" => {
                let rule: Option<String> = argument(name, value)?;
                if let Some(routes) = core.target.routes_mut() {
                    routes.set_rule(rule);
                }
            }
            "destination_rule" => {
                let rule: Option<String> = argument(name, value)?;
                if let Some(routes) = core.target.routes_mut() {
                    routes.destination_rule = rule;
                }
            }
            "gates" => self.gates = Some(gates(given(name, value)?.unwrap_or_default())),
            "settle" => core.settle = seconds(name, value)?.unwrap_or_else(|| usual().settle),
            "request_timeout" => {
                core.request_timeout =
                    seconds(name, value)?.unwrap_or_else(|| usual().request_timeout);
            }
            "startup_timeout" => {
                core.startup_timeout =
                    seconds(name, value)?.unwrap_or_else(|| usual().startup_timeout);
            }
            "patience" => core.patience = seconds(name, value)?.unwrap_or_else(|| usual().patience),
            "bursts" => core.bursts = bursts(value)?,
            "on_inconclusive" => core.on_inconclusive = on_inconclusive(given(name, value)?)?,
            "labels_within" => {
                let within = seconds(name, value)?;
                core.labels = within.map(|within| rollout::Labels { within });
            }
            "users_within" => core.users = seconds(name, value)?.map(rollout::Users::within),
            "sticky" => core.sticky = given::<Sticky>(name, value)?.map(|sticky| sticky.core),
            "sequential" => core.sequential = sequential(value)?,
            "proven_on" => core.proven_on = proven_on(given(name, value)?)?,
            "aa" => core.aa = argument(name, value)?,
            "scale_down_after" => core.scale_down_after = seconds(name, value)?,
            "canary_matches" => core.canary_matches = canary_matches(value)?,
            "canary_labels" => core.canary_labels = given(name, value)?.unwrap_or_default(),
            other => return Err(unknown(value.py(), "Plan", other, &NAMES.map(str::to_owned))),
        }
        Ok(())
    }

    /// Puts guardrails in the place of those of the plan; the observed split is always tested.
    fn guard(&mut self, guards: Option<Vec<Guardrail>>) {
        self.scores = Scores::default();
        self.core.guardrails.retain(|one| matches!(one.check, Check::ObservedSplit(_)));
        for Guardrail { core, score } in guards.into_iter().flatten() {
            if let Some(score) = score {
                self.scores.0.insert(core.name.clone(), score);
            }
            self.core.guardrails.push(core);
        }
    }

    fn finish(self) -> PyResult<Plan> {
        let Self { mut core, scores, steps, hold, gates } = self;
        let labels = core.target.version_labels().is_some();
        let usual = hold.unwrap_or_else(|| if labels { Hold::pairs(PAIRS) } else { Hold::usual() });
        if labels {
            // No traffic is divided between labels, so there is no split to observe.
            core.guardrails.retain(|one| !matches!(one.check, Check::ObservedSplit(_)));
        }
        match steps {
            Some(steps) => {
                let read = |(at, one): (usize, &Py<PyAny>)| {
                    Python::attach(|py| step(at, one.bind(py), usual))
                };
                core.steps = steps.iter().enumerate().map(read).collect::<PyResult<_>>()?;
            }
            None if core.steps.is_empty() && labels => {
                core.steps = vec![Step::held(0, usual), Step::held(100, usual)];
            }
            None if core.steps.is_empty() => core = core.usual_weights(usual),
            None => {
                for step in core.steps.iter_mut().filter(|step| step.weight < 100) {
                    step.hold = hold.unwrap_or(step.hold);
                }
            }
        }
        if let Some(gates) = gates {
            let before: Vec<Gate> = core.gates.drain(..).collect();
            for step in &mut core.steps {
                step.gates.retain(|name| !before.iter().any(|gate| gate.name == *name));
            }
            core = gates.into_iter().fold(core, rollout::Plan::gate_first);
        } else {
            name_gates(&mut core.steps, &core.gates);
        }
        Ok(Plan { core: core.validated().py()?, scores })
    }
}

/// Lets the first step name the gates that none names, as where the steps were replaced.
fn name_gates(steps: &mut [Step], gates: &[Gate]) {
    for gate in gates {
        let named = steps.iter().any(|step| step.gates.contains(&gate.name));
        if !named && let Some(first) = steps.first_mut() {
            first.gates.push(gate.name.clone());
        }
    }
}

/// An argument that may be None.
fn given<'py, T: Given<'py>>(name: &str, value: &Bound<'py, PyAny>) -> PyResult<Option<T>> {
    argument(name, value)
}

fn seconds(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<std::time::Duration>> {
    let seconds: Option<Seconds> = argument(name, value)?;
    Ok(seconds.map(Into::into))
}

/// The steps, which are read when the hold is known.
fn steps(value: &Bound<'_, PyAny>) -> PyResult<Option<Vec<Py<PyAny>>>> {
    if value.is_none() {
        return Ok(None);
    }
    if let Ok(steps) = Vec::<Py<PyAny>>::read(value) {
        return Ok(Some(steps));
    }
    let number = value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyInt>();
    let shown = if number { value.to_string() } else { kind(value) };
    Err(PyTypeError::new_err(format!(
        "steps is {shown}; give a list of weights in percent, such as [5, 30, 100]"
    )))
}

fn gates(given: BTreeMap<String, Golden>) -> Vec<Gate> {
    let made = |(name, golden): (String, Golden)| {
        golden.into_iter().fold(Gate::new(name), |gate, (input, answer)| gate.image(input, answer))
    };
    given.into_iter().map(made).collect()
}

fn on_inconclusive(name: Option<String>) -> PyResult<OnInconclusive> {
    let Some(name) = name else { return Ok(OnInconclusive::default()) };
    let known = [("keep", OnInconclusive::Keep), ("rollback", OnInconclusive::Rollback)];
    either("on_inconclusive", &name, "give", known)
}

fn proven_on(name: Option<String>) -> PyResult<ProvenOn> {
    let Some(name) = name else { return Ok(ProvenOn::default()) };
    let known = [("all_steps", ProvenOn::AllSteps), ("last_step", ProvenOn::LastStep)];
    either("proven_on", &name, "give", known)
}

/// The planned looks: their number, or a dict with `looks` and `spending`.
fn sequential(given: &Bound<'_, PyAny>) -> PyResult<Option<Sequential>> {
    if given.is_none() {
        return Ok(None);
    }
    match given.extract::<u32>() {
        Ok(looks) => Ok(Some(Sequential { looks, ..Sequential::default() })),
        Err(_) => json::read("sequential", json::from_python(given)?).map(Some),
    }
}

/// The further conditions that lead to the canary: a list of dicts as in YAML.
fn canary_matches(given: &Bound<'_, PyAny>) -> PyResult<Vec<CanaryMatch>> {
    if given.is_none() {
        return Ok(Vec::new());
    }
    json::read("canary_matches", json::from_python(given)?)
}

/// The guard against bursts: a name, or the length of its windows.
fn bursts(given: &Bound<'_, PyAny>) -> PyResult<Bursts> {
    let name: Option<String> =
        if given.is_none() { Some("auto".to_owned()) } else { given.extract().ok() };
    match name.as_deref() {
        Some("auto") => Ok(Bursts::Auto),
        Some("none") => Ok(Bursts::None),
        _ => match Seconds::read(given) {
            Ok(window) => Ok(Bursts::Window(window.into())),
            Err(refused) => {
                let give = "\"auto\", \"none\", or the length of its windows as seconds, a timedelta or a text such as \"10s\"";
                Err(refused.unless_within(given, || give.into()).exception("bursts"))
            }
        },
    }
}
