//! The mirrors of the plan's rule, in every spelling that the mesh reads: their owners, and those that block a run.

use serde_json::{Value, json};

use super::{
    super::plan::{Percent, Plan, Split},
    arms::{Arms, canary_alone, describe},
    find::find,
    located::Located,
    ops::Ops,
    route_of::{RouteOf, text},
};

/// The reason why a mirror is refused for every plan: the copies would be taken for requests of the rollout.
const COPIES: &str =
    "remove the mirror first, because its copies would be counted as requests of the rollout";

/// One mirror of a rule.
pub(super) struct Mirror<'r> {
    /// The field of the rule, such as `mirror`, `mirrors[0]` or `filters[0].requestMirror`.
    pub(super) field: String,
    to: &'r Value,
    /// The share of the requests in percent; `None` when it cannot be read.
    percent: Option<f64>,
    /// `true` when it is spelled as a run writes it: `mirror` with `mirrorPercentage`, `requestMirror` with the field that
    /// [`field_of`] gives.
    as_written: bool,
}

/// The mirrors of the plan's rule.
pub(super) struct Mirrors<'r> {
    of: RouteOf<'r>,
    arms: Option<Arms<'r>>,
    all: Vec<Mirror<'r>>,
}

impl<'r> Mirrors<'r> {
    pub(super) fn of(of: RouteOf<'r>, rule: &'r Value) -> Self {
        let all = if of.is_gateway_api() { filters(rule) } else { fields(rule) };
        Self { of, arms: Arms::of(of, rule), all }
    }

    /// The mirror that a run of this plan wrote, and its percentage: to the canary alone, with a share that is one of
    /// the plan's steps or none at all. A plan without mirrored steps never wrote one.
    pub(super) fn own(&self) -> Option<(&Mirror<'r>, Percent)> {
        let arms = self.arms.filter(|_| mirrors_itself(self.of.plan))?;
        self.all.iter().find_map(|mirror| {
            let mut shares =
                self.of.plan.steps.iter().map(|step| step.mirror).chain([Percent::NONE]);
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
        mirrors_itself(self.of.plan).then(|| {
            format!(
                "{}, and the plan mirrors requests itself; remove the mirror first, or the mirrored steps from the plan",
                self.words(mirror)
            )
        })
    }

    /// The share and the destination, in words: `10 % of the requests to subset v2 of host cats`.
    pub(super) fn share_and_place(&self, mirror: &Mirror<'_>) -> String {
        let share = mirror.percent.map_or("an unreadable share".to_owned(), |p| format!("{p} %"));
        format!("{share} of the requests to {}", describe(self.of, mirror.to))
    }

    /// A mirror's effect, in words: `mirrors 10 % of the requests to subset v2 of host cats`.
    fn words(&self, mirror: &Mirror<'r>) -> String {
        format!("mirrors {}{}", self.share_and_place(mirror), self.with_both(mirror))
    }

    fn with_both(&self, mirror: &Mirror<'r>) -> String {
        let named = text(mirror.to, "subset").is_some_and(|subset| !subset.is_empty());
        if named || !self.of.by_subset() || !self.arms.is_some_and(|arms| arms.includes(mirror.to))
        {
            return String::new();
        }
        format!(", which has the pods of {} and {}", self.of.plan.stable, self.of.plan.canary)
    }
}

/// The mirrors of a rule of a `VirtualService`.
fn fields(route: &Value) -> Vec<Mirror<'_>> {
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
    single.into_iter().chain(several).collect()
}

/// The mirrors of a rule of the Gateway API: its filters, and those of its destinations.
fn filters(rule: &Value) -> Vec<Mirror<'_>> {
    let mut all = mirrors_of(&rule["filters"], "");
    for (place, entry) in rule["backendRefs"].as_array().into_iter().flatten().enumerate() {
        all.extend(mirrors_of(&entry["filters"], &format!("backendRefs[{place}].")));
    }
    all
}

/// The mirrors of one list of filters.
fn mirrors_of<'v>(filters: &'v Value, prefix: &str) -> Vec<Mirror<'v>> {
    let filters = filters.as_array().map_or(&[][..], Vec::as_slice);
    let mirrors = filters.iter().enumerate().filter_map(|(place, filter)| {
        let mirror = filter.get("requestMirror")?;
        Some(Mirror {
            field: format!("{prefix}filters[{place}].requestMirror"),
            to: mirror.get("backendRef").unwrap_or(&Value::Null),
            percent: share_of(mirror),
            as_written: prefix.is_empty() && is_as_written(mirror),
        })
    });
    mirrors.collect()
}

/// The share of a `requestMirror` in percent: everything unless `percent` or `fraction` says otherwise.
fn share_of(mirror: &Value) -> Option<f64> {
    if let Some(percent) = mirror.get("percent") {
        return percent.as_f64();
    }
    let Some(fraction) = mirror.get("fraction") else { return Some(100.0) };
    let of = fraction.get("denominator").map_or(Some(100.0), Value::as_f64)?;
    Some(fraction.get("numerator")?.as_f64()? * 100.0 / of)
}

