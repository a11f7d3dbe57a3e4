//! A plan from keyword arguments: those of `canary.Plan`, and the changes of `Plan.replace`.

use std::collections::BTreeMap;

use canary_core::rollout::{
    self, Bursts, Check, Gate, Hold, OnInconclusive, ProvenOn, Sequential, Step,
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
const NAMES: [&str; 25] = [
    "virtual_service",
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
    "sequential",
    "proven_on",
    "aa",
    "canary_labels",
    "scale_down_after",
];

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
        for (name, value) in arguments.into_iter().flatten() {
            let name: String = name.extract()?;
            self.set(&name, &value)?;
        }
        self.finish()
    }

    fn set(&mut self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let core = &mut self.core;
        let usual = || rollout::Plan::new("", "", "");
        match name {
            "virtual_service" => core.target.virtual_service = argument(name, value)?,
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
                core.target.namespace =
                    given(name, value)?.unwrap_or_else(|| usual().target.namespace);
            }
            "route" => core.target.route = argument(name, value)?,
            "destination_rule" => core.target.destination_rule = argument(name, value)?,
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
            "sequential" => core.sequential = sequential(value)?,
            "proven_on" => core.proven_on = proven_on(given(name, value)?)?,
            "aa" => core.aa = argument(name, value)?,
            "scale_down_after" => core.scale_down_after = seconds(name, value)?,
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
        let usual = hold.unwrap_or_else(Hold::usual);
        match steps {
            Some(steps) => {
                let read = |(at, one): (usize, &Py<PyAny>)| {
                    Python::attach(|py| step(at, one.bind(py), usual))
                };
                core.steps = steps.iter().enumerate().map(read).collect::<PyResult<_>>()?;
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
