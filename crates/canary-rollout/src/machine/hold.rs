//! The end of a step: the next one, or the promotion, when its hold is over and everything has its evidence.

use super::{
    super::{
        event::Action,
        plan::{Percent, Plan},
        state::{Phase, State},
        totals::Totals,
        verdict::Verdict,
    },
    Machine, approval, decision, ending, entry, lacking,
};

/// Decides on new evidence, and checks the hold. A rollout that was interrupted decides on stored evidence alone.
#[inline]
pub(super) fn judge(machine: &Machine, state: &mut State, actions: &mut Vec<Action>) {
    if state.resumed == 0 {
        decision::check(machine, state, actions);
    }
    check(machine, state, actions);
}

/// Continues with the next step, or to the promotion, when the hold is over and everything has its evidence.
#[inline]
pub(super) fn check(machine: &Machine, state: &mut State, actions: &mut Vec<Action>) {
    if state.phase != Phase::Holding || state.paused || state.unanswered {
        return;
    }
    let step = &machine.plan.steps[state.step];
    let hold = &step.hold;
    let health = &state.health;
    let both = health.stable.requests + health.canary.requests;
    let reached = hold.requests.is_none_or(|wanted| health.canary.requests >= wanted)
        && hold.total_requests.is_none_or(|wanted| both >= wanted)
        && hold.pairs.is_none_or(|wanted| state.pairs >= wanted)
        && hold.time.is_none_or(|wanted| state.held() >= wanted);
    if !reached {
        return;
    }
    let ends = step.weight == Percent::ALL && hold.is_empty();
    if ends || lacking::nothing(machine, state) {
        next(machine, state, actions);
    }
}

#[cold]
fn next(machine: &Machine, state: &mut State, actions: &mut Vec<Action>) {
    let weight = machine.plan.steps[state.step].weight;
    let following = machine.plan.steps.get(state.step + 1).map_or(Percent::ALL, |step| step.weight);
    let ends_aa = machine.plan.aa && following == 100;
    if !ends_aa && weight < 100 && following == 100 && !proven(&machine.plan, state) {
        return;
    }
    if !ends_aa && approval::awaits(&machine.plan, state, actions) {
        return;
    }
    if state.resumed > 0 {
        // The next action stores the state, and with it the evidence that has not decided yet.
        decision::check(machine, state, actions);
        if !state.is_running() {
            return;
        }
    }
    if ends_aa {
        ending::aa(machine, state, actions);
    } else if state.step + 1 < machine.plan.steps.len() {
        state.step += 1;
        entry::begin(machine, state, actions);
    } else {
        let Totals { canary, stable, pairs, .. } = state.totals;
        let evidence = state.readings(&machine.plan);
        let verdict = Verdict::Promote { evidence, exposure: canary, stable, pairs };
        ending::finish(machine, state, verdict, actions);
    }
}

/// Returns `true` when every guardrail excludes the harm that the plan wants excluded; checked at every observation.
fn proven(plan: &Plan, state: &State) -> bool {
    let mut of = plan.guardrails.iter().zip(&state.monitors);
    of.all(|(guardrail, monitor)| monitor.proven(&guardrail.check, plan.alpha) != Some(false))
}
