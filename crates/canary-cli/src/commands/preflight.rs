//! `canary preflight`.

use std::path::PathBuf;

use anyhow::Result;
use canary_core::{
    cluster::{Outcome, Preflight as Found, PreflightOptions, preflight},
    serving::Workload,
};
use clap::ValueEnum;

use crate::{
    commands::help,
    connection::{Connection, runtime},
    input,
    junit::{self, Case, End, Suite},
    output,
    status::Status::{self, Done, Failed, Unusable},
};

const NOTES: &str = "\
Checks: the API server, Istio's definitions and the versions served, the control plane and the ingress gateway, the
gateway's address, sidecar injection, and the permissions of the account in use. --requests adds the namespace's quota,
--virtual-service or --plan the owner of the object, and --plan the readiness of the canary's pods. What the account may not
read is reported as unknown. Nothing is changed.";

/// The form of the checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    #[default]
    Text,
    /// {"ready": bool, "checks": [{"name", "outcome": pass|warn|fail|unknown, "found", "remedy"}]}.
    Json,
    /// JUnit's XML: each check a test.
    Junit,
    /// An HTML table.
    Html,
}

/// Check a cluster for what a release needs, with a remedy for everything that is missing.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    ["canary preflight --namespace models", "canary preflight --plan plan.yaml --output junit > preflight.xml"],
    &[Done, Failed, Unusable],
    NOTES,
))]
pub(crate) struct Preflight {
    /// The namespace of the model and of its routes.
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    namespace: String,
    /// The namespace of Istio's control plane.
    #[arg(long, value_name = "NAME", default_value = "istio-system")]
    istio_namespace: String,
    /// The VirtualService whose weights a rollout would change.
    #[arg(long, value_name = "NAME")]
    virtual_service: Option<String>,
    /// The plan of the release: checks its namespace, its VirtualService, the permissions on its objects, and its
    /// canary's pods.
    #[arg(long, value_name = "FILE", conflicts_with = "virtual_service", value_hint = clap::ValueHint::FilePath)]
    plan: Option<PathBuf>,
    /// The CPU and memory that one pod of the model requests, such as 3,4Gi.
    #[arg(long, value_name = "CPU,MEMORY", value_parser = requests)]
    requests: Option<(String, String)>,
    /// The number of such pods.
    #[arg(long, value_name = "N", default_value_t = 1)]
    replicas: i32,
    /// The form of the checks.
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    output: Form,
    #[command(flatten)]
    connection: Connection,
}

fn requests(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once(',').ok_or("expected CPU and memory, such as 3,4Gi")?;
    Ok((parts.0.to_owned(), parts.1.to_owned()))
}

impl Preflight {
    pub(crate) fn run(&self) -> Result<Status> {
        let mut checks = PreflightOptions::new(&self.namespace);
        checks.istio_namespace.clone_from(&self.istio_namespace);
        if let Some(name) = &self.virtual_service {
            checks = checks.virtual_service(name);
        }
        if let Some(file) = &self.plan {
            checks = checks.plan(&input::plan(file)?);
        }
        if let Some((cpu, memory)) = &self.requests {
            let workload = Workload::new("model", "new")
                .namespace(&checks.namespace)
                .requests(cpu, memory)
                .replicas(self.replicas);
            checks = checks.workload(workload);
        }
        let report = runtime()?.block_on(async {
            let cluster = self.connection.open().await?;
            anyhow::Ok(preflight(&cluster, &checks).await?)
        })?;
        match self.output {
            Form::Text => output::print(&report.to_string())?,
            Form::Json => output::json(&report.to_json())?,
            Form::Junit => output::print(&as_junit(&report, &checks.namespace)?)?,
            Form::Html => output::print(&report.to_html())?,
        }
        Ok(if report.is_ready() { Done } else { Failed })
    }
}

fn as_junit(report: &Found, namespace: &str) -> Result<String> {
    let cases = report.checks.iter().map(|check| {
        let remedy = check.remedy.as_str();
        let text = if remedy.is_empty() {
            check.found.clone()
        } else {
            format!("{}; {remedy}", check.found)
        };
        let end = match check.outcome {
            Outcome::Pass => End::Passed,
            Outcome::Warn => End::Noted(text),
            Outcome::Fail => End::Failed(check.found.clone(), text),
            _ => End::Skipped(text),
        };
        Case { name: check.name.to_owned(), end }
    });
    let name = format!("preflight of namespace {namespace}");
    junit::document(&[Suite { name, cases: cases.collect() }])
}
