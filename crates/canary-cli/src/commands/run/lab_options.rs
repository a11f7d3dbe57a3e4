//! The options of a run on the embedded lab.

use std::{path::PathBuf, time::Duration};

use crate::connection::duration;

/// The two versions on the lab.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "On the lab")]
pub(crate) struct LabOptions {
    /// Use real models: the plan's subsets are efficientnet-lite0, efficientnet-lite1, or either with the suffix
    /// -centre-crop. Requires --images and the models' files (`make demo` installs them).
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
    /// The model's name on the canary's server; set it to simulate a canary that is deployed wrongly.
    #[arg(long, value_name = "NAME")]
    pub(crate) canary_model: Option<String>,
    /// The random seed.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Write a kubeconfig for the lab's objects to this file while the run lasts: `canary pause NAME --kubeconfig FILE` and the
    /// other commands act on the release from a second terminal.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) lab_kubeconfig: Option<PathBuf>,
    /// The file that stores the lab's mesh while a run is suspended; by default the plan's name with `.lab.json`.
    #[arg(long, value_name = "FILE")]
    pub(crate) lab_state: Option<PathBuf>,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "expected a number from 0 to 1".to_owned())?;
    if (0.0..=1.0).contains(&rate) { Ok(rate) } else { Err("expected 0 to 1".to_owned()) }
}
