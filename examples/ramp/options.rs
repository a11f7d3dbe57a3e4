//! The command line.

use std::{path::PathBuf, time::Duration};

use canary_examples::{Connection, Metered, duration};
use clap::Parser;

const STATUS: &str = "\
Exit status:
  0    promoted
  1    an error; the mesh is as it was last written, and the same command goes on
  2    wrong arguments
  3    rolled back
  4    inconclusive: the evidence did not decide
  5    somebody else changed the weights; nothing was overwritten
  10, 13, 14
       as 0, 3 and 4, by an earlier run of the plan on the same release whose weights are still in force: nothing was
       asked again; --anew does. With --plain-status 0, 3 and 4
  130  suspended by Ctrl-C; the same command goes on

Ctrl-C suspends the run: the state is stored in an annotation of the VirtualService and the weights stay. The lab ends with this
program, so its mesh is kept in the file of --lab-state meanwhile. A second Ctrl-C ends at once.

With --json each line is one event: {\"event\": \"started\" | \"inspected\" | \"prepared\" | \"probed\" | \"gateJudged\" | \"written\" |
\"seen\" | \"waiting\" | \"sourceQuiet\" | \"sourceEnded\" | \"suspended\" | \"finished\", \"seconds\": since the start, ...};
a verdict that an earlier run gave has \"stored\": when.";

/// Runs a rollout plan and judges the canary after every observation.
///
/// The plan is YAML or JSON, as `simulate` takes it (see examples/plan.yaml). Its weights are written step by step to
/// the VirtualService, every guardrail is a sequential test that may stop the rollout at any request, and the verdict
/// is promote, rollback or inconclusive. Before the first weight the stable version answers the first input, and the
/// canary's pods are ready and answer it too; otherwise nothing is written.
///
/// Without a cluster it runs on the embedded lab: model servers and a gateway on loopback. There the two versions are
/// scripted by the options --stable-... and --canary-..., or real ones with --real.
#[derive(Debug, Parser)]
#[command(name = "ramp", after_help = STATUS)]
pub(crate) struct Options {
    /// The plan.
    pub(crate) plan: PathBuf,
    /// Print one JSON object a line for every event, instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the run as a page: weights, evidence, confidence sequences, disagreements.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Begin anew instead of going on with a stored run of this plan.
    #[arg(long)]
    pub(crate) anew: bool,
    /// Exit with the verdict's own status also where an earlier run gave it. For a Job, whose pod may be lost after the
    /// verdict: the next one ends the Job as the first would have done.
    #[arg(long)]
    pub(crate) plain_status: bool,
    /// Requests under way at once, at most.
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub(crate) concurrency: usize,
    /// The greatest number of inputs to send; the run is inconclusive when they do not suffice.
    #[arg(long, value_name = "N")]
    pub(crate) inputs: Option<u64>,
    /// Image files to send, again and again; a repeated one is no new pair. Without any, seeded random bytes, which a
    /// scripted model takes for images.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) images: Vec<PathBuf>,
    /// The time between two lines of progress, such as 500ms.
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = duration)]
    pub(crate) tick: Duration,
    #[command(flatten)]
    pub(crate) cluster: ClusterOptions,
    #[command(flatten)]
    pub(crate) lab: LabOptions,
}

/// A real cluster.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "On a cluster")]
pub(crate) struct ClusterOptions {
    /// Run on a Kubernetes cluster with Istio instead of the lab. Both versions must be deployed, and the routes must
    /// name the subset that answered, as the setter `stamp_subset` configures them. `preflight --plan` says what is
    /// missing.
    #[arg(long)]
    pub(crate) cluster: bool,
    /// The gateway's address; by default that of the Gateway which the VirtualService names.
    #[arg(long, value_name = "URL", requires = "cluster")]
    pub(crate) gateway_url: Option<String>,
    /// The Host header, where the VirtualService's hosts are not `*`.
    #[arg(long, value_name = "NAME", requires = "cluster")]
    pub(crate) host: Option<String>,
    /// The model's name on its server; by default the VirtualService's.
    #[arg(long, value_name = "NAME", requires = "cluster")]
    pub(crate) model: Option<String>,
    /// The signature that takes an image's file.
    #[arg(long, value_name = "NAME", default_value = "serving_preprocess", requires = "cluster")]
    pub(crate) signature: String,
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) metered: Metered,
}

/// The two versions on the lab.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "On the lab")]
pub(crate) struct LabOptions {
    /// Real models: the plan's subsets are efficientnet-lite0, efficientnet-lite1 or either with -centre-crop behind
    /// its name. Needs --images and the models' files (`make demo` installs them).
    #[arg(long, requires = "images")]
    pub(crate) real: bool,
    /// The share of requests that fail at the stable version, from 0 to 1.
    #[arg(long, value_name = "RATE", default_value_t = 0.0, value_parser = rate)]
    pub(crate) stable_errors: f64,
    /// The share of requests that fail at the canary.
    #[arg(long, value_name = "RATE", default_value_t = 0.0, value_parser = rate)]
    pub(crate) canary_errors: f64,
    /// The median latency of the stable version, such as 20ms; log-normal with sigma 0.3.
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = duration)]
    pub(crate) stable_latency: Duration,
    /// The median latency of the canary.
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = duration)]
    pub(crate) canary_latency: Duration,
    /// The class that the stable version answers.
    #[arg(long, value_name = "CLASS", default_value = "military uniform")]
    pub(crate) stable_answer: String,
    /// The class that the canary answers.
    #[arg(long, value_name = "CLASS", default_value = "military uniform")]
    pub(crate) canary_answer: String,
    /// The share of the stable version's answers that are another class.
    #[arg(long, value_name = "RATE", default_value_t = 0.0, value_parser = rate)]
    pub(crate) stable_disagree: f64,
    /// The share of the canary's answers that are another class.
    #[arg(long, value_name = "RATE", default_value_t = 0.0, value_parser = rate)]
    pub(crate) canary_disagree: f64,
    /// The seed of everything random.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Where the lab's mesh is kept between a paused run and the next; by default the plan's name with `.lab.json`.
    #[arg(long, value_name = "FILE")]
    pub(crate) lab_state: Option<PathBuf>,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "expected a number from 0 to 1".to_owned())?;
    if (0.0..=1.0).contains(&rate) { Ok(rate) } else { Err("expected 0 to 1".to_owned()) }
}
