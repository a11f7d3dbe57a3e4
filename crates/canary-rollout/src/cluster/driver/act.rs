//! Carries out the machine's actions in the cluster.

use std::time::Duration;

use super::{
    super::{Cluster, Presence},
    journal,
    progress::Progress,
    run::Running,
    target::{Purpose, Write},
};
use crate::{Action, Error, Event, Missing, Result, Split, State, evidence::Timestamp};

/// The least time between two checks of the release behind the canary while a step is held.
const RELEASE_EVERY: Duration = Duration::from_secs(10);

/// The longest single wait, so that the lock is renewed in between.
const PIECE: Duration = Duration::from_secs(1);

impl<C: Cluster + 'static> Running<C> {
    pub(super) async fn act(&mut self, action: Action) -> Result<()> {
        // A driver that was suspended for long writes nothing before it has checked that it still holds the lock.
        self.renew().await?;
        match action {
            Action::Save => self.save().await,
            Action::Inspect => self.inspect().await,
            Action::Prepare => self.prepare().await,
            Action::Probe => self.probe().await,
            Action::JudgeGate(gate) => self.judge_gate(gate).await,
            Action::Write { split, last: false } => self.write_step(split).await,
            Action::Write { split, last: true } => self.end(Purpose::End(split)).await,
            Action::Leave => self.end(Purpose::Leave).await,
            Action::CleanUp => self.clean_up().await,
            Action::RemoveSubset => self.remove_subset().await,
            Action::FindOldVersion => self.find_old_version().await,
            Action::ScaleDown => self.scale_down().await,
        }
    }

    async fn save(&mut self) -> Result<()> {
        // A deletion before the watch began causes no event.
        if self.subsets_edited().await? || self.release_is_another(RELEASE_EVERY).await? {
            return Ok(());
        }
        let state = self.state.clone();
        if self.write(state, Purpose::Save).await? {
            self.saves = self.saves.saturating_add(1);
        }
        Ok(())
    }

    /// Checks that the canary's subset has ready pods, before anything is written.
    async fn inspect(&mut self) -> Result<()> {
        let (presence, _) = self.target.canary().await?;
        let canary = &self.driver.machine.plan().canary;
        let (problem, found) = match presence {
            Presence::Ready { .. } => (None, Ok(())),
            // Without a Service the pods are unknown; the canary's response to the probe decides.
            Presence::Unknown { why } => (Some(why), Ok(())),
            Presence::Missing { why, hopeless } => {
                let why = format!("no pod of {canary} is ready: {why}");
                let missing = if hopeless { Missing::for_good(&why) } else { Missing::yet(&why) };
                (Some(why), Err(missing))
            }
        };
        let missing = found.is_err();
        self.reports.push_back(Progress::Inspected { problem });
        self.handle(Event::Inspected(found));
        if missing { self.wait_a_tick().await } else { Ok(()) }
    }

    async fn prepare(&mut self) -> Result<()> {
        let subsets = self.target.ensure_subset().await?;
        let (_, release) = self.target.canary().await?;
        let mut next = self.state.clone();
        let mut actions = Vec::new();
        let machine = &self.driver.machine;
        let seen = [subsets.map(Event::SubsetsSeen), release.map(Event::ReleaseSeen)];
        for event in seen.into_iter().flatten() {
            machine.advance(&mut next, event, &mut actions);
        }
        // Where the plan has no header, a header route is created for the time of the probe.
        let header_route = self.driver.probe.is_some();
        machine.advance(&mut next, Event::Prepared { header_route }, &mut actions);
        let purpose = if header_route { Purpose::HeaderRoute } else { Purpose::Save };
        if self.write(next, purpose).await? {
            self.reports.push_back(Progress::Prepared);
            self.actions.extend(actions);
            if !header_route && self.target.created_subset().await? {
                // It cannot be checked that the mesh knows the new subset, so wait before a route names it.
                self.settle_since(self.driver.clock.now()).await?;
            }
        }
        Ok(())
    }

    async fn write_step(&mut self, split: Split) -> Result<()> {
        // No request is sent to a subset whose pods are not those that were judged, or that has none.
        if split.canary > 0 || split.mirror > 0 {
            if self.subsets_edited().await? || self.release_is_another(Duration::ZERO).await? {
                return Ok(());
            }
            if let (Presence::Missing { why, hopeless }, _) = self.target.canary().await? {
                let missing = if hopeless { Missing::for_good(&why) } else { Missing::yet(&why) };
                self.reports.push_back(Progress::Inspected { problem: Some(why) });
                self.handle(Event::Inspected(Err(missing)));
                return self.wait_a_tick().await;
            }
        }
        let step = self.state.step();
        let (next, actions) = self.after_written();
        if self.write(next, Purpose::Step(split)).await? {
            self.reports.push_back(Progress::Written { step, split });
            self.actions.extend(actions);
        }
        Ok(())
    }

    /// The reason why a person cannot promote the canary now: its pods are missing, have been replaced by another
    /// release, or cannot be read.
    pub(super) async fn obstacle_to_promotion(&mut self) -> Option<String> {
        if self.state.is_decided() {
            return None;
        }
        let found = async {
            let edited = self.subsets_edited().await?;
            if edited || self.release_is_another(Duration::ZERO).await? {
                return Ok(Some("somebody else has changed the canary".to_owned()));
            }
            Ok(match self.target.canary().await?.0 {
                Presence::Missing { why, .. } => {
                    Some(format!("no pod of the canary is ready: {why}"))
                }
                _ => None,
            })
        };
        match found.await {
            Ok(obstacle) => obstacle,
            Err::<_, Error>(error) => Some(format!("the canary's pods cannot be checked: {error}")),
        }
    }

    /// The write that ends the rollout.
    async fn end(&mut self, purpose: Purpose) -> Result<()> {
        // A promotion that had to wait for the cluster, or that raises the weight, may meet a canary that has gone.
        let raises = |split: Split| self.state.split().map_or(0, |now| now.canary) < split.canary;
        if let Purpose::End(split) = purpose
            && raises(split)
            && let (Presence::Missing { why, .. }, _) = self.target.canary().await?
        {
            self.reports.push_back(Progress::Inspected { problem: Some(why.clone()) });
            self.handle(Event::Inspected(Err(Missing::for_good(why))));
            return Ok(());
        }
        let step = self.state.step();
        let (next, actions) = self.after_written();
        if !actions.contains(&Action::RemoveSubset) {
            // Before the routes: a driver that is killed in between comes back and ends the same rollout.
            self.target.keep_subset().await?;
        }
        if self.write(next, purpose).await? {
            if let Purpose::End(split) = purpose {
                self.reports.push_back(Progress::Written { step, split });
            }
            self.actions.extend(actions);
        }
        Ok(())
    }

    /// The state after the pending write, and the actions that follow it.
    fn after_written(&self) -> (State, Vec<Action>) {
        let mut next = self.state.clone();
        let mut actions = Vec::new();
        let machine = &self.driver.machine;
        // Only the time advances here; decisions are left to the tick.
        next.pass_time(self.driver.clock.now());
        machine.advance(&mut next, Event::Written, &mut actions);
        (next, actions)
    }

    /// Removes the rollout's objects after somebody else's edit. Where that is no longer permitted, it is reported and
    /// they are left: nothing else depends on them.
    async fn clean_up(&mut self) -> Result<()> {
        match self.target.clean_up(&self.state).await {
            Err(error) if !error.is_retryable() => {
                let problem = format!("the header route or mirror of the run stays: {error}");
                let wait = Duration::ZERO;
                self.reports.push_back(Progress::Waiting { problem, attempt: 1, wait });
                Ok(())
            }
            done => done,
        }
    }

    /// Removes the subset that the rollout created, after the routes that named it are out of force everywhere.
    async fn remove_subset(&mut self) -> Result<()> {
        if self.target.created_subset().await? {
            self.settle_since(self.state.since()).await?;
        }
        match self.target.drop_subset().await {
            // Without the rule there is no subset either.
            Ok(()) | Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
        self.handle(Event::SubsetRemoved);
        Ok(())
    }

    /// Waits until the plan's settling time after a write is over.
    async fn settle_since(&mut self, written: Timestamp) -> Result<()> {
        let settled = written.plus(self.driver.machine.plan().settle);
        loop {
            let left = settled.since(self.driver.clock.now());
            if left.is_zero() {
                return Ok(());
            }
            self.driver.clock.sleep(left.min(PIECE)).await;
            self.renew().await?;
        }
    }

    /// Returns `true` when somebody has changed the labels of a subset or removed it; the run is then over.
    pub(super) async fn subsets_edited(&mut self) -> Result<bool> {
        let edits = self.target.compare_subsets(&self.state).await?;
        let edited = !edits.is_empty();
        if edited {
            self.edited(edits);
        }
        Ok(edited)
    }

    /// Returns `true` when another release is behind the canary's subset; the run is then over, because its evidence is
    /// about the one before. Checked no more often than `every`.
    async fn release_is_another(&mut self, every: Duration) -> Result<bool> {
        let now = self.driver.clock.now();
        if self.state.is_decided()
            || self.state.release().is_none()
            || now.since(self.release_checked) < every
        {
            return Ok(false);
        }
        let (_, found) = self.target.canary().await?;
        self.release_checked = now;
        let edits = self.target.other_release(&self.state, found.as_deref());
        let another = !edits.is_empty();
        if another {
            self.edited(edits);
        }
        Ok(another)
    }

    /// Writes and adopts `next`; `false` when somebody else had changed the object.
    pub(super) async fn write(&mut self, next: State, purpose: Purpose) -> Result<bool> {
        let mut stored = true;
        let (before, step) = (journal::Before::of(&self.state), self.state.step());
        self.state = match self.target.write(&self.state, &next, purpose).await? {
            Write::Done => next,
            Write::Adopted(state) => *state,
            Write::Earlier => {
                stored = false;
                next
            }
            Write::Edited(edits) => {
                self.edited(edits);
                return Ok(false);
            }
        };
        if let Purpose::Step(split) | Purpose::End(split) = purpose {
            journal::written(self.driver.machine.plan(), &self.state, step, split);
        }
        before.log_changes(&self.state);
        let now = self.driver.clock.now();
        self.saved = now;
        if matches!(purpose, Purpose::Step(_) | Purpose::End(_)) {
            self.handle(Event::Acknowledged(now));
        }
        if stored {
            self.handle(Event::Saved);
        }
        Ok(true)
    }

    /// Waits before the next check of readiness; time passes for the machine meanwhile.
    async fn wait_a_tick(&mut self) -> Result<()> {
        self.driver.clock.sleep(self.driver.tick).await;
        self.ticked().await
    }

    async fn probe(&mut self) -> Result<()> {
        let Some(probe) = &self.driver.probe else {
            return Err(Error::Plan(
                "the rollout has a header route, and the driver no probe".to_owned(),
            ));
        };
        let answer = probe.reach().await;
        let problem = answer.as_ref().err().map(|missing| missing.why.clone());
        let failed = problem.is_some();
        self.reports.push_back(Progress::Probed { problem });
        self.handle(Event::Probed(answer));
        if failed { self.wait_a_tick().await } else { Ok(()) }
    }

    async fn judge_gate(&mut self, name: String) -> Result<()> {
        let gate = self.driver.machine.plan().gate_named(&name).cloned();
        let (Some(gate), Some(probe)) = (gate, &self.driver.probe) else {
            return Err(Error::Plan(format!("gate {name} cannot be evaluated: it needs a probe")));
        };
        let mut answers = Vec::with_capacity(gate.golden.len());
        for golden in &gate.golden {
            answers.push(probe.classify(&golden.input).await);
        }
        let outcome = gate.judge(&answers);
        self.reports
            .push_back(Progress::GateJudged { gate: name.clone(), outcome: outcome.clone() });
        self.handle(Event::GateJudged { gate: name, outcome });
        Ok(())
    }
}
