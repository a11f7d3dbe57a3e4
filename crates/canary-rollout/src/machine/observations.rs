//! Observations in the state machine: which of them count, and the decisions that follow.

use canary_stats::Taken;

use super::{
    super::{event::Action, guardrail::Check, state::State, verdict::Why},
    Machine, ending, hold, labels, lacking, requests, scores,
};
use crate::evidence::{Observation, Pair, Seen, Timestamp};

/// The number of pairs in a row with known inputs after which the inputs count as repeating.
const MAX_REPEATED_IN_A_ROW: u32 = 1_000;

#[inline]
pub(super) fn take(
    machine: &Machine,
    state: &mut State,
    observation: &Observation,
    actions: &mut Vec<Action>,
) {
    if !state.is_running() {
        return;
    }
    if let Some(sequence) = observation.sequence {
        match state.sources.get_mut(&*observation.source) {
            Some(last) if *last >= sequence => {
                state.totals.duplicates += 1;
                return;
            }
            Some(last) => *last = sequence,
            None => {
                state.sources.insert(observation.source.clone(), sequence);
            }
        }
    }
    let counts = match &observation.what {
        Seen::Request(request) => requests::add(machine, state, observation.at, request, actions),
        Seen::Window(window) => requests::window(machine, state, observation.at, window),
        Seen::Pair(_) | Seen::Score(_) if observation.at < state.since => {
            // However good the canary was before this step, it may have failed since.
            state.totals.late += 1;
            false
        }
        Seen::Pair(pair) => take_pair(machine, state, observation.at, pair, actions),
        Seen::Score(score) => scores::add(machine, state, score, actions),
    };
    if !counts || state.unanswered {
        return;
    }
    if state.source_problem.is_some() {
        state.source_problem = None;
    }
    hold::judge(machine, state, actions);
}

fn take_pair(
    machine: &Machine,
    state: &mut State,
    at: Timestamp,
    pair: &Pair,
    actions: &mut Vec<Action>,
) -> bool {
    match pair.input.map_or(Taken::New, |input| state.inputs.insert(input)) {
        Taken::New => {}
        Taken::Seen => {
            state.totals.repeated += 1;
            state.repeated_in_a_row += 1;
            if state.repeated_in_a_row >= MAX_REPEATED_IN_A_ROW
                && lacking::pairs(&machine.plan, state)
            {
                let why = Why::InputsRepeat { step: state.step, distinct: state.totals.pairs };
                ending::inconclusive(machine, state, why, actions);
            }
            return false;
        }
        Taken::Full => {
            // No guardrail judges it, because it may be a duplicate; a failing canary is still detected.
            state.totals.beyond_room += 1;
            state.health.pair(pair);
            if lacking::pairs(&machine.plan, state) {
                let why = Why::InputsBeyondRoom { step: state.step, room: state.inputs.room() };
                ending::inconclusive(machine, state, why, actions);
            }
            return true;
        }
    }
    state.repeated_in_a_row = 0;
    state.totals.pairs += 1;
    state.pairs += 1;
    state.health.pair(pair);
    for (monitor, of) in state.monitors.iter_mut().zip(&machine.plan.guardrails) {
        if machine.plan.labels.is_none() || !matches!(of.check, Check::Accuracy(_)) {
            state.totals.refused += u64::from(!monitor.pair(&of.check, pair));
        }
    }
    if machine.plan.labels.is_some() {
        labels::await_pair(&machine.plan, state, at, pair);
    }
    true
}
