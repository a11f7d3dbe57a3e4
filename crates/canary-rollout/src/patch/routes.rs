//! The HTTP routes of a live `VirtualService`, and the one that a plan divides.

use serde_json::Value;

use super::super::plan::{HeaderRoute, Plan};
use crate::{Error, Result, json::list};

/// The destinations of a route.
pub(super) fn destinations(route: &Value) -> &[Value] {
    list(route, "/route")
}

/// The subset that one entry of `route[]` sends to.
pub(super) fn subset_of(entry: &Value) -> Option<&str> {
    entry.pointer("/destination/subset").and_then(Value::as_str)
}

/// The routes of a `VirtualService`.
pub(super) fn http(virtual_service: &Value) -> &[Value] {
    list(virtual_service, "/spec/http")
}

/// The name of a route.
pub(super) fn name_of(route: &Value) -> Option<&str> {
    route.get("name").and_then(Value::as_str)
}

/// Returns `true` when a route is one that a rollout created, of whatever canary.
pub(super) fn is_managed(route: &Value) -> bool {
    name_of(route).is_some_and(|name| name.starts_with(HeaderRoute::ROUTE_PREFIX))
}

/// The index of the plan's route in `spec.http`, without a check of its contents.
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
                "{what}: target.route is {name}, but routes whose names begin with {} are created and removed by rollouts; name the route whose weights are to change",
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

/// The weights as Istio reads them: a single destination without a weight has everything.
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
pub(super) fn describe(routes: &[Value]) -> String {
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
