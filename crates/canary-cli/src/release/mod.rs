//! Drives a plan on any [`Cluster`] and reports its progress.

pub(crate) mod cluster;
pub(crate) mod lab;
mod meter;
mod print;
mod samples;
mod tell;

use std::{io::BufWriter, time::Instant};

use anyhow::{Context, Result};
use canary_core::{
    Plan, Verdict,
    cluster::{Cluster, Control, Progress, Rollout, RunLog},
    evidence::{Disagreements, Mirrored, Sample, prometheus::Prometheus},
    metrics::{Measured, RunMetrics},
    predict::Client,
    rollout::{AaReport, report::Disagreement},
    serving::ConfiguredServers,
};
use futures_util::{Stream, StreamExt};

use crate::{commands::run::Run, output::Plain, status::Status};
use meter::Meter;
use print::Printer;
use tell::Teller;

/// The parts that a back-end provides: the store of the objects, and the requests to the models.
pub(crate) struct Stage<C, S> {
    /// Reads and writes the objects.
    pub(crate) cluster: C,
    /// The cluster as reports name it.
    pub(crate) name: String,
    /// The requests to the models; `None` if everything that the plan needs is counted elsewhere.
    pub(crate) requests: Option<Requests<S>>,
    /// The counts of Prometheus, which replace requests of this program.
    pub(crate) counted: Option<Prometheus>,
    /// The records of mirrored requests, for plans that compare answers without a header.
    pub(crate) mirror: Option<Mirrored>,
}

/// The requests to the models, and their inputs.
pub(crate) struct Requests<S> {
    /// Sends requests through the gateway; the responses name their subset.
    pub(crate) client: Client,
    /// The inputs to send.
    pub(crate) samples: S,
    /// The input that is sent to both versions before the first weight.
    pub(crate) probe: Sample,
}

/// The end of a run.
pub(crate) enum Ending {
    Over {
        verdict: Box<Verdict>,
        /// `true` when an earlier run of the same release reached it.
        stored: bool,
    },
    Suspended,
}

impl Ending {
    /// The measurement of an A/A run.
    pub(crate) fn aa(&self) -> Option<&AaReport> {
        match self {
            Self::Over { verdict, .. } => verdict.aa(),
            Self::Suspended => None,
        }
    }

    /// The exit status; `plain` gives a verdict of an earlier run the status of a new one.
    pub(crate) fn status(&self, plain: bool) -> Status {
        let Self::Over { verdict, stored } = self else { return Status::Suspended };
        let before = *stored && !plain;
        match &**verdict {
            Verdict::Promote { .. } | Verdict::PromotedByPerson { .. } if before => {
                Status::DoneBefore
            }
            Verdict::Promote { .. } | Verdict::PromotedByPerson { .. } => Status::Done,
            Verdict::Rollback { .. } if before => Status::RolledBackBefore,
            Verdict::Rollback { .. } => Status::RolledBack,
            Verdict::ExternalEdit { .. } => Status::Conflict,
            _ if before => Status::InconclusiveBefore,
            _ => Status::Inconclusive,
        }
    }
}

/// A run that has ended, for the report.
pub(crate) struct Course {
    pub(crate) ending: Ending,
    pub(crate) log: RunLog,
    pub(crate) disagreements: Vec<Disagreement>,
    /// The cluster as reports name it.
    pub(crate) cluster: String,
}

/// Runs the plan to its verdict, or until Ctrl-C.
pub(crate) async fn drive<C, S>(stage: Stage<C, S>, plan: &Plan, options: &Run) -> Result<Course>
where
    C: Cluster + Clone + 'static,
    S: Stream<Item = canary_core::rollout::Result<Sample>> + Send + 'static,
{
    let Stage { cluster, name, requests, counted, mirror } = stage;
    // An address that is in use is an error before anything is written.
    let meter = Meter::start(&options.metrics, plan).await?;
    let counted_in = || meter.as_ref().map(Meter::run);
    let cluster = Measured::new(cluster, counted_in());
    let disagreements = Disagreements::default();
    let mut rollout = Rollout::of(plan.clone())
        .concurrency(options.concurrency)
        .tick(options.tick)
        .anew(options.anew)
        .disagreements(&disagreements);
    if let Some(Requests { client, samples, probe }) = requests {
        if plan.target.version_labels().is_some() {
            rollout = rollout.model_servers(ConfiguredServers::like(&client));
        }
        rollout = rollout.requests(Measured::new(client, counted_in()), probe, samples);
    }
    if let Some(counted) = counted {
        rollout = rollout.counted(counted);
    }
    if let Some(mirror) = mirror {
        rollout = rollout.mirrored(|| mirror);
    }
    if let Some(path) = &options.store {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        rollout = rollout.store(BufWriter::new(file));
    }
    let mut teller = Teller::new(&options.notify, plan, &cluster)?;
    let driver = rollout.on(cluster)?;
    let began = Instant::now();
    let (mut run, control) = driver.start().await?;
    suspend_on_signal(control);
    let (mut log, mut printer) = (RunLog::new(), Printer::new(options.output == Plain::Json));
    let mut followed = async |teller: &mut Option<Teller>| -> Result<Option<Ending>> {
        let mut ending = None;
        while let Some(progress) = run.next().await {
            let progress = progress?;
            let at = began.elapsed();
            log.record(at, &progress);
            if let Some(teller) = teller {
                teller.tell(&progress);
            }
            if let Some(meter) = &meter {
                meter.record(&progress);
                meter.notices(teller.as_ref());
            }
            printer.print(at, &progress)?;
            match progress {
                Progress::Finished { verdict, stored } => {
                    let verdict = Box::new(verdict);
                    ending = Some(Ending::Over { verdict, stored: stored.is_some() });
                }
                Progress::Suspended { .. } => ending = Some(Ending::Suspended),
                _ => {}
            }
        }
        Ok(ending)
    };
    let ending = followed(&mut teller).await;
    if ending.is_err() {
        counted_in().inspect(RunMetrics::fail);
    }
    // Also after an error, so that the notices so far arrive.
    if let Some(teller) = teller {
        let counts = teller.finish().await;
        counted_in().inspect(|run| run.notices(counts.0, counts.1));
    }
    let ending = ending?;
    let ending = ending.context("the run ended without a verdict")?;
    if let Some(meter) = meter {
        meter.end(&options.metrics, &ending).await;
    }
    Ok(Course { ending, log, disagreements: disagreements.for_report(), cluster: name })
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
pub(crate) async fn signal() {
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
pub(crate) async fn signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
