//! The running driver: a stream of what it does.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
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
    Driver,
    backoff::Backoff,
    lease::Lease,
    progress::{Command, Progress, Snapshot},
    target::{Target, Write},
};
use crate::{
    Error, Result,
    evidence::{Observation, ScoreValue, Seen, Timestamp},
    rollout::{Action, Event, Split, State, patch::Differences},
};

/// Observations taken in a row before the clock is looked at.
const IN_A_ROW: u32 = 64;

/// A running rollout: a stream of [`Progress`] that ends with [`Progress::Finished`], with [`Progress::Suspended`] or with
/// an error.
///
/// The driver works while this is polled. After an error the mesh is as it was last written; starting again with the
/// same plan goes on from there.
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

/// What the driver waits for.
pub(super) enum Input {
    Observed(Observation),
    Ended(String, Option<Error>),
    Tick,
    Command(Command),
    /// Something was seen of one of the objects that are being changed.
    Watched(Watched, Result<WatchEvent>),
    /// The wait after a failure is over.
    Again,
}

/// Which object a watch is on.
#[derive(Clone, Copy)]
pub(super) enum Watched {
    Routes,
    Subsets,
}

/// Which objects have to be compared with what was last written or seen.
#[derive(Clone, Copy, Default)]
pub(super) struct Look {
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
    /// Sources that have not ended, and what those that have said.
    pub(super) open: usize,
    pub(super) farewells: Vec<String>,
    pub(super) commands: Option<mpsc::UnboundedReceiver<Command>>,
    pub(super) changes: SelectAll<BoxStream<'static, (Watched, Result<WatchEvent>)>>,
    pub(super) look: Look,
    pub(super) backoff: Backoff,
    pub(super) timer: BoxFuture<'static, ()>,
    pub(super) in_a_row: u32,
    pub(super) saved: Timestamp,
    pub(super) over: bool,
}

