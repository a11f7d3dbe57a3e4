//! The state machine: `step(state, event) → (state, actions)`, without I/O, clock or chance.

mod approval;
mod commands;
mod decision;
mod ending;
mod entry;
mod hold;
mod judged;
mod labels;
mod lacking;
mod observations;
mod refusal;
mod requests;
mod scale_down;
mod scores;
mod users;

use std::time::Duration;

use super::{
    approval::Approval,
    event::{Action, Event},
    evidence_steps::has_evidence_at,
    health::Health,
    monitor::Monitor,
    plan::{Percent, Plan, Split},
    room,
    state::{MAX_STRIDE, Phase, STATE_VERSION, State},
    totals::Totals,
    verdict::{Verdict, Why},
    waiting::Waiting,
};
use canary_stats::Known;

use crate::{Result, evidence::Timestamp};

/// The number of times in a row that the canary may refuse the probe's request before the run stops waiting for it.
pub const MAX_REFUSALS: u32 = 3;

/// A plan prepared to run.
///
/// The machine itself never changes; everything that changes is in the [`State`]. Simulation, lab and cluster run the
/// same machine.
///
/// # Unclean input
/// - An observation whose number is not above the last one of its source is a duplicate and is ignored.
/// - A request sent before the split in force was acknowledged, or within [`Plan::settle`] after, is late and counts
///   for no test; so is a window of requests that are counted when they end ([`crate::evidence::Window::ended`]) within
///   [`Plan::settle`] and [`Plan::request_timeout`] together. A pair or a score is late when it was sent before the split
///   in force was acknowledged, or before the run began; it does not depend on the split, so [`Plan::settle`] does not
///   matter to it.
/// - A pair whose input was seen before is ignored.
/// - With [`Plan::labels`], accuracy judges a pair when it and every pair before it have their labels, or wait no longer.
/// - While a write is unanswered every request is late, and nothing is decided.
/// - Time never goes back, and a stride of more than [`MAX_STRIDE`] counts as [`MAX_STRIDE`].
/// - A command that was read before changes nothing; of several that were not, the last one is carried out.
/// - An event that does not belong to the phase, such as a second [`Event::Written`], changes nothing.
///
/// # Interruptions
/// Evidence that is not stored when a driver is killed is lost and collected again. Therefore a rollout that has been
/// interrupted decides only on stored evidence ([`Event::Saved`]): the stored sequence is the one that an uninterrupted
/// rollout would have seen, so that its tests keep their α however often it is killed.
///
/// ```
/// use canary_core::{Plan, evidence::Timestamp, rollout::{Action, Event, Hold, Machine}};
///
/// let plan = Plan::new("image-classifier", "resnet50", "resnet101").weights([30, 100], Hold::requests(100));
/// let machine = Machine::new(plan)?;
/// let state = machine.begin(Timestamp(0))?;
/// let (state, actions) = machine.step(state, Event::Started(Timestamp(0)));
/// assert_eq!(actions, [Action::Inspect]);
/// let (state, actions) = machine.step(state, Event::Inspected(Ok(())));
/// assert_eq!(actions, [Action::Save, Action::Prepare]);
/// let (state, actions) = machine.step(state, Event::Prepared { header_route: false });
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
    /// The same for requests that are counted when they end.
    settle_ended: Duration,
}

