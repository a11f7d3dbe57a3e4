//! Prints the events of a run: lines of text on standard error and the verdict on standard output, or one JSON object a
//! line on standard output.

use std::time::Duration;

use anyhow::Result;
use canary_core::{
    Verdict,
    cluster::{Progress, Snapshot},
    evidence::Timestamp,
    rollout::Split,
};
use serde_json::{Value, json};

use crate::output;

/// The shortest time between two lines of text that show only the state of the run.
const PAUSE: Duration = Duration::from_secs(1);

/// Writes the events of one run.
pub(super) struct Printer {
    json: bool,
    printed: Option<Duration>,
    /// The last reported problem of the canary, so that it is printed once.
    problem: Option<String>,
    split: Option<Split>,
}

impl Printer {
    pub(super) fn new(json: bool) -> Self {
        Self { json, printed: None, problem: None, split: None }
    }

    /// Prints one event, with the time since the start.
    pub(super) fn print(&mut self, at: Duration, progress: &Progress) -> Result<()> {
        if self.json {
            return output::print(&as_json(at, progress)?.to_string());
        }
        if let Progress::Finished { verdict, stored } = progress {
            return output::print(&finished(verdict, *stored));
        }
        if let Some(text) = self.text(at, progress) {
            output::message(&format!("[{:6.1} s] {text}", at.as_secs_f64()));
        }
        Ok(())
    }

    /// The event in words; `None` when it needs no line.
    fn text(&mut self, at: Duration, progress: &Progress) -> Option<String> {
        Some(match progress {
            Progress::Started { stored: Some(_), .. } => {
                "is over: an earlier run of this plan gave the verdict on this release".to_owned()
            }
            Progress::Started { anew: Some(why), .. } => format!("started anew: {why}"),
            Progress::Started { resumed: true, step, .. } => format!("resumed at step {step}"),
            Progress::Started { .. } => "started".to_owned(),
            Progress::Inspected { problem: None } => "pods of the canary are ready".to_owned(),
            Progress::Inspected { problem: Some(problem) } => {
                format!("the canary's pods: {}", self.news(problem)?)
            }
            Progress::Prepared => "the canary's subset is in the mesh".to_owned(),
            Progress::Probed { problem: None } => "the canary answers".to_owned(),
            Progress::Probed { problem: Some(problem) } => {
                format!("the probe: {}", self.news(problem)?)
            }
            Progress::GateJudged { gate, outcome } => format!("gate {gate}: {outcome}"),
            Progress::Written { split, .. } => {
                self.printed = Some(at);
                // The last write only takes the header route away.
                if self.split.replace(*split) == Some(*split) {
                    return None;
                }
                format!("written: {split}")
            }
            Progress::Seen(snapshot) => {
                if self.printed.is_some_and(|printed| at.saturating_sub(printed) < PAUSE) {
                    return None;
                }
                self.printed = Some(at);
                standing(snapshot)
            }
            Progress::Waiting { problem, attempt, wait } => {
                format!("attempt {attempt} failed, the next in {} s: {problem}", wait.as_secs())
            }
            Progress::Suspended { split, .. } => {
                let at = split.map_or_else(
                    || "before the first weight".to_owned(),
                    |split| format!("at {split}"),
                );
                format!("suspended {at}; the same command resumes the run")
            }
            Progress::AwaitingApproval { step, timeout } => {
                let until = timeout.map(|time| format!(", for {} s at most", time.as_secs()));
                let target = "`canary approve` lets it begin";
                format!("step {step} waits for approval{}; {target}", until.unwrap_or_default())
            }
            Progress::ApprovalOverdue { step, waited } => {
                format!("nobody approved step {step} within {} s", waited.as_secs())
            }
            Progress::Commanded(record) => record.to_string(),
            Progress::Alarmed { .. }
            | Progress::ScaleDownAwaited { .. }
            | Progress::ScaledDown { .. } => progress.to_string(),
            Progress::Paused => "paused; the guardrails continue".to_owned(),
            Progress::Resumed => "resumed".to_owned(),
            Progress::SourceQuiet { source, silent } => {
                format!("{source} has sent nothing for {} s", silent.as_secs())
            }
            Progress::SourceEnded { source, error: None } => format!("{source} has no more"),
            Progress::SourceEnded { source, error: Some(error) } => format!("{source}: {error}"),
            _ => return None,
        })
    }

    /// The problem, unless it was printed already.
    fn news<'a>(&mut self, problem: &'a str) -> Option<&'a str> {
        if self.problem.as_deref() == Some(problem) {
            return None;
        }
        self.problem = Some(problem.to_owned());
        Some(problem)
    }
}

/// The state of the run: the sample sizes, and each guardrail's evidence beside the threshold of an alarm.
fn standing(snapshot: &Snapshot) -> String {
    let pairs = match snapshot.pairs {
        0 => String::new(),
        pairs => format!(", {pairs} pairs"),
    };
    let labels = match snapshot.awaiting_labels {
        0 => String::new(),
        waiting => format!(", {waiting} waiting for labels"),
    };
    let Snapshot { step, requests, canary, .. } = snapshot;
    let sizes = format!("step {step}: {requests} requests, {canary} by the canary{pairs}{labels}");
    let readings = snapshot.readings.iter().map(|reading| {
        format!(
            "{} evidence {:.2} (alarm at {:.0})",
            reading.guardrail,
            reading.e,
            1.0 / reading.alpha
        )
    });
    std::iter::once(sizes).chain(readings).collect::<Vec<_>>().join("; ")
}

/// The verdict, with its time if an earlier run reached it.
fn finished(verdict: &Verdict, stored: Option<Timestamp>) -> String {
    let Some(at) = stored.and_then(moment) else { return verdict.to_string() };
    let at = at.strftime("%Y-%m-%d %H:%M:%S UTC");
    format!("{verdict} (stored by an earlier run, {at}; no requests were sent)")
}

fn moment(Timestamp(millis): Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(i64::try_from(millis).ok()?).ok()
}

fn as_json(at: Duration, progress: &Progress) -> Result<Value> {
    let mut event = serde_json::to_value(progress)?;
    event["seconds"] = json!((at.as_secs_f64() * 1e3).round() / 1e3);
    if let Progress::Finished { verdict, .. } = progress {
        event["verdict"] = verdict.to_json();
    }
    if let Progress::Started { stored, .. } | Progress::Finished { stored, .. } = progress
        && let Some(at) = stored.and_then(moment)
    {
        event["stored"] = at.to_string().into();
    }
    Ok(event)
}
