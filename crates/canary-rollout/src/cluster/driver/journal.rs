//! The run as spans and events of `tracing`: the driver's reports, and the decisions of the state machine between them.
//!
//! The machine itself does not log. docs/reference/logs.md lists the events with their levels and fields.

use std::time::Duration;

use tracing::{Span, debug, error, error_span, info, trace, warn};

use super::progress::{Progress, Snapshot};
use crate::{
    Cause, CommandRecord, Error, Percent, Phase, Plan, Reading, ScaleDown, Split, State, Verdict,
    Why, evidence::Observation,
};

/// The spans of a run. Their level is that of errors, so that every event of the run has the object, the versions and
/// the step.
pub(super) struct Spans {
    run: Span,
    step: (Option<usize>, Span),
}

impl Spans {
    pub(super) fn new(plan: &Plan) -> Self {
        let run = error_span!(
            "rollout",
            namespace = plan.target.namespace(),
            virtual_service = plan.target.name(),
            stable = plan.stable,
            canary = plan.canary,
            plan = plan.hash(),
        );
        Self { step: (None, run.clone()), run }
    }

    /// The span of the whole run.
    pub(super) fn run(&self) -> Span {
        self.run.clone()
    }

    /// The span of the step that a state is at, from its first weight on.
    pub(super) fn at(&mut self, state: &State) -> Span {
        let step = state.split().map(|_| state.step()).filter(|_| !state.is_decided());
        if self.step.0 != step {
            let span = step.map(|step| error_span!(parent: &self.run, "step", step));
            self.step = (step, span.unwrap_or_else(|| self.run.clone()));
        }
        self.step.1.clone()
    }
}

/// The verdict's name and cause, once there is one.
type Decision = Option<(&'static str, Option<&'static str>)>;

fn decision(state: &State) -> Decision {
    match state.phase() {
        Phase::Finishing(verdict)
        | Phase::CleaningUp(verdict)
        | Phase::Keeping(verdict)
        | Phase::ScalingDown(verdict)
        | Phase::Done(verdict) => Some((verdict.name(), verdict.cause())),
        _ => None,
    }
}

/// The state of the machine before an event, as far as its changes are logged.
pub(super) struct Before {
    /// The step that was held, and the time for which it was.
    hold: Option<(usize, Duration)>,
    decision: Decision,
}

impl Before {
    pub(super) fn of(state: &State) -> Self {
        let holds = *state.phase() == Phase::Holding;
        let hold = holds.then(|| (state.step(), state.held()));
        Self { hold, decision: decision(state) }
    }

    /// Logs what an event has changed: the end of a hold, an alarm, a decision.
    pub(super) fn log_changes(&self, state: &State) {
        if let Some((step, held)) = self.hold
            && *state.phase() != Phase::Holding
        {
            let seen = state.seen_at_step();
            info!(
                step,
                requests = seen.requests(),
                canary_requests = seen.canary.requests,
                pairs = seen.pairs,
                held_ms = millis(held),
                "hold ended"
            );
        }
        if decision(state) != self.decision {
            decided(&state.verdict());
        }
    }
}

/// Logs the decision of the machine, before it is written.
#[cold]
fn decided(verdict: &Verdict) {
    let cause = verdict.cause();
    match verdict {
        Verdict::Rollback { guardrail, e, evidence, .. } => {
            if let Cause::Alarm(reading) | Cause::Unconfirmed(reading) = evidence {
                alarm(reading, "rollback");
            }
            warn!(guardrail, evidence = e, cause, "rollback decided");
        }
        Verdict::Inconclusive { why } => {
            if let Why::Split { reading } = why {
                let Reading { e: evidence, alpha, estimate, .. } = reading;
                let threshold = alpha.recip();
                warn!(evidence, threshold, estimate, "split alarm");
            }
            if let Why::Aa { .. } = why {
                info!("A/A run measured");
            } else {
                warn!(cause, "inconclusive");
            }
        }
        Verdict::ExternalEdit { diff } => warn!(%diff, "external edit"),
        _ => info!(verdict = verdict.name(), "promotion decided"),
    }
}

fn alarm(reading: &Reading, action: &str) {
    let Reading { guardrail, test, e: evidence, alpha, estimate, .. } = reading;
    let threshold = alpha.recip();
    warn!(guardrail, test, evidence, threshold, estimate, action, "alarm");
}

