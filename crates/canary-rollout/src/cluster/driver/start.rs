//! The beginning of a run: the lock, the stored state or a new one, the sources and the watches.

use std::{collections::VecDeque, sync::Arc};

use futures_util::{
    StreamExt,
    stream::{self, BoxStream, SelectAll},
};
use serde_json::Value;
use tokio::sync::mpsc;
use tracing::Instrument;

use super::{
    super::{Cluster, ObjectRef},
    backoff::Backoff,
    edits::other_release,
    journal::{self, Spans},
    lease::Lease,
    people,
    probe::Probe,
    progress::{Control, Progress},
    reported::Reported,
    run::Run,
    running::{Input, Running, Unchecked},
    settings::Driver,
    source_activity::SourceActivity,
    target::{Target, target_of},
};
use crate::{
    COMMAND_ANNOTATION, Cause, Command, CommandOutcome, Error, Event, Machine, Plan, Result,
    STATE_VERSION, Split, State, Verdict,
    evidence::{Kind, Seen, Source, Stored, Timestamp, Uses},
    json::annotation,
    patch::STATE_ANNOTATION,
};

impl<C: Cluster + 'static> Driver<C> {
    /// Takes the lock, reads the objects and begins, or continues where a driver was interrupted.
    ///
    /// The driver works while the stream is polled; dropping the stream leaves the mesh as it was last written.
    ///
    /// # Errors
    /// [`Error::Plan`] when another driver holds the lock, Flagger or Argo Rollouts owns an object, a guardrail's
    /// evidence has no source, the stored state is of another plan, or the route is not one that the plan can divide;
    /// [`Error::NotFound`] when an object is missing; [`Error::Cluster`] when the cluster cannot be reached.
    pub fn start(self) -> impl Future<Output = Result<(Run, Control)>> + Send {
        let checked = self.check_evidence();
        let spans = Spans::new(self.machine.plan());
        let run = spans.run();
        let begin = async move {
            let begun = async {
                checked?;
                start(self, spans).await
            };
            begun.await.inspect_err(journal::refused)
        };
        // On the heap: it is large, and callers hold it on their stacks.
        Box::pin(begin).instrument(run)
    }
}

async fn start<C: Cluster + 'static>(
    mut driver: Driver<C>,
    spans: Spans,
) -> Result<(Run, Control)> {
    let plan = driver.machine.plan().clone();
    let (cluster, clock) = (Arc::clone(&driver.cluster), Arc::clone(&driver.clock));
    let now = clock.now();
    let mut target = target_of(Arc::clone(&cluster), clock, &plan, driver.servers.clone())?;
    // The first read needs no lock, and finds mistakes before anything is written.
    target.read().await?;
    let mut lease =
        Lease::take(Arc::clone(&cluster), &plan, driver.holder.clone(), driver.lease, now).await?;
    // Borrows the parts, not the driver: its sources are not `Sync`, and this future must be `Send`.
    let start = Start { anew: driver.anew, probes: driver.probe.is_some(), now };
    let opened = match open(&driver.machine, &start, &mut *target).await {
        Ok(opened) => check_stable(driver.probe.as_deref(), &plan.stable, opened).await,
        Err(error) => Err(error),
    };
    let Opened { state, resumed, event, anew, stored } = match opened {
        Ok(opened) if driver.aborting && !opened.resumed => {
            lease.release().await;
            return Err(Error::Plan("no release of this plan is under way".to_owned()));
        }
        Ok(opened) => opened,
        Err(error) => {
            lease.release().await;
            return Err(error);
        }
    };
    let mut inputs = SelectAll::new();
    let sources = std::mem::take(&mut driver.sources);
    let open = sources.len();
    let mut activity = SourceActivity::default();
    for source in sources {
        activity.observed(&Arc::from(source.name()), now);
        inputs.push(inputs_of(source, &state, &plan));
    }
    if let Some(labels) = driver.labels.take() {
        let items = labels.map(|item| match item {
            Ok((id, truth)) => Input::Labelled(id, truth),
            Err(error) => Input::LabelsEnded(Some(error)),
        });
        inputs.push(items.chain(stream::once(async { Input::LabelsEnded(None) })).boxed());
    }
    let (sender, commands) = mpsc::unbounded_channel();
    let watches = target
        .watched()
        .into_iter()
        .map(|(what, object)| cluster.watch(&object).map(move |event| (what, event)).boxed());
    let changes = stream::select_all(watches);
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
        ended: Vec::new(),
        activity,
        commands: Some(commands),
        changes,
        unchecked: Unchecked::default(),
        backoff: Backoff::default(),
        timer,
        in_a_row: 0,
        saved: now,
        saves: 0,
        release_checked: now,
        stored,
        hand_backs: 0,
        over: false,
    };
    let step = running.state.step();
    running.reports.push_back(Progress::Started { resumed, step, anew, stored });
    running.store(|| Stored::Started {
        at: now,
        stable: plan.stable.clone(),
        canary: plan.canary.clone(),
    });
    running.report_since(&Reported::before_start(&running.state));
    running.handle(event);
    if running.driver.aborting {
        abort(&mut running).await?;
    }
    let stream = stream::unfold((running, spans), |(mut running, mut spans)| async move {
        let span = spans.at(&running.state);
        let item = running.next().instrument(span).await;
        item.map(|item| (item, (running, spans)))
    });
    Ok((Run(stream.fuse().boxed()), Control { commands: sender }))
}

