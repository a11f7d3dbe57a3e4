//! A canary that is not ready for its next weight.

use super::{
    super::{
        event::{Action, Missing},
        plan::Split,
        state::{Phase, State},
        verdict::{Cause, Verdict},
    },
    MAX_REFUSALS, Machine, ending, entry, shortened,
};

/// Takes the result of a check of the canary: of its pods, or of the route that leads to it.
pub(super) fn inspected(
    machine: &Machine,
    state: &mut State,
    found: Result<(), Missing>,
    actions: &mut Vec<Action>,
) {
    match (found, &state.phase) {
        (Ok(()), Phase::Inspecting) => {
            state.missing = None;
            state.phase = Phase::Preparing;
            actions.extend([Action::Save, Action::Prepare]);
        }
        (Err(missing), Phase::Inspecting) => {
            not_ready(machine, state, &missing, Action::Inspect, actions);
        }
        (Err(missing), Phase::Preparing) => {
            not_ready(machine, state, &missing, Action::Prepare, actions);
        }
        (Err(missing), Phase::Writing) => {
            not_ready(machine, state, &missing, entry::write(&machine.plan, state), actions);
        }
        (
            Err(missing),
            Phase::Finishing(Verdict::Promote { .. } | Verdict::PromotedByPerson { .. }),
        ) => {
            let cause = cause(state, shortened(&missing.why));
            ending::roll_back(machine, state, &machine.plan.canary, f64::MAX, cause, actions);
        }
        _ => {}
    }
}

/// The canary is not ready for its first weight: it is checked again, or refused.
pub(super) fn not_ready(
    machine: &Machine,
    state: &mut State,
    missing: &Missing,
    again: Action,
    actions: &mut Vec<Action>,
) {
    let why = shortened(&missing.why);
    state.refusals = if missing.may_come { 0 } else { state.refusals.saturating_add(1) };
    // The state of pods is known at once; a response may come from a route that is not in force yet.
    let for_good = match state.phase {
        Phase::Inspecting | Phase::Preparing | Phase::Writing => state.refusals > 0,
        _ => state.refusals >= MAX_REFUSALS,
    };
    state.missing = Some(why);
    if for_good {
        end(machine, state, actions);
    } else {
        actions.push(again);
    }
}

/// The cause of the end of a rollout whose canary is not ready: before it had any traffic, or later. A write without a
/// response may have given it some.
fn cause(state: &State, why: String) -> Cause {
    let had_traffic = |split: Split| !split.canary.is_none() || !split.mirror.is_none();
    if state.unanswered || state.written.is_some_and(had_traffic) {
        Cause::NoLongerReady(why)
    } else {
        Cause::NotReady(why)
    }
}

/// Ends a rollout whose canary is not ready for its next weight.
pub(super) fn end(machine: &Machine, state: &mut State, actions: &mut Vec<Action>) {
    let why = state.missing.clone().unwrap_or_else(|| "no response came".to_owned());
    let cause = cause(state, why);
    if state.phase == Phase::Inspecting {
        // Nothing was written, so there is nothing to take back, and nothing to remember.
        let verdict = ending::rollback(state, &machine.plan.canary, f64::MAX, cause);
        state.phase = Phase::Done(verdict);
        actions.clear();
    } else {
        let canary = machine.plan.canary.clone();
        ending::roll_back(machine, state, &canary, f64::MAX, cause, actions);
    }
}