/// Logs a report of the driver.
pub(super) fn progress(what: &Progress) {
    match what {
        Progress::Started { stored: Some(at), .. } => info!(stored = %at, "rollout is over"),
        Progress::Started { resumed: true, step, .. } => info!(step, "rollout resumed"),
        Progress::Started { step, anew, .. } => info!(step, anew, "rollout began"),
        Progress::Inspected { problem } => debug!(problem, "pods of the canary inspected"),
        Progress::Prepared => debug!("subset of the canary prepared"),
        Progress::Probed { problem } => debug!(problem, "canary probed"),
        Progress::GateJudged { gate, outcome } => info!(gate, %outcome, "gate judged"),
        Progress::Seen(snapshot) => look(snapshot),
        Progress::Waiting { problem, attempt, wait } => {
            warn!(problem, attempt, wait_ms = millis(*wait), "cluster problem");
        }
        Progress::Alarmed { reading, action } => alarm(reading, action.name()),
        Progress::Paused => info!("paused"),
        Progress::Resumed => info!("resumed"),
        Progress::AwaitingApproval { step, timeout } => {
            info!(step, timeout_ms = timeout.map(millis), "step awaits approval");
        }
        Progress::ApprovalOverdue { step, waited } => {
            warn!(step, waited_ms = millis(*waited), "approval is overdue");
        }
        Progress::ScaleDownAwaited { deployment, at } => {
            info!(workload = deployment, at = %at, "old version is kept");
        }
        Progress::ScaledDown { outcome: ScaleDown::Done { deployment, replicas } } => {
            info!(workload = deployment, replicas, "old version scaled down");
        }
        Progress::ScaledDown { outcome: ScaleDown::Left { why } } => {
            warn!(reason = why, "old version is not scaled down");
        }
        // Logged when they happen, before the machine decides further.
        Progress::Written { .. } | Progress::Commanded(_) => {}
        Progress::Suspended { step, split } => {
            info!(step, weight = split.map(|split| number(split.canary)), "suspended");
        }
        Progress::SourceQuiet { source, silent } => {
            warn!(source, silent_ms = millis(*silent), "source is silent");
        }
        Progress::SourceEnded { source, error: None } => info!(source, "source ended"),
        Progress::SourceEnded { source, error: Some(error) } => {
            warn!(source, error, "source failed");
        }
        Progress::Finished { verdict, stored } => info!(
            verdict = verdict.name(),
            cause = verdict.cause(),
            sentence = %verdict.sentence(*stored),
            "verdict"
        ),
    }
}

/// Logs that a split is in force, and for a step's split that its hold begins.
pub(super) fn written(plan: &Plan, state: &State, step: usize, split: Split) {
    info!(step, weight = number(split.canary), mirror = number(split.mirror), "weights written");
    if *state.phase() != Phase::Holding {
        return;
    }
    let hold = plan.steps.get(step).map(|step| step.hold).unwrap_or_default();
    info!(
        step,
        requests = hold.requests,
        total_requests = hold.total_requests,
        pairs = hold.pairs,
        time_ms = hold.time.map(millis),
        "hold began"
    );
}

/// A share as a field of an event: an integer where it is whole.
fn number(percent: Percent) -> Box<dyn tracing::Value> {
    match percent.whole() {
        Some(whole) => Box::new(whole),
        None => Box::new(f64::from(percent)),
    }
}

/// Logs the command of a person with its outcome.
pub(super) fn command(record: &CommandRecord) {
    let CommandRecord { command, by, why, outcome, .. } = record;
    info!(command, by, why, ?outcome, "command");
}

/// Logs an observation.
pub(super) fn observed(observation: &Observation) {
    trace!(source = &*observation.source, number = observation.sequence, "observation");
}

/// One look at the evidence.
fn look(snapshot: &Snapshot) {
    let Snapshot { step, split, requests, canary, pairs, held, readings, .. } = snapshot;
    let (weight, held_ms) = (split.map(|split| number(split.canary)), millis(*held));
    debug!(step, weight, requests, canary_requests = canary, pairs, held_ms, "look");
    for Reading { guardrail, test, e: evidence, alpha, estimate, .. } in readings {
        let threshold = alpha.recip();
        trace!(step, guardrail, test, evidence, threshold, estimate, "reading");
    }
}

/// Logs that a run ended with an error, and the work that is left.
pub(super) fn failed(state: &State, error: &Error) {
    if let Phase::Finishing(verdict) = state.phase() {
        error!(verdict = verdict.name(), %error, "the verdict is not written");
    }
    error!(%error, "rollout ended by an error");
}

/// Logs that a run did not begin.
pub(super) fn refused(error: &Error) {
    error!(%error, "rollout did not begin");
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
