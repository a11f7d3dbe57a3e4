//! Where the plan's route stands in a live `VirtualService`.

use serde_json::Value;

use super::super::plan::{HeaderRoute, Plan, Split};
use crate::{Error, Result};

/// The place of the plan's route, and how it shares the traffic now.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Located {
    /// The index in `spec.http`.
    pub http: usize,
    /// The index of the stable subset in `spec.http[].route`.
    pub stable: usize,
    /// The index of the canary in `spec.http[].route`, when it is there.
    pub canary: Option<usize>,
    /// The shares in percent, when they are whole numbers.
    pub split: Option<Split>,
    /// The weights as they are written, in the order of `spec.http[].route`.
    pub weights: Vec<u64>,
}

/// The destinations of a route.
pub(super) fn destinations(route: &Value) -> &[Value] {
    route.get("route").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The subset that one entry of `route[]` sends to.
pub(super) fn subset_of(entry: &Value) -> Option<&str> {
    entry.pointer("/destination/subset").and_then(Value::as_str)
}

/// The routes of a `VirtualService`.
pub(super) fn http(virtual_service: &Value) -> &[Value] {
    virtual_service.pointer("/spec/http").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The name of a route.
pub(super) fn name_of(route: &Value) -> Option<&str> {
    route.get("name").and_then(Value::as_str)
}

/// Finds the route of the plan: by its name, or as the only route that sends to the stable subset.
///
/// # Errors
/// [`Error::Plan`] when there is no such route, when several would fit, when it sends to other subsets too,
/// or when others mirror its traffic.
pub fn locate(plan: &Plan, virtual_service: &Value) -> Result<Located> {
    let what = object_name(plan);
    let routes = http(virtual_service);
    let own = HeaderRoute::route_name(&plan.canary);
    let fits = |route: &Value| match &plan.target.route {
        Some(name) => name_of(route) == Some(name),
        None => {
            name_of(route) != Some(&own)
                && destinations(route).iter().any(|entry| subset_of(entry) == Some(&plan.stable))
        }
    };
    let found: Vec<usize> = (0..routes.len()).filter(|index| fits(&routes[*index])).collect();
    let index = match (found.as_slice(), &plan.target.route) {
        ([index], _) => *index,
        ([], Some(name)) => {
            return Err(Error::Plan(format!(
                "{what} has no HTTP route named {name}; its routes are {}",
                describe(routes)
            )));
        }
        ([], None) => {
            return Err(Error::Plan(format!(
                "{what} has no HTTP route to subset {}; its routes are {}",
                plan.stable,
                describe(routes)
            )));
        }
        (several, _) => {
            let places: Vec<String> = several.iter().map(|i| format!("spec.http[{i}]")).collect();
            return Err(Error::Plan(format!(
                "{what} has several HTTP routes that fit ({}); name the one that is meant in target.route, and give \
                 routes different names",
                places.join(", ")
            )));
        }
    };
    read(plan, &what, &routes[index], index)
}

fn read(plan: &Plan, what: &str, route: &Value, index: usize) -> Result<Located> {
    let entries = destinations(route);
    let place = |subset: &str| entries.iter().position(|entry| subset_of(entry) == Some(subset));
    let stable = place(&plan.stable).ok_or_else(|| {
        Error::Plan(format!(
            "{what}: spec.http[{index}] does not send to subset {}; it sends to {}",
            plan.stable,
            describe(std::slice::from_ref(route))
        ))
    })?;
    let canary = place(&plan.canary);
    let weights = weights(entries);
    for (other, weight) in weights.iter().enumerate() {
        if *weight > 0 && other != stable && Some(other) != canary {
            return Err(Error::Plan(format!(
                "{what}: spec.http[{index}].route[{other}] sends traffic to {} with weight {weight}; a plan divides \
                 a route between two subsets only",
                entries[other].pointer("/destination").cloned().unwrap_or_default()
            )));
        }
    }
    let mirror = mirror(plan, what, route, index)?;
    let total: u64 = weights.iter().sum();
    let canary_weight = canary.map_or(0, |place| weights[place]);
    let share = (total > 0 && (canary_weight * 100).is_multiple_of(total))
        .then(|| canary_weight * 100 / total)
        .and_then(|share| u32::try_from(share).ok());
    let split = share.zip(mirror).map(|(canary, mirror)| Split { canary, mirror });
    Ok(Located { http: index, stable, canary, split, weights })
}

/// The weights as Istio takes them: a lone destination without one has everything.
fn weights(entries: &[Value]) -> Vec<u64> {
    let stated = |entry: &Value| entry.get("weight").and_then(Value::as_u64);
    match entries {
        [only] => vec![stated(only).filter(|weight| *weight > 0).unwrap_or(100)],
        several => several.iter().map(|entry| stated(entry).unwrap_or(0)).collect(),
    }
}

/// The share that is mirrored to the canary; `None` when it is no whole number.
fn mirror(plan: &Plan, what: &str, route: &Value, index: usize) -> Result<Option<u32>> {
    let given = |field: &str| route.get(field).filter(|value| !value.is_null());
    let mirror = given("mirror");
    let foreign = mirror
        .is_some_and(|to| to.get("subset").and_then(Value::as_str) != Some(&plan.canary))
        || given("mirrors").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if foreign && plan.steps.iter().any(|step| step.mirror > 0) {
        return Err(Error::Plan(format!(
            "{what}: spec.http[{index}] already mirrors its traffic elsewhere; take the mirror away, or the mirrored \
             steps out of the plan"
        )));
    }
    if foreign || mirror.is_none() {
        return Ok(Some(0));
    }
    let percent = route.pointer("/mirrorPercentage/value").map_or(Some(100.0), Value::as_f64);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be 0 to 100"
    )]
    let whole = percent
        .filter(|percent| (0.0..=100.0).contains(percent) && percent.fract() == 0.0)
        .map(|percent| percent as u32);
    Ok(whole)
}

/// `VirtualService namespace/name` of the plan's target.
pub(super) fn object_name(plan: &Plan) -> String {
    format!("VirtualService {}/{}", plan.target.namespace, plan.target.virtual_service)
}

/// The routes in short: names and subsets.
fn describe(routes: &[Value]) -> String {
    if routes.is_empty() {
        return "none".to_owned();
    }
    let one = |(index, route): (usize, &Value)| {
        let to: Vec<&str> = destinations(route)
            .iter()
            .map(|entry| subset_of(entry).unwrap_or("no subset"))
            .collect();
        let name = name_of(route).map_or_else(|| format!("spec.http[{index}]"), str::to_owned);
        format!("{name} → {}", if to.is_empty() { "nowhere".to_owned() } else { to.join("+") })
    };
    routes.iter().enumerate().map(one).collect::<Vec<_>>().join(", ")
}
