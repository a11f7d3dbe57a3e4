//! Users as the observations of a plan: their requests, and the end of their time.

use canary_stats::{UserOutcome, UserUnits};

use super::{
    super::{
        event::Action,
        plan::{Plan, Split},
        state::State,
        users::UserResults,
    },
    Machine, hold, scores,
};
use crate::{
    Result,
    evidence::{Arm, Pair, Request, Timestamp},
};

/// The users that are the observations, where the plan says so.
pub(super) fn of(plan: &Plan) -> Result<Option<UserUnits<UserResults>>> {
    let Some(users) = plan.users else { return Ok(None) };
    let millis = u64::try_from(users.within.as_millis()).unwrap_or(u64::MAX);
    let units = UserUnits::new(millis, users.at_most);
    units.map(Some).map_err(|error| crate::Error::Plan(format!("users: {error}")))
}

/// Adds a request of a plan in which users are the observations.
pub(super) fn add(
    machine: &Machine,
    state: &mut State,
    (at, share): (Timestamp, f64),
    request: &Request,
    actions: &mut Vec<Action>,
) {
    let (Some(users), Some(user)) = (&mut state.users, &request.user) else {
        state.totals.refused += 1;
        return;
    };
    let canary = request.arm == Arm::Canary;
    let (monitors, guardrails) = (&mut state.monitors, &machine.plan.guardrails);
    let mut invalid = None;
    let count = |results: &mut UserResults| {
        for (place, (monitor, of)) in monitors.iter_mut().zip(guardrails).enumerate() {
            if !monitor.request_of_user(of, request, results.at(place)) {
                invalid = Some(of);
            }
        }
    };
    match users.observe(Pair::digest(user.as_bytes()), at.0, share, canary, count) {
        // The division of the traffic is that of the users.
        Ok(true) => state.monitors.iter_mut().for_each(|monitor| monitor.arm(share, canary)),
        Ok(false) => {}
        // It was sent before one that was already seen, so it is unknown which request came first.
        Err(_) => state.totals.late += 1,
    }
    if let Some(of) = invalid {
        scores::invalid(machine, state, &of.name, scores::number_of(request, &of.name), actions);
    }
    judge(state, at);
}

/// Begins with no user where a plan's sticky users are drawn again, at a split with other weights. Those whose time is
/// not over are left out: their further requests may be the other version's.
pub(super) fn draw_again(plan: &Plan, state: &mut State, split: Split) {
    let moves = state.written.is_none_or(|now| now.canary != split.canary);
    if plan.sticky.is_some()
        && moves
        && let Ok(users) = of(plan)
    {
        state.users = users;
    }
}

/// Judges the users whose time is over, even without a new request, and decides.
pub(super) fn release(machine: &Machine, state: &mut State, actions: &mut Vec<Action>) {
    if !state.is_running() || state.users.is_none() {
        return;
    }
    // A request that is under way may still come.
    let longest = u64::try_from(machine.plan.request_timeout.as_millis()).unwrap_or(u64::MAX);
    let seen = Timestamp(state.now.0.saturating_sub(longest));
    if !judge(state, seen) || state.unanswered {
        return;
    }
    hold::judge(machine, state, actions);
}

/// Judges the users whose time is over, if every request sent before `now` has been seen. Returns true when there were
/// some.
fn judge(state: &mut State, now: Timestamp) -> bool {
    let Some(users) = &mut state.users else { return false };
    let mut judged = false;
    for UserOutcome { since, share, canary, mut result, .. } in users.release(now.0) {
        judged = true;
        for (place, monitor) in state.monitors.iter_mut().enumerate() {
            monitor.user((Timestamp(since), share), canary, result.at(place));
        }
    }
    judged
}
