//! Will this cluster do for a release, and what is missing?
//!
//! ```text
//! cargo run --example preflight -- --namespace models
//! ```

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to its user"
)]

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use canary_core::{
    Plan,
    cluster::{PreflightOptions, preflight},
    serving::Workload,
};
use canary_examples::Connection;
use clap::Parser;

const STATUS: &str = "\
Exit status:
  0  nothing stands in the way; there may be warnings
  1  a check failed
  2  wrong arguments, or the cluster cannot be reached

Checks: the API server, Istio's definitions and the versions served, the control plane and the ingress gateway, the
gateway's address, sidecar injection, the permissions of the account in use; with --requests the namespace's quota, with
--virtual-service or --plan whether another controller owns the object; with --plan whether the canary's pods are ready.
What the account may not read is unknown. Nothing is changed.";

/// Looks at a cluster and says what a release would lack, with what to do about it.
#[derive(Debug, Parser)]
#[command(name = "preflight", after_help = STATUS)]
struct Options {
    /// The namespace of the model and of its routes.
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// The namespace of Istio's control plane.
    #[arg(long, default_value = "istio-system")]
    istio_namespace: String,
    /// The VirtualService whose weights a rollout would change.
    #[arg(long, value_name = "NAME")]
    virtual_service: Option<String>,
    /// The plan that is to be run: its namespace, its VirtualService, the permissions on its very objects, and the pods of
    /// its canary.
    #[arg(long, value_name = "FILE", conflicts_with = "virtual_service")]
    plan: Option<PathBuf>,
    /// The CPU and memory that one pod of the model requests, such as 3,4Gi.
    #[arg(long, value_name = "CPU,MEMORY", value_parser = requests)]
    requests: Option<(String, String)>,
    /// The number of such pods.
    #[arg(long, value_name = "N", default_value_t = 1)]
    replicas: i32,
    /// Print JSON: {"ready": bool, "checks": [{"name", "outcome": pass|warn|fail|unknown, "found", "remedy"}]}.
    #[arg(long, conflicts_with = "html")]
    json: bool,
    /// Print an HTML table.
    #[arg(long)]
    html: bool,
    #[command(flatten)]
    connection: Connection,
}

fn requests(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once(',').ok_or("expected CPU and memory, such as 3,4Gi")?;
    Ok((parts.0.to_owned(), parts.1.to_owned()))
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("preflight: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run(options: &Options) -> Result<bool> {
    let mut checks = PreflightOptions::new(&options.namespace);
    checks.istio_namespace.clone_from(&options.istio_namespace);
    if let Some(name) = &options.virtual_service {
        checks = checks.virtual_service(name);
    }
    if let Some(file) = &options.plan {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        checks = checks.plan(&Plan::from_yaml(&text)?.validated()?);
    }
    if let Some((cpu, memory)) = &options.requests {
        let workload = Workload::new("model", "new")
            .namespace(&checks.namespace)
            .requests(cpu, memory)
            .replicas(options.replicas);
        checks = checks.workload(workload);
    }
    let cluster = options.connection.open().await?;
    let report = preflight(&cluster, &checks).await?;
    if options.json {
        println!("{:#}", report.to_json());
    } else if options.html {
        println!("{}", report.to_html());
    } else {
        print!("{report}");
    }
    Ok(report.is_ready())
}
