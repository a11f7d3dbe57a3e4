//! Labels that come later; their pairs and requests are judged in the order of sending.

use super::{
    super::{
        event::Action,
        guardrail::Check,
        plan::Plan,
        room,
        state::State,
        waiting::{Matched, Released},
    },
    Machine, hold, scores, shortened,
};
use crate::evidence::{Arm, Pair, Request, Timestamp};

/// Queues a pair for its label, if a guardrail judges accuracy.
pub(super) fn await_pair(plan: &Plan, state: &mut State, at: Timestamp, pair: &Pair) {
    let can_be_labelled = pair.name.is_some() || pair.label.is_some();
    if pair.stable.is_served()
        && can_be_labelled
        && !state.waiting.add(at, pair, room::for_labels(plan))
    {
        state.totals.without_room += 1;
    }
    judge(plan, state);
}

/// Queues a request for its number, if a guardrail judges it.
pub(super) fn await_number(plan: &Plan, state: &mut State, at: Timestamp, request: &Request) {
    let (Some(id), Some(split)) = (&request.id, state.written) else { return };
    let labelled = |check: &Check| matches!(check, Check::Mean(mean) if mean.labelled);
    if !plan.guardrails.iter().any(|of| labelled(&of.check)) {
        return;
    }
    let of = (&**id, request.arm == Arm::Canary);
    if !state.waiting.add_request((at, split.canary), of, room::for_labels(plan)) {
        state.totals.without_room += 1;
    }
    judge(plan, state);
}

/// Processes a label; one that nothing waits for is only counted.
pub(super) fn add(
    machine: &Machine,
    state: &mut State,
    id: &str,
    truth: &str,
    actions: &mut Vec<Action>,
) {
    if !state.is_running() {
        return;
    }
    match state.waiting.label(id, truth) {
        Matched::Waiting => {}
        Matched::Nothing => state.totals.unmatched_labels += 1,
        Matched::NoNumber => {
            let is_labelled = |check: &Check| matches!(check, Check::Mean(mean) if mean.labelled);
            let of = machine.plan.guardrails.iter().find(|of| is_labelled(&of.check));
            let name = of.map_or("labels", |of| &of.name);
            scores::invalid(machine, state, name, shortened(truth), actions);
        }
    }
    release(machine, state, actions);
}

/// Judges the entries that no longer wait, and decides.
pub(super) fn release(machine: &Machine, state: &mut State, actions: &mut Vec<Action>) {
    if !state.is_running() || !judge(&machine.plan, state) || state.unanswered {
        return;
    }
    hold::judge(machine, state, actions);
}

/// Judges the earliest entries until one still waits. Returns true when some had a label.
fn judge(plan: &Plan, state: &mut State) -> bool {
    let Some(labels) = plan.labels else { return false };
    let mut judged = false;
    while let Some(released) = state.waiting.release(state.now, labels.within) {
        state.totals.unlabelled += match released {
            Released::Unlabelled | Released::Request { number: None, .. } => 1,
            _ => 0,
        };
        for (monitor, of) in state.monitors.iter_mut().zip(&plan.guardrails) {
            match (released, &of.check) {
                (Released::Labelled { stable_right, canary_right }, Check::Accuracy(_)) => {
                    monitor.labelled(stable_right, canary_right);
                    judged = true;
                }
                (Released::Request { weight, canary, number }, Check::Mean(mean))
                    if mean.labelled =>
                {
                    let Some(number) = number.or(mean.unlabelled) else { continue };
                    let share = weight.share();
                    // A number outside the range is counted, like an observation's.
                    state.totals.refused += u64::from(!monitor.value(share, canary, number));
                    judged = true;
                }
                _ => {}
            }
        }
    }
    judged
}
