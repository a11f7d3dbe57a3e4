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
use canary_core::{
    Manifest, Object, Plan,
    cluster::{InCluster, Mount},
    evidence::prometheus::{Reporter, mark_header},
};
use clap::Parser;

const STATUS: &str = "\
Exit status:
  0  printed
  1  the plan cannot be read, or has an error
  2  wrong arguments

Nothing is applied, and no cluster is contacted. The role permits get, patch and watch on the plan's own VirtualService and
DestinationRule, and create, get and patch on its Lease; to see whether the canary's pods are ready and which release they
are, it permits to list pods, deployments and statefulsets and to get services and configmaps of the namespace. Give
--gateway-url among the arguments of `ramp`: looking for the gateway's address needs more permissions than that.";

/// Prints a service account, a role for the plan's own objects and its binding, a ConfigMap with the plan, and a Job.
///
/// The image is the one of the project's Dockerfile. The Job starts the driver again after an error or an eviction, and
/// it goes on with the same experiment.
#[derive(Debug, Parser)]
#[command(name = "in_cluster", after_help = STATUS)]
struct Options {
    /// The plan.
    plan: PathBuf,
    /// The image that `docker build` created from the Dockerfile.
    #[arg(long)]
    image: String,
    /// The name of all objects; by default canary- and the VirtualService's name.
    #[arg(long)]
    name: Option<String>,
    /// Mount files for the driver read-only, again for more: secret/NAME:PATH, configmap/NAME:PATH or claim/NAME:PATH,
    /// such as claim/photos:/photos.
    #[arg(long, value_name = "OBJECT:PATH", value_parser = mount)]
    mount: Vec<(Mount, String)>,
    /// Print too the Telemetry object by which Istio's ingress gateway marks requests with the plan's header, so that
    /// `ramp --prometheus URL --unmarked` leaves them out.
    #[arg(long)]
    telemetry: bool,
    /// The namespace of the ingress gateway.
    #[arg(long, value_name = "NAME", default_value = "istio-system", requires = "telemetry")]
    gateway_namespace: String,
    /// A label of the ingress gateway's pods.
    #[arg(
        long,
        value_name = "KEY=VALUE",
        default_value = "istio=ingressgateway",
        value_parser = label,
        requires = "telemetry"
    )]
    gateway_label: (String, String),
    /// More arguments for `ramp`, after `--`, such as `-- --gateway-url http://istio-ingressgateway.istio-system`.
    #[arg(last = true)]
    arguments: Vec<String>,
}

fn mount(text: &str) -> Result<(Mount, String), String> {
    let (what, path) = text
        .split_once(':')
        .filter(|(_, path)| path.starts_with('/'))
        .ok_or("expected an object and an absolute path, such as claim/photos:/photos")?;
    Ok((Mount::parse(what).map_err(|error| error.to_string())?, path.to_owned()))
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected key=value")?;
    Ok((key.to_owned(), value.to_owned()))
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
    let mut job = InCluster::new(&options.image);
    job.args = ["--cluster", "--json", "--plain-status"].map(str::to_owned).into();
    job.name.clone_from(&options.name);
    job.args.extend(options.arguments.iter().cloned());
    job.mounts.clone_from(&options.mount);
    let plan = Plan::from_yaml(&text)?;
    let mut objects = job.objects(&plan)?;
    if options.telemetry {
        let header = plan.header.as_ref().context("--telemetry: the plan has no header to mark")?;
        let header = (header.name.as_str(), header.value.as_str());
        let pods = [options.gateway_label.clone()].into();
        objects.push(mark_header(header, Reporter::Source, &options.gateway_namespace, &pods));
    }
    let manifest: Manifest = objects.into_iter().map(Object::Other).collect();
    Ok(manifest.to_yaml()?)
}
