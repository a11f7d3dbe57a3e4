//! The state machine: `step(state, event) → (state, actions)`, without I/O, clock or chance.

use std::time::Duration;

use super::{
    event::{Action, Event},
    gate::GateOutcome,
    guardrail::Check,
    monitor::Monitor,
    plan::{OnInconclusive, Plan, Split},
    state::{Phase, STATE_VERSION, State, Totals},
    verdict::{Cause, Reading, Verdict, Why, counted},
};
use crate::{
    Result,
    evidence::{Arm, Inputs, Observation, Seen, Timestamp},
};

/// The longest time between two ticks that counts as time spent on a step; a clock that jumps ahead, or a machine
/// that slept, adds no more than this.
pub const MAX_STRIDE: Duration = Duration::from_secs(60);

/// A plan made ready to run.
///
/// The machine itself never changes: everything that does is in the [`State`]. Simulation, lab and cluster run the
/// same machine.
///
/// What it does with unclean input:
/// - an observation whose number is not above the last one of its source is a duplicate and counts for nothing;
/// - a request sent before the split in force was written, or within [`Plan::settle`] after, is late and counts for
///   no test; pairs and scores do not depend on the split and are never late;
/// - a pair whose input was seen before counts for nothing;
/// - time never goes back, and a stride of more than [`MAX_STRIDE`] counts as that much;
/// - an event that does not belong to the phase, such as a second [`Event::Written`], changes nothing.
///
/// ```
/// use canary_core::{Plan, evidence::Timestamp, rollout::{Action, Event, Hold, Machine}};
///
/// let plan = Plan::new("image-classifier", "resnet50", "resnet101").weights([30, 100], Hold::requests(100));
/// let machine = Machine::new(plan)?;
/// let state = machine.begin(Timestamp(0))?;
/// let (state, actions) = machine.step(state, Event::Started(Timestamp(0)));
/// assert_eq!(actions, [Action::Save, Action::Prepare]);
/// let (state, actions) = machine.step(state, Event::Prepared);
/// assert!(matches!(actions[..], [Action::Write { split, .. }] if split.canary == 30));
/// assert!(!state.is_done());
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Machine {
    plan: Plan,
    hash: String,
    /// α of each guardrail, and ln(1/α).
    alphas: Vec<f64>,
    thresholds: Vec<f64>,
    settle: Duration,
}

impl Machine {
    /// Makes a plan ready to run.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] with every finding when the plan has an error.
    pub fn new(plan: Plan) -> Result<Self> {
        let plan = plan.validated()?;
        let alphas: Vec<f64> = plan.guardrails.iter().map(|g| plan.alpha_of(g)).collect();
        let thresholds = alphas.iter().map(|alpha| -crate::stats::portable::ln(*alpha)).collect();
        Ok(Self { hash: plan.hash(), alphas, thresholds, settle: plan.settle, plan })
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The state of a rollout that has done nothing yet.
    ///
    /// # Errors
    /// [`crate::Error::Plan`] when a guardrail's number is outside its test's range.
    pub fn begin(&self, now: Timestamp) -> Result<State> {
        Ok(State {
            version: STATE_VERSION,
            plan: self.hash.clone(),
            phase: Phase::Preparing,
            paused: false,
            step: 0,
            began: now,
            now,
            since: now,
            held_ms: 0,
            written: None,
            requests: 0,
            pairs: 0,
            totals: Totals::default(),
            monitors: self.plan.guardrails.iter().map(Monitor::new).collect::<Result<_>>()?,
            sources: std::collections::BTreeMap::new(),
            inputs: Inputs::default(),
            unreachable: None,
            subsets: None,
        })
    }

    /// What the state becomes by an event, and what is to be done.
    pub fn step(&self, mut state: State, event: Event) -> (State, Vec<Action>) {
        let mut actions = Vec::new();
        self.advance(&mut state, event, &mut actions);
        (state, actions)
    }

    /// [`Machine::step`] in place, without copying the state.
    pub fn advance(&self, state: &mut State, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Observed(observation) => self.observe(state, &observation, actions),
            Event::Tick(now) => {
                let stride = Timestamp(now.0).since(state.now).min(MAX_STRIDE);
                state.now = state.now.max(now);
                self.pass(state, stride, actions);
            }
            Event::Started(now) => {
                state.now = state.now.max(now);
                self.restart(state, actions);
            }
            Event::SubsetsSeen(subsets) if state.phase == Phase::Preparing => {
                state.subsets = Some(subsets);
            }
            Event::Prepared if state.phase == Phase::Preparing => {
                if self.plan.header.is_some() {
                    state.phase = Phase::Probing;
                    actions.push(Action::Probe);
                } else {
                    self.enter(state, actions);
                }
            }
            Event::Probed(answer) if state.phase == Phase::Probing => match answer {
                Ok(()) => {
                    state.unreachable = None;
                    state.held_ms = 0;
                    self.enter(state, actions);
                }
                Err(why) => {
                    state.unreachable = Some(why.chars().take(300).collect());
                    actions.push(Action::Probe);
                }
            },
            Event::GateJudged { gate, outcome } => self.judge(state, gate, outcome, actions),
            Event::Written => self.written(state, actions),
            Event::SubsetRemoved => {
                if let Phase::CleaningUp(verdict) = &state.phase {
                    state.phase = Phase::Done(verdict.clone());
                    actions.push(Action::Save);
                }
            }
            Event::Edited(diff) if !state.is_done() => {
                // Nothing is written any more, the state included: the object is somebody else's now.
                state.phase = Phase::Done(Verdict::ExternalEdit { diff });
            }
            Event::SourcesEnded(why) if state.is_running() => {
                let why: String = why.chars().take(300).collect();
                self.inconclusive(state, Why::SourcesEnded { why }, actions);
            }
            Event::Pause if state.is_running() && !state.paused => {
                state.paused = true;
                actions.push(Action::Save);
            }
            Event::Resume if state.paused => {
                state.paused = false;
                actions.push(Action::Save);
                self.check_hold(state, actions);
            }
            Event::Abort(why) if state.is_running() => {
                let why = why.chars().take(300).collect();
                let exposure = state.totals.canary;
                let guardrail = "a person".to_owned();
                let evidence = Cause::Asked(why);
                let verdict = Verdict::Rollback { guardrail, e: 1.0, evidence, exposure };
                self.finish(state, verdict, actions);
            }
            _ => {}
        }
    }

