//! Carries out the machine's actions in the cluster.

use std::time::Duration;

use super::{
    super::{Cluster, Presence},
    edits, journal,
    progress::Progress,
    running::Running,
    scale_down,
    target::{Purpose, Write},
    tick,
};
use crate::{Action, Error, Event, Missing, Percent, Result, Split, State, evidence::Timestamp};

/// The least time between two checks of the release behind the canary while a step is held.
const RELEASE_EVERY: Duration = Duration::from_secs(10);

/// The longest single wait, so that the lock is renewed in between.
const PIECE: Duration = Duration::from_secs(1);

pub(super) async fn carry_out<C: Cluster + 'static>(
    running: &mut Running<C>,
    action: Action,
) -> Result<()> {
    // A driver that was suspended for long writes nothing before it has checked that it still holds the lock.
    running.renew().await?;
    match action {
        Action::Save => save(running).await,
        Action::Inspect => inspect(running).await,
        Action::Prepare => prepare(running).await,
        Action::Probe => probe(running).await,
        Action::JudgeGate(gate) => judge_gate(running, gate).await,
        Action::Write { split, last: false } => write_step(running, split).await,
        Action::Write { split, last: true } => end(running, Purpose::End(split)).await,
        Action::Leave => end(running, Purpose::Leave).await,
        Action::CleanUp => clean_up(running).await,
        Action::RemoveSubset => remove_subset(running).await,
        Action::FindOldVersion => scale_down::find(running).await,
        Action::ScaleDown => scale_down::carry_out(running).await,
    }
}

async fn save<C: Cluster + 'static>(running: &mut Running<C>) -> Result<()> {
    // A deletion before the watch began causes no event.
    if edits::of_subsets(running).await? || edits::of_release(running, RELEASE_EVERY).await? {
        return Ok(());
    }
    let state = running.state.clone();
    if write(running, state, Purpose::Save).await? {
        running.saves = running.saves.saturating_add(1);
    }
    Ok(())
}

/// Checks that the canary's subset has ready pods, before anything is written.
async fn inspect<C: Cluster + 'static>(running: &mut Running<C>) -> Result<()> {
    let (presence, _) = running.target.canary().await?;
    let canary = &running.driver.machine.plan().canary;
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
    running.reports.push_back(Progress::Inspected { problem });
    running.handle(Event::Inspected(found));
    if missing { tick::wait(running).await } else { Ok(()) }
}

async fn prepare<C: Cluster + 'static>(running: &mut Running<C>) -> Result<()> {
    let subsets = running.target.prepare().await?;
    let (_, release) = running.target.canary().await?;
    let mut next = running.state.clone();
    let mut actions = Vec::new();
    let machine = &running.driver.machine;
    let seen = [subsets.map(Event::SubsetsSeen), release.map(Event::ReleaseSeen)];
    for event in seen.into_iter().flatten() {
        machine.advance(&mut next, event, &mut actions);
    }
    // The probe needs a header route; one of a plan without a header is removed with the first step.
    let header_route = running.driver.probe.is_some();
    machine.advance(&mut next, Event::Prepared { header_route }, &mut actions);
    let purpose = if header_route { Purpose::HeaderRoute } else { Purpose::Save };
    if write(running, next, purpose).await? {
        running.reports.push_back(Progress::Prepared);
        running.actions.extend(actions);
        if !header_route && running.target.created_version().await? {
            // It cannot be checked that the mesh knows the new subset, so wait before a route names it.
            settle_since(running, running.driver.clock.now()).await?;
        }
    }
    Ok(())
}

async fn probe<C: Cluster + 'static>(running: &mut Running<C>) -> Result<()> {
    let Some(probe) = &running.driver.probe else {
        return Err(Error::Plan(
            "the rollout has a header route, and the driver no probe".to_owned(),
        ));
    };
    let answer = match running.target.expose(&running.state).await? {
        Ok(()) => probe.reach().await,
        Err(missing) => Err(missing),
    };
    let problem = answer.as_ref().err().map(|missing| missing.why.clone());
    let failed = problem.is_some();
    running.reports.push_back(Progress::Probed { problem });
    running.handle(Event::Probed(answer));
    if failed { tick::wait(running).await } else { Ok(()) }
}

async fn judge_gate<C: Cluster + 'static>(running: &mut Running<C>, name: String) -> Result<()> {
    let gate = running.driver.machine.plan().gate_named(&name).cloned();
    let (Some(gate), Some(probe)) = (gate, &running.driver.probe) else {
        return Err(Error::Plan(format!("gate {name} cannot be evaluated: it needs a probe")));
    };
    let mut answers = Vec::with_capacity(gate.golden.len());
    for golden in &gate.golden {
        answers.push(probe.classify(&golden.input).await);
    }
    let outcome = gate.judge(&answers);
    running
        .reports
        .push_back(Progress::GateJudged { gate: name.clone(), outcome: outcome.clone() });
    running.handle(Event::GateJudged { gate: name, outcome });
    Ok(())
}

async fn write_step<C: Cluster + 'static>(running: &mut Running<C>, split: Split) -> Result<()> {
    // No request is sent to a subset whose pods are not those that were judged, or that has none.
    if split.canary > 0 || split.mirror > 0 {
        if edits::of_subsets(running).await? || edits::of_release(running, Duration::ZERO).await? {
            return Ok(());
        }
        if let (Presence::Missing { why, hopeless }, _) = running.target.canary().await? {
            let missing = if hopeless { Missing::for_good(&why) } else { Missing::yet(&why) };
            running.reports.push_back(Progress::Inspected { problem: Some(why) });
            running.handle(Event::Inspected(Err(missing)));
            return tick::wait(running).await;
        }
    }
    let step = running.state.step();
    let (next, actions) = after_written(running);
    if write(running, next, Purpose::Step(split)).await? {
        running.reports.push_back(Progress::Written { step, split });
        running.actions.extend(actions);
    }
    Ok(())
}

