//! The decisions that the evidence asks for at once: a broken canary, a broken service, and alarms.

use super::{
    super::{
        event::Action,
        guardrail::Check,
        health::Broken,
        on_alarm::OnAlarm,
        reading::Reading,
        state::State,
        verdict::{Cause, Why},
    },
    Machine, ending,
};

/// Ends the rollout when the evidence is sufficient.
#[inline]
pub(super) fn check(machine: &Machine, state: &mut State, actions: &mut Vec<Action>) {
    if !state.is_running() || state.unanswered {
        return;
    }
    let share = state.written.map_or(0.0, |split| split.canary.share());
    match state.health.broken(share) {
        None => alarms(machine, state, share, actions),
        Some(broken) => end(machine, state, broken, actions),
    }
}

#[cold]
fn end(machine: &Machine, state: &mut State, broken: Broken, actions: &mut Vec<Action>) {
    match broken {
        Broken::Canary(cause) => {
            let canary = machine.plan.canary.clone();
            ending::roll_back(machine, state, &canary, f64::MAX, cause, actions);
        }
        Broken::Service(why) => ending::inconclusive(machine, state, why, actions),
    }
}

#[inline]
fn alarms(machine: &Machine, state: &mut State, share: f64, actions: &mut Vec<Action>) {
    let (mut alarmed, mut aside) = (None, None);
    for (place, (monitor, threshold)) in state.monitors.iter().zip(&machine.thresholds).enumerate()
    {
        if monitor.max_ln_e() >= *threshold {
            let guardrail = &machine.plan.guardrails[place];
            if machine.plan.action_of(guardrail) != OnAlarm::Rollback {
                if !state.told.contains(&guardrail.name) {
                    aside = Some(place);
                }
                continue;
            }
            // The split comes first: while it is wrong, no ratio is valid.
            let split = matches!(machine.plan.guardrails[place].check, Check::ObservedSplit(_));
            if split || alarmed.is_none() {
                alarmed = Some((place, split));
            }
            if split {
                break;
            }
        }
    }
    match (alarmed, aside) {
        (Some((place, split)), _) => {
            alarm(machine, state, place, split.then_some(share), actions);
        }
        (None, Some(place)) => tell(machine, state, place, actions),
        (None, None) => {}
    }
}

/// An alarm that is not a rollback is reported once, and pauses the rollout if that is the guardrail's action.
#[cold]
fn tell(machine: &Machine, state: &mut State, place: usize, actions: &mut Vec<Action>) {
    let guardrail = &machine.plan.guardrails[place];
    state.told.push(guardrail.name.clone());
    state.paused |= machine.plan.action_of(guardrail) == OnAlarm::Pause;
    actions.push(Action::Save);
}

/// `split_at` is the share in force when the alarm is the observed split's.
#[cold]
fn alarm(
    machine: &Machine,
    state: &mut State,
    place: usize,
    split_at: Option<f64>,
    actions: &mut Vec<Action>,
) {
    let guardrail = &machine.plan.guardrails[place];
    let reading =
        state.monitors[place].reading(guardrail, machine.alphas[place], machine.plan.alpha);
    if let Some(share) = split_at {
        // A share that is missing while requests fail without a version is the canary's fault, not the mesh's.
        if let Some(broken) = state.health.missing_share(share) {
            end(machine, state, broken, actions);
        } else {
            ending::inconclusive(machine, state, Why::Split { reading }, actions);
        }
        return;
    }
    let e = Reading::finite_e(state.monitors[place].max_ln_e());
    let name = guardrail.name.clone();
    ending::roll_back(machine, state, &name, e, Cause::Alarm(reading), actions);
}