/// The denominator of a fraction that a run writes: thousandths of a percent.
const DENOMINATOR: u64 = Percent::ALL.thousandths();

/// The field of a `requestMirror` for a share: `percent` takes whole numbers alone.
fn field_of(share: Percent) -> (&'static str, Value) {
    match share.whole() {
        Some(whole) => ("percent", whole.into()),
        None => ("fraction", json!({"numerator": share.thousandths(), "denominator": DENOMINATOR})),
    }
}

/// Returns `true` when a `requestMirror` states its share in a field as [`field_of`] has it.
fn is_as_written(mirror: &Value) -> bool {
    let denominator = || mirror.pointer("/fraction/denominator").and_then(Value::as_u64);
    mirror.get("percent").is_some() || denominator() == Some(DENOMINATOR)
}

/// Returns `true` when the plan has a mirrored step.
fn mirrors_itself(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| !step.mirror.is_none())
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
pub fn initial_mirror<'p>(of: impl Into<RouteOf<'p>>, live: &Value) -> Option<String> {
    let of = of.into();
    find(of, live).ok()?.into_iter().find_map(|index| {
        let mirrors = Mirrors::of(of, &of.rules(live)[index]);
        let (mirror, why) = mirrors.foreign().or_else(|| {
            let (mirror, _) = mirrors.own().filter(|(_, percent)| !percent.is_none())?;
            Some((mirror, format!("{}; {COPIES}", mirrors.words(mirror))))
        })?;
        Some(message(of, index, mirror, &why))
    })
}

/// The object, the field and the problem.
pub(super) fn message(of: RouteOf<'_>, index: usize, mirror: &Mirror<'_>, why: &str) -> String {
    format!("{}: {}.{} {why}", of.title(), of.place(index), mirror.field)
}

/// Writes the mirrored share of a split: nothing to mirror removes the run's own mirror.
pub(super) fn write(of: RouteOf<'_>, ops: &mut Ops, rule: &Value, located: &Located, split: Split) {
    if split.mirror.is_none() {
        remove_own(of, ops, rule, located.rule, |_| true);
        return;
    }
    let entry = canary_alone(of, rule, (located.stable, located.canary));
    let at = of.pointer(located.rule);
    if of.is_gateway_api() {
        write_filter(of, ops, (rule, &at), entry.into(), split);
        return;
    }
    let to = entry.get("destination").cloned().unwrap_or_default();
    for (field, value) in [("mirror", to), ("mirrorPercentage", json!({"value": split.mirror}))] {
        let path = format!("{at}/{field}");
        if let Some(old) = rule.get(field) {
            ops.test(&path, old);
        }
        ops.add(path, value);
    }
}

fn write_filter(
    of: RouteOf<'_>,
    ops: &mut Ops,
    (rule, at): (&Value, &str),
    mut to: Value,
    split: Split,
) {
    if let Some(to) = to.as_object_mut() {
        to.remove("filters");
    }
    let (field, share) = field_of(split.mirror);
    let filter = json!({
        "type": "RequestMirror",
        "requestMirror": {"backendRef": to, field: share},
    });
    let own = Mirrors::of(of, rule).own().map(|(mirror, _)| mirror.field.clone());
    match (own.as_deref().and_then(place_of_filter), rule.get("filters")) {
        (Some(place), Some(filters)) => {
            let path = format!("{at}/filters/{place}");
            ops.test(&path, &filters[place]);
            ops.add(format!("{path}/requestMirror/{field}"), share);
            let other = if field == "percent" { "fraction" } else { "percent" };
            if filters[place]["requestMirror"].get(other).is_some() {
                ops.remove(format!("{path}/requestMirror/{other}"));
            }
        }
        (None, Some(filters)) => {
            ops.test(format!("{at}/filters"), filters);
            ops.add(format!("{at}/filters/-"), filter);
        }
        (_, None) => ops.add(format!("{at}/filters"), json!([filter])),
    }
}

/// The index in a field such as `filters[1].requestMirror`.
fn place_of_filter(field: &str) -> Option<usize> {
    field.strip_prefix("filters[")?.split_once(']')?.0.parse().ok()
}

/// Removes the run's own mirror, when the rule has one and `wanted` accepts its percentage.
pub(super) fn remove_own(
    of: RouteOf<'_>,
    ops: &mut Ops,
    rule: &Value,
    index: usize,
    wanted: impl FnOnce(Percent) -> bool,
) {
    let mirrors = Mirrors::of(of, rule);
    let Some((mirror, percent)) = mirrors.own() else { return };
    if !wanted(percent) {
        return;
    }
    let at = of.pointer(index);
    if let Some(place) = place_of_filter(&mirror.field) {
        let alone = rule["filters"].as_array().is_some_and(|filters| filters.len() == 1);
        let path = format!("{at}/filters/{place}");
        ops.test(&path, &rule["filters"][place]);
        ops.remove(if alone { format!("{at}/filters") } else { path });
        return;
    }
    for field in ["mirror", "mirrorPercentage"] {
        let path = format!("{at}/{field}");
        ops.test(&path, &rule[field]);
        ops.remove(path);
    }
}
