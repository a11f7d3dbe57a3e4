//! `canary analyze`.

use anyhow::Result;
use canary_core::{
    Object,
    analyze::{Inventory, ServiceEntry},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    commands::{help, validate::Manifests},
    findings::Checked,
    input::Unusable as NotUsable,
    status::Status::{self, Done, Failed, Unusable},
};

/// Check manifests individually and against each other, as Istio's analyzers do.
///
/// The analysis assumes that the manifests contain all Gateways, VirtualServices and DestinationRules of the mesh.
/// Checks that need other objects are left open, unless --complete states that the manifests contain all Services,
/// ServiceEntries, Pods, Secrets and Namespaces as well.
#[derive(Debug, clap::Args)]
#[command(after_help = help(
    ["canary analyze mesh.yaml", "canary analyze mesh.yaml --output junit > mesh.xml"],
    &[Done, Failed, Unusable],
    "",
))]
pub(crate) struct Analyze {
    #[command(flatten)]
    manifests: Manifests,
    /// Treat the manifests as complete: a Service, Pod, Secret or Namespace that is not among them does not exist.
    #[arg(long)]
    complete: bool,
}

impl Analyze {
    pub(crate) fn run(&self) -> Result<Status> {
        let mut checked = self.manifests.check()?;
        let inventory = if self.complete { inventory(&checked)? } else { Inventory::default() };
        let inventory = inventory.channel(self.manifests.gateway_api_channel);
        checked.analyze(&inventory, &self.manifests.namespace);
        self.manifests.report(checked)
    }
}

/// The other objects among the manifests, which are treated as complete.
fn inventory(checked: &Checked) -> Result<Inventory> {
    let others: Vec<&Value> = checked
        .objects()
        .filter_map(|(_, _, object)| match object {
            Object::Other(value) => Some(value),
            _ => None,
        })
        .collect();
    let entries = others
        .iter()
        .filter(|one| one["kind"] == "ServiceEntry")
        .map(|one| ServiceEntry::from_json_value(one));
    Ok(Inventory::default()
        .service_entries(entries)
        .services(all(&others, "Service")?)
        .pods(all(&others, "Pod")?)
        .secrets(all(&others, "Secret")?)
        .namespaces(all(&others, "Namespace")?))
}

/// The objects of a kind of Kubernetes' core.
fn all<T: DeserializeOwned>(objects: &[&Value], kind: &str) -> Result<Vec<T>> {
    objects
        .iter()
        .filter(|one| one["apiVersion"] == "v1" && one["kind"] == kind)
        .map(|one| {
            serde_json::from_value((*one).clone()).map_err(|error| {
                let name = one["metadata"]["name"].as_str().unwrap_or_default();
                NotUsable::error(format!("cannot read {kind} {name}: {error}"))
            })
        })
        .collect()
}
