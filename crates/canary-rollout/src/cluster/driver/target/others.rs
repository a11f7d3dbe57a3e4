//! The routes behind the first one. Each records in an annotation what the run wrote there last.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    ATTEMPTS,
    record::{changes_too_fast, gone},
};
use crate::{
    Error, Percent, Plan, Result, Split, State,
    cluster::{Cluster, ObjectRef, versions as look_up},
    evidence::Timestamp,
    json::{annotation, resource_version},
    patch::{
        Differences, RouteChange, RouteOf, WRITTEN_ANNOTATION, change_route, clean_up, differences,
    },
};

/// The routes behind the first one, in the order in which they are written.
pub(super) struct Others<C> {
    cluster: Arc<C>,
    plan: Plan,
    /// The digest of the plan, by which a run tells its own annotation from that of another.
    hash: String,
    known: Vec<Known>,
}

/// One route: its version, and the weights that it should have.
struct Known {
    object: ObjectRef,
    /// The version of the object when it was last read or written.
    version: Option<Value>,
    /// The weights and the header route that the run wrote last.
    expected: Written,
}

/// The weights and the header route that a run wrote last to a route; those of its beginning where it has written none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    plan: String,
    split: Split,
    header_route: bool,
    /// The beginning of the run that keeps users with a version, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<Timestamp>,
}

impl Written {
    /// The content of the live object's annotation.
    fn of(live: &Value, hash: &str) -> Self {
        let text = annotation(live, WRITTEN_ANNOTATION);
        let found = text.and_then(|text| serde_json::from_str::<Self>(text).ok());
        found.filter(|found| found.plan == hash).unwrap_or_else(|| Self {
            plan: hash.to_owned(),
            split: Split::STABLE,
            header_route: false,
            run: None,
        })
    }

    /// The same after a change in the run that began then.
    fn after(&self, change: &RouteChange, plan: &Plan, run: Option<Timestamp>) -> Self {
        let mut split = change.split.unwrap_or(self.split);
        if change.drop_mirror {
            split.mirror = Percent::NONE;
        }
        Self {
            plan: self.plan.clone(),
            split,
            header_route: change.header_route.unwrap_or(self.header_route),
            run: run.filter(|_| plan.sticky.is_some() && split.canary.is_part()),
        }
    }

    /// Somebody else's changes since.
    fn differences(&self, of: RouteOf<'_>, live: &Value) -> Differences {
        let of = of.of_run(self.run);
        let mut edits = differences(of, live, self.split, self.header_route).signed(live);
        for edit in &mut edits.0 {
            edit.path = format!("{} {}", of.object(), edit.path);
        }
        edits
    }
}

impl<C: Cluster> Others<C> {
    pub(super) fn new(cluster: Arc<C>, plan: &Plan) -> Self {
        let hash = plan.hash();
        let expected = Written::of(&Value::Null, &hash);
        let known = RouteOf::all(plan).skip(1).map(|of| Known {
            object: of.object(),
            version: None,
            expected: expected.clone(),
        });
        Self { cluster, known: known.collect(), plan: plan.clone(), hash }
    }

    pub(super) fn objects(&self) -> impl Iterator<Item = ObjectRef> {
        self.known.iter().map(|known| known.object.clone())
    }

    /// Reads them for the first time.
    pub(super) async fn read(&mut self) -> Result<Vec<(ObjectRef, Value)>> {
        let mut all = Vec::with_capacity(self.known.len());
        for known in &mut self.known {
            let live = look_up::get(&*self.cluster, &known.object).await?;
            known.version = resource_version(&live).cloned();
            known.expected = Written::of(&live, &self.hash);
            all.push((known.object.clone(), live));
        }
        Ok(all)
    }

    /// `true` when an object is the one last read or written.
    pub(super) fn is_known(&self, place: usize, live: &Value) -> bool {
        let known = self.known.get(place).and_then(|known| known.version.as_ref());
        known.is_some() && known == resource_version(live)
    }

    /// Returns somebody else's changes since the last write.
    pub(super) async fn compare(&mut self) -> Result<Differences> {
        for (known, of) in self.known.iter_mut().zip(RouteOf::all(&self.plan).skip(1)) {
            let Some(live) = self.cluster.get(&known.object).await? else {
                return Ok(gone(&known.object));
            };
            known.version = resource_version(&live).cloned();
            let edits = known.expected.differences(of, &live);
            if !edits.is_empty() {
                return Ok(edits);
            }
        }
        Ok(Differences::default())
    }