    /// What is to be done again when the driver begins anew.
    fn restart(&self, state: &State, actions: &mut Vec<Action>) {
        match &state.phase {
            Phase::Preparing => actions.extend([Action::Save, Action::Prepare]),
            Phase::Probing => actions.push(Action::Probe),
            Phase::Gating(gate) => actions.extend(self.gate_at(state.step, *gate)),
            Phase::Writing => actions.push(self.write(state)),
            Phase::Finishing(verdict) => actions.extend(self.final_write(verdict)),
            Phase::CleaningUp(_) => actions.push(Action::RemoveSubset),
            Phase::Holding | Phase::Done(_) => {}
        }
    }

    fn gate_at(&self, step: usize, gate: usize) -> Option<Action> {
        self.plan.steps[step].gates.get(gate).cloned().map(Action::AskGate)
    }

    fn write(&self, state: &State) -> Action {
        Action::Write { split: self.plan.steps[state.step].split(), last: false }
    }

    /// Begins the step: its gates first, then its split.
    fn enter(&self, state: &mut State, actions: &mut Vec<Action>) {
        if let Some(ask) = self.gate_at(state.step, 0) {
            state.phase = Phase::Gating(0);
            actions.push(ask);
        } else {
            state.phase = Phase::Writing;
            actions.push(self.write(state));
        }
    }

    fn judge(
        &self,
        state: &mut State,
        gate: String,
        outcome: GateOutcome,
        actions: &mut Vec<Action>,
    ) {
        let Phase::Gating(place) = state.phase else { return };
        if self.plan.steps[state.step].gates.get(place) != Some(&gate) {
            return;
        }
        match outcome {
            GateOutcome::Passed { .. } => {
                if let Some(ask) = self.gate_at(state.step, place + 1) {
                    state.phase = Phase::Gating(place + 1);
                    actions.push(ask);
                } else {
                    state.phase = Phase::Writing;
                    actions.push(self.write(state));
                }
            }
            GateOutcome::Failed { .. } => {
                let exposure = state.totals.canary;
                let evidence = Cause::Gate(outcome);
                let verdict =
                    Verdict::Rollback { guardrail: gate, e: f64::MAX, evidence, exposure };
                self.finish(state, verdict, actions);
            }
            GateOutcome::Unanswered { why } => {
                self.inconclusive(state, Why::GateUnanswered { gate, why }, actions);
            }
        }
    }

    fn written(&self, state: &mut State, actions: &mut Vec<Action>) {
        match &state.phase {
            Phase::Writing => {
                let split = self.plan.steps[state.step].split();
                let share = f64::from(split.canary) / 100.0;
                state.monitors.iter_mut().for_each(|monitor| monitor.set_share(share));
                state.written = Some(split);
                state.since = state.now;
                state.held_ms = 0;
                state.requests = 0;
                state.pairs = 0;
                state.phase = Phase::Holding;
                self.check_hold(state, actions);
            }
            Phase::Finishing(verdict) => {
                let promoted = matches!(verdict, Verdict::Promote { .. });
                let verdict = verdict.clone();
                state.written = Some(if promoted { Split::CANARY } else { Split::STABLE });
                state.since = state.now;
                if promoted {
                    state.phase = Phase::Done(verdict);
                } else {
                    state.phase = Phase::CleaningUp(verdict);
                    actions.push(Action::RemoveSubset);
                }
            }
            _ => {}
        }
    }

