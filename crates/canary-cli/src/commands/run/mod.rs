//! `canary run`.

pub(crate) mod cluster_options;
pub(crate) mod lab_options;
pub(crate) mod metrics_options;
pub(crate) mod notify_options;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use canary_core::{Plan, rollout::report::Report};

use crate::{
    commands::help,
    connection::{duration, runtime},
    input,
    output::{self, Plain},
    release::{Course, cluster, drive, lab},
    status::Status,
};
use cluster_options::ClusterOptions;
use lab_options::LabOptions;
use metrics_options::MetricsOptions;
use notify_options::NotifyOptions;

const NOTES: &str = "\
Ctrl-C suspends the run: the state is stored in an annotation of the VirtualService, and the weights stay. The lab ends with
this program, so its mesh is stored in the file of --lab-state. A second Ctrl-C ends the program immediately.

With --output json each line is one event: {\"event\": \"started\" | \"inspected\" | \"prepared\" | \"probed\" | \"gateJudged\" |
\"awaitingApproval\" | \"approvalOverdue\" | \"commanded\" | \"paused\" | \"resumed\" | \"written\" | \"seen\" | \"waiting\" |
\"sourceQuiet\" | \"sourceEnded\" | \"scaleDownAwaited\" | \"scaledDown\" | \"suspended\" | \"finished\", \"seconds\":
since the start, ...}; the verdict of an earlier run has \"stored\": its time.";

/// Run a plan: move the weights step by step, judge the canary after every observation, promote or roll back.
///
/// The run writes the weights to the VirtualService. Every guardrail is a sequential test that may stop the rollout at
/// any request, and the verdict is promoted, rolled back or inconclusive. Before the first weight, the stable version
/// and the canary have to answer the first input, and the canary's pods have to be ready; otherwise no weight is
/// written.
///
/// Without --cluster, the plan runs on the embedded lab: model servers and a gateway on loopback. The options
/// --stable-... and --canary-... define two scripted versions; --real uses real models.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    [
        "canary run plan.yaml --canary-disagree 0.3 --report report.html",
        "canary run plan.yaml --cluster --images photo.jpg --output json",
    ],
    &Status::ALL,
    NOTES,
))]
pub(crate) struct Run {
    /// The plan: YAML or JSON.
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub(crate) plan: PathBuf,
    /// The output format: events as text on standard error and the verdict on standard output, or one JSON object per
    /// line on standard output.
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    pub(crate) output: Plain,
    /// Write an HTML report: weights, evidence, confidence sequences, disagreements.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Append the observations to this file, one JSON object per line, for `canary replay`.
    #[arg(long, value_name = "FILE")]
    pub(crate) store: Option<PathBuf>,
    /// Start a new run instead of resuming a stored run of this plan.
    #[arg(long)]
    pub(crate) anew: bool,
    /// Exit with 0, 3 or 4 also for the stored verdict of an earlier run. Use it in a Job: if a pod is lost after the
    /// verdict, the next pod ends the Job with the same status.
    #[arg(long)]
    pub(crate) plain_status: bool,
    /// The maximum number of concurrent requests.
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub(crate) concurrency: usize,
    /// The maximum number of inputs to send; the run is inconclusive if they are not enough.
    #[arg(long, value_name = "N")]
    pub(crate) inputs: Option<u64>,
    /// Image files to send repeatedly; a repeated image is not a new pair. Without this option, seeded random bytes are
    /// sent, which scripted models accept as images.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) images: Vec<PathBuf>,
    /// The time between two lines of progress, such as 500ms.
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = duration)]
    pub(crate) tick: Duration,
    #[command(flatten)]
    pub(crate) notify: NotifyOptions,
    #[command(flatten)]
    pub(crate) metrics: MetricsOptions,
    #[command(flatten)]
    pub(crate) cluster: ClusterOptions,
    #[command(flatten)]
    pub(crate) lab: LabOptions,
}

impl Run {
    pub(crate) fn run(&self) -> Result<Status> {
        self.check()?;
        let plan = input::plan(&self.plan)?;
        Ok(self.of(&plan)?.ending.status(self.plain_status))
    }

    /// Refuses options that do not go together.
    pub(crate) fn check(&self) -> Result<()> {
        if self.cluster.metered.prometheus.is_some() && !self.cluster.cluster {
            return Err(input::Unusable::error(
                "--prometheus needs --cluster; on the lab this program counts its own requests",
            ));
        }
        Ok(())
    }

    /// Runs the plan, prints its events, and writes the report and the observations.
    pub(crate) fn of(&self, plan: &Plan) -> Result<Course> {
        let course = runtime()?.block_on(self.course(plan))?;
        if let Some(file) = &self.report {
            let title = title(plan);
            let Course { log, disagreements, cluster, .. } = &course;
            let run =
                log.reported(&title, plan).cluster(cluster.as_str()).disagreements(disagreements);
            let page = Report::new(&title).run(&run);
            crate::write_file(file, &page.to_html())
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        if let Some(report) = course.ending.aa().filter(|_| self.output == Plain::Text) {
            output::print(&report.to_string())?;
        }
        Ok(course)
    }

    /// The back-end provides the parts, [`drive`] does the rest.
    async fn course(&self, plan: &Plan) -> Result<Course> {
        if self.cluster.cluster {
            return Box::pin(drive(cluster::stage(plan, self).await?, plan, self)).await;
        }
        let mesh = lab::Mesh::start(plan, self)?;
        let course = Box::pin(drive(mesh.stage(plan, self)?, plan, self)).await;
        mesh.linger().await;
        mesh.keep(course.as_ref().ok().map(|course| &course.ending))?;
        course
    }

    /// A run on a new lab, which is not stored.
    pub(crate) async fn on_a_lab(&self, plan: &Plan) -> Result<Course> {
        let mesh = lab::Mesh::start(plan, self)?;
        Box::pin(drive(mesh.stage(plan, self)?, plan, self)).await
    }
}

fn title(plan: &Plan) -> String {
    format!("{}: {} → {}", plan.target.name(), plan.stable, plan.canary)
}
