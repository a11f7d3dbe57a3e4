//! A rollout that is under way: its parts, and the operations that every other part of the driver builds on.

use std::{collections::VecDeque, time::Duration};

use futures_util::{
    future::BoxFuture,
    stream::{BoxStream, SelectAll},
};
use tokio::sync::mpsc;

use super::{
    super::{Cluster, WatchEvent},
    backoff::Backoff,
    journal,
    lease::{Lease, Renewal},
    progress::{Order, Progress, Snapshot},
    reported::Reported,
    settings::Driver,
    source_activity::SourceActivity,
    target::{Target, Watched},
};
use crate::{
    Action, Error, Event, Phase, Result, State, Verdict, Why,
    evidence::{Observation, Stored, Timestamp},
    patch::Differences,
};

/// An input of the driver.
pub(super) enum Input {
    Observed(Observation),
    Ended(String, Option<Error>),
    /// A label has come later than its pair.
    Labelled(String, String),
    /// The labels have ended.
    LabelsEnded(Option<Error>),
    Tick,
    Command(Order),
    /// A watch reported a change of one of the objects.
    Watched(Watched, Result<WatchEvent>),
    /// The wait after a failure is over.
    Again,
}

/// The objects that somebody may have changed, and that are still to be compared.
#[derive(Clone, Copy, Default)]
pub(super) struct Unchecked {
    pub(super) routes: bool,
    pub(super) versions: bool,
}

/// A rollout that is under way.
pub(super) struct Running<C> {
    pub(super) driver: Driver<C>,
    pub(super) target: Box<dyn Target>,
    pub(super) lease: Lease<C>,
    pub(super) state: State,
    pub(super) actions: VecDeque<Action>,
    pub(super) reports: VecDeque<Progress>,
    pub(super) inputs: SelectAll<BoxStream<'static, Input>>,
    /// The number of sources that have not ended.
    pub(super) open: usize,
    pub(super) ended: Vec<String>,
    pub(super) activity: SourceActivity,
    pub(super) commands: Option<mpsc::UnboundedReceiver<Order>>,
    pub(super) changes: SelectAll<BoxStream<'static, (Watched, Result<WatchEvent>)>>,
    pub(super) unchecked: Unchecked,
    pub(super) backoff: Backoff,
    pub(super) timer: BoxFuture<'static, ()>,
    pub(super) in_a_row: u32,
    pub(super) saved: Timestamp,
    /// The number of times that the state was saved since the start.
    pub(super) saves: u32,
    /// The time of the last check of the release behind the canary.
    pub(super) release_checked: Timestamp,
    /// When the verdict was given, where it is an earlier run's.
    pub(super) stored: Option<Timestamp>,
    /// The number of failed attempts to give up the ownership of fields at the end.
    pub(super) hand_backs: u32,
    pub(super) over: bool,
}

impl<C: Cluster + 'static> Running<C> {
    /// Gives an event to the state machine, and reports the changes.
    pub(super) fn handle(&mut self, event: Event) {
        let mut actions = Vec::new();
        let decided = self.state.is_decided();
        let (before, reported) = (journal::Before::of(&self.state), Reported::of(&self.state));
        self.driver.machine.advance(&mut self.state, event, &mut actions);
        before.log_changes(&self.state);
        let ends =
            |action: &Action| matches!(action, Action::Write { last: true, .. } | Action::Leave);
        if self.state.is_decided() && (!decided || actions.iter().any(ends)) {
            // Drop pending actions of the step, and those of an end that a person has revoked.
            self.actions.clear();
        }
        self.actions.extend(actions);
        self.report_since(&reported);
    }

    /// Reports the changes of the state. Once the old version is only kept, observation has ended.
    pub(super) fn report_since(&mut self, reported: &Reported) {
        if self.state.keeps_old_version() && self.open > 0 {
            (self.inputs, self.open) = (SelectAll::new(), 0);
        }
        self.reports.extend(reported.news(&self.driver.machine, &self.state));
    }

    /// Reports the state of the rollout now.
    pub(super) fn report_state(&mut self) {
        let failures = self.backoff.failures();
        let now = Snapshot::of(&self.driver.machine, &self.state, failures);
        self.reports.push_back(Progress::Seen(now));
    }

    /// Renews the lock; one that was deleted is created again, and that is reported.
    pub(super) async fn renew(&mut self) -> Result<Renewal> {
        let renewal = self.lease.renew(self.driver.clock.now()).await?;
        if renewal == Renewal::Recreated {
            let problem = "the Lease of this rollout was deleted or released; it was created again"
                .to_owned();
            self.reports.push_back(Progress::Waiting { problem, attempt: 1, wait: Duration::ZERO });
        }
        Ok(renewal)
    }

    /// Waits before an action is tried again. A permanent error ends the run, unless users would then stay on an
    /// unwatched canary, or a rollback is decided.
    pub(super) fn postpone(&mut self, error: Error) -> Result<()> {
        if !error.is_retryable() && !self.continues_after(&error) {
            return Err(error);
        }
        let (attempt, wait) = self.backoff.failed(&*self.driver.clock);
        let mut problem = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            problem = format!("{problem}: {inner}");
            cause = inner.source();
        }
        self.reports.push_back(Progress::Waiting { problem, attempt, wait });
        Ok(())
    }

    /// Returns `true` when the run continues although the error is not retryable. Credentials that have expired or a
    /// revoked permission (401, 403) may be restored, and an API server or a webhook may accept later what it refused
    /// (409, 422). A decided rollback is carried out in any case, even after the lock is lost.
    pub(super) fn continues_after(&self, error: &Error) -> bool {
        let to_stable = match self.state.phase() {
            Phase::Finishing(verdict) | Phase::CleaningUp(verdict) | Phase::Done(verdict) => {
                matches!(
                    verdict,
                    Verdict::Rollback { .. } | Verdict::Inconclusive { why: Why::Aa { .. } }
                )
            }
            _ => false,
        };
        // A weight, a mirror or a header route of the run is in the mesh.
        let in_mesh = self.state.split().is_some() || self.state.has_header_route();
        let passing = matches!(
            error,
            Error::Cluster { .. }
                | Error::Conflict { .. }
                | Error::Expired { .. }
                | Error::Forbidden { .. }
                | Error::Istio(canary_istio::Error::Invalid(_))
                | Error::NotReady { .. }
                | Error::Unserved { .. }
        );
        to_stable || in_mesh && passing
    }

    /// Somebody else has changed something: the run is over, and what was still to be written is not written. A
    /// rollout that was over already stays as it was decided.
    pub(super) fn edited(&mut self, edits: Differences) {
        self.actions.clear();
        self.handle(Event::Edited(edits));
        self.actions.retain(|action| matches!(action, Action::CleanUp));
    }

    /// Stores a line, where the run stores its observations. A file that cannot be written is reported, and the run
    /// continues without it.
    pub(super) fn store(&mut self, line: impl FnOnce() -> Stored) {
        let Some(store) = &mut self.driver.store else { return };
        let stored = store.write(&line(), self.state.split(), self.state.since());
        self.check_stored(stored);
    }

    pub(super) fn flush_stored(&mut self) {
        if let Some(store) = &mut self.driver.store {
            let flushed = store.flush();
            self.check_stored(flushed);
        }
    }

    fn check_stored(&mut self, stored: std::io::Result<()>) {
        if let Err(error) = stored {
            self.driver.store = None;
            let source = "the file of observations".to_owned();
            let error = Some(format!("it cannot be written, and nothing more is stored: {error}"));
            self.reports.push_back(Progress::SourceEnded { source, error });
        }
    }
}