    /// The split of the first route that is at another than this one.
    pub(super) fn not_at(&self, split: Option<Split>) -> Option<Split> {
        self.known.iter().map(|known| known.expected.split).find(|at| Some(*at) != split)
    }

    /// Brings each route to the change, one after the other. Stops at the first that somebody else has changed since the
    /// last write, and gives the differences. `run` is the beginning of the run; without one it is over, and nothing is to
    /// be remembered in the routes.
    pub(super) async fn write(
        &mut self,
        change: &RouteChange,
        run: Option<Timestamp>,
    ) -> Result<Differences> {
        for place in 0..self.known.len() {
            let edits = self.write_one(place, change, (run, run.is_none())).await?;
            if !edits.is_empty() {
                return Ok(edits);
            }
        }
        Ok(Differences::default())
    }

    /// Brings each route back to the change before, as far as nobody else has changed it.
    pub(super) async fn take_back(
        &mut self,
        change: &RouteChange,
        run: Option<Timestamp>,
    ) -> Result<()> {
        for place in 0..self.known.len() {
            self.write_one(place, change, (run, false)).await?;
        }
        Ok(())
    }

    async fn write_one(
        &mut self,
        place: usize,
        change: &RouteChange,
        (run, over): (Option<Timestamp>, bool),
    ) -> Result<Differences> {
        let Self { cluster, plan, hash, known } = self;
        let known = &mut known[place];
        let Some(of) = RouteOf::all(plan).nth(place + 1) else { return Ok(Differences::default()) };
        for _ in 0..ATTEMPTS {
            let Some(live) = cluster.get(&known.object).await? else {
                return Ok(gone(&known.object));
            };
            let before = Written::of(&live, hash);
            let mut change = change.clone();
            if !of.takes_headers() {
                change.header_route = None;
            }
            let after = before.after(&change, plan, run);
            let text = (!over && after != Written::of(&Value::Null, hash))
                .then(|| serde_json::to_string(&after))
                .transpose()
                .map_err(|error| Error::manifest("what was written", error.to_string()))?;
            let marked = annotation(&live, WRITTEN_ANNOTATION) == text.as_deref();
            if marked && after.differences(of, &live).is_empty() {
                known.version = resource_version(&live).cloned();
                known.expected = after;
                return Ok(Differences::default());
            }
            let edits = before.differences(of, &live);
            if !edits.is_empty() {
                return Ok(edits);
            }
            change.written = Some(text);
            let patch = change_route(of.of_run(after.run), &live, &change)?;
            match cluster.patch(&known.object, &patch).await {
                Ok(written) => {
                    tracing::debug!(object = %known.object, weights = change.split.is_some(), "object written");
                    known.version = resource_version(&written).cloned();
                    known.expected = after;
                    return Ok(Differences::default());
                }
                Err(Error::Conflict { .. } | Error::NotFound { .. }) => {
                    tracing::debug!(object = %known.object, "conflict");
                }
                Err(error) => return Err(error),
            }
        }
        Err(changes_too_fast(&known.object))
    }

    /// Removes what this run made in each route, where it is as the run wrote it.
    pub(super) async fn clean_up(&mut self, state: &State) -> Result<()> {
        for (known, of) in self.known.iter_mut().zip(RouteOf::all(&self.plan).skip(1)) {
            for _ in 0..ATTEMPTS {
                let Some(live) = self.cluster.get(&known.object).await? else { break };
                let wrote = state.split().unwrap_or(Split::STABLE);
                let mut operations = clean_up(of, &live, wrote)?.unwrap_or_default();
                let own = annotation(&live, WRITTEN_ANNOTATION).is_some();
                if own {
                    let forget = RouteChange { written: Some(None), ..RouteChange::default() };
                    operations.0.extend(change_route(of, &live, &forget)?.0);
                }
                if operations.0.is_empty() {
                    break;
                }
                match self.cluster.patch(&known.object, &operations).await {
                    Err(Error::Conflict { .. }) => {}
                    Err(Error::NotFound { .. }) => break,
                    Err(error) => return Err(error),
                    Ok(written) => {
                        known.version = resource_version(&written).cloned();
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}
