//! The inputs of the state machine (events) and its outputs (actions).

use super::{
    command::CommandLine,
    gate::GateOutcome,
    patch::{Differences, SubsetLabels},
    plan::Split,
    scale_down::{OldVersion, ScaleDown},
};
use crate::evidence::{Observation, Timestamp};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The driver begins, or begins again after an interruption; the time in between counts for nothing.
    Started(Timestamp),
    /// Time has passed. Time that goes back changes nothing; a stride of more than [`super::MAX_STRIDE`] counts as
    /// [`super::MAX_STRIDE`].
    Tick(Timestamp),
    /// The canary's pods were checked before anything is written: `Ok` when they can serve, otherwise what is missing.
    Inspected(Result<(), Missing>),
    /// Both subsets are in the `DestinationRule`, with the pods that they select. Comes before [`Event::Prepared`].
    SubsetsSeen(SubsetLabels),
    /// The release behind the canary's subset, where the cluster reports it: a digest of its pod template. Comes before
    /// [`Event::Prepared`].
    ReleaseSeen(String),
    /// The canary's subset is in the cluster, and so is the header route where one was created to reach the canary.
    Prepared {
        /// `true` when there is a header route, so that requests can be sent to the canary before its first weight.
        header_route: bool,
    },
    /// A request was sent through the header route: `Ok` when the canary answered, the reason otherwise.
    Probed(Result<(), Missing>),
    /// A gate's answers were judged.
    GateJudged {
        /// The gate.
        gate: String,
        /// The outcome of the gate.
        outcome: GateOutcome,
    },
    /// The change of [`Action::Write`] or [`Action::Leave`] is in the cluster.
    Written,
    /// The API server has acknowledged the last write, at this time: settling begins.
    Acknowledged(Timestamp),
    /// A write was sent and its response did not come: it may be in force or not. Until [`Event::Written`] nothing is
    /// decided, and requests count for no test.
    Unanswered,
    /// The state is stored: its observations survive an interruption.
    Saved,
    /// The removal of [`Action::RemoveSubset`] is done.
    SubsetRemoved,
    /// The answer to [`Action::FindOldVersion`]: the `Deployment`, or the reason why it is left alone.
    OldVersionFound(Result<OldVersion, String>),
    /// The answer to [`Action::ScaleDown`].
    ScaledDown(ScaleDown),
    /// An observation.
    Observed(Observation),
    /// A label has come later than its pair.
    Labelled {
        /// The name of the pair's input ([`Pair::name`](crate::evidence::Pair::name)).
        id: String,
        /// The true class.
        truth: String,
    },
    /// Somebody else changed what the rollout had written.
    Edited(Differences),
    /// The reason why a source gives nothing, such as a server that refuses connections.
    SourceProblem(String),
    /// Every source ended; their reasons.
    SourcesEnded(String),
    /// A person wants the rollout to stay where it is. Its guardrails keep watching.
    Pause,
    /// A person wants to resume it.
    Resume,
    /// A person wants it rolled back, for this reason.
    Abort(String),
    /// Commands of people were read, in the order in which they were given, with those that cannot be carried out as
    /// they are recorded. Of those that were not read before, the last one is carried out; all are recorded.
    Commanded(Vec<CommandLine>),
}

/// A thing that the canary lacks for its first weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The missing thing and the remedy, in one sentence.
    pub why: String,
    /// `true` when waiting can help: pods become ready, but a `Deployment` that is not there does not come by itself.
    pub may_come: bool,
}

impl Missing {
    /// A missing thing for which waiting can help.
    pub fn yet(why: impl Into<String>) -> Self {
        Self { why: why.into(), may_come: true }
    }

    /// A missing thing for which waiting cannot help.
    pub fn for_good(why: impl Into<String>) -> Self {
        Self { why: why.into(), may_come: false }
    }
}

/// An action for the driver. Each can safely be repeated.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Check whether the canary's subset has ready pods; answer with [`Event::Inspected`].
    Inspect,
    /// Bring the canary's subset into the `DestinationRule` and then, if requests can be sent to the canary, the header
    /// route into the `VirtualService`; answer with [`Event::Prepared`].
    Prepare,
    /// Check that the header route answers from the canary; answer with [`Event::Probed`].
    Probe,
    /// Send a gate's images through the header route; answer with [`Event::GateJudged`].
    JudgeGate(String),
    /// Write the split, and with it the state as it will be after [`Event::Written`], in one patch; answer with that
    /// event, or with [`Event::Edited`].
    Write {
        /// The split of the route's traffic afterwards.
        split: Split,
        /// `true` when the rollout is over and its header route is removed by the same patch.
        last: bool,
    },
    /// Keep the weights, even if none was written; remove the header route and the mirror if they are as the rollout
    /// wrote them, and store the state, in one patch; answer with [`Event::Written`] or [`Event::Edited`].
    Leave,
    /// The same after somebody else's edit: fields that differ from what the rollout wrote stay. There is no answer.
    CleanUp,
    /// Remove the canary's subset if the rollout created it; answer with [`Event::SubsetRemoved`].
    RemoveSubset,
    /// Look for the one `Deployment` of the old version that may be scaled down; answer with
    /// [`Event::OldVersionFound`].
    FindOldVersion,
    /// Scale the old version's `Deployment` to 0, unless something has come in the way since; answer with
    /// [`Event::ScaledDown`] or [`Event::Edited`].
    ScaleDown,
    /// Store the state.
    Save,
}
