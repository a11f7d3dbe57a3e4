//! The mirrors of the plan's route, in every spelling that Istio reads: their owners, and those that block a run.

use serde_json::Value;

use super::{
    super::plan::Plan,
    arms::{Arms, describe},
    ops::Ops,
    routes::{find, http, object_name},
};

/// The reason why a mirror is refused for every plan: the copies would be taken for requests of the rollout.
const COPIES: &str =
    "remove the mirror first, because its copies would be counted as requests of the rollout";

/// One mirror of a route.
pub(super) struct Mirror<'r> {
    /// The field of the route, such as `mirror` or `mirrors[0]`.
    pub(super) field: String,
    to: &'r Value,
    /// The share of the requests in percent; `None` when it cannot be read.
    percent: Option<f64>,
    /// `true` when it is spelled as a run writes it: `mirror` with `mirrorPercentage`.
    as_written: bool,
}

impl Mirror<'_> {
    /// The share and the destination, in words: `10 % of the requests to subset v2 of host cats`.
    pub(super) fn share_and_place(&self) -> String {
        let share = self.percent.map_or("an unreadable share".to_owned(), |p| format!("{p} %"));
        format!("{share} of the requests to {}", describe(self.to))
    }
}

/// The mirrors of the plan's route.
pub(super) struct Mirrors<'r> {
    plan: &'r Plan,
    arms: Option<Arms<'r>>,
    all: Vec<Mirror<'r>>,
}

impl<'r> Mirrors<'r> {
    pub(super) fn of(plan: &'r Plan, route: &'r Value) -> Self {
        let given = |field: &str| route.get(field).filter(|value| !value.is_null());
        let share = given("mirrorPercentage");
        // Istio takes the first of the three; both others are of older versions.
        let percent = match (share, given("mirrorPercent").or_else(|| given("mirror_percent"))) {
            (None, Some(whole)) => whole.as_f64(),
            (share, _) => percentage(share),
        };
        let single = given("mirror").map(|to| Mirror {
            field: "mirror".to_owned(),
            to,
            percent,
            as_written: share.is_some(),
        });
        let list = given("mirrors").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let several = list.iter().enumerate().map(|(place, one)| Mirror {
            field: format!("mirrors[{place}]"),
            to: one.get("destination").unwrap_or(&Value::Null),
            percent: percentage(one.get("percentage").filter(|value| !value.is_null())),
            as_written: false,
        });
        Self { plan, arms: Arms::of(plan, route), all: single.into_iter().chain(several).collect() }
    }

    /// The mirror that a run of this plan wrote, and its percentage: to the canary alone, with a share that is one of
    /// the plan's steps or none at all. A plan without mirrored steps never wrote one.
    pub(super) fn own(&self) -> Option<(&Mirror<'r>, u32)> {
        let arms = self.arms.filter(|_| mirrors_itself(self.plan))?;
        self.all.iter().find_map(|mirror| {
            let mut shares = self.plan.steps.iter().map(|step| step.mirror).chain([0]);
            let share = shares.find(|share| mirror.percent == Some(f64::from(*share)))?;
            (mirror.as_written && arms.is_canary(mirror.to)).then_some((mirror, share))
        })
    }

    /// The first mirror that no run wrote and that a run of this plan cannot coexist with, and the reason.
    pub(super) fn foreign(&self) -> Option<(&Mirror<'r>, String)> {
        let own = self.own().map(|(mirror, _)| &mirror.field);
        let others = self.all.iter().filter(|mirror| Some(&mirror.field) != own);
        others.into_iter().find_map(|mirror| Some((mirror, self.refusal(mirror)?)))
    }

