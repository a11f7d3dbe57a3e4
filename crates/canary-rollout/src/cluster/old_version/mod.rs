//! The one `Deployment` behind the old version that may be scaled down after a promotion, or the reason why none may.

mod routes;
mod scalers;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::{
    Cluster, ObjectRef,
    presence::{
        Place, Selection, is_live, labels, name, template, template_labels, template_of, title,
        wanted,
    },
    release_id::template_digest,
    versions::{Version, behind},
};
use crate::{
    Error, OldVersion, Plan, Result,
    json::{list, resource_version, text},
};
use routes::routes_to;
use scalers::scaler_of;

/// An old version, and the version of its object as it was read.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) old: OldVersion,
    pub(super) version: Option<Value>,
}

/// Finds the `Deployment` of a plan's stable subset that may be scaled down after the promotion, or the reason why none
/// may; an object that cannot be read is a reason too.
///
/// With `routed`, the routes of all objects are checked; before a promotion the plan's own route leads there.
///
/// # Errors
/// [`Error::Cluster`] when the store cannot be reached; it is worth another attempt.
pub(super) async fn find_old_version(
    cluster: &impl Cluster,
    plan: &Plan,
    routed: bool,
) -> Result<Result<Found, String>> {
    match find(cluster, plan, routed).await {
        Err(Obstacle::Told(why)) => Ok(Err(why)),
        Err(Obstacle::Failed(error)) if error.is_retryable() => Err(error),
        Err(Obstacle::Failed(error)) => Ok(Err(error.to_string())),
        Ok(found) => Ok(Ok(found)),
    }
}

/// Checks before a release that the old version's `Deployment` can be scaled down after it
/// ([`Plan::scale_down_after`]): it is alone behind the stable subset, and nothing else scales it. Routes are not looked
/// at, because the plan's own leads there until the promotion.
///
/// # Errors
///
/// [`Error::Refused`] with the obstacle; [`Error::Cluster`] when the store cannot be reached.
///
/// ```no_run
/// # async fn check(cluster: impl canary_core::cluster::Cluster, plan: canary_core::Plan) -> canary_core::Result<()> {
/// let old = canary_core::cluster::old_version(&cluster, &plan).await?;
/// println!("{} has {} replicas", old.deployment, old.replicas);
/// # Ok(())
/// # }
/// ```
pub async fn old_version(cluster: &impl Cluster, plan: &Plan) -> Result<OldVersion> {
    let found = find_old_version(cluster, plan, false).await?;
    found.map(|found| found.old).map_err(|reason| Error::Refused {
        action: format!("scale down the old version {}", plan.stable),
        reason,
    })
}

/// A reason to leave the old version alone.
enum Obstacle {
    /// An obstacle that was found.
    Told(String),
    /// A look-up that failed.
    Failed(Error),
}

impl From<Error> for Obstacle {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

async fn find(
    cluster: &impl Cluster,
    plan: &Plan,
    routed: bool,
) -> std::result::Result<Found, Obstacle> {
    let mut stable = match behind(cluster, plan, Version::Stable).await {
        Err(Error::NotFound { object, .. }) => return told(format!("there is no {object}")),
        found => found?,
    };
    let selection = match &stable.place {
        Place::Pods(selection) => selection,
        Place::Settled(presence) => return told(presence.to_string()),
    };
    let workloads = stable.lists.workloads(selection).await?;
    let own: Vec<&Value> =
        workloads.iter().filter(|one| selection.selects(template_labels(one))).collect();
    let pods = stable.lists.pods(selection).await?;
    let pods: Vec<&Value> = pods.iter().flat_map(|pods| &pods.related).collect();
    let deployment = alone(selection, &own, &pods)?;
    let object = ObjectRef::of(deployment)?;
    if is_deleted(deployment) {
        return told(format!("{object} is being deleted"));
    }
    if let Some(owner) = controller(deployment) {
        return told(format!("{object} belongs to {owner}, which sets its replicas itself"));
    }
    let canary = behind(cluster, plan, Version::Canary).await?;
    let Place::Pods(served) = &canary.place else {
        return told(format!("the pods of {} cannot be looked at", plan.canary));
    };
    if served.selects(template_labels(deployment)) {
        return told(format!("{object} serves {} too", plan.canary));
    }
    if let Some(scaler) = scaler_of(cluster, &object).await? {
        return told(format!("{scaler} scales {object}; lower its minimum, or remove it"));
    }
    if routed {
        let canary: Vec<&Value> = workloads
            .iter()
            .filter(|one| served.selects(template_labels(one)))
            .filter_map(template_labels)
            .collect();
        let old = template_labels(deployment);
        if let Some(route) = routes_to(cluster, plan, &object.namespace, old, &canary).await? {
            return told(format!("{route} still leads to the pods of {object}"));
        }
    }
    let old = OldVersion {
        uid: text(deployment, "/metadata/uid").to_owned(),
        template: template(deployment).map(template_digest).unwrap_or_default(),
        replicas: wanted(deployment),
        deployment: object,
    };
    Ok(Found { old, version: resource_version(deployment).cloned() })
}

fn told<T>(why: String) -> std::result::Result<T, Obstacle> {
    Err(Obstacle::Told(why))
}

/// The one `Deployment` that makes all pods of the subset.
fn alone<'o>(
    selection: &Selection,
    own: &[&'o Value],
    pods: &[&Value],
) -> std::result::Result<&'o Value, Obstacle> {
    let what = selection.what();
    let titles = |objects: &[&Value]| {
        objects.iter().map(|object| title(object)).collect::<Vec<_>>().join(", ")
    };
    let (deployments, others): (Vec<&Value>, Vec<&Value>) =
        own.iter().copied().partition(|one| one["kind"] == "Deployment");
    let others = titles(&others);
    let live = pods.iter().filter(|pod| selection.selects(labels(pod)) && is_live(pod));
    let deployment = match deployments[..] {
        [deployment] if others.is_empty() => deployment,
        [] if others.is_empty() => {
            let owners: Vec<String> = live.map(|pod| owner(pod)).collect();
            let Some(owner) = owners.first() else {
                return told(format!("no Deployment is behind {what}"));
            };
            return told(format!("the pods of {what} are of {owner}, and of no Deployment"));
        }
        [] => {
            return told(format!("{what} is served by {others}, and only a Deployment is scaled"));
        }
        _ => {
            let all = [titles(&deployments), others];
            let all: Vec<String> = all.into_iter().filter(|text| !text.is_empty()).collect();
            return told(format!("several workloads are behind {what}: {}", all.join(", ")));
        }
    };
    // An Argo Rollout or a bare ReplicaSet may make pods beside it.
    let mut foreign = live
        .filter(|pod| template_of(pod).is_none_or(|(workload, _)| workload != name(deployment)));
    match foreign.next() {
        Some(pod) => told(format!(
            "pod {} of {what} is of {}, and not of {}",
            name(pod),
            owner(pod),
            title(deployment)
        )),
        None => Ok(deployment),
    }
}

/// The controller of a pod in words.
fn owner(pod: &Value) -> String {
    controller(pod).unwrap_or_else(|| "no controller".to_owned())
}

/// The controller in an object's owner references, as kind and name.
fn controller(object: &Value) -> Option<String> {
    let owners = list(object, "/metadata/ownerReferences");
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    Some(format!("{} {}", text(owner, "/kind"), text(owner, "/name")))
}

fn is_deleted(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null())
}
