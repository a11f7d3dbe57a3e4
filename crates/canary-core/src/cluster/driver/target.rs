//! The plan's objects in the cluster: read, compared with what was last written, patched.

use std::sync::Arc;

use serde_json::Value;

use super::{
    super::{Cluster, ObjectRef},
    clock::Clock,
};
use crate::{
    Error, Plan, Result,
    rollout::{
        Phase, Split, State,
        patch::{
            Difference, Differences, RouteChange, STATE_ANNOTATION, SUBSET_ANNOTATION, add_subset,
            change_route, differences, foreign_controller, remove_subset,
        },
    },
};

/// How often a write that did not come through is tried.
const ATTEMPTS: u32 = 8;

/// The objects, and what was last written to them.
pub(super) struct Target<C> {
    pub(super) cluster: Arc<C>,
    pub(super) clock: Arc<dyn Clock>,
    plan: Plan,
    virtual_service: ObjectRef,
    destination_rule: ObjectRef,
    /// The stored state as it was last read or written.
    stored: Option<String>,
}

/// What came of a write.
pub(super) enum Write {
    Done,
    /// Somebody else changed the object; nothing was written.
    Edited(Differences),
}

impl<C: Cluster> Target<C> {
    pub(super) fn new(cluster: Arc<C>, clock: Arc<dyn Clock>, plan: Plan) -> Self {
        let namespace = &plan.target.namespace;
        Self {
            virtual_service: ObjectRef::virtual_service(namespace, &plan.target.virtual_service),
            destination_rule: ObjectRef::destination_rule(
                namespace,
                plan.target.destination_rule_name(),
            ),
            cluster,
            clock,
            plan,
            stored: None,
        }
    }

    /// Reads both objects for the first time, and the stored state.
    ///
    /// # Errors
    /// [`Error::NotFound`] when one is missing, [`Error::Plan`] when another controller owns one.
    pub(super) async fn read(&mut self) -> Result<(Value, Option<String>)> {
        let virtual_service = self.get(&self.virtual_service.clone()).await?;
        let destination_rule = self.get(&self.destination_rule.clone()).await?;
        for (object, live) in
            [(&self.virtual_service, &virtual_service), (&self.destination_rule, &destination_rule)]
        {
            if let Some(owner) = foreign_controller(live) {
                return Err(Error::Plan(format!(
                    "{object} is owned by {owner}, which changes its weights itself; roll out with that controller, or \
                     take the object out of its hands first"
                )));
            }
        }
        self.stored = state_in(&virtual_service).map(str::to_owned);
        Ok((virtual_service, self.stored.clone()))
    }

    async fn get(&mut self, object: &ObjectRef) -> Result<Value> {
        self.cluster.get(object).await?.ok_or_else(|| Error::NotFound {
            object: object.to_string(),
            help: "create it before the rollout, or correct the plan's target".to_owned(),
        })
    }

    /// Makes the canary's subset when it is missing.
    pub(super) async fn ensure_subset(&mut self) -> Result<()> {
        self.change_rule(add_subset).await
    }

    /// Takes the canary's subset away when the rollout made it.
    pub(super) async fn drop_subset(&mut self) -> Result<()> {
        self.change_rule(remove_subset).await
    }

