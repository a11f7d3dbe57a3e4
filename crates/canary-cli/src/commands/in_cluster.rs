//! `canary in-cluster`.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Result;
use canary_core::{
    Manifest, Object,
    cluster::{InCluster, Mount},
    evidence::prometheus::{Reporter, mark_header},
};

use crate::{
    commands::{help, route::pair},
    input, output,
    status::Status::{self, Done, Failed, Unusable},
};

const NOTES: &str = "\
Nothing is applied, and no cluster is contacted. The role allows get, patch and watch on the plan's VirtualService and
DestinationRule, and create, get and patch on its Lease. To check the canary's pods and their release, it also allows list on
pods, deployments and statefulsets, and get on services and configmaps of the namespace. If the arguments contain --events,
it also allows create and patch on events. Pass --gateway-url to `canary run`, because discovering the gateway's address
needs more permissions.

If the arguments contain --metrics ADDRESS, the pod names the port and has the annotations prometheus.io/scrape, port and
path, and the last values are served for 2 minutes after the verdict, unless --metrics-linger is among the arguments too.";

/// Print the manifests of a Job that runs `canary run` inside the cluster with minimal permissions.
///
/// The manifests are a service account, a role for the plan's objects and its binding, a ConfigMap with the plan, and a
/// Job. Build the image from the project's Dockerfile. After an error or an eviction, the Job restarts the driver,
/// which resumes the same experiment.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    [
        "canary in-cluster plan.yaml --image registry.example.com/canary:1.0 > job.yaml",
        "canary in-cluster plan.yaml --image x:1 --mount claim/photos:/in -- --images /in/a.jpg",
    ],
    &[Done, Failed, Unusable],
    NOTES,
))]
pub(crate) struct InClusterOf {
    /// The plan.
    #[arg(value_hint = clap::ValueHint::FilePath)]
    plan: PathBuf,
    /// The image that `docker build` created from the Dockerfile.
    #[arg(long)]
    image: String,
    /// The name of all objects; by default canary- and the VirtualService's name.
    #[arg(long)]
    name: Option<String>,
    /// Mount files for the driver read-only (repeatable): secret/NAME:PATH, configmap/NAME:PATH or claim/NAME:PATH,
    /// such as claim/photos:/photos.
    #[arg(long, value_name = "OBJECT:PATH", value_parser = mount)]
    mount: Vec<(Mount, String)>,
    /// Also print the Telemetry object with which Istio's ingress gateway marks requests with the plan's header, so
    /// that `canary run --prometheus URL --unmarked` excludes them.
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
        value_parser = pair,
        requires = "telemetry"
    )]
    gateway_label: (String, String),
    /// More arguments for `canary run`, after `--`, such as `-- --gateway-url
    /// http://istio-ingressgateway.istio-system`.
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// The time for which a Job serves its last values: twice the longest scrape interval in common use.
const LINGER: &str = "2m";

/// The port of `--metrics` among the arguments of `canary run`.
fn metrics_port(arguments: &[String]) -> Result<Option<u16>> {
    let mut arguments = arguments.iter();
    let Some(found) =
        arguments.by_ref().find(|one| one.as_str() == "--metrics" || one.starts_with("--metrics="))
    else {
        return Ok(None);
    };
    let address = found.strip_prefix("--metrics=").map(str::to_owned);
    let address = address.or_else(|| arguments.next().cloned()).unwrap_or_default();
    match address.parse::<SocketAddr>() {
        Ok(parsed) if parsed.port() > 0 && !parsed.ip().is_loopback() => Ok(Some(parsed.port())),
        _ => Err(input::Unusable::error(format!(
            "--metrics {address}: Prometheus reaches a pod at an address that is not loopback, and at a port that is \
             known; name 0.0.0.0:9464"
        ))),
    }
}

fn mount(text: &str) -> Result<(Mount, String), String> {
    let (what, path) = text
        .split_once(':')
        .filter(|(_, path)| path.starts_with('/'))
        .ok_or("expected an object and an absolute path, such as claim/photos:/photos")?;
    Ok((Mount::parse(what).map_err(|error| error.to_string())?, path.to_owned()))
}

impl InClusterOf {
    pub(crate) fn run(&self) -> Result<Status> {
        let plan = input::plan(&self.plan)?;
        let mut job = InCluster::new(&self.image);
        job.args = ["--cluster", "--output=json", "--plain-status"].map(str::to_owned).into();
        job.name.clone_from(&self.name);
        job.args.extend(self.arguments.iter().cloned());
        job.mounts.clone_from(&self.mount);
        job.events = self.arguments.iter().any(|argument| argument == "--events");
        if let Some(port) = metrics_port(&self.arguments)? {
            job.metrics = Some(port);
            let named = |argument: &String| argument.starts_with("--metrics-linger");
            if !self.arguments.iter().any(named) {
                job.args.push(format!("--metrics-linger={LINGER}"));
            }
        }
        let mut objects = job.objects(&plan)?;
        if self.telemetry {
            let header = plan.header.as_ref().ok_or_else(|| {
                input::Unusable::error("--telemetry: the plan has no header to mark")
            })?;
            let header = (header.name.as_str(), header.value.as_str());
            let pods = [self.gateway_label.clone()].into();
            objects.push(mark_header(header, Reporter::Source, &self.gateway_namespace, &pods));
        }
        let manifest: Manifest = objects.into_iter().map(Object::Other).collect();
        output::print(&manifest.to_yaml()?)?;
        Ok(Done)
    }
}
