//! The parts of a plan as its attributes give them: in the form in which the constructor takes them.

use std::collections::BTreeMap;

use canary_core::rollout::{Bursts, Gate, Hold, OnInconclusive, Plan, ProvenOn, Step};
use pyo3::{prelude::*, types::PyDict};

use crate::convert::{
    percent::Number,
    plain::{self, Plain},
    value,
};

/// A step as a dictionary: its weight, and whatever else it has.
pub(super) fn step<'py>(py: Python<'py>, step: &Step) -> PyResult<Bound<'py, PyDict>> {
    let members = PyDict::new(py);
    members.set_item("weight", Number(step.weight))?;
    if step.hold != Hold::default() {
        members.set_item("hold", hold(py, &step.hold)?)?;
    }
    for (name, value) in plain::to_dict(py, step)?.cast_into::<PyDict>()? {
        if !members.contains(&name)? {
            members.set_item(name, value)?;
        }
    }
    Ok(members)
}

/// A hold with the names of Python, and its time in seconds.
fn hold<'py>(py: Python<'py>, hold: &Hold) -> PyResult<Bound<'py, PyDict>> {
    let bounds = PyDict::new(py);
    let numbers = [
        ("requests", hold.requests),
        ("total_requests", hold.total_requests),
        ("pairs", hold.pairs),
    ];
    for (name, bound) in numbers {
        if let Some(bound) = bound {
            bounds.set_item(name, bound)?;
        }
    }
    if let Some(time) = hold.time {
        bounds.set_item("time", time.as_secs_f64())?;
    }
    Ok(bounds)
}

pub(super) fn bursts<'py>(py: Python<'py>, plan: &Plan) -> PyResult<Bound<'py, PyAny>> {
    Ok(match plan.bursts {
        Bursts::Auto => "auto".into_pyobject(py)?.into_any(),
        Bursts::None => "none".into_pyobject(py)?.into_any(),
        Bursts::Window(window) => window.as_secs_f64().into_pyobject(py)?.into_any(),
    })
}

pub(super) fn on_inconclusive(plan: &Plan) -> &'static str {
    match plan.on_inconclusive {
        OnInconclusive::Keep => "keep",
        OnInconclusive::Rollback => "rollback",
    }
}

pub(super) fn proven_on(plan: &Plan) -> &'static str {
    match plan.proven_on {
        ProvenOn::AllSteps => "all_steps",
        ProvenOn::LastStep => "last_step",
    }
}

/// The golden images of each gate, with the class agreed for each.
pub(super) fn gates(plan: &Plan) -> BTreeMap<&str, BTreeMap<&str, &str>> {
    plan.gates.iter().map(|gate| (gate.name.as_str(), golden(gate))).collect()
}

fn golden(gate: &Gate) -> BTreeMap<&str, &str> {
    gate.golden.iter().map(|one| (one.input.as_str(), one.answer.as_str())).collect()
}

/// The planned looks, with the names of the YAML.
pub(super) fn canary_matches(plan: &Plan) -> PyResult<Vec<Plain>> {
    plan.canary_matches.iter().map(|one| value::json(one).map(Plain)).collect()
}

pub(super) fn sequential(plan: &Plan) -> PyResult<Option<Plain>> {
    plan.sequential.as_ref().map(|looks| value::json(looks).map(Plain)).transpose()
}
