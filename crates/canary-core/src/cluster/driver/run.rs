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
    stream::{self, BoxStream, SelectAll},
};
use serde_json::Value;
use tokio::sync::mpsc;

use super::{
    super::{Cluster, WatchEvent},
    Driver,
    backoff::Backoff,
    lease::Lease,
    progress::{Command, Control, Progress, Snapshot},
    target::{Target, Write},
};
use crate::{
    Error, Result,
    evidence::{Observation, ScoreValue, Seen, Source, Timestamp},
    rollout::{Action, Event, Machine, Split, State, patch::locate},
};

/// Observations taken in a row before the clock is looked at.
const IN_A_ROW: u32 = 64;

/// A running rollout: a stream of [`Progress`] that ends with [`Progress::Finished`], with [`Progress::Suspended`] or with
/// an error.
///
/// The driver works while this is polled. After an error the mesh is as it was last written; starting again with the
/// same plan goes on from there.
pub struct Run(BoxStream<'static, Result<Progress>>);

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
enum Input {
    Observed(Observation),
    Ended(String, Option<Error>),
    Tick,
    Command(Command),
    /// Something was seen of the object that is being changed.
    Watched(Result<WatchEvent>),
    /// The wait after a failure is over.
    Again,
}

struct Running<C> {
    driver: Driver<C>,
    target: Target<C>,
    lease: Lease<C>,
    state: State,
    actions: VecDeque<Action>,
    reports: VecDeque<Progress>,
    inputs: SelectAll<BoxStream<'static, Input>>,
    /// Sources that have not ended, and what those that have said.
    open: usize,
    farewells: Vec<String>,
    commands: Option<mpsc::UnboundedReceiver<Command>>,
    changes: stream::Fuse<BoxStream<'static, Result<WatchEvent>>>,
    /// Whether the object has to be compared with what was last written.
    look: bool,
    backoff: Backoff,
    timer: BoxFuture<'static, ()>,
    in_a_row: u32,
    saved: Timestamp,
    over: bool,
}

pub(super) async fn start<C: Cluster + 'static>(mut driver: Driver<C>) -> Result<(Run, Control)> {
    let plan = driver.machine.plan().clone();
    let (cluster, clock) = (Arc::clone(&driver.cluster), Arc::clone(&driver.clock));
    let now = clock.now();
    let mut target = Target::new(Arc::clone(&cluster), clock, plan.clone());
    // The first look needs no lock, and says what is wrong before anything is written.
    target.read().await?;
    let mut lease =
        Lease::take(Arc::clone(&cluster), &plan, driver.holder.clone(), driver.lease, now).await?;
    let opened = open(&driver.machine, driver.anew, &mut target, now).await;
    let (state, resumed, event) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            lease.release().await;
            return Err(error);
        }
    };
    let mut inputs = SelectAll::new();
    let sources = std::mem::take(&mut driver.sources);
    let open = sources.len();
    for source in sources {
        inputs.push(observe(source, &state));
    }
    let (sender, commands) = mpsc::unbounded_channel();
    let changes = cluster.watch(target.watched()).boxed().fuse();
    let timer = driver.clock.sleep(driver.tick);
    let mut running = Running {
        driver,
        target,
        lease,
        state,
        actions: VecDeque::new(),
        reports: VecDeque::new(),
        inputs,
        open,
        farewells: Vec::new(),
        commands: Some(commands),
        changes,
        look: false,
        backoff: Backoff::default(),
        timer,
        in_a_row: 0,
        saved: now,
        over: false,
    };
    running.reports.push_back(Progress::Started { resumed, step: running.state.step() });
    running.tell(event);
    let stream = stream::unfold(running, |mut running| async move {
        let item = running.next().await;
        item.map(|item| (item, running))
    });
    Ok((Run(stream.fuse().boxed()), Control { commands: sender }))
}

