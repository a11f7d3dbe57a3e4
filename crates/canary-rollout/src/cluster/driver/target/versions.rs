//! The definition of the two versions: the subsets of a `DestinationRule`, or the selectors of two `Service`s.

use std::sync::Arc;

use serde_json::Value;

use super::{
    super::{
        super::{
            Cluster, ObjectRef, Patch, Presence,
            versions::{self, Version},
        },
        clock::Clock,
    },
    ATTEMPTS, Release,
    record::gone,
};
use crate::{
    Error, Plan, Result, State,
    json::{annotation, resource_version, texts},
    patch::{Differences, SUBSET_ANNOTATION, SubsetLabels, add_subset, keep_subset, remove_subset},
};

/// The definition of a plan's two versions in a cluster.
pub(super) struct Versions<C> {
    cluster: Arc<C>,
    clock: Arc<dyn Clock>,
    plan: Plan,
    /// The `DestinationRule`; none where the versions are `Service`s.
    rule: Option<ObjectRef>,
    /// The version of the `DestinationRule` when it was last read or written.
    version: Option<Value>,
}

impl<C: Cluster> Versions<C> {
    pub(super) fn new(
        cluster: Arc<C>,
        clock: Arc<dyn Clock>,
        plan: Plan,
        rule: Option<ObjectRef>,
    ) -> Self {
        Self { cluster, clock, plan, rule, version: None }
    }

    /// The `DestinationRule`, where there is one.
    pub(super) fn rule(&self) -> Option<&ObjectRef> {
        self.rule.as_ref()
    }

    /// Reads the `DestinationRule` for the first time, where there is one.
    pub(super) async fn read(&mut self) -> Result<Option<(ObjectRef, Value)>> {
        let Some(rule) = self.rule.clone() else { return Ok(None) };
        let live = versions::get(&*self.cluster, &rule).await?;
        self.version = resource_version(&live).cloned();
        Ok(Some((rule, live)))
    }

    /// `true` when a `DestinationRule` is the one last read or written.
    pub(super) fn is_known(&self, live: &Value) -> bool {
        self.version.is_some() && self.version.as_ref() == resource_version(live)
    }

    /// Creates the canary's subset when it is missing; returns the labels of both versions where the objects have them.
    pub(super) async fn prepare(&mut self) -> Result<Option<SubsetLabels>> {
        let Some(rule) = self.rule.clone() else { return self.selectors().await.map(Some) };
        let live = self.change(&rule, add_subset).await?;
        Ok(SubsetLabels::of(&self.plan, &live))
    }

    /// Returns somebody else's changes of the two versions since they were prepared.
    pub(super) async fn compare(&mut self, state: &State) -> Result<Differences> {
        let Some(expected) = state.subsets() else { return Ok(Differences::default()) };
        let Some(rule) = self.rule.clone() else {
            return Ok(expected.differences_of_services(&self.plan, &self.selectors().await?));
        };
        let Some(live) = self.cluster.get(&rule).await? else { return Ok(gone(&rule)) };
        self.version = resource_version(&live).cloned();
        Ok(expected.differences(&self.plan, &live).signed(&live))
    }

    /// The selectors of both `Service`s; empty where one is not there.
    async fn selectors(&self) -> Result<SubsetLabels> {
        let mut labels = SubsetLabels::default();
        for (version, selector) in
            [(Version::Stable, &mut labels.stable), (Version::Canary, &mut labels.canary)]
        {
            let service = versions::service_of(&*self.cluster, &self.plan, version).await?;
            let live = self.cluster.get(&service).await?;
            *selector = texts(live.as_ref().and_then(|live| live.pointer("/spec/selector")));
        }
        Ok(labels)
    }

    /// Removes the canary's subset when the rollout created it.
    pub(super) async fn drop_canary(&mut self) -> Result<()> {
        let Some(rule) = self.rule.clone() else { return Ok(()) };
        self.change(&rule, remove_subset).await.map(drop)
    }

    /// Leaves the canary's subset to the mesh when the rollout created it.
    pub(super) async fn keep_canary(&mut self) -> Result<()> {
        let Some(rule) = self.rule.clone() else { return Ok(()) };
        match self.change(&rule, keep_subset).await {
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Returns `true` when the rollout created the canary's subset.
    pub(super) async fn created(&mut self) -> Result<bool> {
        let Some(rule) = self.rule.clone() else { return Ok(false) };
        let live = self.cluster.get(&rule).await?;
        let created = live.as_ref().and_then(|live| annotation(live, SUBSET_ANNOTATION));
        Ok(created == Some(&self.plan.canary))
    }

    /// The object as it is after the change. After a conflict the `DestinationRule` is read and patched again:
    /// an edit elsewhere in it does not matter.
    async fn change(
        &mut self,
        object: &ObjectRef,
        change: fn(&Plan, &Value) -> Result<Option<Patch>>,
    ) -> Result<Value> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let result = match versions::get(&*self.cluster, object).await {
                Ok(live) => match change(&self.plan, &live)? {
                    None => Ok(live),
                    Some(patch) => self.cluster.patch(object, &patch).await,
                },
                Err(error) => Err(error),
            };
            match result {
                Ok(live) => {
                    self.version = resource_version(&live).cloned();
                    return Ok(live);
                }
                Err(error) => again(&*self.clock, attempt, error).await?,
            }
        }
    }

    /// The pods behind the canary, and the release that they are of.
    pub(super) async fn canary(&self) -> Result<Release> {
        let mut behind = versions::behind(&*self.cluster, &self.plan, Version::Canary).await?;
        Ok((behind.presence().await?, behind.release_id().await?))
    }

    /// The pods behind the stable version.
    pub(super) async fn stable(&self) -> Result<Presence> {
        versions::behind(&*self.cluster, &self.plan, Version::Stable).await?.presence().await
    }
}

/// Waits a little before a conflicting change is tried again; after too many conflicts, or another error, gives up.
pub(in crate::cluster::driver) async fn again(
    clock: &dyn Clock,
    attempt: u32,
    error: Error,
) -> Result<()> {
    if !matches!(error, Error::Conflict { .. }) || attempt >= ATTEMPTS {
        return Err(error);
    }
    let wait = std::time::Duration::from_millis(50 << attempt.min(6));
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(attempt, wait_ms, "conflict, tried again");
    clock.sleep(wait).await;
    Ok(())
}
