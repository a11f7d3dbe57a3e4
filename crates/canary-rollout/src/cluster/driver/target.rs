//! The plan's objects in the cluster: read, compared with what was last written, patched.

use std::sync::Arc;

use serde_json::Value;

use super::{
    super::{
        Behind, Cluster, ObjectRef, Patch, Presence,
        old_version::{Found, find_old_version},
        presence,
    },
    clock::Clock,
    listen::{Lines, Listener},
};
use crate::{
    Error, Plan, Result, Split, State,
    json::{annotation, resource_version},
    patch::{
        Difference, Differences, RouteChange, STATE_ANNOTATION, SUBSET_ANNOTATION, SubsetLabels,
        add_subset, change_route, clean_up, differences, foreign_controller, has_subset,
        keep_subset, remove_subset,
    },
};

/// The number of times that a write is tried while somebody else keeps changing the object.
const ATTEMPTS: u32 = 8;

/// The number of writes without a response that are remembered.
const UNANSWERED: usize = 8;

/// The objects, and what was last written to them.
pub(super) struct Target<C> {
    pub(super) cluster: Arc<C>,
    pub(super) clock: Arc<dyn Clock>,
    plan: Plan,
    virtual_service: ObjectRef,
    destination_rule: ObjectRef,
    /// The stored state as it was last read or written.
    stored: Option<String>,
    /// The version of the `VirtualService` when it was last read or written.
    version: Option<Value>,
    /// The version of the `DestinationRule` when it was last read or written.
    rule_version: Option<Value>,
    /// Writes whose response did not come: any of them may be in force.
    unanswered: Vec<Unanswered>,
    /// The commands of people.
    listener: Listener,
}

/// A write whose response did not come.
struct Unanswered {
    /// The state's annotation that it writes.
    text: String,
    state: State,
    /// `true` when it changes weights.
    weights: bool,
}

/// The purpose of a write of the `VirtualService`; each write stores the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Only the state.
    Save,
    /// The state and the header route.
    HeaderRoute,
    /// A step's split; a header route that was created for the probe alone is removed.
    Step(Split),
    /// The split that ends the rollout, without header route.
    End(Split),
    /// The end that keeps the weights: the header route and the mirror go.
    Leave,
}

