//! Scores and numbers that guardrails judge, and those outside their range.

use super::{
    super::{event::Action, guardrail::Check, state::State, verdict::Why},
    Machine, ending, shortened,
};
use crate::evidence::{Request, ScoreValue};

/// Scores of a plan's own function that are outside their range, before the rollout ends.
pub(super) const MAX_INVALID_SCORES: u32 = 10;

pub(super) fn add(
    machine: &Machine,
    state: &mut State,
    score: &ScoreValue,
    actions: &mut Vec<Action>,
) -> bool {
    let named = machine
        .plan
        .guardrails
        .iter()
        .position(|of| matches!(of.check, Check::Custom(_)) && *of.name == *score.guardrail);
    if named.is_some_and(|place| state.monitors[place].score(score.value)) {
        return true;
    }
    let given = score.given.as_deref().map(shortened);
    let given = given.unwrap_or_else(|| score.value.to_string());
    invalid(machine, state, &score.guardrail, given, actions);
    false
}

/// Counts a score that is outside its range; too many of them end the rollout.
#[cold]
pub(super) fn invalid(
    machine: &Machine,
    state: &mut State,
    guardrail: &str,
    last: String,
    actions: &mut Vec<Action>,
) {
    state.totals.refused += 1;
    state.invalid_scores += 1;
    if state.invalid_scores >= MAX_INVALID_SCORES {
        let of = machine.plan.guardrails.iter().find(|of| of.name == guardrail);
        let range = match of.map(|of| &of.check) {
            Some(Check::Mean(mean)) => mean.range,
            _ => [0.0, 1.0],
        };
        let (guardrail, count) = (guardrail.to_owned(), u64::from(state.invalid_scores));
        let why = Why::InvalidScores { guardrail, count, last, range };
        ending::inconclusive(machine, state, why, actions);
    }
}

/// A description of the number that a request gives to a guardrail.
pub(super) fn number_of(request: &Request, guardrail: &str) -> String {
    let number = request.numbers.get(guardrail).copied().unwrap_or(request.value);
    number.map_or_else(|| "none".to_owned(), |number| number.to_string())
}
