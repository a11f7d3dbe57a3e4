//! The old version after a promotion: the driver looks its `Deployment` up, and scales it down when its time has come.

use serde_json::{Value, json};

use super::{
    super::{Cluster, ObjectRef, Patch, Presence, old_version::Found},
    progress::Progress,
    run::Running,
};
use crate::{Error, Event, Result, ScaleDown, Verb, evidence::Timestamp, json::text};

/// The state of the old version as reported before an event.
pub(super) struct Told {
    at: Option<Timestamp>,
    over: bool,
}

impl<C: Cluster + 'static> Running<C> {
    pub(super) async fn find_old_version(&mut self) -> Result<()> {
        let found = self.target.old_version().await?;
        let found = found.and_then(|Found { old, .. }| match old.replicas {
            0 => Err(format!("{} has no replicas already", old.deployment)),
            _ => Ok(old),
        });
        self.handle(Event::OldVersionFound(found));
        Ok(())
    }

    /// Scales the old version's `Deployment` to 0. Everything is checked again first: the weights, the subsets, and
    /// other users of its pods.
    pub(super) async fn scale_down(&mut self) -> Result<()> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            if let Some(done) = self.scaled_before().await? {
                self.handle(Event::ScaledDown(done));
                return Ok(());
            }
            let edits = self.target.compare(&self.state).await?;
            if !edits.is_empty() {
                self.edited(edits);
                return Ok(());
            }
            if self.subsets_edited().await? {
                return Ok(());
            }
            match self.try_scale_down().await {
                Ok(outcome) => {
                    self.handle(Event::ScaledDown(outcome));
                    return Ok(());
                }
                Err(error) => self.target.again(attempt, error).await?,
            }
        }
    }

    /// The outcome of an earlier attempt without a response, independently of later changes. If it cannot be read, the
    /// next attempt reports the reason.
    async fn scaled_before(&mut self) -> Result<Option<ScaleDown>> {
        let Some(old) = self.state.old_version() else { return Ok(None) };
        let ObjectRef { api_version, kind, namespace, .. } = &old.deployment;
        let all = match self.target.cluster.list(api_version, kind, Some(namespace)).await {
            Err(error) if error.is_retryable() => return Err(error),
            found => found.unwrap_or_default(),
        };
        let same = |live: &&Value| text(live, "/metadata/uid") == old.uid;
        let gone = all.iter().find(same).is_some_and(|live| live["spec"]["replicas"] == 0);
        let deployment = old.deployment.to_string();
        Ok(gone.then_some(ScaleDown::Done { deployment, replicas: old.replicas }))
    }

    async fn try_scale_down(&mut self) -> Result<ScaleDown> {
        let left = |why: String| Ok(ScaleDown::Left { why });
        let Some(old) = self.state.old_version().cloned() else {
            return left("its Deployment is not known".to_owned());
        };
        let found = match self.target.old_version().await? {
            Ok(found) => found,
            Err(why) => return left(why),
        };
        let (deployment, replicas) = (found.old.deployment.to_string(), found.old.replicas);
        if !found.old.is_same(&old) {
            return left(format!(
                "{deployment} is not the one of the promotion: it was created again, or has another pod template"
            ));
        }
        match self.target.cluster.patch_scale(&found.old.deployment, &to_zero(&found)?).await {
            Ok(_) => Ok(ScaleDown::Done { deployment, replicas }),
            Err(error) if error.is_retryable() || matches!(error, Error::Conflict { .. }) => {
                Err(error)
            }
            Err(error) => left(error.to_string()),
        }
    }

    /// The reason why a person cannot abort while the old version is kept: none of its pods would serve.
    pub(super) async fn obstacle_to_return(&mut self) -> Option<String> {
        if !self.state.keeps_old_version() {
            return None;
        }
        match self.target.stable().await {
            Ok(Presence::Missing { why, .. }) => Some(format!(
                "no pod of the old version is ready: {why}; bring it back first, then write the weights yourself"
            )),
            // If this cannot be checked, the person decides.
            _ => None,
        }
    }

    /// The obstacle to a command that moves all traffic at once.
    pub(super) async fn obstacle_to(&mut self, verb: Verb) -> Option<String> {
        match verb {
            // Boxed, because otherwise every future of the driver has room for it.
            Verb::Promote => Box::pin(self.obstacle_to_promotion()).await,
            Verb::Abort => Box::pin(self.obstacle_to_return()).await,
            _ => None,
        }
    }

    pub(super) fn told_of_old_version(&self) -> Told {
        Told { at: self.state.scale_down_at(), over: self.state.scale_down().is_some() }
    }

    /// Reports what an event has changed for the old version. Once it is only kept, observation has ended.
    pub(super) fn report_old_version(&mut self, before: &Told) {
        if self.state.keeps_old_version() && self.open > 0 {
            (self.inputs, self.open) = (futures_util::stream::SelectAll::new(), 0);
        }
        if let (Some(at), Some(old)) = (self.state.scale_down_at(), self.state.old_version())
            && before.at.is_none()
        {
            let deployment = old.deployment.to_string();
            self.reports.push_back(Progress::ScaleDownAwaited { deployment, at });
        }
        if let (Some(outcome), false) = (self.state.scale_down(), before.over) {
            self.reports.push_back(Progress::ScaledDown { outcome: outcome.clone() });
        }
    }

    /// Reports the scale-down that a stored rollout waits for.
    pub(super) fn report_kept_version(&mut self) {
        self.report_old_version(&Told { at: None, over: true });
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
