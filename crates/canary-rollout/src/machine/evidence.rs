//! Observations in the state machine: which of them count, and the decisions that follow.

use canary_stats::Taken;

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
    Machine,
};
use crate::evidence::{Observation, Pair, Seen, Timestamp};

/// The number of pairs in a row with known inputs after which the inputs count as repeating.
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
            Seen::Request(request) => self.request(state, observation.at, request, actions),
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

    fn pair(
        &self,
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
                if state.repeated_in_a_row >= MAX_REPEATED_IN_A_ROW && self.waits_for_pairs(state) {
                    let why = Why::InputsRepeat { step: state.step, distinct: state.totals.pairs };
                    self.inconclusive(state, why, actions);
                }
                return false;
            }
            Taken::Full => {
                // No guardrail judges it, because it may be a duplicate; a failing canary is still detected.
                state.totals.beyond_room += 1;
                state.health.pair(pair);
                if self.waits_for_pairs(state) {
                    let why = Why::InputsBeyondRoom { step: state.step, room: state.inputs.room() };
                    self.inconclusive(state, why, actions);
                }
                return true;
            }
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

    /// Ends the rollout when the evidence is sufficient.
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

    /// An alarm that is not a rollback is reported once, and pauses the rollout if that is the guardrail's action.
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
}
