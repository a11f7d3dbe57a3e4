//! Checks manifests, then applies them: server-side apply, in the order that the objects need each other.
//!
//! ```text
//! cargo run --example apply -- examples/mesh.yaml --dry-run
//! ```

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to its user"
)]

use std::{io::Read, process::ExitCode};

use canary_core::{
    Findings, Manifest, Object, Severity,
    cluster::apply_all,
    manifest,
    rollout::Error,
    validate::{self, Validate},
};
use canary_examples::Connection;
use clap::Parser;
use serde_json::Value;

const STATUS: &str = "\
Exit status:
  0  all objects are in the cluster as stated
  1  an object has an error, and nothing was applied; or the cluster refused one, and those reported before it are applied
  2  wrong arguments, a file that cannot be read, or a cluster that cannot be reached
  3  another field manager owns a field that differs; each such field is reported, and nothing of that object was changed";

/// Applies manifests, after checking them as Istio and the API server would.
///
/// Istio's three kinds are checked by this library first; objects of other kinds go to the server as they are. Fields
/// are owned by the field manager `canary`, and those of others are never overwritten without --force.
#[derive(Debug, Parser)]
#[command(name = "apply", after_help = STATUS)]
struct Options {
    /// YAML or JSON files; `-` for standard input.
    #[arg(required = true)]
    files: Vec<String>,
    /// The namespace of objects that name none.
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// Let the server check everything and store nothing.
    #[arg(long)]
    dry_run: bool,
    /// Take over fields that other managers own.
    #[arg(long)]
    force: bool,
    /// The name under which fields are owned.
    #[arg(long, value_name = "NAME", default_value = canary_core::cluster::FIELD_MANAGER)]
    field_manager: String,
    #[command(flatten)]
    connection: Connection,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::Conflict { object, diff, .. }) => {
            eprintln!("apply: {object}: other field managers own what differs");
            for field in diff.split("; ") {
                eprintln!("  {field}");
            }
            eprintln!("  leave these fields out of the manifest, or take them over with --force");
            ExitCode::from(3)
        }
        Err(Error::Istio(manifest::Error::Invalid(findings))) => {
            eprintln!("apply: {findings}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprint!("apply: {error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(inner) = cause {
                eprint!(": {inner}");
                cause = inner.source();
            }
            eprintln!();
            let unread = matches!(error, Error::Istio(manifest::Error::Manifest { .. }))
                || error.is_retryable();
            ExitCode::from(if unread { 2 } else { 1 })
        }
    }
}

async fn run(options: &Options) -> canary_core::rollout::Result<()> {
    let mut objects = Vec::new();
    let mut findings = Findings::new();
    let checks = validate::Options::default().namespace(&options.namespace);
    for file in &options.files {
        for object in read(file)?.objects {
            findings.extend(object.validate_with(&checks));
            objects.push(json(&object, &options.namespace)?);
        }
    }
    for finding in findings.iter().filter(|finding| finding.severity != Severity::Error) {
        eprintln!("{finding}");
    }
    findings.into_result()?;
    let cluster = options.connection.open().await?;
    let cluster =
        cluster.dry_run(options.dry_run).force(options.force).field_manager(&options.field_manager);
    let note = if options.dry_run { " (dry run: not stored)" } else { "" };
    apply_all(&cluster, &objects, |one| println!("{:9} {}{note}", one.effect, one.object)).await?;
    Ok(())
}

fn read(file: &str) -> canary_core::rollout::Result<Manifest> {
    let unreadable = |error: std::io::Error| Error::manifest(file.to_owned(), error.to_string());
    let mut text = String::new();
    if file == "-" {
        std::io::stdin().read_to_string(&mut text).map_err(unreadable)?;
    } else {
        text = std::fs::read_to_string(file).map_err(unreadable)?;
    }
    Ok(Manifest::read_named(file, &text)?)
}

/// The object as JSON, with its namespace; cluster-wide kinds have none.
fn json(object: &Object, namespace: &str) -> canary_core::rollout::Result<Value> {
    const CLUSTER_WIDE: [&str; 4] =
        ["ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Namespace"];
    let mut value = object.to_json_value()?;
    if object.namespace().is_none()
        && !CLUSTER_WIDE.contains(&object.kind())
        && let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut)
    {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
    Ok(value)
}
