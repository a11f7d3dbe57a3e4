//! The machine's view of observations: what counts, what decides, and when a step has seen enough.

use super::{
    super::{
        counted::counted,
        event::Action,
        evidence_steps::has_evidence_at,
        guardrail::{Check, DEFAULT_MINIMUM, Guardrail},
        health::Broken,
        monitor::Monitor,
        on_alarm::OnAlarm,
        reading::Reading,
        state::{State, Totals},
        verdict::{Cause, Verdict, Why},
    },
    Machine, Phase,
    ending::unseen,
    judged::{least, of_what, share_of},
    shortened,
};
use crate::evidence::{Arm, Observation, Pair, Request, ScoreValue, Seen, Timestamp, Window};

/// Scores of a plan's own function that are no numbers from 0 to 1, before the rollout ends.
pub(crate) const MAX_INVALID_SCORES: u32 = 10;

/// Pairs of inputs seen before in a row, before the inputs are taken to repeat themselves.
const MAX_REPEATED_IN_A_ROW: u32 = 1_000;

impl Machine {
    #[inline]
    pub(super) fn observe(
        &self,
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
            Seen::Request(request) => self.request(state, observation.at, request),
            Seen::Window(window) => self.window(state, observation.at, window),
            Seen::Pair(pair) => self.pair(state, observation.at, pair, actions),
            Seen::Score(score) => self.score(state, score, actions),
        };
        if !counts || state.unanswered {
            return;
        }
        if state.source_problem.is_some() {
            state.source_problem = None;
        }
        if state.resumed == 0 {
            self.decide(state, actions);
        }
        self.check_hold(state, actions);
    }

    /// Takes a request in; whether it counts.
    #[inline]
    fn request(&self, state: &mut State, at: Timestamp, request: &Request) -> bool {
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
            return false;
        };
        state.health.request(request);
        if request.arm != Arm::Unknown {
            for (monitor, of) in state.monitors.iter_mut().zip(&self.plan.guardrails) {
                monitor.request(&of.check, (at, share), request);
            }
        } else {
            state.monitors.iter_mut().for_each(|monitor| monitor.lose(1));
        }
        true
    }

    #[inline]
    fn window(&self, state: &mut State, at: Timestamp, window: &Window) -> bool {
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

    fn pair(
        &self,
        state: &mut State,
        at: Timestamp,
        pair: &Pair,
        actions: &mut Vec<Action>,
    ) -> bool {
        if pair.input.is_some_and(|input| !state.inputs.insert(input)) {
            state.totals.repeated += 1;
            state.repeated_in_a_row += 1;
            if state.repeated_in_a_row >= MAX_REPEATED_IN_A_ROW && self.waits_for_pairs(state) {
                let why = Why::InputsRepeat { step: state.step, distinct: state.totals.pairs };
                self.inconclusive(state, why, actions);
            }
            return false;
        }
        state.repeated_in_a_row = 0;
        state.totals.pairs += 1;
        state.pairs += 1;
        state.health.pair(pair);
        for (monitor, of) in state.monitors.iter_mut().zip(&self.plan.guardrails) {
            if self.plan.labels.is_none() || !matches!(of.check, Check::Accuracy(_)) {
                state.totals.refused += u64::from(!monitor.pair(&of.check, pair));
            }
        }
        if self.plan.labels.is_some() {
            self.await_label(state, at, pair);
        }
        true
    }

    fn score(&self, state: &mut State, score: &ScoreValue, actions: &mut Vec<Action>) -> bool {
        let named =
            self.plan.guardrails.iter().position(|of| {
                matches!(of.check, Check::Custom(_)) && *of.name == *score.guardrail
            });
        if named.is_some_and(|place| state.monitors[place].score(score.value)) {
            return true;
        }
        state.totals.refused += 1;
        state.invalid_scores += 1;
        if state.invalid_scores >= MAX_INVALID_SCORES {
            let given = score.given.as_deref().map(shortened);
            let why = Why::InvalidScores {
                guardrail: score.guardrail.to_string(),
                count: u64::from(state.invalid_scores),
                last: given.unwrap_or_else(|| score.value.to_string()),
            };
            self.inconclusive(state, why, actions);
        }
        false
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

    /// Ends the rollout when what was seen is enough for that.
    #[inline]
    pub(super) fn decide(&self, state: &mut State, actions: &mut Vec<Action>) {
        if !state.is_running() || state.unanswered {
            return;
        }
        let share = state.written.map_or(0.0, |split| f64::from(split.canary) / 100.0);
        match state.health.broken(share) {
            None => self.check_alarms(state, share, actions),
            Some(broken) => self.end_broken(state, broken, actions),
        }
    }

    #[cold]
    fn end_broken(&self, state: &mut State, broken: Broken, actions: &mut Vec<Action>) {
        match broken {
            Broken::Canary(cause) => {
                let canary = self.plan.canary.clone();
                self.roll_back(state, &canary, f64::MAX, cause, actions);
            }
            Broken::Service(why) => self.inconclusive(state, why, actions),
        }
    }

    #[inline]
    fn check_alarms(&self, state: &mut State, share: f64, actions: &mut Vec<Action>) {
        let (mut alarmed, mut aside) = (None, None);
        for (place, (monitor, threshold)) in state.monitors.iter().zip(&self.thresholds).enumerate()
        {
            if monitor.max_ln_e() >= *threshold {
                let guardrail = &self.plan.guardrails[place];
                if self.plan.action_of(guardrail) != OnAlarm::Rollback {
                    if !state.told.contains(&guardrail.name) {
                        aside = Some(place);
                    }
                    continue;
                }
                // The split comes first: while it is wrong, no ratio is valid.
                let split = matches!(self.plan.guardrails[place].check, Check::ObservedSplit(_));
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
                self.alarm(state, place, split.then_some(share), actions);
            }
            (None, Some(place)) => self.tell(state, place, actions),
            (None, None) => {}
        }
    }

    /// An alarm that is no rollback: once, it is reported, and pauses the rollout where the guardrail says so.
    #[cold]
    fn tell(&self, state: &mut State, place: usize, actions: &mut Vec<Action>) {
        let guardrail = &self.plan.guardrails[place];
        state.told.push(guardrail.name.clone());
        state.paused |= self.plan.action_of(guardrail) == OnAlarm::Pause;
        actions.push(Action::Save);
    }

    /// `split_at` is the share in force when the alarm is the observed split's.
    #[cold]
    fn alarm(
        &self,
        state: &mut State,
        place: usize,
        split_at: Option<f64>,
        actions: &mut Vec<Action>,
    ) {
        let guardrail = &self.plan.guardrails[place];
        let reading = state.monitors[place].reading(guardrail, self.alphas[place], self.plan.alpha);
        if let Some(share) = split_at {
            // A share that is missing while requests fail without a version is the canary's fault, not the mesh's.
            if let Some(broken) = state.health.missing_share(share) {
                self.end_broken(state, broken, actions);
            } else {
                self.inconclusive(state, Why::Split { reading }, actions);
            }
            return;
        }
        let e = Reading::finite_e(state.monitors[place].max_ln_e());
        let name = guardrail.name.clone();
        self.roll_back(state, &name, e, Cause::Alarm(reading), actions);
    }

    /// Goes on to the next step, or to the promotion, when the hold is over and everything has its evidence.
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
    /// where that is not reached: the observed split is about both versions together, and says nothing of the canary's
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
    fn waits_for_pairs(&self, state: &State) -> bool {
        let wanted = self.plan.steps[state.step].hold.pairs;
        state.phase == Phase::Holding
            && (wanted.is_some_and(|wanted| state.pairs < wanted)
                || self.lacking(state).any(|(guardrail, _)| {
                    !guardrail.check.compares_traffic()
                        && !matches!(guardrail.check, Check::ObservedSplit(_) | Check::ErrorRate(_))
                        && !(matches!(guardrail.check, Check::Accuracy(_))
                            && !state.waiting.is_empty())
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
        if !state.waiting.is_empty() {
            let waiting = counted(state.waiting.len(), "pairs waiting for labels");
            parts.push(waiting);
        }
        let Totals { late, unknown, repeated, duplicates, .. } = state.totals;
        let Totals { without_room, unlabelled, unmatched_labels, .. } = state.totals;
        for (what, count) in [
            ("late requests", late),
            ("requests of unknown origin", unknown),
            ("repeated inputs", repeated),
            ("duplicates", duplicates),
            ("pairs without a label in time", unlabelled),
            ("pairs without room to wait for a label", without_room),
            ("labels of no waiting pair", unmatched_labels),
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
