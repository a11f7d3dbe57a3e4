//! A canary that is not ready for its next weight.

use super::{
    super::{
        event::{Action, Missing},
        state::State,
        verdict::Cause,
    },
    MAX_REFUSALS, Machine, Phase,
    ending::rollback,
    shortened,
};

impl Machine {
    /// The canary is not ready for its first weight: it is checked again, or refused.
    pub(super) fn not_ready(
        &self,
        state: &mut State,
        missing: &Missing,
        again: Action,
        actions: &mut Vec<Action>,
    ) {
        let why = shortened(&missing.why);
        state.refusals = if missing.may_come { 0 } else { state.refusals.saturating_add(1) };
        // The state of pods is known at once; a response may come from a route that is not in force yet.
        let for_good = match state.phase {
            Phase::Inspecting | Phase::Writing => state.refusals > 0,
            _ => state.refusals >= MAX_REFUSALS,
        };
        state.missing = Some(why);
        if for_good {
            self.refuse(state, actions);
        } else {
            actions.push(again);
        }
    }

    /// Ends a rollout whose canary is not ready for its next weight.
    pub(super) fn refuse(&self, state: &mut State, actions: &mut Vec<Action>) {
        let why = state.missing.clone().unwrap_or_else(|| "no response came".to_owned());
        let cause = Cause::NotReady(why);
        if state.phase == Phase::Inspecting {
            // Nothing was written, so there is nothing to take back, and nothing to remember.
            let verdict = rollback(state, &self.plan.canary, f64::MAX, cause);
            state.phase = Phase::Done(verdict);
            actions.clear();
        } else {
            let canary = self.plan.canary.clone();
            self.roll_back(state, &canary, f64::MAX, cause, actions);
        }
    }
}
