//! The reports of a driver, and the control that pauses it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::{
    Command, CommandRecord, GateOutcome, Machine, OnAlarm, Reading, ScaleDown, Split, State,
    Totals, Verb, Verdict, evidence::Timestamp, report::Moment,
};

/// Something that a driver did or saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Progress {
    /// It begins, continues after an interruption, or finds that it is over.
    Started {
        /// `true` when it continues a stored rollout that was interrupted.
        resumed: bool,
        /// The step, from 0.
        step: usize,
        /// The reason why it is a new experiment although one of this plan is stored, such as another release of the
        /// canary.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        anew: Option<String>,
        /// When an earlier run of the same plan gave its verdict on the same release, whose weights are still in force:
        /// nothing is done, and the verdict follows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stored: Option<Timestamp>,
    },
    /// The canary's pods were checked, with the pods that are missing, if any, or the reason why they cannot be judged.
    Inspected {
        /// Empty when the subset has ready pods.
        problem: Option<String>,
    },
    /// The canary's subset and the header route are in the cluster.
    Prepared,
    /// A request was sent through the header route, with the reason if it failed.
    Probed {
        /// Empty when the canary answered.
        problem: Option<String>,
    },
    /// A gate was evaluated.
    GateJudged {
        /// The gate.
        gate: String,
        /// The outcome of the gate.
        outcome: GateOutcome,
    },
    /// A split was written.
    Written {
        /// The step, from 0.
        step: usize,
        /// The split in force now.
        split: Split,
    },
    /// The state of the rollout, reported at every tick.
    Seen(Snapshot),
    /// The cluster does not answer. The pending action is repeated until it answers again.
    Waiting {
        /// The failed action, with its cause.
        problem: String,
        /// The number of failures in a row.
        attempt: u32,
        /// The time until the next attempt.
        #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
        wait: Duration,
    },
    /// A guardrail alarmed whose consequence is not a rollback. If it pauses the rollout, a person has to decide.
    Alarmed {
        /// The guardrail's reading.
        reading: Reading,
        /// The consequence.
        action: OnAlarm,
    },
    /// A person or a guardrail paused it.
    Paused,
    /// A person resumed it.
    Resumed,
    /// A step waits for a person's approval; the weights stay, and the guardrails continue.
    AwaitingApproval {
        /// The step, from 0.
        step: usize,
        /// The longest time that it waits, if the plan sets one.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            with = "jiff::fmt::serde::unsigned_duration::friendly::compact::optional"
        )]
        timeout: Option<Duration>,
    },
    /// The approval was not given in the time that the plan sets; the rollout continues to wait.
    ApprovalOverdue {
        /// The step, from 0.
        step: usize,
        /// The time for which it has waited.
        #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
        waited: Duration,
    },
    /// All traffic is at the canary, and the old version's `Deployment` is kept until its time is over.
    ScaleDownAwaited {
        /// The `Deployment`, as `Deployment namespace/name`.
        deployment: String,
        /// The earliest time of its scale-down.
        at: Timestamp,
    },
    /// The old version's `Deployment` was scaled to 0 replicas, or is left unchanged, with the reason.
    ScaledDown {
        /// The outcome.
        outcome: ScaleDown,
    },
    /// A command of a person was read; its outcome says whether it was carried out.
    Commanded(CommandRecord),
    /// It was suspended: its state is stored, its lock given back, the mesh as last written. The stream ends; starting
    /// again with the same plan continues.
    Suspended {
        /// The step, from 0.
        step: usize,
        /// The split in force; none before the first write.
        split: Option<Split>,
    },
    /// A source has been silent for long, such as an iterator of inputs that waits.
    SourceQuiet {
        /// The source.
        source: String,
        /// The time since its last observation.
        #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
        silent: Duration,
    },
    /// A source ended or failed.
    SourceEnded {
        /// The source.
        source: String,
        /// The error with which it ended, if any.
        error: Option<String>,
    },
    /// It is over.
    Finished {
        /// The verdict.
        verdict: Verdict,
        /// The time of the outcome, if it comes from an earlier run of the same plan on the same release, whose weights
        /// are still in force: no request was sent again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stored: Option<Timestamp>,
    },
}