    /// A conflict on the `DestinationRule` is no contradiction: read again and patch what is there now.
    async fn change_rule(
        &mut self,
        change: fn(&Plan, &Value) -> Result<Option<super::super::Patch>>,
    ) -> Result<()> {
        let object = self.destination_rule.clone();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let result = match self.get(&object).await {
                Ok(live) => match change(&self.plan, &live)? {
                    None => return Ok(()),
                    Some(patch) => self.cluster.patch(&object, &patch).await.map(|_| ()),
                },
                Err(error) => Err(error),
            };
            match result {
                Ok(()) => return Ok(()),
                Err(error) => self.again(attempt, error).await?,
            }
        }
    }

    /// Whether the rollout made the canary's subset.
    async fn made_subset(&mut self) -> Result<bool> {
        let object = self.destination_rule.clone();
        let live = self.cluster.get(&object).await?;
        let made = live.as_ref().and_then(|live| {
            live.pointer("/metadata/annotations")?.get(SUBSET_ANNOTATION)?.as_str()
        });
        Ok(made == Some(&self.plan.canary))
    }

    /// Writes to the `VirtualService` what leads from `before` to `after`, with `after` as the stored state.
    ///
    /// The object is compared with what was last written first; a conflict only means that it must be compared again.
    pub(super) async fn write(
        &mut self,
        before: &State,
        after: &State,
        split: Option<Split>,
        header_route: Option<bool>,
    ) -> Result<Write> {
        let text = after.encode()?;
        // The subset can only go when no route names it.
        let last = header_route == Some(false);
        let drops = last && split == Some(Split::STABLE) && self.made_subset().await?;
        let change = RouteChange {
            split,
            drop_canary: drops,
            header_route: header_route.filter(|_| self.plan.header.is_some()),
            state: Some(Some(text.clone())),
        };
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.try_write(before, &change, &text).await {
                Ok(Some(write)) => return Ok(write),
                Ok(None) => {}
                Err(error) => self.again(attempt, error).await?,
            }
            if attempt >= ATTEMPTS {
                return Err(Error::Cluster {
                    action: format!("writing {}", self.virtual_service),
                    reason: "it changes faster than it can be read; try again when it is quiet"
                        .to_owned(),
                    retryable: true,
                    source: None,
                });
            }
        }
    }

    /// `None` when the object changed between reading and writing.
    async fn try_write(
        &mut self,
        before: &State,
        change: &RouteChange,
        text: &str,
    ) -> Result<Option<Write>> {
        let object = self.virtual_service.clone();
        let Some(live) = self.cluster.get(&object).await? else {
            let gone = Difference {
                path: "metadata.name".to_owned(),
                expected: object.to_string(),
                found: "no such object".to_owned(),
            };
            return Ok(Some(Write::Edited(Differences(vec![gone]))));
        };
        let found = state_in(&live);
        if found == Some(text) {
            // An attempt that seemed to fail had come through.
            self.stored = Some(text.to_owned());
            return Ok(Some(Write::Done));
        }
        let edits = self.edits(before, &live);
        if !edits.is_empty() {
            return Ok(Some(Write::Edited(edits)));
        }
        let patch = change_route(&self.plan, &live, change)?;
        match self.cluster.patch(&object, &patch).await {
            Ok(_) => {
                self.stored = Some(text.to_owned());
                Ok(Some(Write::Done))
            }
            Err(Error::Conflict { .. } | Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What somebody else changed since the state was written.
    pub(super) fn edits(&self, state: &State, live: &Value) -> Differences {
        let made_header = self.plan.header.is_some()
            && match state.phase() {
                Phase::Probing | Phase::Gating(_) | Phase::Writing | Phase::Holding => true,
                Phase::Finishing(_) => state.split().is_some(),
                _ => false,
            };
        let expected = state.split().unwrap_or(Split::STABLE);
        let mut edits = differences(&self.plan, live, expected, made_header);
        let found = state_in(live);
        if found != self.stored.as_deref() {
            edits.0.push(Difference {
                path: format!("metadata.annotations[{STATE_ANNOTATION}]"),
                expected: "the state that this driver wrote".to_owned(),
                found: found.map_or("none", |_| "the state of another driver").to_owned(),
            });
        }
        edits
    }

    /// Waits before another attempt, or gives up with the error.
    async fn again(&mut self, attempt: u32, error: Error) -> Result<()> {
        let passing = error.is_retryable() || matches!(error, Error::Conflict { .. });
        if !passing || attempt >= ATTEMPTS {
            return Err(error);
        }
        let wait = std::time::Duration::from_millis(50 << attempt.min(6));
        self.clock.sleep(wait).await;
        Ok(())
    }
}

fn state_in(virtual_service: &Value) -> Option<&str> {
    virtual_service.pointer("/metadata/annotations")?.get(STATE_ANNOTATION)?.as_str()
}
