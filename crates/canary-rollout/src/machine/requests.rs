//! The machine's treatment of requests, windows of counts, and scores.

use canary_stats::UserOutcome;

use super::{
    super::{event::Action, guardrail::Check, state::State, users::UserResults, verdict::Why},
    Machine, shortened,
};
use crate::evidence::{Arm, Pair, Request, ScoreValue, Timestamp, Window};

/// Scores of a plan's own function that are outside their range, before the rollout ends.
pub(crate) const MAX_INVALID_SCORES: u32 = 10;

impl Machine {
    /// Adds a request; `false` when it is not used.
    #[inline]
    pub(super) fn request(
        &self,
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
        let Some(share) = self.share_at(state, at, false) else {
            state.totals.late += 1;
            if let (Some(users), Some(user)) = (&mut state.users, &request.user) {
                // The share at this user's first contact is not known.
                users.exclude(Pair::digest(user.as_bytes()));
            }
            return false;
        };
        state.health.request(request);
        if request.arm == Arm::Unknown {
            state.monitors.iter_mut().for_each(|monitor| monitor.lose(1));
        } else if self.plan.users.is_some() {
            self.request_of_user(state, (at, share), request, actions);
        } else {
            let mut invalid = None;
            for (monitor, of) in state.monitors.iter_mut().zip(&self.plan.guardrails) {
                if !monitor.request(of, (at, share), request) {
                    invalid = Some(of);
                }
            }
            if let Some(of) = invalid {
                self.invalid_score(state, &of.name, number_of(request, &of.name), actions);
            }
            if self.plan.labels.is_some() {
                self.await_number(state, at, request);
            }
        }
        true
    }

    /// Adds a request of a plan in which users are the observations.
    fn request_of_user(
        &self,
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
        let (monitors, guardrails) = (&mut state.monitors, &self.plan.guardrails);
        let mut invalid = None;
        let add = |results: &mut UserResults| {
            for (place, (monitor, of)) in monitors.iter_mut().zip(guardrails).enumerate() {
                if !monitor.request_of_user(of, request, results.at(place)) {
                    invalid = Some(of);
                }
            }
        };
        match users.observe(Pair::digest(user.as_bytes()), at.0, share, canary, add) {
            // The division of the traffic is that of the users.
            Ok(true) => state.monitors.iter_mut().for_each(|monitor| monitor.arm(share, canary)),
            Ok(false) => {}
            // It was sent before one that was already seen, so it is unknown which request came first.
            Err(_) => state.totals.late += 1,
        }
        if let Some(of) = invalid {
            self.invalid_score(state, &of.name, number_of(request, &of.name), actions);
        }
        judge_users(state, at);
    }

    /// Judges the users whose time is over, even without a new request, and decides.
    pub(super) fn release_users(&self, state: &mut State, actions: &mut Vec<Action>) {
        if !state.is_running() || state.users.is_none() {
            return;
        }
        // A request that is under way may still come.
        let longest = u64::try_from(self.plan.request_timeout.as_millis()).unwrap_or(u64::MAX);
        let seen = Timestamp(state.now.0.saturating_sub(longest));
        if !judge_users(state, seen) || state.unanswered {
            return;
        }
        if state.resumed == 0 {
            self.decide(state, actions);
        }
        self.check_hold(state, actions);
    }

    #[inline]
    pub(super) fn window(&self, state: &mut State, at: Timestamp, window: &Window) -> bool {
        let totals = &mut state.totals;
        totals.stable += window.stable.requests;
        totals.stable_failed += window.stable.failed;
        totals.canary += window.canary.requests;
        totals.canary_failed += window.canary.failed;
        totals.unknown += window.unknown;
        totals.unknown_failed += window.unknown_failed;
        let share = self.share_at(state, window.since, window.ended);
        let (Some(share), true) = (share, at >= window.since) else {
            state.totals.late += window.stable.requests + window.canary.requests + window.unknown;
            return false;
        };
        state.health.window(window);
        if self.plan.users.is_some() {
            // Counts do not say which requests are one user's.
            return true;
        }
        for (monitor, of) in state.monitors.iter_mut().zip(&self.plan.guardrails) {
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

    pub(super) fn score(
        &self,
        state: &mut State,
        score: &ScoreValue,
        actions: &mut Vec<Action>,
    ) -> bool {
        let named =
            self.plan.guardrails.iter().position(|of| {
                matches!(of.check, Check::Custom(_)) && *of.name == *score.guardrail
            });
        if named.is_some_and(|place| state.monitors[place].score(score.value)) {
            return true;
        }
        let given = score.given.as_deref().map(shortened);
        let given = given.unwrap_or_else(|| score.value.to_string());
        self.invalid_score(state, &score.guardrail, given, actions);
        false
    }

    /// Counts a score that is outside its range; too many of them end the rollout.
    #[cold]
    pub(super) fn invalid_score(
        &self,
        state: &mut State,
        guardrail: &str,
        last: String,
        actions: &mut Vec<Action>,
    ) {
        state.totals.refused += 1;
        state.invalid_scores += 1;
        if state.invalid_scores >= MAX_INVALID_SCORES {
            let of = self.plan.guardrails.iter().find(|of| of.name == guardrail);
            let range = match of.map(|of| &of.check) {
                Some(Check::Mean(mean)) => mean.range,
                _ => [0.0, 1.0],
            };
            let (guardrail, count) = (guardrail.to_owned(), u64::from(state.invalid_scores));
            let why = Why::InvalidScores { guardrail, count, last, range };
            self.inconclusive(state, why, actions);
        }
    }

    /// The canary's share of the traffic at a moment under the split in force; `None` for a moment before that, and
    /// while a write is unanswered.
    #[inline]
    fn share_at(&self, state: &State, at: Timestamp, ended: bool) -> Option<f64> {
        let split = state.written?;
        let settle = if ended { self.settle_ended } else { self.settle };
        (!state.unanswered && at >= state.since.plus(settle))
            .then(|| f64::from(split.canary) / 100.0)
    }
}

/// A description of the number that a request gives to a guardrail.
fn number_of(request: &Request, guardrail: &str) -> String {
    let number = request.numbers.get(guardrail).copied().unwrap_or(request.value);
    number.map_or_else(|| "none".to_owned(), |number| number.to_string())
}

/// Judges the users whose time is over, if every request sent before `now` has been seen. Returns true when there were
/// some.
fn judge_users(state: &mut State, now: Timestamp) -> bool {
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
