//! The target of a driver: read, compared with the last write, and written.

mod acceptance;
mod labels;
mod others;
mod precedence;
mod record;
mod routes;
mod sticky;
mod versions;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::{
    super::{Cluster, ObjectRef, Presence, labels::ModelServers, old_version::Found},
    clock::Clock,
    listen::Lines,
};
use crate::{
    Error, Missing, Plan, Result, Split, State, Target as PlanTarget,
    patch::{Differences, SubsetLabels},
};
use labels::MovedLabels;
use routes::MovedRoutes;
pub(super) use versions::again;

/// The number of times that a change is tried while somebody else keeps changing the object.
const ATTEMPTS: u32 = 8;

/// The purpose of a write of the target; each write stores the state.
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
    /// Somebody else changed an object; nothing was written, or what was written was taken back.
    Edited(Differences),
    /// The canary is not ready for it; nothing was written, or what was written was taken back.
    NotReady(Missing),
}

/// The part of the target that a watch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    /// The object that holds the state.
    First,
    /// Another object with weights, by its place behind the first.
    Other(usize),
    /// The object that defines the versions.
    Versions,
}

/// A version of the model, and the identity of its release.
pub(super) type Release = (Presence, Option<String>);

/// The target of a rollout in a cluster: routes, or labels in model servers.
///
/// The state of the rollout is stored in one object, together with the weights of that object: every write stores it,
/// under the condition that nobody else has changed the object since it was read.
pub(super) trait Target: Send {
    /// The objects that are watched.
    fn watched(&self) -> Vec<(Watched, ObjectRef)>;

    /// Reads all objects, and the stored state; gives the object that holds it.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] when one is missing, [`crate::Error::Plan`] when another controller owns one.
    fn read(&mut self) -> BoxFuture<'_, Result<(Value, Option<String>)>>;

    /// Checks that a new run can begin: all traffic is at the stable version, nothing of another run is in the way, and,
    /// where `probes`, the canary can be reached by a header.
    ///
    /// # Errors
    /// [`crate::Error::Plan`] with the obstacle and the remedy.
    fn check_beginning(&mut self, probes: bool) -> BoxFuture<'_, Result<()>>;

    /// The split that is in force; `None` where it is not one in whole percent.
    fn split(&self, live: &Value) -> Option<Split>;

    /// Completes what a driver that was killed had begun to write. Gives somebody else's changes that are in the way.
    fn complete<'a>(&'a mut self, state: &'a State) -> BoxFuture<'a, Result<Differences>>;

    /// Reads an object that a watch showed; `true` when it is as it was last read or written.
    fn seen(&mut self, what: Watched, live: &Value) -> bool;

    /// The earliest commands of people that were not taken yet.
    fn take_commands(&mut self) -> Option<Lines>;

    /// Somebody else's changes of the object that holds the state.
    fn edits(&self, state: &State, live: &Value) -> Differences;

    /// Reads the objects with weights, and returns somebody else's changes since the state was written.
    fn compare<'a>(&'a mut self, state: &'a State) -> BoxFuture<'a, Result<Differences>>;

    /// Reads the definition of the versions, and returns somebody else's changes since they were prepared.
    fn compare_versions<'a>(&'a mut self, state: &'a State) -> BoxFuture<'a, Result<Differences>>;

    /// Makes the canary addressable; gives the labels of both versions' pods where they are known.
    fn prepare(&mut self) -> BoxFuture<'_, Result<Option<SubsetLabels>>>;

    /// Opens the way to the canary that the probe takes; the error is what is missing for that.
    fn expose<'a>(&'a mut self, _state: &'a State) -> BoxFuture<'a, Result<Result<(), Missing>>> {
        Box::pin(async { Ok(Ok(())) })
    }

    /// `true` when the rollout itself made the canary addressable, so that the mesh has to learn of it first.
    fn created_version(&mut self) -> BoxFuture<'_, Result<bool>>;

    /// Takes back what [`Target::prepare`] made, when the rollout made it.
    fn drop_version(&mut self) -> BoxFuture<'_, Result<()>>;

    /// Leaves what [`Target::prepare`] made to the mesh.
    fn keep_version(&mut self) -> BoxFuture<'_, Result<()>>;

    /// `true` when a change of weights has no response yet, or has reached only some of the objects.
    fn awaits_weights(&self) -> bool;

    /// Writes what leads from `before` to `after`, with `after` as the stored state.
    ///
    /// The objects are compared with what was last written first; a conflict only means that one must be compared again.
    fn write<'a>(
        &'a mut self,
        before: &'a State,
        after: &'a State,
        purpose: Purpose,
    ) -> BoxFuture<'a, Result<Write>>;

    /// Removes this run's objects, where they are as the run wrote them, after somebody else's edit; the state of the run
    /// is stored where the stored one is its own.
    fn clean_up<'a>(&'a mut self, state: &'a State) -> BoxFuture<'a, Result<()>>;

    /// The pods behind the canary, and the release that they are of.
    fn canary(&mut self) -> BoxFuture<'_, Result<Release>>;

    /// The pods behind the stable version.
    fn stable(&mut self) -> BoxFuture<'_, Result<Presence>>;

    /// The `Deployment` of the old version, or the reason why it is left alone.
    fn old_version(&self) -> BoxFuture<'_, Result<Result<Found, String>>>;

    /// Gives up the fields that the driver's manager owns by its patches, in all objects. The values stay.
    fn hand_back(&mut self) -> BoxFuture<'_, Result<()>>;
}

/// The target of a plan on a cluster.
///
/// # Errors
/// [`Error::Plan`] when the plan moves labels, and no calls on model servers are given.
pub(super) fn target_of<C: Cluster + 'static>(
    cluster: Arc<C>,
    clock: Arc<dyn Clock>,
    plan: &Plan,
    servers: Option<Arc<dyn ModelServers>>,
) -> Result<Box<dyn Target>> {
    Ok(match &plan.target {
        PlanTarget::Routes(_) => Box::new(MovedRoutes::new(cluster, clock, plan.clone())),
        PlanTarget::VersionLabels(labels) => {
            let servers = servers.ok_or_else(|| {
                Error::Plan(
                    "a release by labels reloads the model servers; give the driver the calls on them (model_servers)"
                        .to_owned(),
                )
            })?;
            let labels = labels.clone();
            Box::new(MovedLabels::new(cluster, clock, plan.clone(), labels, servers))
        }
    })
}
