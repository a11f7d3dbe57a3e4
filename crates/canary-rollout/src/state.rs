//! The complete state of a rollout, small enough for an annotation.

mod results;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    command::{CommandLine, CommandOutcome, CommandRecord, REMEMBERED},
    health::Health,
    monitor::Monitor,
    patch::SubsetLabels,
    plan::{Plan, Split},
    reading::Reading,
    scale_down::{OldVersion, ScaleDown},
    tally::Tally,
    totals::Totals,
    users::UserResults,
    verdict::Verdict,
    waiting::Waiting,
};
use crate::{Error, Result, evidence::Timestamp};
use canary_stats::{Known, UserUnits};

/// The version of the state's form; a state of another version is refused.
pub const STATE_VERSION: u32 = 4;

/// The longest time between two ticks that counts as time spent on a step; a clock that jumps ahead, or a machine
/// that slept, adds no more than this.
pub const MAX_STRIDE: Duration = Duration::from_secs(60);

/// The largest state that is stored, in bytes.
pub const MAX_STATE_BYTES: usize = 64 * 1024;

/// The state of a rollout.
///
/// It is created by [`super::Machine::begin`] and changed by [`super::Machine::step`] alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct State {
    pub(super) version: u32,
    /// The hash of the plan that it belongs to.
    pub(super) plan: String,
    pub(super) phase: Phase,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) paused: bool,
    /// The step in force or being prepared, from 0.
    pub(super) step: usize,
    /// The time spent waiting for the approval of the next step, in milliseconds, while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) awaited_ms: Option<u64>,
    /// `true` when the next step is approved and has not begun yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) approved: bool,
    /// The last commands of people, with their outcomes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) commands: Vec<CommandRecord>,
    /// The nonces of the annotation as it was read last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) heard: Vec<String>,
    /// When the rollout began.
    pub(super) began: Timestamp,
    /// The latest time reported; it never goes back.
    pub(super) now: Timestamp,
    /// When the split in force was written.
    pub(super) since: Timestamp,
    /// The time spent on the step, pauses and interruptions aside.
    pub(super) held_ms: u64,
    /// The split in force; none before the first write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) written: Option<Split>,
    /// `true` when the API server's acknowledgement of the split in force is known; `since` is its time then, and the
    /// time of sending otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) acknowledged: bool,
    /// `true` when a write has no response yet. Never stored, because a stored state is an answered write.
    #[serde(skip)]
    pub(super) unanswered: bool,
    /// The number of times that it continued after an interruption.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) resumed: u32,
    /// The release behind the canary's subset when the rollout was prepared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) release: Option<String>,
    /// `true` when the rollout's header route is in the `VirtualService`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) header_route: bool,
    /// Requests and pairs counted at the step in force, and what is plainly broken.
    #[serde(default)]
    pub(super) health: Health,
    pub(super) pairs: u64,
    /// Pairs in a row whose input was seen before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) repeated_in_a_row: u32,
    /// The number of times in a row that the canary has refused the request before its first weight.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) refusals: u32,
    /// Invalid scores in the whole rollout.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) invalid_scores: u32,
    pub(super) totals: Totals,
    /// The guardrails whose alarm has paused the rollout, or was reported; each does so once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) told: Vec<String>,
    pub(super) monitors: Vec<Monitor>,
    /// The number of the last observation of each source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) sources: BTreeMap<Arc<str>, u64>,
    #[serde(default)]
    pub(super) inputs: Known,
    /// Pairs that wait for their labels.
    #[serde(default, skip_serializing_if = "Waiting::is_empty")]
    pub(super) waiting: Waiting,
    /// The users that are the observations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) users: Option<UserUnits<UserResults>>,
    /// The thing that the canary lacked at the last check or probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) missing: Option<String>,
    /// The last reason that a source gave for its silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) source_problem: Option<String>,
    /// The pods that the subsets selected when the rollout was prepared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subsets: Option<SubsetLabels>,
    /// The old version's `Deployment`, while it is kept after the promotion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) old_version: Option<OldVersion>,
    /// The earliest time of its scale-down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) scale_down_at: Option<Timestamp>,
    /// The outcome for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) scale_down: Option<ScaleDown>,
}

/// The counts at a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SeenAtStep {
    /// Requests that the stable version served.
    pub stable: Tally,
    /// Requests that the canary served.
    pub canary: Tally,
    /// Requests of unknown version.
    pub unknown: Tally,
    /// Pairs of inputs not seen before.
    pub pairs: u64,
}

impl SeenAtStep {
    /// Requests that both versions served.
    pub fn requests(&self) -> u64 {
        self.stable.requests.saturating_add(self.canary.requests)
    }
}