/// Carries out the abort for which a driver was started.
async fn abort<C: Cluster + 'static>(running: &mut Running<C>) -> Result<()> {
    // The command is the last line of the annotation, which was read with the state.
    while let Some(lines) = running.target.take_commands() {
        people::commands(running, lines).await?;
    }
    if running.state.is_decided() && !running.state.keeps_old_version() {
        return Ok(());
    }
    running.lease.release().await;
    let why = match running.state.commands().last().map(|record| &record.outcome) {
        Some(CommandOutcome::Refused(why)) => why,
        _ => "another command replaced it",
    };
    Err(Error::Plan(format!("the abort was not carried out: {why}")))
}

/// A run that has begun.
struct Opened {
    state: State,
    /// `true` when it continues a stored rollout.
    resumed: bool,
    event: Event,
    /// The reason why a stored state of this plan is not continued.
    anew: Option<String>,
    /// The time of the verdict, where an earlier run has ended on the same release.
    stored: Option<Timestamp>,
}

/// The conditions under which a run begins.
struct Start {
    /// `true` when a stored state is ignored.
    anew: bool,
    /// `true` when a request is sent to the canary before its first weight.
    probes: bool,
    now: Timestamp,
}

/// The stored state, or a new one.
async fn open(machine: &Machine, start: &Start, target: &mut dyn Target) -> Result<Opened> {
    let Start { anew, probes, now } = *start;
    let plan = machine.plan();
    let (live, stored) = target.read().await?;
    let mut why = stored.as_deref().filter(|_| !anew).and_then(|text| kept_of(text, &plan.hash()));
    if let Some(text) = stored.filter(|text| !anew && !is_finished_other(text, &plan.hash())) {
        let state = State::decode(&text, plan)?;
        // A decided rollout is carried out even if the account may no longer read these objects.
        let carried_out = state.is_decided() && !state.is_done();
        let release = if carried_out { None } else { target.canary().await?.1 };
        let mut edits = target.edits(&state, &live);
        if edits.is_empty() {
            edits = target.complete(&state).await?;
        }
        if !state.is_done() {
            if edits.is_empty() {
                edits = target.compare_versions(&state).await?;
            }
            if edits.is_empty() {
                edits = other_release(plan, &state, release.as_deref());
            }
            let event = if edits.is_empty() { Event::Started(now) } else { Event::Edited(edits) };
            return Ok(Opened { state, resumed: true, event, anew: None, stored: None });
        }
        why = another_experiment(plan, &state, target.split(&live), release.as_deref());
        if why.is_none() {
            let (event, stored) = (Event::Started(now), Some(state.now()));
            return Ok(Opened { state, resumed: false, event, anew: None, stored });
        }
    }
    target.check_beginning(probes).await?;
    let (mut state, event) = (machine.begin(now)?, Event::Started(now));
    // A command that already exists was not given to this rollout.
    let early = Command::read_all(annotation(&live, COMMAND_ANNOTATION).unwrap_or_default());
    let before = annotation(&live, STATE_ANNOTATION).unwrap_or_default();
    state.disregard(&early, |nonce| before.contains(&format!("\"{nonce}\"")));
    Ok(Opened { state, resumed: false, event, anew: why, stored: None })
}

