//! Several objects at once: applied in the order of their dependencies, and deleted again.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Cluster, ObjectRef};
use crate::{
    Result,
    json::{resource_version, text},
};

/// The identity of an object among all that ever had its name.
const UID: &str = "/metadata/uid";

/// The effect of an apply on an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Effect {
    /// It was created.
    Created,
    /// It was changed to the stated values.
    Changed,
    /// It already had the stated values.
    Unchanged,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
        })
    }
}

/// An object that was applied.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Applied {
    /// The object.
    pub object: ObjectRef,
    /// The effect on the object.
    pub effect: Effect,
    /// The identity that the cluster gave it; another object of the same name has another one.
    pub uid: String,
}

/// Applies objects one after the other: what others need first, so subsets before the routes that name them.
///
/// `on_applied` is called for each one; when one fails, those before it are in the cluster.
///
/// ```
/// # async fn example(cluster: impl canary_core::cluster::Cluster) -> canary_core::Result<()> {
/// use canary_core::{cluster::{apply_all, tear_down}, serving::Workload};
///
/// let objects = Workload::new("image-classifier", "resnet50").model("m", "/models/m").objects()?;
/// let applied = apply_all(&cluster, &objects, |one| println!("{} {}", one.object, one.effect)).await?;
/// tear_down(&cluster, &applied).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// That of the first object that cannot be applied, as [`Cluster::apply`] gives it.
pub async fn apply_all(
    cluster: &impl Cluster,
    objects: &[Value],
    mut on_applied: impl FnMut(&Applied) + Send,
) -> Result<Vec<Applied>> {
    let mut targets = Vec::with_capacity(objects.len());
    for object in objects {
        targets.push((ObjectRef::of(object)?, object));
    }
    targets.sort_by_key(|(target, _)| rank(&target.kind));
    let mut applied = Vec::with_capacity(targets.len());
    for (target, object) in targets {
        let before = cluster.get(&target).await?;
        let after = cluster.apply(object).await?;
        let effect = match &before {
            None => Effect::Created,
            Some(before) if resource_version(before) == resource_version(&after) => {
                Effect::Unchanged
            }
            Some(_) => Effect::Changed,
        };
        let one = Applied { object: target, effect, uid: text(&after, UID).to_owned() };
        on_applied(&one);
        applied.push(one);
    }
    Ok(applied)
}

/// Deletes exactly what [`apply_all`] created, in the reverse order, and gives what it deleted.
///
/// Objects that existed before stay, and so does one that somebody has created under the same name since.
///
/// # Errors
/// As [`Cluster::delete`]; what comes after the object that cannot be deleted stays.
pub async fn tear_down(cluster: &impl Cluster, applied: &[Applied]) -> Result<Vec<ObjectRef>> {
    let mut deleted = Vec::new();
    for one in applied.iter().rev().filter(|one| one.effect == Effect::Created) {
        let ours = cluster.get(&one.object).await?.is_some_and(|live| text(&live, UID) == one.uid);
        if ours && cluster.delete(&one.object).await? {
            deleted.push(one.object.clone());
        }
    }
    Ok(deleted)
}

/// The position of a kind in the order.
fn rank(kind: &str) -> u8 {
    match kind {
        "Namespace" | "CustomResourceDefinition" => 0,
        "ServiceAccount" | "ConfigMap" | "Secret" | "Role" | "ClusterRole" => 1,
        "RoleBinding" | "ClusterRoleBinding" | "Service" => 2,
        "VirtualService" | "HTTPRoute" | "GRPCRoute" => 5,
        "Gateway" | "DestinationRule" => 4,
        _ => 3,
    }
}
