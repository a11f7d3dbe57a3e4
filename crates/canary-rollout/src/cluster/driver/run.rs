//! The running driver: a stream of its progress.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use futures_util::{
    StreamExt,
    future::BoxFuture,
    stream::{BoxStream, SelectAll},
};
use tokio::sync::mpsc;

use super::{
    super::{Cluster, WatchEvent},
    backoff::Backoff,
    journal,
    lease::{Lease, Renewal},
    progress::{Order, Progress},
    settings::Driver,
    source_activity::SourceActivity,
    target::{Purpose, Target},
};
use crate::{
    Action, Error, Event, Phase, Result, State, Verdict, Why,
    evidence::{Observation, Stored, Timestamp, scored},
    patch::Differences,
};

/// The number of observations in a row before the clock is read.
const IN_A_ROW: u32 = 64;

/// The wait before the first save after the start, doubled with each up to [`Driver::save_every`]: an interruption then
/// destroys only a small part of the evidence since the start. The times do not depend on the observations, so that
/// storing is not a selection of the evidence.
const FIRST_SAVE: Duration = Duration::from_millis(250);

/// The longest time between two saves of a rollout that was interrupted, which decides when it is stored.
const SAVE_RESUMED: Duration = Duration::from_secs(2);

/// A running rollout: a stream of [`Progress`] that ends with [`Progress::Finished`], with [`Progress::Suspended`] or with
/// an error.
///
/// The driver works while this is polled. After an error the mesh is as it was last written; starting again with the
/// same plan continues from there.
pub struct Run(pub(super) BoxStream<'static, Result<Progress>>);

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Run")
    }
}

impl Stream for Run {
    type Item = Result<Progress>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

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
    /// A watch reported a change of one of the two objects.
    Watched(Watched, Result<WatchEvent>),
    /// The wait after a failure is over.
    Again,
}

/// The object of a watch.
#[derive(Clone, Copy)]
pub(super) enum Watched {
    Routes,
    Subsets,
}

/// The objects that somebody may have changed, and that are still to be compared.
#[derive(Clone, Copy, Default)]
pub(super) struct Unchecked {
    routes: bool,
    subsets: bool,
}

/// A rollout that is under way.
pub(super) struct Running<C> {
    pub(super) driver: Driver<C>,
    pub(super) target: Target<C>,
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
    pub(super) async fn next(&mut self) -> Option<Result<Progress>> {
        loop {
            if let Some(report) = self.reports.pop_front() {
                journal::progress(&report);
                return Some(Ok(report));
            }
            if self.over {
                return None;
            }
            if let Err(error) = self.work().await {
                self.over = true;
                journal::failed(&self.state, &error);
                self.lease.release().await;
                return Some(Err(error));
            }
        }
    }

    async fn work(&mut self) -> Result<()> {
        // Read commands even while actions follow each other without a pause, such as a probe that keeps failing.
        if let Some(command) = self.commands.as_mut().and_then(|sent| sent.try_recv().ok()) {
            return self.carry_out(command).await;
        }
        if let Some(lines) = self.target.take_commands() {
            return self.commanded(lines).await;
        }
        if !self.backoff.is_waiting() {
            if let Some(action) = self.actions.pop_front() {
                return match self.act(action.clone()).await {
                    Ok(()) => {
                        self.backoff.succeeded();
                        Ok(())
                    }
                    Err(error) => {
                        if self.target.awaits_weights() && !self.state.is_unanswered() {
                            // The weights in force are unknown until the object can be read.
                            self.handle(Event::Unanswered);
                        }
                        self.actions.push_front(action);
                        self.postpone(error)
                    }
                };
            }
            if self.unchecked.routes || self.unchecked.subsets {
                return self.compare().await;
            }
        }
        if self.actions.is_empty() && self.state.is_done() && !self.backoff.is_waiting() {
            if !self.hand_back().await {
                return Ok(());
            }
            self.over = true;
            self.lease.release().await;
            // The counts at the end; the verdict names only those that decided.
            self.reports.push_back(Progress::Seen(self.snapshot()));
            let (verdict, stored) = (self.state.verdict(), self.stored);
            self.reports.push_back(Progress::Finished { verdict, stored });
            return Ok(());
        }
        match self.wait().await {
            Input::Observed(observation) => self.observe(observation),
            Input::Ended(source, error) => self.ended(source, error),
            Input::Labelled(id, truth) => self.label(id, truth),
            Input::LabelsEnded(error) => {
                let (source, error) = ("labels".to_owned(), error.map(|error| error.to_string()));
                self.reports.push_back(Progress::SourceEnded { source, error });
            }
            Input::Tick => self.ticked().await?,
            Input::Watched(what, event) => self.watched(what, event)?,
            Input::Again => {}
            Input::Command(command) => self.carry_out(command).await?,
        }
        Ok(())
    }

