//! How does a rollout stand? Weights, what was observed, the verdict so far.
//!
//! ```text
//! cargo run --example status -- image-classifier --plan examples/plan.yaml
//! ```

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to its user"
)]

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use canary_core::{Plan, cluster::status};
use canary_examples::Connection;
use clap::Parser;

const STATUS: &str = "\
Exit status:
  0  told
  1  there is no such VirtualService, or the cluster cannot be read
  2  wrong arguments

Read from the VirtualService's annotation, which the driver writes with every weight and every ten seconds, and from its
Lease. It needs the verb get on virtualservices, and on leases to tell who drives the rollout.";

/// Tells how the rollout of a VirtualService stands; nothing is changed.
#[derive(Debug, Parser)]
#[command(name = "status", after_help = STATUS)]
struct Options {
    /// The VirtualService.
    virtual_service: String,
    /// Its namespace.
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// The plan that is being run: with it, the observed split and what every guardrail shows are told too.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("status: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<()> {
    let plan = match &options.plan {
        None => None,
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            Some(Plan::from_yaml(&text)?.validated()?)
        }
    };
    let cluster = options.connection.open().await?;
    let found =
        status(&cluster, &options.namespace, &options.virtual_service, plan.as_ref()).await?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
    } else {
        print!("{found}");
    }
    Ok(())
}
