//! The old version after a promotion: kept until its time is over, then scaled down.

use super::{
    super::{
        event::{Action, Event},
        plan::Plan,
        scale_down::{OldVersion, ScaleDown},
        state::{Phase, State},
        verdict::Verdict,
    },
    Machine, shortened,
};

/// The phase after the last write of a promotion.
pub(super) fn after_promotion(
    plan: &Plan,
    state: &mut State,
    verdict: Verdict,
    actions: &mut Vec<Action>,
) {
    if plan.scale_down_after.is_none() {
        state.phase = Phase::Done(verdict);
        return;
    }
    // A promotion ends the pause that came before it.
    state.paused = false;
    state.phase = Phase::Keeping(verdict);
    actions.push(Action::FindOldVersion);
}

/// The events of the old version; all others belong to another phase and change nothing.
pub(super) fn advance(
    machine: &Machine,
    state: &mut State,
    event: Event,
    actions: &mut Vec<Action>,
) {
    match event {
        Event::OldVersionFound(found) if matches!(state.phase, Phase::Keeping(_)) => {
            identify(machine, state, found, actions);
        }
        Event::ScaledDown(outcome) if matches!(state.phase, Phase::ScalingDown(_)) => {
            end(state, outcome);
            actions.push(Action::Save);
        }
        Event::Edited(diff) if state.keeps_old_version() => {
            leave(state, &format!("somebody else has changed what it wrote: {diff}"));
            actions.push(Action::CleanUp);
        }
        _ => {}
    }
}

/// The `Deployment` of the old version is known, or the reason why it is left alone.
fn identify(
    machine: &Machine,
    state: &mut State,
    found: Result<OldVersion, String>,
    actions: &mut Vec<Action>,
) {
    let Some(after) = machine.plan.scale_down_after else { return };
    match found {
        // Before the acknowledgement it is not known since when the weights are in force.
        Ok(_) if !state.acknowledged => actions.push(Action::FindOldVersion),
        Ok(old) => {
            state.old_version = Some(old);
            state.scale_down_at = Some(state.since.plus(machine.settle).plus(after));
            actions.push(Action::Save);
        }
        Err(why) => {
            leave(state, &why);
            actions.push(Action::Save);
        }
    }
}

/// Begins the scale-down when its time has come. The state is stored first: from then on an abort would lead to a
/// version without pods.
pub(super) fn check(state: &mut State, actions: &mut Vec<Action>) {
    let Phase::Keeping(verdict) = &state.phase else { return };
    if !state.paused && state.scale_down_at.is_some_and(|at| state.now >= at) {
        state.phase = Phase::ScalingDown(verdict.clone());
        actions.extend([Action::Save, Action::ScaleDown]);
    }
}

/// Leaves the old version as it is: the promotion stands.
fn leave(state: &mut State, why: &str) {
    end(state, ScaleDown::Left { why: shortened(why) });
}

fn end(state: &mut State, outcome: ScaleDown) {
    if let Phase::Keeping(verdict) | Phase::ScalingDown(verdict) = &state.phase {
        state.phase = Phase::Done(verdict.clone());
        (state.old_version, state.scale_down_at) = (None, None);
        state.scale_down = Some(outcome);
    }
}
