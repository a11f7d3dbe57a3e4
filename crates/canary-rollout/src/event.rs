//! What goes into the state machine and what comes out of it.

use super::{
    gate::GateOutcome,
    patch::{Differences, SubsetLabels},
    plan::Split,
};
use crate::evidence::{Observation, Timestamp};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The driver begins, or begins again after an interruption; the time in between counts for nothing.
    Started(Timestamp),
    /// Time has passed. Time that goes back changes nothing; of a stride of more than [`super::MAX_STRIDE`] only that
    /// much counts.
    Tick(Timestamp),
    /// The canary's pods were looked at before anything is written; what is missing otherwise.
    Inspected(Result<(), Missing>),
    /// Both subsets are in the `DestinationRule`; which pods they are of. Comes before [`Event::Prepared`].
    SubsetsSeen(SubsetLabels),
    /// The release behind the canary's subset, where the cluster tells it: a digest of its pod template. Comes before
    /// [`Event::Prepared`].
    ReleaseSeen(String),
    /// The canary's subset is in the cluster, and the header route too where one was made to ask the canary.
    Prepared {
        /// Whether there is a header route, so that the canary can be asked before its first weight.
        header_route: bool,
    },
    /// The header route was asked whether the canary answers; what stands in the way otherwise.
    Probed(Result<(), Missing>),
    /// A gate's answers were judged.
    GateJudged {
        /// The gate.
        gate: String,
        /// How it ended.
        outcome: GateOutcome,
    },
    /// What [`Action::Write`] or [`Action::Leave`] asked for is in the cluster.
    Written,
    /// The API server has acknowledged the last write, at this time: settling begins.
    Acknowledged(Timestamp),
    /// A write was sent and its response did not come: it may be in force or not. Until [`Event::Written`] nothing is
    /// decided, and requests count for no test.
    Unanswered,
    /// The state is stored: what it has seen survives an interruption.
    Saved,
    /// What [`Action::RemoveSubset`] asked for is done.
    SubsetRemoved,
    /// Something was seen.
    Observed(Observation),
    /// Somebody else changed what the rollout had written.
    Edited(Differences),
    /// A source says why it has nothing to tell, such as a server that refuses connections.
    SourceProblem(String),
    /// Every source ended; what they said.
    SourcesEnded(String),
    /// A person wants the rollout to stay where it is. Its guardrails keep watching.
    Pause,
    /// A person wants it to go on.
    Resume,
    /// A person wants it rolled back; why.
    Abort(String),
}

/// What a canary lacks for its first weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What is missing, and what to do, in one sentence.
    pub why: String,
    /// Whether waiting can help: pods become ready, but a `Deployment` that is not there does not come by itself.
    pub may_come: bool,
}

impl Missing {
    /// What may come by itself.
    pub fn yet(why: impl Into<String>) -> Self {
        Self { why: why.into(), may_come: true }
    }

    /// What does not come by itself.
    pub fn for_good(why: impl Into<String>) -> Self {
        Self { why: why.into(), may_come: false }
    }
}

/// Something to do. Each can be done twice without harm.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Look whether ready pods stand behind the canary's subset; answer with [`Event::Inspected`].
    Inspect,
    /// Bring the canary's subset into the `DestinationRule` and then, if the canary can be asked, the header route into
    /// the `VirtualService`; answer with [`Event::Prepared`].
    Prepare,
    /// Ask the header route whether it answers from the canary; answer with [`Event::Probed`].
    Probe,
    /// Ask a gate's images through the header route; answer with [`Event::GateJudged`].
    AskGate(String),
    /// Write the split, and with it the state as it will be after [`Event::Written`], in one patch; answer with that
    /// event, or with [`Event::Edited`].
    Write {
        /// How the route shares its traffic afterwards.
        split: Split,
        /// Whether the rollout is over and its header route goes in the same patch.
        last: bool,
    },
    /// Keep the weights as they are, also those from before the first weight; take the header route and the mirror away
    /// where they are as the rollout wrote them, and store the state, in one patch; answer with [`Event::Written`] or
    /// [`Event::Edited`].
    Leave,
    /// The same after somebody else's edit: what is not as the rollout wrote it stays; nothing is answered.
    CleanUp,
    /// Take the canary's subset away if the rollout made it; answer with [`Event::SubsetRemoved`].
    RemoveSubset,
    /// Store the state.
    Save,
}
