//! The end of a step: the missing observations of its hold and its guardrails, and harm that is not excluded yet.

use canary_stats::UserUnits;

use super::{
    super::{
        counted::counted,
        event::Action,
        evidence_steps::has_evidence_at,
        guardrail::{Check, DEFAULT_MINIMUM, Guardrail},
        monitor::Monitor,
        on_alarm::OnAlarm,
        reading::Reading,
        state::State,
        totals::Totals,
        verdict::Verdict,
    },
    Machine, Phase,
    ending::unseen,
    judged::{least, of_what, share_of},
};

impl Machine {
    /// Continues with the next step, or to the promotion, when the hold is over and everything has its evidence.
    #[inline]
    pub(super) fn check_hold(&self, state: &mut State, actions: &mut Vec<Action>) {
        if state.phase != Phase::Holding || state.paused || state.unanswered {
            return;
        }
        let step = &self.plan.steps[state.step];
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
        let ends = step.weight == 100 && hold.is_empty();
        if ends || self.has_evidence(state) {
            self.next(state, actions);
        }
    }

    /// Returns `true` when each guardrail that can have evidence at the step has its least number of observations, and
    /// nothing is plainly wrong.
    fn has_evidence(&self, state: &State) -> bool {
        self.lacking(state).next().is_none()
            && self.lacks_canary(state).is_none()
            && self.unconfirmed(state).is_none()
            && state.health.obstacle(share_of(state)).is_none()
    }

    /// The number of requests that the step has seen of a canary with a share of the traffic, and the least number,
    /// if it is not reached. The observed split counts both versions together, so it does not show the canary's
    /// responses.
    fn lacks_canary(&self, state: &State) -> Option<(u64, u64)> {
        let step = &self.plan.steps[state.step];
        if !(1..100).contains(&step.weight) {
            return None;
        }
        let seen = state.health.canary.requests.max(state.pairs);
        let stated =
            self.plan.guardrails.iter().filter(|one| has_evidence_at(one, &self.plan, step));
        let wanted = stated.map(|one| one.minimum).min().unwrap_or(DEFAULT_MINIMUM);
        (seen < wanted).then_some((seen, wanted))
    }

