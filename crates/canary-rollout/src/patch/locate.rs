//! The position of the plan's route in a live `VirtualService`.

use serde_json::Value;

use super::{
    super::plan::{HeaderRoute, Plan, Split},
    mirror::{Mirrors, message},
};
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

/// Returns `true` when a route is one that a rollout created, of whatever canary.
pub(super) fn is_managed(route: &Value) -> bool {
    name_of(route).is_some_and(|name| name.starts_with(HeaderRoute::ROUTE_PREFIX))
}

/// Finds the route of the plan: by its name, or as the only route that sends to the stable subset.
///
/// Routes that rollouts created (see [`HeaderRoute::ROUTE_PREFIX`]) are never it. The mirrored share of
/// [`Located::split`] is that of the mirror which a run of this plan writes.
///
/// # Errors
/// [`Error::Plan`] when there is no such route, when several would fit, when it sends to other subsets too, or when it
/// has a mirror that is not the run's and that leads to either version or is where the plan's own would be.
pub fn locate(plan: &Plan, virtual_service: &Value) -> Result<Located> {
    let located = look(plan, virtual_service)?;
    let mirrors = Mirrors::of(plan, &http(virtual_service)[located.http]);
    match mirrors.foreign() {
        Some((mirror, why)) => Err(Error::Plan(message(plan, located.http, mirror, &why))),
        None => Ok(located),
    }
}

/// [`locate`], whatever mirrors there are.
pub(super) fn look(plan: &Plan, virtual_service: &Value) -> Result<Located> {
    let index = find(plan, virtual_service)?;
    read(plan, &object_name(plan), &http(virtual_service)[index], index)
}

/// The index of the plan's route in `spec.http`, whatever it says.
pub(super) fn find(plan: &Plan, virtual_service: &Value) -> Result<usize> {
    let what = object_name(plan);
    let routes = http(virtual_service);
    let to_stable = |entry: &Value| subset_of(entry) == Some(&plan.stable);
    let fits = |route: &&Value| match &plan.target.route {
        Some(name) => name_of(route) == Some(name),
        None => destinations(route).iter().any(to_stable),
    };
    let candidates = routes.iter().enumerate().filter(|(_, route)| !is_managed(route));
    let found: Vec<usize> =
        candidates.filter(|(_, route)| fits(route)).map(|(index, _)| index).collect();
    match (found.as_slice(), &plan.target.route) {
        ([index], _) => Ok(*index),
        ([], Some(name)) if name.starts_with(HeaderRoute::ROUTE_PREFIX) => {
            Err(Error::Plan(format!(
                "{what}: target.route is {name}, but routes whose names begin with {} are made and removed by \
                 rollouts; name the route whose weights are to change",
                HeaderRoute::ROUTE_PREFIX
            )))
        }
        ([], Some(name)) => Err(Error::Plan(format!(
            "{what} has no HTTP route named {name}; its routes are {}",
            describe(routes)
        ))),
        ([], None) => Err(Error::Plan(format!(
            "{what} has no HTTP route to subset {}; its routes are {}",
            plan.stable,
            describe(routes)
        ))),
        (several, _) => {
            let places: Vec<String> = several.iter().map(|i| format!("spec.http[{i}]")).collect();
            Err(Error::Plan(format!(
                "{what} has several HTTP routes that fit ({}); name the one that is meant in target.route, and give \
                 routes different names",
                places.join(", ")
            )))
        }
    }
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
    let mirror = Mirrors::of(plan, route).own().map_or(0, |(_, percent)| percent);
    let total: u64 = weights.iter().sum();
    let canary_weight = canary.map_or(0, |place| weights[place]);
    let share = (total > 0 && (canary_weight * 100).is_multiple_of(total))
        .then(|| canary_weight * 100 / total)
        .and_then(|share| u32::try_from(share).ok());
    let split = share.map(|canary| Split { canary, mirror });
    Ok(Located { http: index, stable, canary, split, weights })
}

/// The weights as Istio takes them: a lone destination without one has everything.
pub(super) fn weights(entries: &[Value]) -> Vec<u64> {
    let stated = |entry: &Value| entry.get("weight").and_then(Value::as_u64);
    match entries {
        [only] => vec![stated(only).filter(|weight| *weight > 0).unwrap_or(100)],
        several => several.iter().map(|entry| stated(entry).unwrap_or(0)).collect(),
    }
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
