//! Prints the state of a rollout: weights, observed split, the verdict so far.
//!
//! ```text
//! cargo run --example status -- image-classifier --plan examples/plan.yaml
//! ```

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to its user"
)]

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use canary_core::{
    Plan,
    cluster::{Kubernetes, Status, status},
    evidence::Timestamp,
};
use canary_examples::{Connection, Metered};
use clap::{CommandFactory, Parser, error::ErrorKind};

const STATUS: &str = "\
Exit status:
  0  shown
  1  there is no such VirtualService, or the cluster cannot be read
  2  wrong arguments

Read from the VirtualService's annotation, which the driver writes with every weight and every ten seconds, and from its
Lease. It needs the verb get on virtualservices, and on leases to show who drives the rollout; with --prometheus on
destinationrules too.

The observed split is what the driver has stored, over the whole rollout. With --prometheus it is what Istio's proxies
have counted since the weight in force was written, and at most over the time of --over; the output says which.";

/// Show the state of a VirtualService's rollout; nothing is changed.
#[derive(Debug, Parser)]
#[command(name = "status", after_help = STATUS)]
struct Options {
    /// The VirtualService.
    virtual_service: String,
    /// Its namespace.
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// The plan that is being run: with it, the observed split and the guardrails' readings are shown too.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
    /// The longest time over which Prometheus counts.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "5m",
        value_parser = canary_examples::duration,
        requires = "prometheus"
    )]
    over: Duration,
    #[command(flatten)]
    metered: Metered,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    if options.metered.prometheus.is_some() && options.plan.is_none() {
        let needed = "--prometheus needs --plan, which names the subsets";
        Options::command().error(ErrorKind::MissingRequiredArgument, needed).exit();
    }
    match run(&options).await {
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
    let mut found =
        status(&cluster, &options.namespace, &options.virtual_service, plan.as_ref()).await?;
    if let Some(plan) = &plan {
        found = counted(found, &cluster, plan, options).await?;
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
    } else {
        print!("{found}");
    }
    Ok(())
}

/// The observed split by what Prometheus counts, when one is given.
async fn counted(
    status: Status,
    cluster: &Kubernetes,
    plan: &Plan,
    options: &Options,
) -> Result<Status> {
    let Some(source) = options.metered.source(cluster, plan).await? else { return Ok(status) };
    let lag = u64::try_from(options.metered.lag.as_millis())?;
    let now = Timestamp(Timestamp::now().0.saturating_sub(lag));
    let longest = Timestamp(now.0.saturating_sub(u64::try_from(options.over.as_millis())?));
    let weighted = status.rollout.as_ref().map_or(longest, |rollout| rollout.since);
    let since = longest.max(weighted).min(now);
    let over = now.since(since).as_secs();
    let by = format!("Prometheus at {}, over the last {over} s", source.url());
    let window = source.window(since, now).await?.unwrap_or_default();
    Ok(status.counted(by, &window))
}
