//! The state of the rollout as a driver reports it.

use super::{super::Cluster, progress::Snapshot, run::Running};

impl<C: Cluster + 'static> Running<C> {
    /// The state of the rollout now.
    pub(super) fn snapshot(&self) -> Snapshot {
        let seen = self.state.seen_at_step();
        Snapshot {
            step: self.state.step(),
            split: self.state.split(),
            desired: self.driver.machine.desired(&self.state),
            failures: self.backoff.failures(),
            requests: seen.requests(),
            canary: seen.canary.requests,
            pairs: seen.pairs,
            awaiting_labels: self.state.awaiting_labels(),
            held: self.state.held(),
            totals: self.state.totals(),
            readings: self.state.readings(self.driver.machine.plan()),
            paused: self.state.is_paused(),
            awaits_approval: self.state.awaits_approval(),
        }
    }
}
