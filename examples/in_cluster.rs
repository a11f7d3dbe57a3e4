//! The manifests with which `ramp` runs inside a cluster, as a Job with the least permissions.
//!
//! ```text
//! cargo run --example in_cluster -- examples/plan.yaml --image registry.example.com/canary:1.0 | kubectl apply -f -
//! ```

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to its user"
)]

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use canary_core::{Manifest, Object, Plan, cluster::InCluster};
use clap::Parser;

/// Prints a service account, a role for the plan's own objects and its binding, a ConfigMap with the plan, and a Job.
///
/// The image is the one of the project's Dockerfile. The Job starts the driver again after an error or an eviction, and
/// it goes on with the same experiment.
#[derive(Debug, Parser)]
#[command(name = "in_cluster")]
struct Options {
    /// The plan.
    plan: PathBuf,
    /// The image that `docker build` made of the Dockerfile.
    #[arg(long)]
    image: String,
    /// The name of all objects; by default canary- and the VirtualService's name.
    #[arg(long)]
    name: Option<String>,
    /// More arguments for `ramp`, after `--`, such as `-- --gateway-url http://istio-ingressgateway.istio-system`.
    #[arg(last = true)]
    arguments: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("in_cluster: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<String> {
    let file = &options.plan;
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut job = InCluster::new(&options.image).arg("--cluster").arg("--json");
    job.name.clone_from(&options.name);
    job.args.extend(options.arguments.iter().cloned());
    let objects = job.objects(&Plan::from_yaml(&text)?)?;
    let manifest: Manifest = objects.into_iter().map(Object::Other).collect();
    Ok(manifest.to_yaml()?)
}
