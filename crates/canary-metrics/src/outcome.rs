//! The state of a run and its verdict, as label values.

use canary_rollout::Verdict;

/// The activity of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// Nobody yet.
    #[default]
    Pending,
    /// A driver of this process.
    Running,
    /// None: the run was suspended, and its weights stay.
    Suspended,
    /// None: the driver ended with an error, and the weights stay.
    Failed,
    /// None: the run is over.
    Ended,
}

impl State {
    pub(crate) const ALL: [Self; 5] =
        [Self::Pending, Self::Running, Self::Suspended, Self::Failed, Self::Ended];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Suspended => "suspended",
            Self::Failed => "failed",
            Self::Ended => "ended",
        }
    }
}

/// The label values of the verdicts.
pub(crate) const VERDICTS: [&str; 6] =
    ["none", "promoted", "promoted_by_person", "rolled_back", "inconclusive", "external_edit"];

/// The label value of a verdict.
pub(crate) fn verdict(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Promote { .. } => "promoted",
        Verdict::PromotedByPerson { .. } => "promoted_by_person",
        Verdict::Rollback { .. } => "rolled_back",
        Verdict::Inconclusive { .. } => "inconclusive",
        Verdict::ExternalEdit { .. } => "external_edit",
        _ => "none",
    }
}