/// The write that ends the rollout.
async fn end<C: Cluster + 'static>(running: &mut Running<C>, purpose: Purpose) -> Result<()> {
    // A promotion that had to wait for the cluster, or that raises the weight, may meet a canary that has gone.
    let raises =
        |split: Split| running.state.split().map_or(Percent::NONE, |now| now.canary) < split.canary;
    if let Purpose::End(split) = purpose
        && raises(split)
        && let (Presence::Missing { why, .. }, _) = running.target.canary().await?
    {
        running.reports.push_back(Progress::Inspected { problem: Some(why.clone()) });
        running.handle(Event::Inspected(Err(Missing::for_good(why))));
        return Ok(());
    }
    let step = running.state.step();
    let (next, actions) = after_written(running);
    if !actions.contains(&Action::RemoveSubset) {
        // Before the routes: a driver that is killed in between comes back and ends the same rollout.
        running.target.keep_version().await?;
    }
    if write(running, next, purpose).await? {
        if let Purpose::End(split) = purpose {
            running.reports.push_back(Progress::Written { step, split });
        }
        running.actions.extend(actions);
    }
    Ok(())
}

/// The state after the pending write, and the actions that follow it.
fn after_written<C: Cluster + 'static>(running: &Running<C>) -> (State, Vec<Action>) {
    let mut next = running.state.clone();
    let mut actions = Vec::new();
    let machine = &running.driver.machine;
    // Only the time advances here; decisions are left to the tick.
    next.pass_time(running.driver.clock.now());
    machine.advance(&mut next, Event::Written, &mut actions);
    (next, actions)
}

/// Removes the rollout's objects after somebody else's edit. Where that is no longer permitted, it is reported and
/// they are left: nothing else depends on them.
async fn clean_up<C: Cluster + 'static>(running: &mut Running<C>) -> Result<()> {
    match running.target.clean_up(&running.state).await {
        Err(error) if !error.is_retryable() => {
            let problem = format!("the header route or mirror of the run stays: {error}");
            let wait = Duration::ZERO;
            running.reports.push_back(Progress::Waiting { problem, attempt: 1, wait });
            Ok(())
        }
        done => done,
    }
}

/// Removes the subset that the rollout created, after the routes that named it are out of force everywhere.
async fn remove_subset<C: Cluster + 'static>(running: &mut Running<C>) -> Result<()> {
    if running.target.created_version().await? {
        settle_since(running, running.state.since()).await?;
    }
    match running.target.drop_version().await {
        // Without the rule there is no subset either.
        Ok(()) | Err(Error::NotFound { .. }) => {}
        Err(error) => return Err(error),
    }
    running.handle(Event::SubsetRemoved);
    Ok(())
}

/// Waits until the plan's settling time after a write is over.
async fn settle_since<C: Cluster + 'static>(
    running: &mut Running<C>,
    written: Timestamp,
) -> Result<()> {
    let settled = written.plus(running.driver.machine.plan().settle);
    loop {
        let left = settled.since(running.driver.clock.now());
        if left.is_zero() {
            return Ok(());
        }
        running.driver.clock.sleep(left.min(PIECE)).await;
        running.renew().await?;
    }
}

/// Writes and adopts `next`; `false` when somebody else had changed the object.
async fn write<C: Cluster + 'static>(
    running: &mut Running<C>,
    next: State,
    purpose: Purpose,
) -> Result<bool> {
    let mut stored = true;
    let (before, step) = (journal::Before::of(&running.state), running.state.step());
    running.state = match running.target.write(&running.state, &next, purpose).await? {
        Write::Done => next,
        Write::Adopted(state) => *state,
        Write::Earlier => {
            stored = false;
            next
        }
        Write::Edited(edits) => {
            running.edited(edits);
            return Ok(false);
        }
        Write::NotReady(missing) => {
            running.reports.push_back(Progress::Inspected { problem: Some(missing.why.clone()) });
            running.handle(Event::Inspected(Err(missing)));
            tick::wait(running).await?;
            return Ok(false);
        }
    };
    if let Purpose::Step(split) | Purpose::End(split) = purpose {
        journal::written(running.driver.machine.plan(), &running.state, step, split);
    }
    before.log_changes(&running.state);
    let now = running.driver.clock.now();
    running.saved = now;
    if matches!(purpose, Purpose::Step(_) | Purpose::End(_)) {
        running.handle(Event::Acknowledged(now));
    }
    if stored {
        running.handle(Event::Saved);
    }
    Ok(true)
}

/// Stores the state and ends; the driver that resumes carries out what is left to do.
pub(super) async fn suspend<C: Cluster + 'static>(running: &mut Running<C>) -> Result<()> {
    if running.state.is_done() && running.actions.is_empty() {
        return Ok(());
    }
    running.renew().await?;
    let state = running.state.clone();
    if write(running, state, Purpose::Save).await? {
        running.over = true;
        running.lease.release().await;
        let (step, split) = (running.state.step(), running.state.split());
        running.reports.push_back(Progress::Suspended { step, split });
    }
    Ok(())
}
