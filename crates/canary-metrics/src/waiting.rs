//! The families of the reasons why a run waits.

use std::time::Duration;

/// A reason why a run waits. Several may apply at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The first weight: the canary's pods, its probe, its gates.
    Start,
    /// The step's hold: its requests, its pairs or its time.
    Hold,
    /// The hold is over, and guardrails still lack observations or have not excluded the harm.
    Evidence,
    /// A person's approval.
    Approval,
    /// The run was paused, by a person or by a guardrail.
    Pause,
    /// The promotion is written, and the old version is kept until the time of its scale-down.
    ScaleDown,
    /// The cluster, which does not answer or refuses.
    Cluster,
}

impl Reason {
    pub(crate) const ALL: [Self; 7] = [
        Self::Start,
        Self::Hold,
        Self::Evidence,
        Self::Approval,
        Self::Pause,
        Self::ScaleDown,
        Self::Cluster,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Hold => "hold",
            Self::Evidence => "evidence",
            Self::Approval => "approval",
            Self::Pause => "pause",
            Self::ScaleDown => "scale_down",
            Self::Cluster => "cluster",
        }
    }
}

/// The time spent on each reason.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waited([Duration; Reason::ALL.len()]);

impl Waited {
    pub(crate) fn add(&mut self, reason: Reason, time: Duration) {
        let total = &mut self.0[reason as usize];
        *total = total.saturating_add(time);
    }

    pub(crate) fn of(&self, reason: Reason) -> Duration {
        self.0[reason as usize]
    }
}