/// The stored state, or a new one; whether it was stored; and the event to begin with.
async fn open<C: Cluster>(
    machine: &Machine,
    anew: bool,
    target: &mut Target<C>,
    now: Timestamp,
) -> Result<(State, bool, Event)> {
    let plan = machine.plan();
    let (live, stored) = target.read().await?;
    if let Some(text) = stored.filter(|text| !anew && !is_finished_other(text, &plan.hash())) {
        let state = State::decode(&text, plan)?;
        let edits = target.edits(&state, &live);
        let event = if edits.is_empty() { Event::Started(now) } else { Event::Edited(edits) };
        return Ok((state, true, event));
    }
    let located = locate(plan, &live)?;
    if located.split != Some(Split::STABLE) {
        return Err(Error::Plan(format!(
            "the canary {} already has traffic (weights {:?} in spec.http[{}]); a rollout begins with everything at {}",
            plan.canary, located.weights, located.http, plan.stable
        )));
    }
    Ok((machine.begin(now)?, false, Event::Started(now)))
}

/// Whether a stored state is that of another plan's rollout which is over, and so in nobody's way.
fn is_finished_other(text: &str, hash: &str) -> bool {
    let Ok(state) = serde_json::from_str::<Value>(text) else { return false };
    state.pointer("/phase/done").is_some() && state["plan"] != hash
}

fn observe(source: Box<dyn Source>, state: &State) -> BoxStream<'static, Input> {
    let name = source.name().to_owned();
    let after = state.last_of(&name);
    let failed_name = name.clone();
    let items = source.observations(after).map(move |item| match item {
        Ok(observation) => Input::Observed(observation),
        Err(error) => Input::Ended(failed_name.clone(), Some(error)),
    });
    // After an error that does not pass, nothing more is expected; the end is told once.
    let ended = stream::once(async move { Input::Ended(name, None) });
    items
        .chain(ended)
        .scan(false, |over, input| {
            let skip = *over;
            *over |= match &input {
                Input::Ended(_, Some(error)) => !error.is_retryable(),
                Input::Ended(_, None) => true,
                _ => false,
            };
            std::future::ready((!skip).then_some(input))
        })
        .boxed()
}

impl<C: Cluster + 'static> Running<C> {
    async fn next(&mut self) -> Option<Result<Progress>> {
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
            if self.look {
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
            Input::Watched(event) => self.watched(event)?,
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
    fn watched(&mut self, event: Result<WatchEvent>) -> Result<()> {
        match event {
            Ok(WatchEvent::Applied(live)) if self.target.is_known(&live) => {}
            Ok(_) => self.look = true,
            // The watch goes on by itself, and tells what happened meanwhile.
            Err(error) if error.is_retryable() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn compare(&mut self) -> Result<()> {
        match self.target.compare(&self.state).await {
            Err(error) => return self.put_off(error),
            Ok(edits) if edits.is_empty() => {}
            Ok(edits) => self.tell(Event::Edited(edits)),
        }
        self.look = false;
        self.backoff.succeeded();
        Ok(())
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
            if let Poll::Ready(Some(event)) = changes.poll_next_unpin(cx) {
                return Poll::Ready(Input::Watched(event));
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

    fn tell(&mut self, event: Event) {
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
                let state = self.state.clone();
                self.write(&state, None, None).await?;
            }
            Action::Prepare => {
                self.target.ensure_subset().await?;
                let mut next = self.state.clone();
                let mut actions = Vec::new();
                self.driver.machine.advance(&mut next, Event::Prepared, &mut actions);
                if self.write(&next, None, Some(true)).await? {
                    self.reports.push_back(Progress::Prepared);
                    self.actions.extend(actions);
                }
            }
            Action::Probe => self.probe().await?,
            Action::AskGate(gate) => self.ask(gate).await?,
            Action::Write { split, last } => {
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
            Write::Edited(diff) => {
                self.actions.clear();
                self.tell(Event::Edited(diff));
                // A rollout that was over already stays as it was decided.
                self.actions.clear();
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