impl<C: Cluster + 'static> Running<C> {
    pub(super) async fn next(&mut self) -> Option<Result<Progress>> {
        loop {
            if let Some(report) = self.reports.pop_front() {
                return Some(Ok(report));
            }
            if self.over {
                return None;
            }
            if let Err(error) = self.turn().await {
                self.over = true;
                self.lease.release().await;
                return Some(Err(error));
            }
        }
    }

    async fn turn(&mut self) -> Result<()> {
        // A person is heard also while there is always something to do, such as a probe that fails.
        if let Some(command) = self.commands.as_mut().and_then(|sent| sent.try_recv().ok()) {
            return self.obey(command).await;
        }
        if !self.backoff.is_waiting() {
            if let Some(action) = self.actions.pop_front() {
                return match self.act(action.clone()).await {
                    Ok(()) => {
                        self.backoff.succeeded();
                        Ok(())
                    }
                    Err(error) => {
                        self.actions.push_front(action);
                        self.put_off(error)
                    }
                };
            }
            if self.look.routes || self.look.subsets {
                return self.compare().await;
            }
        }
        if self.actions.is_empty() && self.state.is_done() {
            self.over = true;
            self.lease.release().await;
            // What there was at the end, of which the verdict names only what decided.
            self.reports.push_back(Progress::Seen(self.snapshot()));
            self.reports.push_back(Progress::Finished { verdict: self.state.verdict() });
            return Ok(());
        }
        match self.wait().await {
            Input::Observed(observation) => self.observe(observation),
            Input::Ended(source, error) => self.ended(source, error),
            Input::Tick => self.ticked().await?,
            Input::Watched(what, event) => self.watched(what, event)?,
            Input::Again => {}
            Input::Command(command) => self.obey(command).await?,
        }
        Ok(())
    }

    async fn obey(&mut self, command: Command) -> Result<()> {
        match command {
            Command::Pause => {
                self.tell(Event::Pause);
                self.reports.push_back(Progress::Paused);
            }
            Command::Resume => {
                self.tell(Event::Resume);
                self.reports.push_back(Progress::Resumed);
            }
            Command::Suspend => self.suspend().await?,
            Command::Abort(why) => self.tell(Event::Abort(why)),
        }
        Ok(())
    }

    /// Stores the state and leaves; what was still to be done is done by the driver that goes on.
    async fn suspend(&mut self) -> Result<()> {
        if self.state.is_done() && self.actions.is_empty() {
            return Ok(());
        }
        self.lease.renew(self.driver.clock.now()).await?;
        let state = self.state.clone();
        if self.write(&state, None, None).await? {
            self.over = true;
            self.lease.release().await;
            let (step, split) = (self.state.step(), self.state.split());
            self.reports.push_back(Progress::Suspended { step, split });
        }
        Ok(())
    }

    /// What cannot be done now is done later; an error that does not pass ends the run.
    fn put_off(&mut self, error: Error) -> Result<()> {
        if !error.is_retryable() {
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

    /// A change by somebody else is looked at, unless a write is due, which compares by itself.
    fn watched(&mut self, what: Watched, event: Result<WatchEvent>) -> Result<()> {
        match (what, event) {
            (Watched::Routes, Ok(WatchEvent::Applied(live))) if self.target.is_known(&live) => {}
            (Watched::Subsets, Ok(WatchEvent::Applied(live)))
                if self.target.is_known_rule(&live) => {}
            (Watched::Routes, Ok(_)) => self.look.routes = true,
            (Watched::Subsets, Ok(_)) => self.look.subsets = true,
            // The watch goes on by itself, and tells what happened meanwhile.
            (_, Err(error)) if error.is_retryable() => {}
            (_, Err(error)) => return Err(error),
        }
        Ok(())
    }

    async fn compare(&mut self) -> Result<()> {
        match self.look_at_edits().await {
            Err(error) => return self.put_off(error),
            Ok(edits) if edits.is_empty() => {}
            Ok(edits) => self.edited(edits),
        }
        self.look = Look::default();
        self.backoff.succeeded();
        Ok(())
    }

    async fn look_at_edits(&mut self) -> Result<Differences> {
        if self.look.routes {
            let edits = self.target.compare(&self.state).await?;
            if !edits.is_empty() {
                return Ok(edits);
            }
        }
        if self.look.subsets {
            return self.target.compare_subsets(&self.state).await;
        }
        Ok(Differences::default())
    }

    /// Somebody else has changed something: the run is over, and what was still to be written is not written. A
    /// rollout that was over already stays as it was decided.
    fn edited(&mut self, edits: Differences) {
        self.actions.clear();
        self.tell(Event::Edited(edits));
        self.actions.clear();
    }

    async fn wait(&mut self) -> Input {
        self.in_a_row += 1;
        if self.in_a_row.is_multiple_of(IN_A_ROW) {
            // A source that is always ready must not keep the rest of the program waiting.
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

    pub(super) fn tell(&mut self, event: Event) {
        let mut actions = Vec::new();
        let decided = self.state.is_decided();
        self.driver.machine.advance(&mut self.state, event, &mut actions);
        if !decided && self.state.is_decided() {
            // What was still to be done for a step is not wanted any more.
            self.actions.clear();
        }
        self.actions.extend(actions);
    }

    fn observe(&mut self, observation: Observation) {
        let mut scored = Vec::new();
        for (guardrail, score) in &self.driver.scores {
            if let Some(value) = score.score(&observation) {
                let what = Seen::Score(ScoreValue { guardrail: Arc::clone(guardrail), value });
                scored.push(Observation { sequence: None, what, ..observation.clone() });
            }
        }
        let before = self.state.totals();
        self.tell(Event::Observed(observation));
        let after = self.state.totals();
        // A duplicate or a repeated input is none for a score either.
        if (before.duplicates, before.repeated) == (after.duplicates, after.repeated) {
            for observation in scored {
                self.tell(Event::Observed(observation));
            }
        }
    }

    fn ended(&mut self, source: String, error: Option<Error>) {
        let passing = error.as_ref().is_some_and(Error::is_retryable);
        let error = error.map(|error| error.to_string());
        if !passing {
            self.open -= 1;
            let said = error.as_deref().unwrap_or("it has no more observations");
            self.farewells.push(format!("{source}: {said}"));
        }
        self.reports.push_back(Progress::SourceEnded { source, error });
        if self.open == 0 {
            self.tell(Event::SourcesEnded(self.farewells.join("; ")));
        }
    }

    /// Where it stands.
    fn snapshot(&self) -> Snapshot {
        let (requests, pairs) = self.state.seen_at_step();
        Snapshot {
            step: self.state.step(),
            split: self.state.split(),
            requests,
            pairs,
            held: self.state.held(),
            totals: self.state.totals(),
            readings: self.state.readings(self.driver.machine.plan()),
        }
    }

    async fn ticked(&mut self) -> Result<()> {
        let now = self.driver.clock.now();
        if !self.backoff.is_waiting() {
            match self.lease.renew(now).await {
                Ok(true) => self.backoff.succeeded(),
                Ok(false) => {}
                Err(error) => self.put_off(error)?,
            }
        }
        self.tell(Event::Tick(now));
        self.reports.push_back(Progress::Seen(self.snapshot()));
        if now.since(self.saved) >= self.driver.save_every && self.actions.is_empty() {
            self.actions.push_back(Action::Save);
        }
        Ok(())
    }

    async fn act(&mut self, action: Action) -> Result<()> {
        // A driver that was away for long writes nothing before it knows that the lock is still its own.
        self.lease.renew(self.driver.clock.now()).await?;
        match action {
            Action::Save => {
                // What was deleted before the watch had begun is told by no event.
                if self.subsets_edited().await? {
                    return Ok(());
                }
                let state = self.state.clone();
                self.write(&state, None, None).await?;
            }
            Action::Prepare => {
                let subsets = self.target.ensure_subset().await?;
                let mut next = self.state.clone();
                let mut actions = Vec::new();
                if let Some(subsets) = subsets {
                    let seen = Event::SubsetsSeen(subsets);
                    self.driver.machine.advance(&mut next, seen, &mut actions);
                }
                self.driver.machine.advance(&mut next, Event::Prepared, &mut actions);
                if self.write(&next, None, Some(true)).await? {
                    self.reports.push_back(Progress::Prepared);
                    self.actions.extend(actions);
                }
            }
            Action::Probe => self.probe().await?,
            Action::AskGate(gate) => self.ask(gate).await?,
            Action::Write { split, last } => {
                // No request is sent to a subset that is of other pods than those that were judged.
                if split != Split::STABLE && self.subsets_edited().await? {
                    return Ok(());
                }
                let mut next = self.state.clone();
                let mut actions = Vec::new();
                let machine = &self.driver.machine;
                machine.advance(&mut next, Event::Tick(self.driver.clock.now()), &mut actions);
                actions.clear();
                machine.advance(&mut next, Event::Written, &mut actions);
                let step = self.state.step();
                let header = last.then_some(false);
                if self.write(&next, Some(split), header).await? {
                    self.reports.push_back(Progress::Written { step, split });
                    self.actions.extend(actions);
                }
            }
            Action::RemoveSubset => {
                self.target.drop_subset().await?;
                self.tell(Event::SubsetRemoved);
            }
        }
        Ok(())
    }

    /// Whether somebody has made other pods of a subset, or taken it away; then the run is over.
    async fn subsets_edited(&mut self) -> Result<bool> {
        let edits = self.target.compare_subsets(&self.state).await?;
        let edited = !edits.is_empty();
        if edited {
            self.edited(edits);
        }
        Ok(edited)
    }

    /// Writes and adopts `next`; `false` when somebody else had changed the object.
    async fn write(
        &mut self,
        next: &State,
        split: Option<Split>,
        header: Option<bool>,
    ) -> Result<bool> {
        match self.target.write(&self.state, next, split, header).await? {
            Write::Done => {
                self.state = next.clone();
                self.saved = self.driver.clock.now();
                Ok(true)
            }
            Write::Edited(edits) => {
                self.edited(edits);
                Ok(false)
            }
        }
    }

    async fn probe(&mut self) -> Result<()> {
        let Some(probe) = &self.driver.probe else {
            return Err(Error::Plan("the plan has a header, and the driver no probe".to_owned()));
        };
        let answer = probe.reach().await;
        let problem = answer.as_ref().err().cloned();
        let failed = problem.is_some();
        self.reports.push_back(Progress::Probed { problem });
        self.tell(Event::Probed(answer));
        if failed {
            self.driver.clock.sleep(self.driver.tick).await;
            self.ticked().await?;
        }
        Ok(())
    }

    async fn ask(&mut self, name: String) -> Result<()> {
        let gate = self.driver.machine.plan().gate_named(&name).cloned();
        let (Some(gate), Some(probe)) = (gate, &self.driver.probe) else {
            return Err(Error::Plan(format!("gate {name} cannot be asked: it needs a probe")));
        };
        let mut answers = Vec::with_capacity(gate.golden.len());
        for golden in &gate.golden {
            answers.push(probe.classify(&golden.input).await);
        }
        let outcome = gate.judge(&answers);
        self.reports
            .push_back(Progress::GateJudged { gate: name.clone(), outcome: outcome.clone() });
        self.tell(Event::GateJudged { gate: name, outcome });
        Ok(())
    }
}
