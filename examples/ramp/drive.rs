//! Drives a plan on any [`Cluster`] and tells what happens.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use anyhow::{Context, Result};
use canary_core::{
    Plan, Verdict,
    cluster::{Cluster, Control, Driver, HeaderProbe, Progress, Story},
    evidence::{Answer, Mirrored, Sample, Subsets, Traffic, prometheus::Prometheus},
    predict::{Client, Input},
    rollout::report::{Disagreement, Report},
};
use futures_util::{Stream, StreamExt};

use crate::{options::Options, print::Printer};

/// How many disagreements the report shows.
const KEPT: usize = 24;

/// What a back-end provides: where the objects live, and how the models are asked.
pub(crate) struct Stage<C, S> {
    /// Reads and writes the objects.
    pub(crate) cluster: C,
    /// How the models are asked; none where all that the plan needs is counted elsewhere.
    pub(crate) asks: Option<Asks<S>>,
    /// What Prometheus counts, in place of requests of this program's own.
    pub(crate) counted: Option<Prometheus>,
    /// The records of mirrored requests, for plans that compare answers without a header.
    pub(crate) mirror: Option<Mirrored>,
}

/// How the models are asked, and about what.
pub(crate) struct Asks<S> {
    /// Asks through the gateway; the answers name their subset.
    pub(crate) client: Client,
    /// The inputs to ask about.
    pub(crate) samples: S,
    /// The input that both versions are asked with before the first weight.
    pub(crate) probe: Sample,
}

/// How a run ended.
pub(crate) enum Ending {
    Over {
        verdict: Box<Verdict>,
        /// Whether an earlier run gave it, on the same release.
        stored: bool,
    },
    Suspended,
}

/// Runs the plan to its verdict, or until Ctrl-C.
pub(crate) async fn drive<C, S>(
    stage: Stage<C, S>,
    plan: &Plan,
    options: &Options,
) -> Result<Ending>
where
    C: Cluster + 'static,
    S: Stream<Item = canary_core::rollout::Result<Sample>> + Send + 'static,
{
    let Stage { cluster, asks, counted, mirror } = stage;
    let kept: Arc<Mutex<Vec<Disagreement>>> = Arc::default();
    let mut driver = Driver::new(cluster, plan.clone())?.tick(options.tick);
    if let Some(Asks { client, samples, probe }) = asks {
        if let Some(traffic) = traffic(plan, &client, samples, counted.is_some(), &kept) {
            driver = driver.source(traffic.concurrency(options.concurrency));
        }
        driver = driver.probe(HeaderProbe::new(plan, &client, Input::clone(&probe.input)));
    }
    if let Some(counted) = counted {
        driver = driver.source(counted);
    }
    if let Some(mirror) = mirror {
        driver = driver.source(mirror);
    }
    if options.anew {
        driver = driver.anew();
    }
    let began = Instant::now();
    let (mut run, control) = driver.start().await?;
    suspend_on_signal(control);
    let (mut story, mut printer) = (Story::new(), Printer::new(options.json));
    let mut ending = None;
    while let Some(progress) = run.next().await {
        let progress = progress?;
        let at = began.elapsed();
        story.tell(at, &progress);
        printer.tell(at, &progress)?;
        match progress {
            Progress::Finished { verdict, stored } => {
                ending = Some(Ending::Over { verdict: verdict.into(), stored: stored.is_some() });
            }
            Progress::Suspended { .. } => ending = Some(Ending::Suspended),
            _ => {}
        }
    }
    if let Some(file) = &options.report {
        let title = format!("{}: {} → {}", plan.target.virtual_service, plan.stable, plan.canary);
        let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let page = Report::new(&title).run(&title, plan, story.history(), story.verdict(), &kept);
        std::fs::write(file, page.to_html())
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    ending.context("the run ended without a verdict")
}

/// The requests that this program sends: pairs where the plan compares them, and requests where nobody else's are
/// counted.
fn traffic<S>(
    plan: &Plan,
    client: &Client,
    samples: S,
    counted: bool,
    kept: &Arc<Mutex<Vec<Disagreement>>>,
) -> Option<Traffic<Client>>
where
    S: Stream<Item = canary_core::rollout::Result<Sample>> + Send + 'static,
{
    let subsets = Subsets::new(plan.stable.as_str(), plan.canary.as_str());
    let Some(header) = plan.header.as_ref().filter(|_| plan.needs_pairs()) else {
        return (!counted).then(|| Traffic::requests("inputs", client, subsets, samples));
    };
    let keep = Arc::clone(kept);
    let header = (header.name.as_str(), header.value.as_str());
    let traffic =
        Traffic::new("inputs", client, header, subsets, samples).on_pair(move |sample, pair| {
            let mut kept = keep.lock().unwrap_or_else(PoisonError::into_inner);
            if !pair.agrees() && kept.len() < KEPT {
                kept.push(Disagreement {
                    input: sample.name.to_string(),
                    thumbnail: None,
                    stable: said(&pair.stable),
                    canary: said(&pair.canary),
                });
            }
        });
    Some(if counted { traffic.pairs_only() } else { traffic })
}

/// The class of a response and how sure the model is, or why there is none.
fn said(half: &Answer) -> (String, Option<f64>) {
    let class = if half.failed { format!("failed: {}", half.class) } else { half.class.clone() };
    (class, half.score)
}

/// The first Ctrl-C (or SIGTERM) pauses and stores; the second ends the program.
fn suspend_on_signal(control: Control) {
    tokio::spawn(async move {
        signal().await;
        control.suspend();
        signal().await;
        std::process::exit(130);
    });
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