    /// Stores the state and ends; the driver that resumes carries out what is left to do.
    pub(super) async fn suspend(&mut self) -> Result<()> {
        if self.state.is_done() && self.actions.is_empty() {
            return Ok(());
        }
        self.renew().await?;
        let state = self.state.clone();
        if self.write(state, Purpose::Save).await? {
            self.over = true;
            self.lease.release().await;
            let (step, split) = (self.state.step(), self.state.split());
            self.reports.push_back(Progress::Suspended { step, split });
        }
        Ok(())
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

    /// Returns `true` when the run continues although the error is not retryable. Credentials that have expired or a revoked
    /// permission (401, 403) may be restored, and an API server or a webhook may accept later what it refused (409,
    /// 422). A decided rollback is carried out in any case, even after the lock is lost.
    fn continues_after(&self, error: &Error) -> bool {
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

    /// Marks an object for comparison, unless the change is the driver's own.
    fn watched(&mut self, what: Watched, event: Result<WatchEvent>) -> Result<()> {
        if let (Watched::Routes, Ok(WatchEvent::Applied(live))) = (what, &event) {
            self.target.listen(live);
        }
        match (what, event) {
            (Watched::Routes, Ok(WatchEvent::Applied(live))) if self.target.is_known(&live) => {}
            (Watched::Subsets, Ok(WatchEvent::Applied(live)))
                if self.target.is_known_rule(&live) => {}
            (Watched::Routes, Ok(_)) => self.unchecked.routes = true,
            (Watched::Subsets, Ok(_)) => self.unchecked.subsets = true,
            // The watch continues by itself, and reports what happened meanwhile.
            (_, Err(error)) if error.is_retryable() => {}
            (_, Err(error)) if self.continues_after(&error) => {
                let (problem, wait) = (error.to_string(), Duration::ZERO);
                self.reports.push_back(Progress::Waiting { problem, attempt: 1, wait });
            }
            (_, Err(error)) => return Err(error),
        }
        Ok(())
    }

    async fn compare(&mut self) -> Result<()> {
        match self.edits_of_unchecked().await {
            Err(error) => return self.postpone(error),
            Ok(edits) if edits.is_empty() => {}
            Ok(edits) => self.edited(edits),
        }
        self.unchecked = Unchecked::default();
        self.backoff.succeeded();
        Ok(())
    }

    async fn edits_of_unchecked(&mut self) -> Result<Differences> {
        if self.unchecked.routes {
            let edits = self.target.compare(&self.state).await?;
            if !edits.is_empty() {
                return Ok(edits);
            }
        }
        if self.unchecked.subsets {
            return self.target.compare_subsets(&self.state).await;
        }
        Ok(Differences::default())
    }

    /// Somebody else has changed something: the run is over, and what was still to be written is not written. A
    /// rollout that was over already stays as it was decided.
    pub(super) fn edited(&mut self, edits: Differences) {
        self.actions.clear();
        self.handle(Event::Edited(edits));
        self.actions.retain(|action| matches!(action, Action::CleanUp));
    }

    async fn wait(&mut self) -> Input {
        self.in_a_row += 1;
        if self.in_a_row.is_multiple_of(IN_A_ROW) {
            // Yield, so that a source that is always ready does not block the rest of the program.
            tokio::task::yield_now().await;
        }
        let clock_first = self.in_a_row > IN_A_ROW;
        let Self { commands, timer, inputs, changes, backoff, .. } = self;
        let input = poll_fn(|cx| {
            match commands.as_mut().map(|commands| commands.poll_recv(cx)) {
                Some(Poll::Ready(Some(command))) => return Poll::Ready(Input::Command(command)),
                Some(Poll::Ready(None)) => *commands = None,
                _ => {}
            }
            if backoff.poll(cx).is_ready() {
                return Poll::Ready(Input::Again);
            }
            if let Poll::Ready(Some((what, event))) = changes.poll_next_unpin(cx) {
                return Poll::Ready(Input::Watched(what, event));
            }
            if clock_first && timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Input::Tick);
            }
            if let Poll::Ready(Some(input)) = inputs.poll_next_unpin(cx) {
                return Poll::Ready(input);
            }
            if clock_first { Poll::Pending } else { timer.as_mut().poll(cx).map(|()| Input::Tick) }
        })
        .await;
        if matches!(input, Input::Tick) {
            self.in_a_row = 0;
            self.timer = self.driver.clock.sleep(self.driver.tick);
        }
        input
    }

