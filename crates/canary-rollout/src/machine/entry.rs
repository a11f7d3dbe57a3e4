//! The way into a step: its approval, its gates, and the write of its split.

use super::{
    super::{
        event::Action,
        gate::GateOutcome,
        plan::Plan,
        state::{Phase, State},
        verdict::{Cause, Why},
    },
    Machine, approval, ending,
};

/// Begins the step: its approval first, then its gates, then its split.
pub(super) fn begin(machine: &Machine, state: &mut State, actions: &mut Vec<Action>) {
    let approved = std::mem::take(&mut state.approved);
    if machine.plan.steps[state.step].approve.is_some() && !approved {
        state.phase = Phase::Approving;
        approval::begin(state, actions);
    } else if let Some(action) = gate_at(&machine.plan, state.step, 0) {
        state.phase = Phase::Gating(0);
        actions.push(action);
    } else {
        begin_writing(machine, state, actions);
    }
}

fn begin_writing(machine: &Machine, state: &mut State, actions: &mut Vec<Action>) {
    state.phase = Phase::Writing;
    state.missing = None;
    state.held_ms = 0;
    actions.push(write(&machine.plan, state));
}

/// Continues with the next gate, or with the write, after a gate that passed.
pub(super) fn gate_judged(
    machine: &Machine,
    state: &mut State,
    gate: String,
    outcome: GateOutcome,
    actions: &mut Vec<Action>,
) {
    let Phase::Gating(place) = state.phase else { return };
    if machine.plan.steps[state.step].gates.get(place) != Some(&gate) {
        return;
    }
    match outcome {
        GateOutcome::Passed { .. } => {
            if let Some(action) = gate_at(&machine.plan, state.step, place + 1) {
                state.phase = Phase::Gating(place + 1);
                actions.push(action);
            } else {
                begin_writing(machine, state, actions);
            }
        }
        GateOutcome::Failed { .. } => {
            ending::roll_back(machine, state, &gate, f64::MAX, Cause::Gate(outcome), actions);
        }
        GateOutcome::Unanswered { why } => {
            ending::inconclusive(machine, state, Why::GateUnanswered { gate, why }, actions);
        }
    }
}

/// Asks for the gate at a place of the step, if there is one.
pub(super) fn gate_at(plan: &Plan, step: usize, gate: usize) -> Option<Action> {
    plan.steps[step].gates.get(gate).cloned().map(Action::JudgeGate)
}

pub(super) fn write(plan: &Plan, state: &State) -> Action {
    Action::Write { split: plan.steps[state.step].split(), last: false }
}
