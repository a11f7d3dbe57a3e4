//! A plan from the arguments of `canary.Plan`.

use std::collections::BTreeMap;

use canary_core::rollout::{self, Bursts, Gate, Hold, OnInconclusive, ProvenOn, Sequential};
use pyo3::prelude::*;

use super::{
    guardrail::Guardrail,
    hold::{hold, step},
    plan::Plan,
    scores::Scores,
};
use crate::{
    convert::{choice::either, time},
    error::IntoPy,
    json,
};

/// The arguments that are more than a name or a number.
pub(super) struct Arguments<'py> {
    pub(super) steps: Option<Vec<Bound<'py, PyAny>>>,
    pub(super) hold: Option<Bound<'py, PyAny>>,
    pub(super) guards: Option<Vec<Guardrail>>,
    pub(super) gates: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// `settle`, `request_timeout`, `startup_timeout` and `patience`.
    pub(super) times: [Option<Bound<'py, PyAny>>; 4],
    pub(super) bursts: Option<Bound<'py, PyAny>>,
    pub(super) on_inconclusive: Option<&'py str>,
    pub(super) sequential: Option<Bound<'py, PyAny>>,
    pub(super) proven_on: Option<&'py str>,
}

impl Arguments<'_> {
    /// The plan that has these arguments too.
    pub(super) fn complete(self, mut core: rollout::Plan) -> PyResult<Plan> {
        let usual = self.hold.map_or_else(|| Ok(Hold::usual()), |given| hold(&given))?;
        match self.steps {
            Some(steps) => {
                core.steps = steps.iter().map(|one| step(one, usual)).collect::<PyResult<_>>()?;
            }
            None => core = core.usual_weights(usual),
        }
        let mut scores = Scores::default();
        for guardrail in self.guards.into_iter().flatten() {
            if let Some(score) = guardrail.score {
                scores.0.insert(guardrail.core.name.clone(), score);
            }
            core = core.guardrail(guardrail.core);
        }
        for (name, golden) in self.gates.into_iter().flatten() {
            let gate = Gate::new(name);
            core = core.gate_first(
                golden.into_iter().fold(gate, |gate, (input, answer)| gate.image(input, answer)),
            );
        }
        let [settle, request_timeout, startup_timeout, patience] = self.times;
        for (given, place) in [
            (settle, &mut core.settle),
            (request_timeout, &mut core.request_timeout),
            (startup_timeout, &mut core.startup_timeout),
            (patience, &mut core.patience),
        ] {
            *place = time::seconds_or(given.as_ref(), *place)?;
        }
        if let Some(given) = self.bursts {
            core.bursts = bursts(&given)?;
        }
        if let Some(name) = self.on_inconclusive {
            let known = [("keep", OnInconclusive::Keep), ("rollback", OnInconclusive::Rollback)];
            core.on_inconclusive = either("on_inconclusive", name, "give", known)?;
        }
        core.sequential = self.sequential.map(|given| sequential(&given)).transpose()?;
        if let Some(name) = self.proven_on {
            let known = [("all_steps", ProvenOn::AllSteps), ("last_step", ProvenOn::LastStep)];
            core.proven_on = either("proven_on", name, "give", known)?;
        }
        Ok(Plan { core: core.validated().py()?, scores })
    }
}

/// The planned looks: their number, or a dict with `looks` and `spending`.
fn sequential(given: &Bound<'_, PyAny>) -> PyResult<Sequential> {
    match given.extract::<u32>() {
        Ok(looks) => Ok(Sequential { looks, ..Sequential::default() }),
        Err(_) => json::read("sequential", json::from_python(given)?),
    }
}

/// The guard against bursts: a name, or the length of its windows.
fn bursts(given: &Bound<'_, PyAny>) -> PyResult<Bursts> {
    match given.extract::<String>() {
        Ok(name) => {
            let known = [("auto", Bursts::Auto), ("none", Bursts::None)];
            either("bursts", &name, "give seconds,", known)
        }
        Err(_) => Ok(Bursts::Window(time::seconds(given)?)),
    }
}