/// The result of a write.
pub(super) enum Write {
    Done,
    /// An earlier attempt had succeeded; this is the state that it stored.
    Adopted(Box<State>),
    /// An earlier save of the same moment of the rollout had succeeded, and replaces this one.
    Earlier,
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
            version: None,
            rule_version: None,
            unanswered: Vec::new(),
            listener: Listener::default(),
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
                     remove the object from its control first"
                )));
            }
        }
        self.listener.listen(&virtual_service);
        self.stored = annotation(&virtual_service, STATE_ANNOTATION).map(str::to_owned);
        self.version = resource_version(&virtual_service).cloned();
        self.rule_version = resource_version(&destination_rule).cloned();
        Ok((virtual_service, self.stored.clone()))
    }

    /// The `VirtualService` and the `DestinationRule`, to be watched.
    pub(super) fn watched(&self) -> (&ObjectRef, &ObjectRef) {
        (&self.virtual_service, &self.destination_rule)
    }

    /// Reads the commands in a `VirtualService` that a watch showed.
    pub(super) fn listen(&mut self, live: &Value) {
        self.listener.listen(live);
    }

    /// The earliest commands that were not taken yet.
    pub(super) fn take_commands(&mut self) -> Option<Lines> {
        self.listener.take()
    }

    /// Returns `true` when a `VirtualService` that a watch showed is the one last read or written.
    pub(super) fn is_known(&self, live: &Value) -> bool {
        self.version.is_some() && self.version.as_ref() == resource_version(live)
    }

    /// Returns `true` when a `DestinationRule` that a watch showed is the one last read or written.
    pub(super) fn is_known_rule(&self, live: &Value) -> bool {
        self.rule_version.is_some() && self.rule_version.as_ref() == resource_version(live)
    }

    /// Reads the `VirtualService`, and returns somebody else's changes since the state was written.
    pub(super) async fn compare(&mut self, state: &State) -> Result<Differences> {
        let Some(live) = self.cluster.get(&self.virtual_service).await? else {
            return Ok(gone(&self.virtual_service));
        };
        self.listener.listen(&live);
        self.version = resource_version(&live).cloned();
        Ok(self.edits(state, &live))
    }

    /// Reads the `DestinationRule`, and returns somebody else's changes of the two subsets since they were prepared.
    pub(super) async fn compare_subsets(&mut self, state: &State) -> Result<Differences> {
        let Some(subsets) = state.subsets() else { return Ok(Differences::default()) };
        let Some(live) = self.cluster.get(&self.destination_rule).await? else {
            return Ok(gone(&self.destination_rule));
        };
        self.rule_version = resource_version(&live).cloned();
        Ok(subsets.differences(&self.plan, &live).signed(&live))
    }

    async fn get(&mut self, object: &ObjectRef) -> Result<Value> {
        self.cluster.get(object).await?.ok_or_else(|| Error::NotFound {
            object: object.to_string(),
            help: "create it before the rollout, or correct the plan's target".to_owned(),
        })
    }

    /// Creates the canary's subset when it is missing; returns the labels of both subsets where the object has them.
    pub(super) async fn ensure_subset(&mut self) -> Result<Option<SubsetLabels>> {
        let rule = self.change_rule(add_subset).await?;
        Ok(SubsetLabels::of(&self.plan, &rule))
    }

    /// Removes the canary's subset when the rollout created it.
    pub(super) async fn drop_subset(&mut self) -> Result<()> {
        self.change_rule(remove_subset).await.map(drop)
    }

    /// Leaves the canary's subset to the mesh when the rollout created it.
    pub(super) async fn keep_subset(&mut self) -> Result<()> {
        match self.change_rule(keep_subset).await {
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The object as it is after the change. After a conflict the `DestinationRule` is read and patched again:
    /// an edit elsewhere in it does not matter.
    async fn change_rule(
        &mut self,
        change: fn(&Plan, &Value) -> Result<Option<Patch>>,
    ) -> Result<Value> {
        let object = self.destination_rule.clone();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let result = match self.get(&object).await {
                Ok(live) => match change(&self.plan, &live)? {
                    None => Ok(live),
                    Some(patch) => self.cluster.patch(&object, &patch).await,
                },
                Err(error) => Err(error),
            };
            match result {
                Ok(live) => {
                    self.rule_version = resource_version(&live).cloned();
                    return Ok(live);
                }
                Err(error) => self.again(attempt, error).await?,
            }
        }
    }

    /// Returns `true` when the rollout created the canary's subset.
    pub(super) async fn created_subset(&mut self) -> Result<bool> {
        let object = self.destination_rule.clone();
        let live = self.cluster.get(&object).await?;
        let created = live.as_ref().and_then(|live| annotation(live, SUBSET_ANNOTATION));
        Ok(created == Some(&self.plan.canary))
    }

    /// Returns `true` when a change of weights has no response yet.
    pub(super) fn awaits_weights(&self) -> bool {
        self.unanswered.iter().any(|write| write.weights)
    }

    /// Writes to the `VirtualService` what leads from `before` to `after`, with `after` as the stored state.
    ///
    /// The object is compared with what was last written first; a conflict only means that it must be compared again.
    pub(super) async fn write(
        &mut self,
        before: &State,
        after: &State,
        purpose: Purpose,
    ) -> Result<Write> {
        let text = after.encode()?;
        let mut change = match purpose {
            Purpose::Save => RouteChange::default(),
            Purpose::HeaderRoute => {
                RouteChange { header_route: Some(true), ..RouteChange::default() }
            }
            Purpose::Step(split) => RouteChange {
                split: Some(split),
                header_route: self.plan.header.is_none().then_some(false),
                ..RouteChange::default()
            },
            // The subset can only be removed when no route names it.
            Purpose::End(split) => RouteChange {
                split: Some(split),
                drop_canary: split == Split::STABLE && self.created_subset().await?,
                header_route: Some(false),
                ..RouteChange::default()
            },
            Purpose::Leave => RouteChange::keep_weights(),
        };
        change.state = Some(Some(text.clone()));
        let mut attempt = 0;
        loop {
            attempt += 1;
            if let Some(write) = self.try_write(before, after, &change, &text).await? {
                return Ok(write);
            }
            if attempt >= ATTEMPTS {
                return Err(Error::Cluster {
                    action: format!("writing {}", self.virtual_service),
                    reason: "it changes faster than it can be read; try again once its changes have stopped"
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
        after: &State,
        change: &RouteChange,
        text: &str,
    ) -> Result<Option<Write>> {
        let object = self.virtual_service.clone();
        let Some(live) = self.cluster.get(&object).await? else {
            return Ok(Some(Write::Edited(gone(&self.virtual_service))));
        };
        self.listener.listen(&live);
        let found = annotation(&live, STATE_ANNOTATION);
        if found == Some(text) {
            // An attempt that seemed to fail had succeeded.
            self.confirmed(text, &live);
            return Ok(Some(Write::Done));
        }
        let edits = self.edits(before, &live);
        if !edits.is_empty() {
            return Ok(Some(Write::Edited(edits)));
        }
        // The same change from an earlier moment, such as the step's weights of an attempt before: it is adopted.
        let earlier = self.unanswered.iter().find(|write| {
            found == Some(write.text.as_str())
                && write.state.phase() == after.phase()
                && write.state.split() == after.split()
                && write.state.step() == after.step()
        });
        if let Some(earlier) = earlier {
            let (text, state) = (earlier.text.clone(), earlier.state.clone());
            self.confirmed(&text, &live);
            return Ok(Some(match change.split {
                Some(_) => Write::Adopted(Box::new(state)),
                None => Write::Earlier,
            }));
        }
        let patch = change_route(&self.plan, &live, change)?;
        self.remember(text, after, change.split.is_some());
        match self.cluster.patch(&object, &patch).await {
            Ok(written) => {
                let version = resource_version(&written).and_then(Value::as_str);
                let weights = change.split.is_some();
                tracing::debug!(%object, weights, resource_version = version, "object written");
                self.confirmed(text, &written);
                Ok(Some(Write::Done))
            }
            Err(Error::Conflict { .. } | Error::NotFound { .. }) => {
                tracing::debug!(%object, "conflict");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Remembers a write before it is sent. Unless the response is a success, the write may be in force: a client that
    /// retries after a lost response gets a conflict with its own write, or another refusal.
    fn remember(&mut self, text: &str, state: &State, weights: bool) {
        if self.unanswered.iter().any(|write| write.text == text) {
            return;
        }
        // Only the last few have to be remembered: the state that was read settles the earlier ones.
        self.unanswered.drain(..self.unanswered.len().saturating_sub(UNANSWERED - 1));
        self.unanswered.push(Unanswered { text: text.to_owned(), state: state.clone(), weights });
    }

    fn confirmed(&mut self, text: &str, live: &Value) {
        self.stored = Some(text.to_owned());
        self.version = resource_version(live).cloned();
        self.unanswered.clear();
    }

    /// Removes this run's objects, where they are as the run wrote them, after somebody else's edit; the state of the run
    /// is stored where the stored one is its own.
    pub(super) async fn clean_up(&mut self, state: &State) -> Result<()> {
        let object = self.virtual_service.clone();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let Some(live) = self.cluster.get(&object).await? else { return Ok(()) };
            let own = self.is_own(annotation(&live, STATE_ANNOTATION));
            let left = clean_up(&self.plan, &live, state.split().unwrap_or(Split::STABLE))?;
            let store = RouteChange {
                state: own.then(|| state.encode().map(Some)).transpose()?,
                ..RouteChange::default()
            };
            let mut operations = left.unwrap_or_default();
            let stored = change_route(&self.plan, &live, &store)?;
            operations.0.extend(stored.0);
            match self.cluster.patch(&object, &operations).await {
                Ok(written) => {
                    self.version = resource_version(&written).cloned();
                    self.unanswered.clear();
                    return Ok(());
                }
                Err(Error::NotFound { .. }) => return Ok(()),
                Err(error) => self.again(attempt, error).await?,
            }
        }
    }

    /// Returns `true` when a stored state is one that this driver wrote, answered or not.
    fn is_own(&self, found: Option<&str>) -> bool {
        found == self.stored.as_deref()
            || self.unanswered.iter().any(|write| found == Some(write.text.as_str()))
    }

    /// Somebody else's changes since the state was written.
    pub(super) fn edits(&self, state: &State, live: &Value) -> Differences {
        let found = annotation(live, STATE_ANNOTATION);
        // A write that seemed to fail may have succeeded: then the object must be as that write left it.
        let unanswered = self.unanswered.iter().find(|write| found == Some(write.text.as_str()));
        let state = unanswered.map_or(state, |write| &write.state);
        let expected = state.split().unwrap_or(Split::STABLE);
        let mut edits = differences(&self.plan, live, expected, state.has_header_route());
        if !self.is_own(found) {
            edits.0.push(Difference {
                path: format!("metadata.annotations[{STATE_ANNOTATION}]"),
                expected: "the state that this driver wrote".to_owned(),
                found: found.map_or("none", |_| "the state of another driver").to_owned(),
                by: None,
            });
        }
        edits.signed(live)
    }

    /// The pods behind the canary's subset, and the release that they are of.
    pub(super) async fn canary(&mut self) -> Result<(Presence, Option<String>)> {
        let rule = self.get(&self.destination_rule.clone()).await?;
        let labels = self.plan.labels_of_canary();
        let labels = (!has_subset(&rule, &self.plan.canary)).then_some(&labels);
        let (namespace, subset) = (&self.plan.target.namespace, &self.plan.canary);
        let mut behind = Behind::find(&*self.cluster, namespace, &rule, subset, labels).await?;
        Ok((behind.presence().await?, behind.release_id().await?))
    }

    /// The pods behind the stable subset.
    pub(super) async fn stable(&mut self) -> Result<Presence> {
        let rule = self.get(&self.destination_rule.clone()).await?;
        let (namespace, subset) = (&self.plan.target.namespace, &self.plan.stable);
        presence(&*self.cluster, namespace, &rule, subset, None).await
    }

    /// The `Deployment` of the old version, or the reason why it is left alone.
    pub(super) async fn old_version(&self) -> Result<Result<Found, String>> {
        Box::pin(find_old_version(&*self.cluster, &self.plan, true)).await
    }

    /// The other release that has replaced the one behind the canary's subset since the rollout was prepared.
    pub(super) fn other_release(&self, state: &State, found: Option<&str>) -> Differences {
        let mut differences = Differences::default();
        if let (Some(expected), Some(found)) = (state.release(), found)
            && expected != found
        {
            differences.0.push(Difference {
                path: format!("the pod template behind subset {}", self.plan.canary),
                expected: format!("release {expected}"),
                found: format!("release {found}: another model or image is another release"),
                by: None,
            });
        }
        differences
    }

    /// Waits a little before a conflicting change is tried again; after too many conflicts, or another error, gives up.
    pub(super) async fn again(&mut self, attempt: u32, error: Error) -> Result<()> {
        if !matches!(error, Error::Conflict { .. }) || attempt >= ATTEMPTS {
            return Err(error);
        }
        let wait = std::time::Duration::from_millis(50 << attempt.min(6));
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(attempt, wait_ms, "conflict, tried again");
        self.clock.sleep(wait).await;
        Ok(())
    }
}

fn gone(object: &ObjectRef) -> Differences {
    Differences(vec![Difference {
        path: "metadata.name".to_owned(),
        expected: object.to_string(),
        found: "no such object".to_owned(),
        by: None,
    }])
}