    /// The guardrails that lack observations at the step, each with how many they have of the version that has fewest.
    fn lacking<'a>(
        &'a self,
        state: &'a State,
    ) -> impl Iterator<Item = (&'a Guardrail, &'a Monitor)> {
        let step = &self.plan.steps[state.step];
        self.plan.guardrails.iter().zip(&state.monitors).filter(move |(guardrail, monitor)| {
            has_evidence_at(guardrail, &self.plan, step)
                && least(guardrail, monitor) < guardrail.minimum
        })
    }

    /// Returns `true` when a guardrail still lacks observations at the step in force.
    pub(crate) fn lacks_evidence(&self, state: &State) -> bool {
        self.lacking(state).next().is_some() || self.lacks_canary(state).is_some()
    }

    /// Returns `true` when a hold or a guardrail of the step still lacks pairs.
    pub(super) fn waits_for_pairs(&self, state: &State) -> bool {
        let wanted = self.plan.steps[state.step].hold.pairs;
        state.phase == Phase::Holding
            && (wanted.is_some_and(|wanted| state.pairs < wanted)
                || self.lacking(state).any(|(guardrail, _)| {
                    let by_requests = guardrail.check.compares_traffic()
                        || matches!(guardrail.check, Check::ObservedSplit(_) | Check::ErrorRate(_));
                    let by_labels = matches!(guardrail.check, Check::Accuracy(_));
                    // Then the missing part is later labels.
                    !(by_requests || by_labels && self.plan.labels.is_some())
                }))
    }

    #[cold]
    fn next(&self, state: &mut State, actions: &mut Vec<Action>) {
        let weight = self.plan.steps[state.step].weight;
        let following = self.plan.steps.get(state.step + 1).map_or(100, |step| step.weight);
        let ends_aa = self.plan.aa && following == 100;
        if !ends_aa && weight < 100 && following == 100 && !self.all_proven(state) {
            return;
        }
        if !ends_aa && self.waits_for_approval(state, actions) {
            return;
        }
        if state.resumed > 0 {
            // The next action stores the state, and with it the evidence that has not decided yet.
            self.decide(state, actions);
            if !state.is_running() {
                return;
            }
        }
        if ends_aa {
            self.end_aa(state, actions);
        } else if state.step + 1 < self.plan.steps.len() {
            state.step += 1;
            self.enter(state, actions);
        } else {
            let Totals { canary, stable, pairs, .. } = state.totals;
            let evidence = state.readings(&self.plan);
            let verdict = Verdict::Promote { evidence, exposure: canary, stable, pairs };
            self.finish(state, verdict, actions);
        }
    }

    /// Returns `true` when every guardrail excludes the harm that the plan wants excluded; checked at every
    /// observation.
    fn all_proven(&self, state: &State) -> bool {
        let mut of = self.plan.guardrails.iter().zip(&state.monitors);
        of.all(|(guardrail, monitor)| {
            monitor.proven(&guardrail.check, self.plan.alpha) != Some(false)
        })
    }

    /// The guardrails that have not yet excluded the harm that the plan wants excluded.
    pub(super) fn unproven(&self, state: &State) -> Vec<Reading> {
        let of = self.plan.guardrails.iter().zip(&state.monitors).zip(&self.alphas);
        of.filter(|((guardrail, monitor), _)| {
            monitor.proven(&guardrail.check, self.plan.alpha) == Some(false)
        })
        .map(|((guardrail, monitor), alpha)| monitor.reading(guardrail, *alpha, self.plan.alpha))
        .collect()
    }

    /// The first guardrail whose failures are either harm or a burst, with its reading.
    pub(super) fn unconfirmed(&self, state: &State) -> Option<Reading> {
        let of = self.plan.guardrails.iter().zip(&state.monitors).zip(&self.alphas);
        let mut of = of.filter(|((guardrail, monitor), _)| {
            self.plan.action_of(guardrail) == OnAlarm::Rollback && monitor.is_unconfirmed()
        });
        of.next().map(|((guardrail, monitor), alpha)| {
            monitor.reading(guardrail, *alpha, self.plan.alpha)
        })
    }

    /// The observations that the step still lacks, in words.
    pub(super) fn missing(&self, state: &State) -> Option<String> {
        let hold = &self.plan.steps[state.step].hold;
        let health = &state.health;
        let both = health.stable.requests + health.canary.requests;
        let mut parts = Vec::new();
        for (what, seen, wanted) in [
            ("requests of the canary", health.canary.requests, hold.requests),
            ("requests", both, hold.total_requests),
            ("pairs", state.pairs, hold.pairs),
        ] {
            if let Some(wanted) = wanted.filter(|wanted| seen < *wanted) {
                parts.push(format!("{seen} of {wanted} {what}"));
            }
        }
        for (guardrail, monitor) in self.lacking(state) {
            let (seen, wanted) = (least(guardrail, monitor), guardrail.minimum);
            let what = of_what(&guardrail.check, monitor);
            parts.push(format!("{seen} of {wanted} {what} for {}", guardrail.name));
        }
        if parts.is_empty()
            && let Some((seen, wanted)) = self.lacks_canary(state)
        {
            parts.push(format!("{seen} of {wanted} requests of the canary"));
        }
        parts.extend(state.health.obstacle(share_of(state)));
        if let Some(reading) = self.unconfirmed(state) {
            parts.push(format!("windows to tell a burst from harm for {}", reading.guardrail));
        }
        if parts.is_empty() {
            return None;
        }
        if let Some(waiting) = state.users.as_ref().map(UserUnits::waiting).filter(|n| *n > 0) {
            parts.push(counted(waiting, "users in their time"));
        }
        if !state.waiting.is_empty() {
            let waiting = counted(state.waiting.len(), "pairs waiting for labels");
            parts.push(waiting);
        }
        let Totals { late, unknown, repeated, duplicates, .. } = state.totals;
        let Totals { without_room, unlabelled, unmatched_labels, beyond_room, .. } = state.totals;
        let users = state.users.as_ref();
        let users = users.map_or((0, 0), |users| (users.in_both_arms(), users.not_taken()));
        for (what, count) in [
            ("late requests", late),
            ("requests of unknown origin", unknown),
            ("repeated inputs", repeated),
            ("duplicates", duplicates),
            ("pairs without a label in time", unlabelled),
            ("pairs without room to wait for a label", without_room),
            ("labels that match no waiting pair", unmatched_labels),
            ("pairs beyond those that a rollout remembers", beyond_room),
            ("users whom both versions served", users.0),
            ("requests of users beyond those that a rollout remembers", users.1),
        ] {
            if count > 0 {
                parts.push(format!("{} left out", counted(count, what)));
            }
        }
        parts.extend(state.source_problem.clone());
        parts.extend(unseen(state).map(str::to_owned));
        Some(parts.join(", "))
    }
}
