//! Autoscalers of a `Deployment`.

use serde_json::Value;

use super::super::{Cluster, ObjectRef};
use crate::{
    Error, Result,
    json::{list, text},
};

/// The versions under which autoscalers are listed, newest first.
const VERSIONS: [&str; 2] = ["autoscaling/v2", "autoscaling/v1"];

/// The autoscaler of a `Deployment` in words; `None` when none targets it.
///
/// KEDA uses its own `HorizontalPodAutoscaler`, which its `ScaledObject` owns; both are named.
pub(super) async fn scaler_of(
    cluster: &impl Cluster,
    deployment: &ObjectRef,
) -> Result<Option<String>> {
    let mut all = Vec::new();
    for version in VERSIONS {
        let namespace = Some(deployment.namespace.as_str());
        match cluster.list(version, "HorizontalPodAutoscaler", namespace).await {
            Err(Error::Unserved { .. }) => {}
            found => {
                all = found?;
                break;
            }
        }
    }
    Ok(all.iter().find(|one| targets(one, deployment)).map(words))
}

fn targets(autoscaler: &Value, deployment: &ObjectRef) -> bool {
    let target = |field: &str| text(autoscaler, &format!("/spec/scaleTargetRef/{field}"));
    // An old manifest may name the Deployment's group as it was before apps/v1.
    let group = target("apiVersion").split_once('/').map_or("", |(group, _)| group);
    matches!(group, "" | "apps" | "extensions")
        && target("kind") == deployment.kind
        && target("name") == deployment.name
}

fn words(autoscaler: &Value) -> String {
    let name = text(autoscaler, "/metadata/name");
    let owners = list(autoscaler, "/metadata/ownerReferences");
    let scaled = owners.iter().find(|owner| owner["kind"] == "ScaledObject");
    match scaled {
        Some(owner) => {
            format!("KEDA's ScaledObject {} (HorizontalPodAutoscaler {name})", text(owner, "/name"))
        }
        None => format!("HorizontalPodAutoscaler {name}"),
    }
}
