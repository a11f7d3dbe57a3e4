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
    /// Both subsets are in the `DestinationRule`; which pods they are of. Comes before [`Event::Prepared`].
    SubsetsSeen(SubsetLabels),
    /// The canary's subset and the header route are in the cluster.
    Prepared,
    /// The header route was asked whether it answers from the canary; what stands in the way otherwise.
    Probed(Result<(), String>),
    /// A gate's answers were judged.
    GateJudged {
        /// The gate.
        gate: String,
        /// How it ended.
        outcome: GateOutcome,
    },
    /// What [`Action::Write`] asked for is in the cluster.
    Written,
    /// What [`Action::RemoveSubset`] asked for is done.
    SubsetRemoved,
    /// Something was seen.
    Observed(Observation),
    /// Somebody else changed what the rollout had written.
    Edited(Differences),
    /// Every source ended; what they said.
    SourcesEnded(String),
    /// A person wants the rollout to stay where it is. Its guardrails keep watching.
    Pause,
    /// A person wants it to go on.
    Resume,
    /// A person wants it rolled back; why.
    Abort(String),
}

/// Something to do. Each can be done twice without harm.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Bring the canary's subset into the `DestinationRule` and then, if the plan has a header, the header route into
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
    /// Take the canary's subset away if the rollout made it; answer with [`Event::SubsetRemoved`].
    RemoveSubset,
    /// Store the state.
    Save,
}