/// The reason why the verdict of an ended rollout does not apply to the cluster as it is now; `None` when it applies.
fn another_experiment(
    plan: &Plan,
    state: &State,
    split: Option<Split>,
    release: Option<&str>,
) -> Option<String> {
    match state.verdict() {
        Verdict::ExternalEdit { .. } => {
            return Some("the last run ended because somebody else edited the object".to_owned());
        }
        Verdict::Rollback { evidence: Cause::NotReady(_), .. } => {
            return Some("the last run was refused before it had any evidence".to_owned());
        }
        Verdict::Rollback { evidence: Cause::NoLongerReady(_), .. } => {
            return Some("the last run ended because the canary was not ready".to_owned());
        }
        _ => {}
    }
    if state.release() != release {
        return Some(format!(
            "the pods behind {} belong to another release than those of the last run",
            plan.canary
        ));
    }
    let left = state.split().unwrap_or(Split::STABLE);
    (split != Some(left)).then(|| {
        let found = split.map_or_else(|| "others".to_owned(), |split| split.to_string());
        format!("the last run left the weights {left}, but they are now {found}")
    })
}

/// Checks that the stable version answers the run's request, before anything is written or counted.
async fn check_stable(probe: Option<&dyn Probe>, stable: &str, opened: Opened) -> Result<Opened> {
    let new = !opened.resumed && opened.stored.is_none();
    if let Some(probe) = probe.filter(|_| new) {
        probe.stable().await.map_err(|why| {
            Error::Plan(format!(
                "the stable version {stable} does not answer the run's own first input, so nothing could be compared: \
                 {why}; correct the address, the model's name, the signature, the credentials or the input. Nothing was \
                 written"
            ))
        })?;
    }
    Ok(opened)
}

/// Returns `true` when a stored state is that of another plan's finished rollout, whether or not its old version is
/// scaled down, or of one that an earlier release of this library ended, so that it does not block this plan.
fn is_finished_other(text: &str, hash: &str) -> bool {
    let Ok(state) = serde_json::from_str::<Value>(text) else { return false };
    let other = state["plan"] != hash || state["version"] != STATE_VERSION;
    let over = ["/phase/done", "/phase/keeping", "/phase/scalingDown"];
    over.iter().any(|phase| state.pointer(phase).is_some()) && other
}

/// The work that another plan's promotion has left when this plan begins.
fn kept_of(text: &str, hash: &str) -> Option<String> {
    let state: Value = serde_json::from_str(text).ok()?;
    let kept = state.pointer("/oldVersion/deployment").filter(|_| state["plan"] != hash)?;
    let deployment: ObjectRef = serde_json::from_value(kept.clone()).ok()?;
    Some(format!(
        "another plan was promoted here, and {deployment} of its old version stays as it is"
    ))
}

fn inputs_of(source: Box<dyn Source>, state: &State, plan: &Plan) -> BoxStream<'static, Input> {
    let name = source.name().to_owned();
    let after = state.last_of(&name);
    let failed_name = name.clone();
    let uses = source.provides().contains(&Kind::Latency).then(|| Uses::of(plan));
    let mut number = 0;
    let items = source.observations(after).map(move |item| {
        let checked = item.and_then(|observation| {
            let request = match &observation.what {
                Seen::Request(request) => Some(request),
                _ => None,
            };
            if let (Some(request), Some(uses)) = (request, &uses) {
                uses.check(request).map_err(|reason| Error::Observation {
                    source_name: failed_name.clone(),
                    number,
                    reason,
                })?;
            }
            number += 1;
            Ok(observation)
        });
        match checked {
            Ok(observation) => Input::Observed(observation),
            Err(error) => Input::Ended(failed_name.clone(), Some(error)),
        }
    });
    // After a permanent error the source gives nothing more; its end is reported once.
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
