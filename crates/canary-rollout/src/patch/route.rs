//! Changes of a route: weights, mirrors, header routes, cookies and the annotations of the run, in one patch.

use json_patch::Patch;
use serde_json::Value;

use super::{
    super::plan::Split,
    added::{self, Added},
    annotations::{STATE_ANNOTATION, WRITTEN_ANNOTATION},
    find::find,
    header_route,
    locate::locate_all,
    mirror,
    ops::Ops,
    route_of::RouteOf,
    sticky, weights,
};
use crate::Result;

/// The changes that one patch makes in a route; a part that is `None` or `false` is not changed.
///
/// ```
/// use canary_core::rollout::{Split, patch::RouteChange};
///
/// // A step.
/// let step = RouteChange { split: Some(Split::new(30)), ..RouteChange::default() };
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
    /// subset goes. A destination that a run added goes in any case, see [`DESTINATION_ANNOTATION`](super::DESTINATION_ANNOTATION).
    pub drop_canary: bool,
    /// From now on the canary's destination belongs to the route, also where a run added it: no later run takes it out.
    pub keep_canary: bool,
    /// Removes the mirror to the canary that the run wrote. A split includes this; the field is for a change that keeps
    /// the weights.
    pub drop_mirror: bool,
    /// `true` when the header route is there afterwards. Either way no route stays that another rollout created.
    pub header_route: Option<bool>,
    /// The state's annotation afterwards; `Some(None)` removes it.
    pub state: Option<Option<String>>,
    /// The annotation [`WRITTEN_ANNOTATION`] afterwards; `Some(None)` removes it.
    pub written: Option<Option<String>>,
}

impl RouteChange {
    /// The end of a run that keeps the weights: none of its other changes stays, neither header route nor mirror.
    pub fn keep_weights() -> Self {
        Self { header_route: Some(false), drop_mirror: true, keep_canary: true, ..Self::default() }
    }
}

/// The patch that brings the live object to `change`.
///
/// Weights, mirror, header route, the cookie of sticky users and state change together or not at all.
///
/// # Errors
/// [`crate::Error::Plan`] when the route cannot be found or is not one that a plan can divide, see [`locate`](super::locate); when the
/// header route cannot be created or cannot be reached. A change of the annotation, and one that only removes the header
/// route, is possible without the plan's route, which somebody may have removed.
pub fn change_route<'p>(
    of: impl Into<RouteOf<'p>>,
    live: &Value,
    change: &RouteChange,
) -> Result<Patch> {
    let of = of.into();
    let mut ops = Ops::default();
    ops.pin_version(live, &of.title())?;
    if change.split.is_some() || change.drop_mirror || change.header_route == Some(true) {
        let located = locate_all(of, live)?;
        let mut added = Added::of(of, live, located.len());
        for (place, one) in located.iter().enumerate() {
            let (rule, at) = (&of.rules(live)[one.rule], of.pointer(one.rule));
            if let Some(name) = rule.get("name") {
                ops.test(format!("{at}/name"), name);
            }
            let entries = of.entries_field();
            ops.test(format!("{at}/{entries}"), &rule[entries]);
            if let Some(split) = change.split {
                let drop = change.drop_canary || added.at(place);
                let new = weights::write(of, &mut ops, rule, one, split, drop)?;
                let stays = added.at(place) && one.canary.is_some() && !split.canary.is_none();
                added.set(place, new || stays);
                mirror::write(of, &mut ops, rule, one, split);
            } else if change.drop_mirror {
                mirror::remove_own(of, &mut ops, rule, one.rule, |_| true);
            }
        }
        if change.split.is_some() && !change.keep_canary {
            added.write(&mut ops, live)?;
        }
        // Last, because it moves the indices of the rules behind it.
        if change.header_route == Some(true) {
            header_route::ensure(of, &mut ops, live, &located)?;
        }
    }
    if change.header_route == Some(false) {
        header_route::remove_managed(of, &mut ops, live, |_, _| true);
    }
    if change.split.is_some() || change.drop_mirror || change.header_route.is_some() {
        sticky::write(of, &mut ops, live, change.split)?;
    }
    if change.keep_canary {
        added::forget(&mut ops, live);
    }
    for (annotation, text) in
        [(STATE_ANNOTATION, &change.state), (WRITTEN_ANNOTATION, &change.written)]
    {
        if let Some(text) = text {
            ops.annotation(live, annotation, text.as_deref());
        }
    }
    ops.into_patch()
}

/// The patch that removes this run's changes if they are still as it wrote them, independently of other changes: its
/// header route, the cookie of its users, and the mirror of the split that it `wrote` last. `None` when nothing of it is there.
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
pub fn clean_up<'p>(
    of: impl Into<RouteOf<'p>>,
    live: &Value,
    wrote: Split,
) -> Result<Option<Patch>> {
    let of = of.into();
    let mut ops = Ops::default();
    ops.pin_version(live, &of.title())?;
    let pinned = ops.len();
    if wrote.mirror > 0
        && let Ok(found) = find(of, live)
    {
        for index in found {
            let rule = &of.rules(live)[index];
            mirror::remove_own(of, &mut ops, rule, index, |percent| percent == wrote.mirror);
        }
    }
    header_route::remove_own(of, &mut ops, live);
    sticky::remove_own(of, &mut ops, live)?;
    added::forget(&mut ops, live);
    if ops.len() == pinned { Ok(None) } else { ops.into_patch().map(Some) }
}