    /// The reason why a run of this plan cannot start or continue with a mirror that it did not write; `None` when it
    /// can.
    fn refusal(&self, mirror: &Mirror<'r>) -> Option<String> {
        let to_an_arm = self.arms.is_some_and(|arms| arms.includes(mirror.to));
        if to_an_arm && mirror.percent != Some(0.0) {
            return Some(format!("{}; {COPIES}", self.words(mirror)));
        }
        mirrors_itself(self.plan).then(|| {
            format!(
                "{}, and the plan mirrors requests itself; remove the mirror first, or the mirrored steps from the plan",
                self.words(mirror)
            )
        })
    }

    /// A mirror's effect, in words: `mirrors 10 % of the requests to subset v2 of host cats`.
    fn words(&self, mirror: &Mirror<'r>) -> String {
        format!("mirrors {}{}", mirror.share_and_place(), self.with_both(mirror))
    }

    fn with_both(&self, mirror: &Mirror<'r>) -> String {
        let named = mirror.to.get("subset").and_then(Value::as_str).is_some_and(|s| !s.is_empty());
        if named || !self.arms.is_some_and(|arms| arms.includes(mirror.to)) {
            return String::new();
        }
        format!(", which has the pods of {} and {}", self.plan.stable, self.plan.canary)
    }
}

/// Returns `true` when the plan has a mirrored step.
fn mirrors_itself(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| step.mirror > 0)
}

/// A `Percent` of Istio: everything when it is absent, nothing when it is empty, `None` when it is not a number.
fn percentage(given: Option<&Value>) -> Option<f64> {
    let Some(given) = given else { return Some(100.0) };
    given.get("value").map_or(Some(0.0), Value::as_f64)
}

/// The reason why a run cannot begin with the existing mirrors of its route: the field, its destination and the remedy.
///
/// Unlike [`super::locate`] it also names a mirror that an earlier run of the same plan may have written, which a new
/// run must not take for its own. `None` when no mirror is in the way, and when there is no such route.
///
/// ```
/// use canary_core::{Plan, rollout::{Hold, patch::initial_mirror}};
/// use serde_json::json;
///
/// let plan = Plan::new("cats", "v1", "v2").weights([30, 100], Hold::requests(100));
/// let live = json!({"spec": {"http": [{
///     "route": [{"destination": {"host": "cats", "subset": "v1"}}],
///     "mirrors": [{"destination": {"host": "cats", "subset": "v2"}, "percentage": {"value": 10}}],
/// }]}});
/// let message = initial_mirror(&plan, &live).unwrap();
/// assert!(message.starts_with("VirtualService default/cats: spec.http[0].mirrors[0] mirrors 10 %"));
/// assert!(message.contains("subset v2 of host cats; remove the mirror first"));
/// ```
pub fn initial_mirror(plan: &Plan, virtual_service: &Value) -> Option<String> {
    let index = find(plan, virtual_service).ok()?;
    let mirrors = Mirrors::of(plan, &http(virtual_service)[index]);
    let (mirror, why) = mirrors.foreign().or_else(|| {
        let (mirror, _) = mirrors.own().filter(|(_, percent)| *percent > 0)?;
        Some((mirror, format!("{}; {COPIES}", mirrors.words(mirror))))
    })?;
    Some(message(plan, index, mirror, &why))
}

/// The object, the field and the problem.
pub(super) fn message(plan: &Plan, index: usize, mirror: &Mirror<'_>, why: &str) -> String {
    format!("{}: spec.http[{index}].{} {why}", object_name(plan), mirror.field)
}

/// Removes the run's own mirror, when the route has one and `wanted` accepts its percentage.
pub(super) fn remove_own(
    plan: &Plan,
    ops: &mut Ops,
    route: &Value,
    index: usize,
    wanted: impl FnOnce(u32) -> bool,
) {
    if Mirrors::of(plan, route).own().is_none_or(|(_, percent)| !wanted(percent)) {
        return;
    }
    for field in ["mirror", "mirrorPercentage"] {
        let path = format!("/spec/http/{index}/{field}");
        ops.test(&path, &route[field]);
        ops.remove(path);
    }
}
