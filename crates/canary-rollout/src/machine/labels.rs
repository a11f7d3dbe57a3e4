//! Labels that come later: accuracy is judged in the order of sending.

use super::{
    super::{event::Action, guardrail::Check, state::State, waiting::Released},
    Machine,
};
use crate::evidence::{Pair, Timestamp};

impl Machine {
    /// Has a pair wait for its label, where accuracy can be judged by it.
    pub(super) fn await_label(&self, state: &mut State, at: Timestamp, pair: &Pair) {
        let can_be_labelled = pair.name.is_some() || pair.label.is_some();
        if pair.stable.is_served() && can_be_labelled && !state.waiting.add(at, pair) {
            state.totals.without_room += 1;
        }
        self.judge_labelled(state);
    }

    /// Takes a label in; one that no pair waits for counts for nothing.
    pub(super) fn labelled(
        &self,
        state: &mut State,
        id: &str,
        truth: &str,
        actions: &mut Vec<Action>,
    ) {
        if !state.is_running() {
            return;
        }
        if !state.waiting.label(id, truth) {
            state.totals.unmatched_labels += 1;
        }
        self.release_labelled(state, actions);
    }

    /// Judges the pairs that wait no longer, and decides by them.
    pub(super) fn release_labelled(&self, state: &mut State, actions: &mut Vec<Action>) {
        if !state.is_running() || !self.judge_labelled(state) || state.unanswered {
            return;
        }
        if state.resumed == 0 {
            self.decide(state, actions);
        }
        self.check_hold(state, actions);
    }

    /// Judges the earliest pairs until one is still waited for; whether there were any with a label.
    fn judge_labelled(&self, state: &mut State) -> bool {
        let Some(labels) = self.plan.labels else { return false };
        let mut judged = false;
        while let Some(released) = state.waiting.release(state.now, labels.within) {
            let Released::Labelled { stable_right, canary_right } = released else {
                state.totals.unlabelled += 1;
                continue;
            };
            judged = true;
            for (monitor, of) in state.monitors.iter_mut().zip(&self.plan.guardrails) {
                if matches!(of.check, Check::Accuracy(_)) {
                    monitor.labelled(stable_right, canary_right);
                }
            }
        }
        judged
    }
}
