//! The values of one run: written while its progress is recorded, read by each scrape.

use std::{collections::BTreeMap, time::Duration};

use canary_rollout::{
    CommandOutcome, CommandRecord, Plan, Reading, Split, Step, Verb, Verdict,
    cluster::{Progress, Snapshot},
    evidence::Timestamp,
};

use crate::{
    measured::{Calls, Predictions},
    outcome::{self, State},
    waiting::{Reason, Waited},
};

/// One run of a plan.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) namespace: String,
    /// The name of the `VirtualService`.
    pub(crate) object: String,
    pub(crate) stable: String,
    pub(crate) canary: String,
    pub(crate) digest: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) state: State,
    pub(crate) verdict: &'static str,
    /// The time at which the driver started or resumed.
    pub(crate) started: Option<Timestamp>,
    /// The time of the last event.
    pub(crate) looked: Option<Timestamp>,
    pub(crate) step: usize,
    pub(crate) split: Option<Split>,
    pub(crate) desired: Split,
    pub(crate) writes: u64,
    /// The last state that the driver reported.
    pub(crate) seen: Option<Snapshot>,
    /// The readings of the guardrails; at the end those that decided.
    pub(crate) readings: Vec<Reading>,
    pub(crate) failures: u32,
    pub(crate) retries: u64,
    paused: bool,
    awaits_approval: bool,
    awaits_scale_down: bool,
    pub(crate) waited: Waited,
    pub(crate) commands: BTreeMap<(&'static str, &'static str), u64>,
    pub(crate) calls: Calls,
    pub(crate) predictions: Predictions,
    /// The notices that were delivered, and those that were given up.
    pub(crate) notices: Option<[u64; 2]>,
}

impl Record {
    /// A run that has not begun.
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            namespace: plan.target.namespace().to_owned(),
            object: plan.target.name().to_owned(),
            stable: plan.stable.clone(),
            canary: plan.canary.clone(),
            digest: plan.hash(),
            steps: plan.steps.clone(),
            state: State::default(),
            verdict: "none",
            started: None,
            looked: None,
            step: 0,
            split: None,
            desired: Split::STABLE,
            writes: 0,
            seen: None,
            readings: Vec::new(),
            failures: 0,
            retries: 0,
            paused: false,
            awaits_approval: false,
            awaits_scale_down: false,
            waited: Waited::default(),
            commands: BTreeMap::new(),
            calls: Calls::default(),
            predictions: Predictions::default(),
            notices: None,
        }
    }

    /// Records an event that happened at this moment.
    pub(crate) fn record(&mut self, progress: &Progress, at: Timestamp) {
        let passed = self.looked.map_or(Duration::ZERO, |before| at.since(before));
        for reason in Reason::ALL {
            if self.waits_for(reason) {
                self.waited.add(reason, passed);
            }
        }
        self.looked = self.looked.max(Some(at));
        match progress {
            Progress::Started { step, .. } => {
                (self.state, self.verdict) = (State::Running, "none");
                (self.started, self.step, self.failures) = (Some(at), *step, 0);
                self.desired = self.steps.get(*step).map_or(Split::STABLE, Step::split);
            }
            Progress::Written { step, split } => {
                (self.step, self.split) = (*step, Some(*split));
                self.writes += 1;
            }
            Progress::Seen(seen) => self.see(seen),
            Progress::Waiting { attempt, .. } => {
                self.retries += 1;
                self.failures = *attempt;
            }
            Progress::Alarmed { reading, .. } => self.read(reading),
            Progress::Paused => self.paused = true,
            Progress::Resumed => self.paused = false,
            Progress::AwaitingApproval { .. } => self.awaits_approval = true,
            Progress::ScaleDownAwaited { .. } => self.awaits_scale_down = true,
            Progress::ScaledDown { .. } => self.awaits_scale_down = false,
            Progress::Commanded(record) => self.commanded(record),
            Progress::Suspended { split, .. } => {
                self.state = State::Suspended;
                self.split = split.or(self.split);
            }
            Progress::Finished { verdict, .. } => self.end(verdict),
            _ => {}
        }
    }

    /// Records that the driver has ended with an error.
    pub(crate) fn fail(&mut self) {
        if matches!(self.state, State::Pending | State::Running) {
            self.state = State::Failed;
        }
    }

    fn see(&mut self, seen: &Snapshot) {
        self.step = seen.step;
        self.split = seen.split.or(self.split);
        (self.desired, self.failures) = (seen.desired, seen.failures);
        (self.paused, self.awaits_approval) = (seen.paused, seen.awaits_approval.is_some());
        self.readings.clone_from(&seen.readings);
        self.seen = Some(seen.clone());
    }

    fn end(&mut self, verdict: &Verdict) {
        (self.state, self.verdict) = (State::Ended, outcome::verdict(verdict));
        (self.paused, self.awaits_approval, self.failures) = (false, false, 0);
        self.awaits_scale_down = false;
        verdict.readings().iter().for_each(|reading| self.read(reading));
    }

    /// Replaces the guardrail's last reading.
    fn read(&mut self, reading: &Reading) {
        let known = &mut self.readings;
        match known.iter_mut().find(|one| one.guardrail == reading.guardrail) {
            Some(place) => place.clone_from(reading),
            None => known.push(reading.clone()),
        }
    }

    fn commanded(&mut self, record: &CommandRecord) {
        // A person may write any text; a label has few values.
        let verb = Verb::ALL.into_iter().map(Verb::name).find(|name| *name == record.command);
        let result = match record.outcome {
            CommandOutcome::Done => "done",
            CommandOutcome::Superseded => "superseded",
            _ => "refused",
        };
        *self.commands.entry((verb.unwrap_or("unknown"), result)).or_default() += 1;
    }

    /// Returns `true` while the run waits for it.
    pub(crate) fn waits_for(&self, reason: Reason) -> bool {
        let freely = !self.paused && !self.awaits_approval && self.failures == 0;
        let at_its_weight = self.split == Some(self.desired) && !self.awaits_scale_down;
        self.state == State::Running
            && match reason {
                Reason::Start => freely && self.split.is_none(),
                Reason::Hold => freely && at_its_weight && !self.is_held(),
                Reason::Evidence => freely && at_its_weight && self.is_held(),
                Reason::Approval => self.awaits_approval,
                Reason::Pause => self.paused,
                Reason::ScaleDown => self.awaits_scale_down,
                Reason::Cluster => self.failures > 0,
            }
    }

    /// Returns `true` when the hold of the step is over.
    fn is_held(&self) -> bool {
        let (Some(step), Some(seen)) = (self.steps.get(self.step), &self.seen) else {
            return false;
        };
        let hold = &step.hold;
        hold.requests.is_none_or(|wanted| seen.canary >= wanted)
            && hold.total_requests.is_none_or(|wanted| seen.requests >= wanted)
            && hold.pairs.is_none_or(|wanted| seen.pairs >= wanted)
            && hold.time.is_none_or(|wanted| seen.held >= wanted)
    }
}
