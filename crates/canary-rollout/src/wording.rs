//! Events, causes and verdicts in words.

use std::fmt;

use crate::{Cause, Verdict, cluster::Progress, evidence::Timestamp};

impl Cause {
    /// The cause's name, such as `alarm` or `canaryFails`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Alarm(_) => "alarm",
            Self::Unconfirmed(_) => "unconfirmed",
            Self::Gate(_) => "gate",
            Self::Asked(_) => "asked",
            Self::NotApproved { .. } => "notApproved",
            Self::NotReady(_) | Self::NoLongerReady(_) => "notReady",
            Self::CanaryFails { .. } => "canaryFails",
            Self::Unreachable { .. } => "unreachable",
        }
    }
}

impl Verdict {
    /// The name of what led to a rollback or to an inconclusive end; none of other verdicts.
    pub fn cause(&self) -> Option<&'static str> {
        match self {
            Self::Rollback { evidence, .. } => Some(evidence.name()),
            Self::Inconclusive { why } => Some(why.name()),
            _ => None,
        }
    }

    /// The verdict in one sentence, with the time when an earlier run gave it where one did.
    pub fn sentence(&self, stored: Option<Timestamp>) -> String {
        match stored {
            Some(at) => {
                format!("{self} (stored by an earlier run, {at}; no requests were sent)")
            }
            None => self.to_string(),
        }
    }
}

impl Progress {
    /// The event's name, such as `started` or `gateJudged`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Inspected { .. } => "inspected",
            Self::Prepared => "prepared",
            Self::Probed { .. } => "probed",
            Self::GateJudged { .. } => "gateJudged",
            Self::Written { .. } => "written",
            Self::Seen(_) => "seen",
            Self::Alarmed { .. } => "alarmed",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::AwaitingApproval { .. } => "awaitingApproval",
            Self::ApprovalOverdue { .. } => "approvalOverdue",
            Self::ScaleDownAwaited { .. } => "scaleDownAwaited",
            Self::ScaledDown { .. } => "scaledDown",
            Self::Commanded(_) => "commanded",
            Self::Waiting { .. } => "waiting",
            Self::SourceQuiet { .. } => "sourceQuiet",
            Self::SourceEnded { .. } => "sourceEnded",
            Self::Finished { .. } => "finished",
            Self::Suspended { .. } => "suspended",
        }
    }
}

/// The event in one line.
impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { stored: Some(_), .. } => {
                f.write_str("is over: an earlier run of this plan gave the verdict on this release")
            }
            Self::Started { anew: Some(why), .. } => write!(f, "started anew: {why}"),
            Self::Started { resumed: true, step, .. } => write!(f, "resumed at step {step}"),
            Self::Started { .. } => f.write_str("started"),
            Self::Inspected { problem: None } => f.write_str("pods of the canary are ready"),
            Self::Inspected { problem: Some(problem) } => {
                write!(f, "the canary's pods: {problem}")
            }
            Self::Prepared => f.write_str("the canary's subset is in the mesh"),
            Self::Probed { problem: None } => f.write_str("the canary answers"),
            Self::Probed { problem: Some(problem) } => write!(f, "the probe: {problem}"),
            Self::GateJudged { gate, outcome } => write!(f, "gate {gate}: {outcome}"),
            Self::Written { step, split } => write!(f, "step {step}: weights {split}"),
            Self::Seen(seen) => {
                write!(f, "step {} at ", seen.step)?;
                match seen.split {
                    Some(split) => write!(f, "{split}")?,
                    None => f.write_str("no weight yet")?,
                }
                write!(
                    f,
                    ": {} requests, {} by the canary, {} pairs",
                    seen.requests, seen.canary, seen.pairs
                )?;
                match seen.awaiting_labels {
                    0 => Ok(()),
                    1 => f.write_str(", 1 pair waits for its label"),
                    waiting => write!(f, ", {waiting} pairs wait for their labels"),
                }
            }
            Self::Alarmed { reading, action } => {
                write!(f, "alarm of {reading}; action: {}", action.name())
            }
            Self::Paused => f.write_str("paused"),
            Self::Suspended { .. } => {
                f.write_str("suspended; the state is stored; iterate again to continue")
            }
            Self::Resumed => f.write_str("resumed"),
            Self::AwaitingApproval { step, timeout: None } => {
                write!(f, "step {step} waits for approval")
            }
            Self::AwaitingApproval { step, timeout: Some(timeout) } => {
                write!(f, "step {step} waits for approval, at most {} s", timeout.as_secs())
            }
            Self::ApprovalOverdue { step, waited } => {
                write!(
                    f,
                    "nobody approved step {step} within {} s; it continues to wait",
                    waited.as_secs()
                )
            }
            Self::ScaleDownAwaited { deployment, at } => {
                write!(
                    f,
                    "promoted; {deployment} of the old version is scaled to 0 replicas at {at}"
                )
            }
            Self::ScaledDown { outcome } => outcome.fmt(f),
            Self::Commanded(record) => write!(f, "{record}"),
            Self::Waiting { problem, attempt, wait } => {
                let seconds = wait.as_secs_f64();
                write!(f, "attempt {attempt} failed, the next in {seconds} s: {problem}")
            }
            Self::SourceQuiet { source, silent } => {
                write!(f, "{source} has sent nothing for {} s", silent.as_secs())
            }
            Self::SourceEnded { source, error: None } => write!(f, "{source} has no more inputs"),
            Self::SourceEnded { source, error: Some(error) } => write!(f, "{source}: {error}"),
            Self::Finished { verdict, stored } => f.write_str(&verdict.sentence(*stored)),
        }
    }
}

/// The moment as people read it, such as `2026-11-29 01:06:09 UTC`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = i64::try_from(self.0).unwrap_or(i64::MAX);
        let at = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{}", at.strftime("%Y-%m-%d %H:%M:%S UTC"))
    }
}
