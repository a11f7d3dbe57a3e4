//! Drives a plan on any [`Cluster`] and tells what happens.

use std::time::Instant;

use anyhow::{Context, Result};
use canary_core::{
    Plan, Verdict,
    cluster::{Cluster, Control, Progress, Rollout, Story},
    evidence::{Disagreements, Mirrored, Sample, prometheus::Prometheus},
    predict::Client,
    rollout::report::Report,
};
use futures_util::{Stream, StreamExt};

use crate::{options::Options, print::Printer};

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
    let disagreements = Disagreements::default();
    let mut rollout = Rollout::of(plan.clone())
        .concurrency(options.concurrency)
        .tick(options.tick)
        .anew(options.anew)
        .disagreements(&disagreements);
    if let Some(Asks { client, samples, probe }) = asks {
        rollout = rollout.requests(client, probe, samples);
    }
    if let Some(counted) = counted {
        rollout = rollout.counted(counted);
    }
    if let Some(mirror) = mirror {
        rollout = rollout.mirrored(|| mirror);
    }
    let driver = rollout.on(cluster)?;
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
        let pairs = disagreements.for_report();
        let page = Report::new(&title).run(&title, plan, story.history(), story.verdict(), &pairs);
        std::fs::write(file, page.to_html())
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    ending.context("the run ended without a verdict")
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
