//! Changes of a `VirtualService`: weights, mirror, header route and the state's annotation, in one patch.

use json_patch::Patch;
use serde_json::{Value, json};

use super::{
    super::plan::{Plan, Split},
    arms::{canary_alone, canary_entry},
    header_route,
    locate::{Located, locate},
    mirror,
    ops::Ops,
    routes::{destinations, find, http, object_name},
};
use crate::Result;

/// The annotation of the `VirtualService` that holds the state of the rollout.
pub const STATE_ANNOTATION: &str = "canary-rs.github.io/rollout-state";

/// The changes that one patch makes in the `VirtualService`; a part that is `None` or `false` is not changed.
///
/// ```
/// use canary_core::rollout::{Split, patch::RouteChange};
///
/// // A step.
/// let step = RouteChange { split: Some(Split { canary: 30, mirror: 0 }), ..RouteChange::default() };
/// // The end of a run that leaves the weights to a person.
/// let end = RouteChange { state: Some(Some("{}".into())), ..RouteChange::keep_weights() };
/// assert_eq!((end.split, end.header_route, end.drop_mirror), (None, Some(false), true));
/// # let _ = step;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RouteChange {
    /// The split of the route's traffic afterwards, the mirrored share included.
    pub split: Option<Split>,
    /// Takes the canary's destination out of the route when the split gives it nothing, as is needed before its
    /// subset goes.
    pub drop_canary: bool,
    /// Removes the mirror to the canary that the run wrote. A split includes this; the field is for a change that keeps
    /// the weights.
    pub drop_mirror: bool,
    /// `true` when the header route is there afterwards. Either way no route stays that another rollout created.
    pub header_route: Option<bool>,
    /// The state's annotation afterwards; `Some(None)` removes it.
    pub state: Option<Option<String>>,
}

impl RouteChange {
    /// The end of a run that keeps the weights: none of its other changes stays, neither header route nor mirror.
    pub fn keep_weights() -> Self {
        Self { header_route: Some(false), drop_mirror: true, ..Self::default() }
    }
}

/// The patch that brings the live object to `change`.
///
/// Weights, mirror, header route and state change together or not at all.
///
/// # Errors
/// [`crate::Error::Plan`] when the route cannot be found or is not one that a plan can divide, see [`locate`]; when the
/// header route cannot be created or cannot be reached. A change of the annotation, and one that only removes the header
/// route, is possible without the plan's route, which somebody may have removed.
pub fn change_route(plan: &Plan, virtual_service: &Value, change: &RouteChange) -> Result<Patch> {
    let what = object_name(plan);
    let mut ops = Ops::default();
    ops.pin_version(virtual_service, &what)?;
    if change.split.is_some() || change.drop_mirror || change.header_route == Some(true) {
        let located = locate(plan, virtual_service)?;
        let index = located.http;
        let route = &http(virtual_service)[index];
        if let Some(name) = route.get("name") {
            ops.test(format!("/spec/http/{index}/name"), name);
        }
        ops.test(format!("/spec/http/{index}/route"), &route["route"]);
        if let Some(split) = change.split {
            write_weights(plan, &mut ops, route, &located, split, change.drop_canary);
            write_mirror(plan, &mut ops, route, &located, split);
        } else if change.drop_mirror {
            mirror::remove_own(plan, &mut ops, route, index, |_| true);
        }
        // Last, because it moves the indices of the routes behind it.
        if change.header_route == Some(true) {
            header_route::ensure(plan, &mut ops, virtual_service, &located)?;
        }
    }
    if change.header_route == Some(false) {
        header_route::remove_managed(&mut ops, virtual_service, |_, _| true);
    }
    if let Some(state) = &change.state {
        ops.annotation(virtual_service, STATE_ANNOTATION, state.as_deref());
    }
    ops.into_patch()
}

/// The patch that removes this run's changes if they are still as it wrote them, independently of other changes: its
/// header route, and the mirror of the split that it `wrote` last. `None` when nothing of it is there.
///
/// Weights, annotation and everything of others stay as they are. It is for ends after somebody else's edit, which must
/// not be overwritten; for other ends [`change_route`] does the same together with the state.
///
/// # Errors
/// [`crate::Error::Plan`] when the object has no resourceVersion to pin.
///
/// ```
/// use canary_core::{Plan, rollout::{Hold, Split, patch::{RouteChange, change_route, clean_up}}};
/// use serde_json::json;
///
/// let plan = Plan::new("cats", "v1", "v2").header("user-group", "canary");
/// let before = json!({"metadata": {"resourceVersion": "1"}, "spec": {"http": [
///     {"route": [{"destination": {"host": "cats", "subset": "v1"}, "weight": 100}]}]}});
/// let created = RouteChange { header_route: Some(true), ..RouteChange::default() };
/// let mut live = before.clone();
/// json_patch::patch(&mut live, &change_route(&plan, &before, &created)?)?;
///
/// let patch = clean_up(&plan, &live, Split::STABLE)?.expect("the header route is there");
/// json_patch::patch(&mut live, &patch)?;
/// assert_eq!(live, before);
/// assert!(clean_up(&plan, &live, Split::STABLE)?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn clean_up(plan: &Plan, virtual_service: &Value, wrote: Split) -> Result<Option<Patch>> {
    let mut ops = Ops::default();
    ops.pin_version(virtual_service, &object_name(plan))?;
    let pinned = ops.len();
    if wrote.mirror > 0
        && let Ok(index) = find(plan, virtual_service)
    {
        let route = &http(virtual_service)[index];
        mirror::remove_own(plan, &mut ops, route, index, |percent| percent == wrote.mirror);
    }
    let header = plan.probe_header();
    header_route::remove_managed(&mut ops, virtual_service, |_, route| {
        header_route::is_own(plan, &header, route)
    });
    if ops.len() == pinned { Ok(None) } else { ops.into_patch().map(Some) }
}

fn write_weights(
    plan: &Plan,
    ops: &mut Ops,
    route: &Value,
    &Located { http: index, stable, canary, .. }: &Located,
    split: Split,
    drop_canary: bool,
) {
    let at = |entry: usize| format!("/spec/http/{index}/route/{entry}/weight");
    ops.add(at(stable), 100 - split.canary.min(100));
    if let Some(canary) = canary {
        if drop_canary && split == Split::STABLE {
            ops.remove(format!("/spec/http/{index}/route/{canary}"));
        } else {
            ops.add(at(canary), split.canary);
        }
    } else if split.canary > 0 {
        let mut entry = canary_entry(plan, &destinations(route)[stable]);
        entry.insert("weight".to_owned(), split.canary.into());
        ops.add(format!("/spec/http/{index}/route/-"), entry);
    }
}

fn write_mirror(plan: &Plan, ops: &mut Ops, route: &Value, located: &Located, split: Split) {
    let index = located.http;
    if split.mirror == 0 {
        mirror::remove_own(plan, ops, route, index, |_| true);
        return;
    }
    let entry = canary_alone(plan, route, (located.stable, located.canary));
    let to = entry.get("destination").cloned().unwrap_or_default();
    for (field, value) in [("mirror", to), ("mirrorPercentage", json!({"value": split.mirror}))] {
        let path = format!("/spec/http/{index}/{field}");
        if let Some(old) = route.get(field) {
            ops.test(&path, old);
        }
        ops.add(path, value);
    }
}