impl Machine {
    /// Makes a plan ready to run.
    ///
    /// # Errors
    /// [`crate::Error::Istio`] with every finding when the plan has an error.
    pub fn new(plan: Plan) -> Result<Self> {
        let plan = plan.validated()?;
        let alphas: Vec<f64> = plan.guardrails.iter().map(|g| plan.alpha_of(g)).collect();
        let thresholds = alphas.iter().map(|alpha| -canary_stats::portable::ln(*alpha)).collect();
        let settle = plan.settle;
        // A request under the previous weights may be sent until the new ones have settled, and may end a timeout
        // later.
        let settle_ended = settle.saturating_add(plan.request_timeout);
        Ok(Self { hash: plan.hash(), alphas, thresholds, settle, settle_ended, plan })
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
            phase: Phase::Inspecting,
            paused: false,
            step: 0,
            awaited_ms: None,
            approved: false,
            commands: Vec::new(),
            heard: Vec::new(),
            began: now,
            now,
            since: now,
            held_ms: 0,
            written: None,
            acknowledged: false,
            unanswered: false,
            resumed: 0,
            release: None,
            header_route: false,
            health: Health::default(),
            pairs: 0,
            repeated_in_a_row: 0,
            invalid_scores: 0,
            refusals: 0,
            totals: Totals::default(),
            told: Vec::new(),
            monitors: self
                .plan
                .guardrails
                .iter()
                .map(|guardrail| Monitor::new(&self.plan, guardrail))
                .collect::<Result<_>>()?,
            sources: std::collections::BTreeMap::new(),
            inputs: Known::with_room_for(room::for_inputs(&self.plan)),
            waiting: Waiting::default(),
            users: users::of(&self.plan)?,
            missing: None,
            source_problem: None,
            subsets: None,
            old_version: None,
            scale_down_at: None,
            scale_down: None,
        })
    }

    /// Returns the state after an event, and the actions to take.
    pub fn step(&self, mut state: State, event: Event) -> (State, Vec<Action>) {
        let mut actions = Vec::new();
        self.advance(&mut state, event, &mut actions);
        (state, actions)
    }

    /// [`Machine::step`] in place, without copying the state.
    pub fn advance(&self, state: &mut State, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Observed(observation) => observations::take(self, state, &observation, actions),
            Event::Tick(now) => self.tick(state, now, actions),
            Event::Started(now) => {
                state.now = state.now.max(now);
                self.restart(state, actions);
            }
            Event::Inspected(found) => refusal::inspected(self, state, found, actions),
            Event::SubsetsSeen(subsets) if state.phase == Phase::Preparing => {
                state.subsets = Some(subsets);
            }
            Event::ReleaseSeen(release) if !state.is_decided() && state.written.is_none() => {
                state.release = Some(release);
            }
            Event::Prepared { header_route } if state.phase == Phase::Preparing => {
                state.header_route = header_route;
                if header_route {
                    state.phase = Phase::Probing;
                    actions.push(Action::Probe);
                } else {
                    entry::begin(self, state, actions);
                }
            }
            Event::Probed(answer) if state.phase == Phase::Probing => match answer {
                Ok(()) => {
                    state.missing = None;
                    state.held_ms = 0;
                    entry::begin(self, state, actions);
                }
                Err(missing) => refusal::not_ready(self, state, &missing, Action::Probe, actions),
            },
            Event::GateJudged { gate, outcome } => {
                entry::gate_judged(self, state, gate, outcome, actions);
            }
            Event::Written => self.written(state, actions),
            Event::Acknowledged(now) => {
                state.now = state.now.max(now);
                if !state.acknowledged {
                    (state.since, state.acknowledged) = (state.now, true);
                }
            }
            Event::Unanswered => state.unanswered = true,
            Event::Saved if state.resumed > 0 => decision::check(self, state, actions),
            Event::SubsetRemoved => {
                if let Phase::CleaningUp(verdict) = &state.phase {
                    state.phase = Phase::Done(verdict.clone());
                    actions.push(Action::Save);
                }
            }
            Event::Labelled { id, truth } => labels::add(self, state, &id, &truth, actions),
            Event::Edited(diff) if !state.is_done() && !state.keeps_old_version() => {
                // Somebody else controls the weights now; free the space of the inputs for the verdict.
                state.forget_inputs();
                state.phase = Phase::Done(Verdict::ExternalEdit { diff });
                actions.push(Action::CleanUp);
            }
            Event::SourceProblem(why) if !state.is_decided() => {
                state.source_problem = Some(shortened(&why));
            }
            Event::SourcesEnded(why) if state.is_running() => {
                let mut why = shortened(&why);
                if let Some(unseen) = lacking::unseen(state) {
                    why = format!("{why}; {unseen}");
                }
                ending::inconclusive(self, state, Why::SourcesEnded { why }, actions);
            }
            Event::Pause if state.is_running() && !state.paused => {
                state.paused = true;
                actions.push(Action::Save);
            }
            Event::Resume if state.paused => {
                state.paused = false;
                actions.push(Action::Save);
                hold::check(self, state, actions);
            }
            Event::Abort(why) => {
                let _too_late = commands::abort(self, state, &why, actions);
            }
            Event::Commanded(lines) => commands::take(self, state, &lines, actions),
            event => scale_down::advance(self, state, event, actions),
        }
    }

    /// The split that is to be in force: that of the step, or the one that the verdict leaves behind.
    pub(crate) fn desired(&self, state: &State) -> Split {
        ending::desired(&self.plan, state)
    }

    /// The approval that is awaited.
    pub(crate) fn awaited_approval(&self, state: &State) -> Option<Approval> {
        approval::awaited(&self.plan, state)
    }

    /// Returns `true` when a guardrail still lacks observations at the step in force.
    pub(crate) fn lacks_evidence(&self, state: &State) -> bool {
        lacking::observations(&self.plan, state)
    }

    /// The actions to repeat when the driver starts again.
    fn restart(&self, state: &mut State, actions: &mut Vec<Action>) {
        match &state.phase {
            Phase::Inspecting => actions.push(Action::Inspect),
            Phase::Preparing => actions.extend([Action::Save, Action::Prepare]),
            Phase::Probing => actions.push(Action::Probe),
            Phase::Gating(gate) => actions.extend(entry::gate_at(&self.plan, state.step, *gate)),
            Phase::Writing => actions.push(entry::write(&self.plan, state)),
            Phase::Finishing(verdict) => {
                actions.push(ending::final_write(&self.plan, state, verdict));
            }
            Phase::CleaningUp(_) => actions.push(Action::RemoveSubset),
            Phase::Keeping(_) if state.scale_down_at.is_none() => {
                actions.push(Action::FindOldVersion);
            }
            Phase::ScalingDown(_) => actions.push(Action::ScaleDown),
            Phase::Keeping(_) | Phase::Approving | Phase::Holding | Phase::Done(_) => {}
        }
        if state.is_running() && state.written.is_some() {
            state.resumed = state.resumed.saturating_add(1);
        }
        if !state.acknowledged {
            // The driver was killed before the acknowledgement: the split is in force, but since when is not known.
            (state.since, state.acknowledged) = (state.now, state.written.is_some());
        }
    }

    fn written(&self, state: &mut State, actions: &mut Vec<Action>) {
        let unanswered = std::mem::take(&mut state.unanswered);
        match &state.phase {
            Phase::Writing => {
                let split = self.plan.steps[state.step].split();
                let share = split.canary.share();
                let step = &self.plan.steps[state.step];
                for (monitor, of) in state.monitors.iter_mut().zip(&self.plan.guardrails) {
                    monitor.set_share(share);
                    monitor.begin_step(&self.plan, of, has_evidence_at(of, &self.plan, step));
                }
                users::draw_again(&self.plan, state, split);
                state.written = Some(split);
                // A header route that was created for the probe alone is removed with the first weight.
                state.header_route &= self.plan.reaches_canary();
                (state.since, state.acknowledged) = (state.now, false);
                state.held_ms = 0;
                state.health.begin_step();
                state.pairs = 0;
                state.repeated_in_a_row = 0;
                state.phase = Phase::Holding;
                hold::check(self, state, actions);
            }
            Phase::Finishing(verdict) => {
                let verdict = verdict.clone();
                let split = ending::final_split(&self.plan, state, &verdict);
                state.header_route = false;
                (state.since, state.acknowledged) = (state.now, false);
                // Where the weights stay, the mirror is still removed; where no weight was written, none is.
                state.written = match state.written {
                    None if !unanswered && split != Some(Split::CANARY) => None,
                    kept => split.or(kept.map(|kept| kept.mirror(Percent::NONE))),
                };
                if split == Some(Split::STABLE) {
                    state.phase = Phase::CleaningUp(verdict);
                    actions.push(Action::RemoveSubset);
                } else if split == Some(Split::CANARY) {
                    scale_down::after_promotion(&self.plan, state, verdict, actions);
                } else {
                    state.phase = Phase::Done(verdict);
                }
            }
            _ => {}
        }
    }

    fn tick(&self, state: &mut State, now: Timestamp, actions: &mut Vec<Action>) {
        let stride = now.since(state.now).min(MAX_STRIDE);
        state.now = state.now.max(now);
        labels::release(self, state, actions);
        users::release(self, state, actions);
        self.pass(state, stride, actions);
        scale_down::check(state, actions);
    }

    /// Time passes.
    fn pass(&self, state: &mut State, stride: Duration, actions: &mut Vec<Action>) {
        if !state.is_running() || state.paused || state.unanswered {
            return;
        }
        if state.awaited_ms.is_some() {
            approval::wait(self, state, stride, actions);
            return;
        }
        state.held_ms =
            state.held_ms.saturating_add(u64::try_from(stride.as_millis()).unwrap_or(0));
        hold::check(self, state, actions);
        if !state.is_running() {
            return;
        }
        let held = state.held();
        match state.phase {
            Phase::Writing if state.missing.is_none() => {}
            Phase::Inspecting | Phase::Probing | Phase::Writing
                if held >= self.plan.startup_timeout.min(self.plan.patience) =>
            {
                refusal::end(self, state, actions);
            }
            Phase::Holding if held >= self.plan.patience => {
                let why = match lacking::in_words(self, state) {
                    Some(missing) => Why::NotEnoughData { step: state.step, missing },
                    None => Why::HarmNotExcluded { guardrails: lacking::proof(self, state) },
                };
                ending::inconclusive(self, state, why, actions);
            }
            _ => {}
        }
    }
}

/// The beginning of a text that goes into the state.
fn shortened(text: &str) -> String {
    text.chars().take(400).collect()
}

#[cfg(test)]
mod aa_tests;
#[cfg(test)]
mod burst_tests;
#[cfg(test)]
mod command_tests;
#[cfg(test)]
mod evidence_tests;
#[cfg(test)]
mod labels_tests;
#[cfg(test)]
mod late_tests;
#[cfg(test)]
mod percent_tests;
#[cfg(test)]
mod scale_down_tests;
#[cfg(test)]
mod sticky_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod units_tests;
