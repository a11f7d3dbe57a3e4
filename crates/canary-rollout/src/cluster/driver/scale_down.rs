//! The old version after a promotion: the driver looks its `Deployment` up, and scales it down when its time has come.

use serde_json::{Value, json};

use super::{
    super::{Cluster, ObjectRef, Patch, old_version::Found},
    edits,
    running::Running,
    target::again,
};
use crate::{Error, Event, Result, ScaleDown, json::text};

pub(super) async fn find<C: Cluster + 'static>(running: &mut Running<C>) -> Result<()> {
    let found = running.target.old_version().await?;
    let found = found.and_then(|Found { old, .. }| match old.replicas {
        0 => Err(format!("{} has no replicas already", old.deployment)),
        _ => Ok(old),
    });
    running.handle(Event::OldVersionFound(found));
    Ok(())
}

/// Scales the old version's `Deployment` to 0. Everything is checked again first: the weights, the subsets, and
/// other users of its pods.
pub(super) async fn carry_out<C: Cluster + 'static>(running: &mut Running<C>) -> Result<()> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        if let Some(done) = done_before(running).await? {
            running.handle(Event::ScaledDown(done));
            return Ok(());
        }
        let edits = running.target.compare(&running.state).await?;
        if !edits.is_empty() {
            running.edited(edits);
            return Ok(());
        }
        if edits::of_subsets(running).await? {
            return Ok(());
        }
        match try_once(running).await {
            Ok(outcome) => {
                running.handle(Event::ScaledDown(outcome));
                return Ok(());
            }
            Err(error) => again(&*running.driver.clock, attempt, error).await?,
        }
    }
}

/// The outcome of an earlier attempt without a response, independently of later changes. If it cannot be read, the
/// next attempt reports the reason.
async fn done_before<C: Cluster + 'static>(running: &mut Running<C>) -> Result<Option<ScaleDown>> {
    let Some(old) = running.state.old_version() else { return Ok(None) };
    let ObjectRef { api_version, kind, namespace, .. } = &old.deployment;
    let all = match running.driver.cluster.list(api_version, kind, Some(namespace)).await {
        Err(error) if error.is_retryable() => return Err(error),
        found => found.unwrap_or_default(),
    };
    let same = |live: &&Value| text(live, "/metadata/uid") == old.uid;
    let gone = all.iter().find(same).is_some_and(|live| live["spec"]["replicas"] == 0);
    let deployment = old.deployment.to_string();
    Ok(gone.then_some(ScaleDown::Done { deployment, replicas: old.replicas }))
}

async fn try_once<C: Cluster + 'static>(running: &mut Running<C>) -> Result<ScaleDown> {
    let left = |why: String| Ok(ScaleDown::Left { why });
    let Some(old) = running.state.old_version().cloned() else {
        return left("its Deployment is not known".to_owned());
    };
    let found = match running.target.old_version().await? {
        Ok(found) => found,
        Err(why) => return left(why),
    };
    let (deployment, replicas) = (found.old.deployment.to_string(), found.old.replicas);
    if !found.old.is_same(&old) {
        return left(format!(
            "{deployment} is not the one of the promotion: it was created again, or has another pod template"
        ));
    }
    match running.driver.cluster.patch_scale(&found.old.deployment, &to_zero(&found)?).await {
        Ok(_) => Ok(ScaleDown::Done { deployment, replicas }),
        Err(error) if error.is_retryable() || matches!(error, Error::Conflict { .. }) => Err(error),
        Err(error) => left(error.to_string()),
    }
}

/// The patch of a `Scale` to no replicas, which only applies to the `Deployment` exactly as it was read.
fn to_zero(found: &Found) -> Result<Patch> {
    let Found { old, version } = found;
    let mut operations = vec![json!({"op": "test", "path": "/metadata/uid", "value": old.uid})];
    if let Some(version) = version {
        operations
            .push(json!({"op": "test", "path": "/metadata/resourceVersion", "value": version}));
    }
    operations.push(json!({"op": "replace", "path": "/spec/replicas", "value": 0}));
    serde_json::from_value(operations.into())
        .map_err(|error| Error::Plan(format!("the patch cannot be written: {error}")))
}