    #[inline]
    fn observe(&self, state: &mut State, observation: &Observation, actions: &mut Vec<Action>) {
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
        match &observation.what {
            Seen::Request(request) => {
                match request.arm {
                    Arm::Stable => state.totals.stable += 1,
                    Arm::Canary => state.totals.canary += 1,
                    Arm::Unknown => {
                        state.totals.unknown += 1;
                        return;
                    }
                }
                let Some(share) = self.share_at(state, observation.at) else {
                    state.totals.late += 1;
                    return;
                };
                state.requests += 1;
                #[expect(clippy::cast_precision_loss, reason = "microseconds below 2^53")]
                let micros = request.latency.map(|latency| latency.as_micros() as f64);
                for (monitor, of) in state.monitors.iter_mut().zip(&self.plan.guardrails) {
                    monitor.request(&of.check, share, request.arm, request.failed, micros);
                }
            }
            Seen::Window(window) => {
                let requests = window.stable.requests + window.canary.requests;
                state.totals.stable += window.stable.requests;
                state.totals.canary += window.canary.requests;
                state.totals.unknown += window.unknown;
                let share = self.share_at(state, window.since);
                let (Some(share), true) = (share, observation.at >= window.since) else {
                    state.totals.late += requests;
                    return;
                };
                state.requests += requests;
                for (monitor, of) in state.monitors.iter_mut().zip(&self.plan.guardrails) {
                    if !(window.apart && matches!(of.check, Check::ObservedSplit(_))) {
                        monitor.window(&of.check, share, window.stable, window.canary);
                    }
                }
            }
            Seen::Pair(pair) => {
                if pair.input.is_some_and(|input| !state.inputs.insert(input)) {
                    state.totals.repeated += 1;
                    return;
                }
                state.totals.pairs += 1;
                state.pairs += 1;
                for (monitor, of) in state.monitors.iter_mut().zip(&self.plan.guardrails) {
                    state.totals.refused += u64::from(!monitor.pair(&of.check, pair));
                }
            }
            Seen::Score(score) => {
                let named = self.plan.guardrails.iter().position(|of| {
                    matches!(of.check, Check::Custom(_)) && *of.name == *score.guardrail
                });
                let taken = named.is_some_and(|place| state.monitors[place].score(score.value));
                state.totals.refused += u64::from(!taken);
            }
        }
        self.check_alarms(state, actions);
        self.check_hold(state, actions);
    }

    /// The canary's share of the traffic at a moment under the split in force; `None` for a moment before that.
    #[inline]
    fn share_at(&self, state: &State, at: Timestamp) -> Option<f64> {
        let split = state.written?;
        (at >= state.since.plus(self.settle)).then(|| f64::from(split.canary) / 100.0)
    }

    /// Time passes.
    fn pass(&self, state: &mut State, stride: Duration, actions: &mut Vec<Action>) {
        if !state.is_running() || state.paused {
            return;
        }
        state.held_ms =
            state.held_ms.saturating_add(u64::try_from(stride.as_millis()).unwrap_or(0));
        self.check_hold(state, actions);
        let over = state.held() >= self.plan.patience;
        if !over || !state.is_running() {
            return;
        }
        let why = match state.phase {
            Phase::Probing => {
                let why = state.unreachable.clone().unwrap_or_else(|| "no answer came".to_owned());
                Why::Unreachable { why }
            }
            Phase::Holding => match self.missing(state) {
                Some(missing) => Why::NotEnoughData { step: state.step, missing },
                None => Why::HarmNotExcluded { guardrails: self.unproven(state) },
            },
            _ => return,
        };
        self.inconclusive(state, why, actions);
    }

    #[inline]
    fn check_alarms(&self, state: &mut State, actions: &mut Vec<Action>) {
        let mut alarmed = None;
        for (place, (monitor, threshold)) in state.monitors.iter().zip(&self.thresholds).enumerate()
        {
            if monitor.max_ln_e() >= *threshold {
                // The split comes first: while it is wrong, no ratio is believed.
                let split = matches!(self.plan.guardrails[place].check, Check::ObservedSplit(_));
                if split || alarmed.is_none() {
                    alarmed = Some((place, split));
                }
                if split {
                    break;
                }
            }
        }
        let Some((place, split)) = alarmed else { return };
        self.alarm(state, place, split, actions);
    }

