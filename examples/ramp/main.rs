//! Runs a plan: moves the weights step by step, judges the canary after every observation, promotes or rolls back.
//!
//! ```text
//! cargo run --release --example ramp -- examples/plan.yaml --canary-disagree 0.12 --report report.html
//! ```

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to its user"
)]

mod cluster;
mod drive;
mod lab;
mod options;
mod print;

use std::process::ExitCode;

use anyhow::{Context, Result};
use canary_core::{Plan, Verdict};
use clap::{CommandFactory, Parser, error::ErrorKind};

use drive::{Ending, drive};
use options::Options;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    if options.cluster.metered.prometheus.is_some() && !options.cluster.cluster {
        let needed =
            "--prometheus needs --cluster; on the lab this program counts its own requests";
        Options::command().error(ErrorKind::MissingRequiredArgument, needed).exit();
    }
    match run(&options).await {
        Ok(ending) => status(&ending, options.plain_status),
        Err(error) => {
            eprintln!("ramp: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A back-end sets the stage, [`drive`] does the rest.
async fn run(options: &Options) -> Result<Ending> {
    let file = &options.plan;
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let plan = Plan::from_yaml(&text)?.validated()?;
    if options.cluster.cluster {
        return drive(cluster::stage(&plan, options).await?, &plan, options).await;
    }
    let mesh = lab::Mesh::start(&plan, options)?;
    let ending = drive(mesh.stage(&plan, options)?, &plan, options).await;
    mesh.keep(ending.as_ref().ok())?;
    ending
}

/// The number added to the exit status where an earlier run reached the verdict, unless a plain status is wanted.
const STORED: u8 = 10;

/// The exit status, as `--help` describes it.
fn status(ending: &Ending, plain: bool) -> ExitCode {
    let Ending::Over { verdict, stored } = ending else { return ExitCode::from(130) };
    let status = match &**verdict {
        Verdict::Promote { .. } | Verdict::PromotedByPerson { .. } => 0,
        Verdict::Rollback { .. } => 3,
        Verdict::ExternalEdit { .. } => 5,
        _ => 4,
    };
    ExitCode::from(if *stored && !plain { status + STORED } else { status })
}