/// The state of a rollout at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// The step, from 0.
    pub step: usize,
    /// The split in force; none before the first write.
    pub split: Option<Split>,
    /// The split that is to be in force: that of the step, or the one that the verdict leaves behind. It differs from
    /// `split` until it is written.
    #[serde(default)]
    pub desired: Split,
    /// The number of times in a row that the present action has failed; 0 while the cluster answers.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u32,
    /// Requests counted at this step, of both versions.
    pub requests: u64,
    /// Requests counted at this step that the canary served.
    #[serde(default)]
    pub canary: u64,
    /// Pairs counted at this step.
    pub pairs: u64,
    /// Pairs that wait for their labels ([`Plan::labels`](crate::Plan::labels)).
    #[serde(default, skip_serializing_if = "is_none")]
    pub awaiting_labels: u64,
    /// Time spent on this step, pauses aside.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub held: Duration,
    /// The counts of the whole rollout.
    pub totals: Totals,
    /// The reading of each guardrail, in the plan's order.
    pub readings: Vec<Reading>,
    /// `true` when a person or a guardrail paused it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// The step, from 0, that waits for a person's approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaits_approval: Option<usize>,
}

impl Snapshot {
    /// The state of a rollout after so many failures in a row.
    pub(super) fn of(machine: &Machine, state: &State, failures: u32) -> Self {
        let seen = state.seen_at_step();
        Self {
            step: state.step(),
            split: state.split(),
            desired: machine.desired(state),
            failures,
            requests: seen.requests(),
            canary: seen.canary.requests,
            pairs: seen.pairs,
            awaiting_labels: state.awaiting_labels(),
            held: state.held(),
            totals: state.totals(),
            readings: state.readings(machine.plan()),
            paused: state.is_paused(),
            awaits_approval: state.awaits_approval(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Snapshot {
    /// The snapshot as a moment of a report; `at` is the time since the rollout began.
    pub fn moment(&self, at: Duration) -> Moment {
        let split = self.split.unwrap_or(Split::STABLE);
        Moment::new(at, split, self.totals, self.readings.clone())
    }
}

/// Pauses, resumes, approves, suspends, aborts and promotes a rollout while it runs, in the process that runs it;
/// [`Release`](crate::cluster::Release) does it from another one.
#[derive(Clone, Debug)]
pub struct Control {
    pub(super) commands: mpsc::UnboundedSender<Order>,
}

#[derive(Debug)]
pub(super) enum Order {
    Suspend,
    Command(Command),
    Label(String, String),
}

impl Control {
    fn send(&self, verb: Verb, why: &str) -> bool {
        self.commands.send(Order::Command(Command::new(verb, "").why(why))).is_ok()
    }

    /// Stays at the present weight until [`Control::resume`]; guardrails keep watching. `false` when it is over.
    pub fn pause(&self) -> bool {
        self.send(Verb::Pause, "")
    }

    /// Resumes. `false` when it is over.
    pub fn resume(&self) -> bool {
        self.send(Verb::Resume, "")
    }

    /// Approves the step that waits. `false` when it is over.
    pub fn approve(&self) -> bool {
        self.send(Verb::Approve, "")
    }

    /// Ends the rollout with all traffic at the canary, as a person's decision and no verdict of the statistics. It is
    /// refused, with [`Progress::Commanded`], if the evidence has decided otherwise or the canary has not been seen to
    /// serve. `false` when it is over.
    pub fn promote(&self, why: impl Into<String>) -> bool {
        self.send(Verb::Promote, &why.into())
    }

    /// Gives the true class of an input that was sent before, by the name of the input; see
    /// [`Plan::labels`](crate::Plan::labels). `false` when the rollout is over.
    pub fn label(&self, id: impl Into<String>, truth: impl Into<String>) -> bool {
        self.commands.send(Order::Label(id.into(), truth.into())).is_ok()
    }

    /// Stores the state, releases the lock and ends the stream with [`Progress::Suspended`]; the mesh stays as it was
    /// last written. A driver that is started with the same plan continues with the same experiment. `false` when it is
    /// over.
    pub fn suspend(&self) -> bool {
        self.commands.send(Order::Suspend).is_ok()
    }

    /// Rolls back, for this reason. `false` when it is over.
    pub fn abort(&self, why: impl Into<String>) -> bool {
        self.send(Verb::Abort, &why.into())
    }
}
