//! Requests, and windows of their counts.

use super::{
    super::{event::Action, guardrail::Check, state::State},
    Machine, labels, scores, users,
};
use crate::evidence::{Arm, Pair, Request, Timestamp, Window};

/// Adds a request; `false` when it is not used.
#[inline]
pub(super) fn add(
    machine: &Machine,
    state: &mut State,
    at: Timestamp,
    request: &Request,
    actions: &mut Vec<Action>,
) -> bool {
    let failed = u64::from(request.failed);
    let totals = &mut state.totals;
    match request.arm {
        Arm::Stable => {
            totals.stable += 1;
            totals.stable_failed += failed;
        }
        Arm::Canary => {
            totals.canary += 1;
            totals.canary_failed += failed;
        }
        Arm::Unknown => {
            totals.unknown += 1;
            totals.unknown_failed += failed;
        }
    }
    let Some(share) = share_at(machine, state, at, false) else {
        state.totals.late += 1;
        if let (Some(users), Some(user), None) =
            (&mut state.users, &request.user, &machine.plan.sticky)
        {
            // The share at this user's first contact is not known. A sticky user is drawn again at the present one.
            users.exclude(Pair::digest(user.as_bytes()));
        }
        return false;
    };
    state.health.request(request);
    if request.arm == Arm::Unknown {
        state.monitors.iter_mut().for_each(|monitor| monitor.lose(1));
    } else if machine.plan.users.is_some() {
        users::add(machine, state, (at, share), request, actions);
    } else {
        let mut invalid = None;
        for (monitor, of) in state.monitors.iter_mut().zip(&machine.plan.guardrails) {
            if !monitor.request(of, (at, share), request) {
                invalid = Some(of);
            }
        }
        if let Some(of) = invalid {
            scores::invalid(
                machine,
                state,
                &of.name,
                scores::number_of(request, &of.name),
                actions,
            );
        }
        if machine.plan.labels.is_some() {
            labels::await_number(&machine.plan, state, at, request);
        }
    }
    true
}

#[inline]
pub(super) fn window(machine: &Machine, state: &mut State, at: Timestamp, window: &Window) -> bool {
    let totals = &mut state.totals;
    totals.stable += window.stable.requests;
    totals.stable_failed += window.stable.failed;
    totals.canary += window.canary.requests;
    totals.canary_failed += window.canary.failed;
    totals.unknown += window.unknown;
    totals.unknown_failed += window.unknown_failed;
    let share = share_at(machine, state, window.since, window.ended);
    let (Some(share), true) = (share, at >= window.since) else {
        state.totals.late += window.stable.requests + window.canary.requests + window.unknown;
        return false;
    };
    state.health.window(window);
    if machine.plan.users.is_some() {
        // Counts do not say which requests are one user's.
        return true;
    }
    for (monitor, of) in state.monitors.iter_mut().zip(&machine.plan.guardrails) {
        if window.apart && matches!(of.check, Check::ObservedSplit(_)) {
            monitor.pass_over(window.stable, window.canary);
        } else {
            monitor.window(&of.check, share, window);
        }
        if window.unknown > 0 {
            monitor.lose(window.unknown);
        }
    }
    true
}

/// The canary's share of the traffic at a moment under the split in force; `None` for a moment before that, and
/// while a write is unanswered.
#[inline]
fn share_at(machine: &Machine, state: &State, at: Timestamp, ended: bool) -> Option<f64> {
    let split = state.written?;
    let settle = if ended { machine.settle_ended } else { machine.settle };
    (!state.unanswered && at >= state.since.plus(settle)).then(|| split.canary.share())
}
