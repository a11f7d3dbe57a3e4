//! The beginning of a run: the lock, the stored state or a new one, the sources and the watches.

use std::{collections::VecDeque, sync::Arc};

use futures_util::{
    StreamExt,
    stream::{self, BoxStream, SelectAll},
};
use serde_json::Value;
use tokio::sync::mpsc;

use super::{
    super::Cluster,
    Driver,
    backoff::Backoff,
    lease::Lease,
    progress::{Control, Progress},
    run::{Input, Look, Run, Running, Watched},
    target::Target,
};
use crate::{
    Error, Result,
    evidence::{Source, Timestamp},
    rollout::{Event, Machine, Split, State, patch::locate},
};

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
    let (routes, subsets) = target.watched();
    let changes = stream::select_all([
        cluster.watch(routes).map(|event| (Watched::Routes, event)).boxed(),
        cluster.watch(subsets).map(|event| (Watched::Subsets, event)).boxed(),
    ]);
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
        look: Look::default(),
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
        let mut edits = target.edits(&state, &live);
        if edits.is_empty() {
            edits = target.compare_subsets(&state).await?;
        }
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
