//! `canary apply`.

use std::path::PathBuf;

use anyhow::Result;
use canary_core::{
    Findings, Object, Severity,
    cluster::{FIELD_MANAGER, apply_all},
    rollout::Error,
    validate::{Options, Validate},
};
use serde_json::{Value, json};

use crate::{
    commands::help,
    connection::{Connection, runtime},
    input::{self, Text},
    output::{self, Plain},
    status::Status::{self, Conflict, Done, Failed, Unusable},
};

const NOTES: &str = "\
Status 1: an error in the manifests, and nothing was applied; or the cluster refused an object, and the objects reported
before it are applied. Status 5: another manager owns a field that differs; the field is reported and the object is unchanged.";

/// Check manifests as Istio and the API server would, then apply them.
///
/// Gateways, VirtualServices and DestinationRules are validated first; objects of other kinds are sent to the server
/// unchanged. Objects are applied by server-side apply, in the order of their dependencies, with the field manager
/// `canary`. Fields of other managers are never overwritten without --force.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    ["canary apply mesh.yaml --dry-run", "cat mesh.yaml | canary apply - --namespace default --output json"],
    &[Done, Failed, Unusable, Conflict],
    NOTES,
))]
pub(crate) struct Apply {
    /// YAML or JSON files, folders, or `-` for standard input.
    #[arg(required = true, value_name = "FILE", value_hint = clap::ValueHint::AnyPath)]
    files: Vec<PathBuf>,
    /// The namespace of objects without one.
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    namespace: String,
    /// Let the server check everything, but store nothing.
    #[arg(long)]
    dry_run: bool,
    /// Take over fields that other managers own.
    #[arg(long)]
    force: bool,
    /// The field manager.
    #[arg(long, value_name = "NAME", default_value = FIELD_MANAGER)]
    field_manager: String,
    /// The output format: a line for each object, or one JSON object per line.
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    output: Plain,
    #[command(flatten)]
    connection: Connection,
}

impl Apply {
    pub(crate) fn run(&self) -> Result<Status> {
        let Some(objects) = self.objects()? else { return Ok(Failed) };
        match runtime()?.block_on(self.apply(&objects)) {
            Ok(()) => Ok(Done),
            Err(Error::Conflict { object, diff, .. }) => {
                output::message(&format!(
                    "error: {object}: other field managers own the fields that differ"
                ));
                for field in diff.split("; ") {
                    output::message(&format!("  {field}"));
                }
                output::message(
                    "  leave these fields out of the manifest, or take them over with --force",
                );
                Ok(Conflict)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The objects to apply; `None` when one has an error, which is reported.
    fn objects(&self) -> Result<Option<Vec<Value>>> {
        let mut objects = Vec::new();
        let mut findings = Findings::new();
        let checks = Options::default().namespace(&self.namespace);
        for file in input::files(&self.files)? {
            let Text { name, text } = input::text(&file)?;
            let manifest = input::manifest(&name, &text)?;
            findings.extend(manifest.validate_with(&checks));
            for object in &manifest.objects {
                objects.push(with_namespace(object, &self.namespace)?);
            }
        }
        let refused = findings.has_errors();
        for finding in &findings {
            if !refused || finding.severity == Severity::Error {
                output::message(&finding.to_string());
            }
        }
        Ok((!refused).then_some(objects))
    }

    async fn apply(&self, objects: &[Value]) -> canary_core::rollout::Result<()> {
        let Connection { kubeconfig, context } = &self.connection;
        let cluster =
            canary_core::cluster::Kubernetes::open(kubeconfig.as_deref(), context.as_deref())
                .await?;
        let cluster =
            cluster.dry_run(self.dry_run).force(self.force).field_manager(&self.field_manager);
        let note = if self.dry_run { " (dry run: not stored)" } else { "" };
        apply_all(&cluster, objects, |one| {
            let line = match self.output {
                Plain::Text => format!("{:9} {}{note}", one.effect, one.object),
                Plain::Json => json!({
                    "object": one.object.to_string(), "effect": one.effect.to_string(), "dryRun": self.dry_run,
                })
                .to_string(),
            };
            // The objects are applied even if nobody reads the output.
            let _ = output::print(&line);
        })
        .await?;
        Ok(())
    }
}

/// The object as JSON, with its namespace; cluster-wide kinds have none.
fn with_namespace(object: &Object, namespace: &str) -> Result<Value> {
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