    #[cold]
    fn alarm(&self, state: &mut State, place: usize, split: bool, actions: &mut Vec<Action>) {
        let guardrail = &self.plan.guardrails[place];
        let reading = state.monitors[place].reading(guardrail, self.alphas[place]);
        if split {
            self.inconclusive(state, Why::Split { reading }, actions);
            return;
        }
        let verdict = Verdict::Rollback {
            guardrail: guardrail.name.clone(),
            e: Reading::finite_e(state.monitors[place].max_ln_e()),
            evidence: Cause::Alarm(reading),
            exposure: state.totals.canary,
        };
        self.finish(state, verdict, actions);
    }

    /// Goes on to the next step, or to the promotion, when the hold is over.
    #[inline]
    fn check_hold(&self, state: &mut State, actions: &mut Vec<Action>) {
        if state.phase != Phase::Holding || state.paused {
            return;
        }
        let hold = &self.plan.steps[state.step].hold;
        let reached = hold.requests.is_none_or(|wanted| state.requests >= wanted)
            && hold.pairs.is_none_or(|wanted| state.pairs >= wanted)
            && hold.time.is_none_or(|wanted| state.held() >= wanted);
        if reached {
            self.next(state, actions);
        }
    }

    #[cold]
    fn next(&self, state: &mut State, actions: &mut Vec<Action>) {
        let weight = self.plan.steps[state.step].weight;
        let following = self.plan.steps.get(state.step + 1).map_or(100, |step| step.weight);
        if weight < 100 && following == 100 && !self.unproven(state).is_empty() {
            return;
        }
        if state.step + 1 < self.plan.steps.len() {
            state.step += 1;
            self.enter(state, actions);
        } else {
            let evidence = state.readings(&self.plan);
            let verdict = Verdict::Promote { evidence, exposure: state.totals.canary };
            self.finish(state, verdict, actions);
        }
    }

    /// The guardrails that have not yet excluded the harm that the plan wants excluded.
    fn unproven(&self, state: &State) -> Vec<Reading> {
        let of = self.plan.guardrails.iter().zip(&state.monitors).zip(&self.alphas);
        of.filter(|((guardrail, monitor), alpha)| {
            monitor.proven(&guardrail.check, **alpha) == Some(false)
        })
        .map(|((guardrail, monitor), alpha)| monitor.reading(guardrail, *alpha))
        .collect()
    }

    /// What the hold still lacks, in words.
    fn missing(&self, state: &State) -> Option<String> {
        let hold = &self.plan.steps[state.step].hold;
        let mut parts = Vec::new();
        for (what, seen, wanted) in
            [("requests", state.requests, hold.requests), ("pairs", state.pairs, hold.pairs)]
        {
            if let Some(wanted) = wanted.filter(|wanted| seen < *wanted) {
                parts.push(format!("{seen} of {wanted} {what}"));
            }
        }
        if parts.is_empty() {
            return None;
        }
        let Totals { late, unknown, repeated, duplicates, .. } = state.totals;
        for (what, count) in [
            ("late requests", late),
            ("requests of unknown origin", unknown),
            ("repeated inputs", repeated),
            ("duplicates", duplicates),
        ] {
            if count > 0 {
                parts.push(format!("{} left out", counted(count, what)));
            }
        }
        Some(parts.join(", "))
    }

    #[cold]
    fn inconclusive(&self, state: &mut State, why: Why, actions: &mut Vec<Action>) {
        let verdict = Verdict::Inconclusive { why };
        self.finish(state, verdict, actions);
    }

    fn finish(&self, state: &mut State, verdict: Verdict, actions: &mut Vec<Action>) {
        // Whatever the step had asked for is not wanted any more.
        actions.retain(|action| {
            !matches!(action, Action::Write { .. } | Action::AskGate(_) | Action::Probe)
        });
        // The verdict needs their room, and nothing more is compared.
        state.inputs = Inputs::default();
        if let Some(write) = self.final_write(&verdict) {
            state.phase = Phase::Finishing(verdict);
            actions.push(write);
        } else {
            state.phase = Phase::Done(verdict);
            actions.push(Action::Save);
        }
    }

    /// The write that ends a rollout; none when the weights stay as they are.
    fn final_write(&self, verdict: &Verdict) -> Option<Action> {
        let split = match verdict {
            Verdict::Promote { .. } => Split::CANARY,
            Verdict::Rollback { .. } => Split::STABLE,
            Verdict::Inconclusive { .. }
                if self.plan.on_inconclusive == OnInconclusive::Rollback =>
            {
                Split::STABLE
            }
            _ => return None,
        };
        Some(Action::Write { split, last: true })
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