    pub(super) fn handle(&mut self, event: Event) {
        let mut actions = Vec::new();
        let (decided, awaited) = (self.state.is_decided(), self.state.awaits_approval());
        let (told, kept) = (self.state.told().len(), self.told_of_old_version());
        let before = journal::Before::of(&self.state);
        self.driver.machine.advance(&mut self.state, event, &mut actions);
        before.log_changes(&self.state);
        let ends =
            |action: &Action| matches!(action, Action::Write { last: true, .. } | Action::Leave);
        if self.state.is_decided() && (!decided || actions.iter().any(ends)) {
            // Drop pending actions of the step, and those of an end that a person has revoked.
            self.actions.clear();
        }
        self.actions.extend(actions);
        if awaited.is_none() {
            self.report_approval();
        }
        if self.state.told().len() > told {
            self.report_alarm();
        }
        self.report_old_version(&kept);
    }

    /// Processes a label that came later than its pair.
    pub(super) fn label(&mut self, id: String, truth: String) {
        let at = self.driver.clock.now();
        self.store(|| Stored::Labelled { at, id: id.clone(), truth: truth.clone() });
        self.handle(Event::Labelled { id, truth });
    }

    fn observe(&mut self, mut observation: Observation) {
        self.activity.observed(&observation.source, self.driver.clock.now());
        journal::observed(&observation);
        let scored = scored(&self.driver.scores, self.driver.machine.plan(), &mut observation);
        self.store(|| Stored::Observed(observation.clone()));
        let before = self.state.totals();
        self.handle(Event::Observed(observation));
        let after = self.state.totals();
        // A duplicate or a repeated input is no new observation for a score either.
        if (before.duplicates, before.repeated) == (after.duplicates, after.repeated) {
            for observation in scored {
                self.store(|| Stored::Observed(observation.clone()));
                self.handle(Event::Observed(observation));
            }
        }
    }

    fn ended(&mut self, source: String, error: Option<Error>) {
        let passing = error.as_ref().is_some_and(Error::is_retryable);
        let error = error.map(|error| error.to_string());
        if !passing {
            self.open -= 1;
            let message = error.as_deref().unwrap_or("it has no more observations");
            self.ended.push(format!("{source}: {message}"));
            self.activity.ended(&source);
        } else if let Some(error) = &error {
            self.activity.failed(&source, error);
            self.report_source_problems();
        }
        self.reports.push_back(Progress::SourceEnded { source, error });
        self.end_without_sources();
    }

    /// Ends the rollout when nothing more can come: every source has ended, and no pair waits for its label.
    fn end_without_sources(&mut self) {
        if self.open == 0 && self.state.awaiting_labels() == 0 {
            self.handle(Event::SourcesEnded(self.ended.join("; ")));
        }
    }

    pub(super) async fn ticked(&mut self) -> Result<()> {
        let now = self.driver.clock.now();
        if !self.backoff.is_waiting() {
            match self.renew().await {
                Ok(Renewal::NotDue) => {}
                Ok(_) => self.backoff.succeeded(),
                Err(error) => self.postpone(error)?,
            }
        }
        self.flush_stored();
        let overdue = self.is_overdue();
        self.handle(Event::Tick(now));
        if !self.ended.is_empty() {
            self.end_without_sources();
        }
        if let (false, true, Some(step)) =
            (overdue, self.is_overdue(), self.state.awaits_approval())
        {
            let waited = self.state.awaited().unwrap_or_default();
            self.reports.push_back(Progress::ApprovalOverdue { step, waited });
        }
        self.report_silent_sources(now);
        self.reports.push_back(Progress::Seen(self.snapshot()));
        // Before the preparation and after the decision there is nothing to store.
        let stored = !(*self.state.phase() == Phase::Inspecting
            || self.state.is_done()
            || self.state.keeps_old_version());
        if stored && now.since(self.saved) >= self.time_between_saves() && self.actions.is_empty() {
            self.actions.push_back(Action::Save);
        }
        Ok(())
    }

    fn time_between_saves(&self) -> Duration {
        let growing = FIRST_SAVE.saturating_mul(2_u32.saturating_pow(self.saves.min(16)));
        let longest = match self.state.resumed() {
            0 => self.driver.save_every,
            _ => self.driver.save_every.min(SAVE_RESUMED),
        };
        growing.min(longest)
    }

    /// Reports each source that has been silent for long while the step is held, once for each silence.
    fn report_silent_sources(&mut self, now: Timestamp) {
        if *self.state.phase() != Phase::Holding {
            return;
        }
        let quiet = self.activity.newly_silent(now, self.state.since());
        if !quiet.is_empty() {
            let report = |(source, silent)| Progress::SourceQuiet { source, silent };
            self.reports.extend(quiet.into_iter().map(report));
            self.report_source_problems();
        }
    }

    /// Passes on the problems of the sources that give nothing, for the verdict's sentence.
    fn report_source_problems(&mut self) {
        let problems = self.activity.problems(self.driver.clock.now(), self.state.since());
        self.handle(Event::SourceProblem(problems));
    }
}