/// The phase of a rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Phase {
    /// The canary's pods are being checked; nothing is written yet.
    Inspecting,
    /// The subset and the header route are being created.
    Preparing,
    /// A request is being sent through the header route, to check that it answers from the canary.
    Probing,
    /// A person's approval is awaited before the first step; before a later one, the step before it is held.
    Approving,
    /// The gates of the step are being evaluated; the number is that of the gate in the step.
    Gating(usize),
    /// The step's split is being written.
    Writing,
    /// The step is held.
    Holding,
    /// The final split is being written.
    Finishing(Verdict),
    /// The subset that the rollout created is being removed.
    CleaningUp(Verdict),
    /// All traffic is at the canary; the old version is kept until its time is over.
    Keeping(Verdict),
    /// The old version's `Deployment` is being scaled down.
    ScalingDown(Verdict),
    /// It is over.
    Done(Verdict),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl State {
    /// The state as the text of an annotation.
    ///
    /// # Errors
    /// [`Error::Plan`] when it is larger than [`MAX_STATE_BYTES`].
    pub fn encode(&self) -> Result<String> {
        let text = serde_json::to_string(self)
            .map_err(|error| Error::Plan(format!("the state cannot be written: {error}")))?;
        if text.len() > MAX_STATE_BYTES {
            return Err(Error::Plan(format!(
                "the state has {} bytes, an annotation holds {MAX_STATE_BYTES}; use fewer guardrails or sources",
                text.len()
            )));
        }
        Ok(text)
    }

    /// Reads a state back for the plan that it belongs to.
    ///
    /// # Errors
    /// [`Error::Plan`] when the text is no state, when it is of another version, or when the plan was changed since.
    pub fn decode(text: &str, plan: &Plan) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let broken = |error: serde_json::Error| {
            Error::Plan(format!(
                "the stored state cannot be read ({error}); remove the annotation {} to start a new run",
                super::patch::STATE_ANNOTATION
            ))
        };
        let Version { version } = serde_json::from_str(text).map_err(broken)?;
        if version != STATE_VERSION {
            return Err(Error::Plan(format!(
                "the stored state has version {version}, this library reads {STATE_VERSION}; finish the rollout with \
                 the release that began it, or remove the annotation {}",
                super::patch::STATE_ANNOTATION
            )));
        }
        let state: Self = serde_json::from_str(text).map_err(broken)?;
        let hash = plan.hash();
        if state.plan != hash {
            return Err(Error::Plan(format!(
                "the plan was changed since the rollout began (its hash was {}, it is {hash}); run the old plan to its \
                 end, or start a new run with this one",
                state.plan
            )));
        }
        let fits = state.monitors.len() == plan.guardrails.len()
            && state
                .monitors
                .iter()
                .zip(&plan.guardrails)
                .all(|(monitor, of)| monitor.fits(plan, of))
            && state.step < plan.steps.len();
        if !fits {
            return Err(Error::Plan(
                "the stored state does not fit the plan that it names; it was edited by hand"
                    .to_owned(),
            ));
        }
        Ok(state)
    }

    /// The phase of the rollout.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The guardrails whose alarm has paused the rollout or was reported, by name.
    pub fn told(&self) -> &[String] {
        &self.told
    }

    /// Returns `true` when a person or a guardrail paused it.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// The step in force or being prepared, from 0.
    pub fn step(&self) -> usize {
        self.step
    }

    /// The step, from 0, that waits for a person's approval.
    pub fn awaits_approval(&self) -> Option<usize> {
        let next = match self.phase {
            Phase::Approving => self.step,
            _ => self.step + 1,
        };
        self.awaited_ms.filter(|_| self.is_running()).map(|_| next)
    }

    /// The time for which an approval has been awaited, pauses and interruptions aside; none where none is awaited.
    pub fn awaited(&self) -> Option<Duration> {
        self.awaited_ms.map(Duration::from_millis)
    }

    /// The last commands of people, with their outcomes, oldest first.
    pub fn commands(&self) -> &[CommandRecord] {
        &self.commands
    }

    /// The lines of an annotation that were not read before.
    pub(crate) fn unread(&self, lines: &[CommandLine]) -> Vec<CommandLine> {
        let unread = |nonce: &str| {
            nonce.is_empty()
                || !self.heard.iter().any(|heard| heard == nonce)
                    && !self.commands.iter().any(|record| record.nonce == nonce)
        };
        lines.iter().filter(|line| unread(line.nonce())).cloned().collect()
    }

    /// Records a command with its outcome.
    pub(super) fn record(&mut self, record: CommandRecord) {
        self.commands.push(record);
        self.commands.drain(..self.commands.len().saturating_sub(REMEMBERED));
    }

    /// Records the commands that were given before the rollout began, and carries out none of them; those that an
    /// earlier rollout had read are passed over.
    pub(crate) fn disregard(&mut self, lines: &[CommandLine], known: impl Fn(&str) -> bool) {
        self.remember(lines);
        for line in lines.iter().filter(|line| !known(line.nonce())) {
            let early =
                || CommandOutcome::Refused("it was given before this release began".to_owned());
            self.record(match line {
                CommandLine::Given(command) => command.record(self.now, early()),
                CommandLine::Refused(refused) => refused.clone(),
            });
        }
    }

    /// Remembers the lines of the annotation, so that each is carried out once.
    pub(super) fn remember(&mut self, lines: &[CommandLine]) {
        let nonces = lines.iter().map(CommandLine::nonce).filter(|nonce| !nonce.is_empty());
        let nonces: Vec<String> = nonces.map(str::to_owned).collect();
        for nonce in nonces {
            if !self.heard.contains(&nonce) {
                self.heard.push(nonce);
            }
        }
        self.heard.drain(..self.heard.len().saturating_sub(2 * REMEMBERED));
    }

    /// The split in force; none before the first write.
    pub fn split(&self) -> Option<Split> {
        self.written
    }

    /// When the rollout began.
    pub fn began(&self) -> Timestamp {
        self.began
    }

    /// The latest time reported.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// When the split in force was written; when the rollout began, before the first.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// The time spent on the step, pauses and interruptions aside.
    pub fn held(&self) -> Duration {
        Duration::from_millis(self.held_ms)
    }

    /// Requests of the stable version, of the canary, and pairs counted at the step.
    pub fn seen_at_step(&self) -> SeenAtStep {
        SeenAtStep {
            stable: self.health.stable,
            canary: self.health.canary,
            unknown: self.health.unknown,
            pairs: self.pairs,
        }
    }

    /// The release behind the canary's subset when the rollout was prepared: a digest of its pod template.
    pub fn release(&self) -> Option<&str> {
        self.release.as_deref()
    }

    /// Returns `true` when the rollout's header route is in the `VirtualService`.
    pub fn has_header_route(&self) -> bool {
        self.header_route
    }

    /// Returns `true` when a write is without its response.
    pub fn is_unanswered(&self) -> bool {
        self.unanswered
    }

    /// The number of times that it continued after an interruption.
    pub fn resumed(&self) -> u32 {
        self.resumed
    }

    /// The counts of the whole rollout.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// The number of pairs that wait for their labels.
    pub fn awaiting_labels(&self) -> u64 {
        self.waiting.len()
    }

    /// The number of the last observation taken from a source.
    pub fn last_of(&self, source: &str) -> Option<u64> {
        self.sources.get(source).copied()
    }

    /// Forgets the inputs, the users and the pairs that wait: the verdict needs their space, and nothing more is compared.
    pub(super) fn forget_inputs(&mut self) {
        (self.inputs, self.waiting, self.users) = (Known::default(), Waiting::default(), None);
    }

    /// The number of users whose time is not over.
    pub fn awaiting_users(&self) -> u64 {
        self.users.as_ref().map_or(0, UserUnits::waiting)
    }

    /// Advances the time to `now`, without a decision.
    pub(crate) fn pass_time(&mut self, now: Timestamp) {
        let stride = now.since(self.now).min(MAX_STRIDE);
        self.now = self.now.max(now);
        if self.is_running() && !self.paused && !self.unanswered && self.awaited_ms.is_none() {
            let stride = u64::try_from(stride.as_millis()).unwrap_or(0);
            self.held_ms = self.held_ms.saturating_add(stride);
        }
    }

    /// Returns `true` when the canary was seen to serve anything.
    pub(super) fn has_seen_canary(&self) -> bool {
        self.totals.canary > self.totals.canary_failed || self.totals.pairs > 0
    }

    /// Returns `true` when nothing is decided yet.
    pub(super) fn is_running(&self) -> bool {
        !matches!(self.phase, Phase::Finishing(_) | Phase::CleaningUp(_) | Phase::Done(_))
            && !self.keeps_old_version()
    }

    /// Returns `true` when the verdict is known; the final writes may still be to do.
    pub fn is_decided(&self) -> bool {
        !self.is_running()
    }

    /// Returns `true` when it is over.
    pub fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Done(_))
    }

    /// The pods that the two subsets must select. `None` before they are known, and when it no longer matters: a
    /// rollback does not depend on the canary's subset.
    pub fn subsets(&self) -> Option<&SubsetLabels> {
        match &self.phase {
            Phase::Finishing(Verdict::Promote { .. } | Verdict::PromotedByPerson { .. }) => {
                self.subsets.as_ref()
            }
            Phase::Finishing(_) | Phase::CleaningUp(_) | Phase::Done(_) => None,
            _ => self.subsets.as_ref(),
        }
    }

    /// The verdict: the final one once it is known, and Continue before.
    pub fn verdict(&self) -> Verdict {
        match &self.phase {
            Phase::Finishing(verdict)
            | Phase::CleaningUp(verdict)
            | Phase::Keeping(verdict)
            | Phase::ScalingDown(verdict)
            | Phase::Done(verdict) => verdict.clone(),
            _ => {
                Verdict::Continue { step: self.step, split: self.written.unwrap_or(Split::STABLE) }
            }
        }
    }

    /// The reading of every guardrail now, in the plan's order.
    ///
    /// `plan` is the plan that the state belongs to.
    pub fn readings(&self, plan: &Plan) -> Vec<Reading> {
        let of = plan.guardrails.iter().zip(&self.monitors);
        of.map(|(guardrail, monitor)| {
            monitor.reading(guardrail, plan.alpha_of(guardrail), plan.alpha)
        })
        .collect()
    }
}
