//! The approval of a step: the wait for it, and its end without one.

use std::time::Duration;

use super::{
    super::{
        approval::{Approval, Otherwise},
        event::Action,
        plan::Plan,
        state::State,
        verdict::Cause,
    },
    Machine, ending,
};

/// The approval that comes after the step that is held, unless it is given already.
fn next(plan: &Plan, state: &State) -> Option<Approval> {
    plan.steps.get(state.step + 1)?.approve.filter(|_| !state.approved)
}

/// Returns `true` when the next step waits for approval; the waiting begins with the first such call.
pub(super) fn awaits(plan: &Plan, state: &mut State, actions: &mut Vec<Action>) -> bool {
    if next(plan, state).is_none() {
        return false;
    }
    begin(state, actions);
    true
}

/// The approval that is awaited.
pub(super) fn awaited(plan: &Plan, state: &State) -> Option<Approval> {
    plan.steps.get(state.awaits_approval()?)?.approve
}

/// Advances the time of a release that waits for approval.
pub(super) fn wait(
    machine: &Machine,
    state: &mut State,
    stride: Duration,
    actions: &mut Vec<Action>,
) {
    let waited = state.awaited().unwrap_or_default() + stride;
    state.awaited_ms = Some(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX));
    let Some((step, approval)) = state.awaits_approval().zip(awaited(&machine.plan, state)) else {
        return;
    };
    if approval.otherwise == Otherwise::Rollback && approval.is_overdue(waited) {
        let cause = Cause::NotApproved { step, waited };
        ending::roll_back(machine, state, "approval", 1.0, cause, actions);
    }
}

/// Begins to wait for an approval, unless one is awaited already.
pub(super) fn begin(state: &mut State, actions: &mut Vec<Action>) {
    if state.awaited_ms.is_none() {
        state.awaited_ms = Some(0);
        actions.push(Action::Save);
    }
}
