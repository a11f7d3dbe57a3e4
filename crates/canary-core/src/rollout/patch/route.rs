//! Changes of a `VirtualService`: weights, mirror, header route and the state's annotation, in one patch.

use json_patch::Patch;
use serde_json::{Map, Value, json};

use super::{
    super::plan::{HeaderRoute, Plan, Split},
    STATE_ANNOTATION,
    difference::Differences,
    locate::{destinations, http, locate, name_of, object_name, subset_of},
    ops::Ops,
};
use crate::{Error, Result};

/// What one patch changes in the `VirtualService`; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RouteChange {
    /// How the route shares its traffic afterwards.
    pub split: Option<Split>,
    /// Takes the canary's destination out of the route when the split gives it nothing, as is needed before its
    /// subset goes.
    pub drop_canary: bool,
    /// Whether the driver's header route is there afterwards.
    pub header_route: Option<bool>,
    /// The state's annotation afterwards; `Some(None)` removes it.
    pub state: Option<Option<String>>,
}

/// The patch that brings the live object to `change`.
///
/// Weights, mirror, header route and state change together or not at all.
///
/// # Errors
/// [`Error::Plan`] when the route cannot be found or is not one that a plan can divide, see [`locate`].
pub fn change_route(plan: &Plan, virtual_service: &Value, change: &RouteChange) -> Result<Patch> {
    let what = object_name(plan);
    let mut ops = Ops::default();
    ops.pin_version(virtual_service, &what)?;
    // A change of the annotation alone must be possible even when somebody has taken the route away.
    if change.split.is_some() || change.header_route.is_some() {
        let located = locate(plan, virtual_service)?;
        let index = located.http;
        let route = &http(virtual_service)[index];
        if let Some(name) = route.get("name") {
            ops.test(format!("/spec/http/{index}/name"), name);
        }
        ops.test(format!("/spec/http/{index}/route"), &route["route"]);
        if let Some(split) = change.split {
            write_weights(plan, &mut ops, route, index, (located.stable, located.canary), change);
            write_mirror(plan, &mut ops, route, index, (located.stable, located.canary), split);
        }
        // Last, because it moves the indices of the routes behind it.
        match change.header_route {
            Some(true) if !has_header_route(plan, virtual_service) => {
                let made = make_header_route(plan, route, (located.stable, located.canary))?;
                ops.add(format!("/spec/http/{index}"), made);
            }
            Some(false) => remove_header_route(plan, &mut ops, virtual_service),
            Some(true) | None => {}
        }
    }
    if let Some(state) = &change.state {
        ops.annotation(virtual_service, STATE_ANNOTATION, state.as_deref());
    }
    ops.into_patch()
}

fn write_weights(
    plan: &Plan,
    ops: &mut Ops,
    route: &Value,
    index: usize,
    (stable, canary): (usize, Option<usize>),
    change: &RouteChange,
) {
    let split = change.split.unwrap_or_default();
    let at = |entry: usize| format!("/spec/http/{index}/route/{entry}/weight");
    ops.add(at(stable), 100 - split.canary.min(100));
    if let Some(canary) = canary {
        if change.drop_canary && split == Split::STABLE {
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

fn write_mirror(
    plan: &Plan,
    ops: &mut Ops,
    route: &Value,
    index: usize,
    (stable, canary): (usize, Option<usize>),
    split: Split,
) {
    let at = |field: &str| format!("/spec/http/{index}/{field}");
    let ours = route.pointer("/mirror/subset").and_then(Value::as_str) == Some(&plan.canary);
    if split.mirror > 0 {
        let to = canary_destination(plan, route, (stable, canary));
        ops.add(at("mirror"), to);
        ops.add(at("mirrorPercentage"), json!({"value": split.mirror}));
    } else if ours {
        ops.remove(at("mirror"));
        if route.get("mirrorPercentage").is_some() {
            ops.remove(at("mirrorPercentage"));
        }
    }
}

/// The canary's entry as a copy of the stable one: same host, port and headers, other subset.
///
/// A header that carries the stable subset's name, as the one that tells clients who served them, carries the
/// canary's in the copy.
fn canary_entry(plan: &Plan, stable: &Value) -> Map<String, Value> {
    let mut entry = stable.as_object().cloned().unwrap_or_default();
    if let Some(destination) = entry.get_mut("destination").and_then(Value::as_object_mut) {
        destination.insert("subset".to_owned(), plan.canary.clone().into());
    }
    if let Some(headers) = entry.get_mut("headers") {
        rename(headers, &plan.stable, &plan.canary);
    }
    entry.remove("weight");
    entry
}

fn rename(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text == from => to.clone_into(text),
        Value::Object(members) => members.values_mut().for_each(|value| rename(value, from, to)),
        _ => {}
    }
}

fn canary_destination(
    plan: &Plan,
    route: &Value,
    (stable, canary): (usize, Option<usize>),
) -> Value {
    let entries = destinations(route);
    match canary {
        Some(place) => entries[place]["destination"].clone(),
        None => canary_entry(plan, &entries[stable]).remove("destination").unwrap_or_default(),
    }
}

/// A copy of the target route that only requests with the header match, and that leads to the canary alone.
fn make_header_route(
    plan: &Plan,
    route: &Value,
    (stable, canary): (usize, Option<usize>),
) -> Result<Value> {
    let header = plan.header.as_ref().ok_or_else(|| {
        Error::Plan("the plan has no header, so there is no header route to make".to_owned())
    })?;
    let mut made = route.as_object().cloned().unwrap_or_default();
    let condition = json!({"exact": header.value});
    let mut matches = match made.get("match").and_then(Value::as_array) {
        Some(matches) if !matches.is_empty() => matches.clone(),
        _ => vec![json!({})],
    };
    for (index, one) in matches.iter_mut().enumerate() {
        let headers = one.as_object_mut().map(|one| one.entry("headers").or_insert(json!({})));
        let Some(headers) = headers.and_then(Value::as_object_mut) else {
            return Err(Error::Plan(format!(
                "{}: match[{index}] of the target route is no object",
                object_name(plan)
            )));
        };
        if headers
            .insert(header.name.clone(), condition.clone())
            .is_some_and(|old| old != condition)
        {
            return Err(Error::Plan(format!(
                "{}: match[{index}] of the target route already asks for another value of header {}; choose another \
                 header for the plan",
                object_name(plan),
                header.name
            )));
        }
    }
    let entries = destinations(route);
    let mut entry = match canary {
        Some(place) => entries[place].as_object().cloned().unwrap_or_default(),
        None => canary_entry(plan, &entries[stable]),
    };
    entry.remove("weight");
    made.insert("name".to_owned(), HeaderRoute::route_name(&plan.canary).into());
    made.insert("match".to_owned(), matches.into());
    made.insert("route".to_owned(), json!([entry]));
    for field in ["mirror", "mirrors", "mirrorPercentage", "mirror_percent", "mirrorPercent"] {
        made.remove(field);
    }
    Ok(made.into())
}

fn remove_header_route(plan: &Plan, ops: &mut Ops, virtual_service: &Value) {
    let name = HeaderRoute::route_name(&plan.canary);
    let place = http(virtual_service).iter().position(|route| name_of(route) == Some(&name));
    if let Some(place) = place {
        ops.test(format!("/spec/http/{place}/name"), &name.into());
        ops.remove(format!("/spec/http/{place}"));
    }
}

/// Whether a route before the target already leads the plan's header to the canary alone, whoever made it.
pub fn has_header_route(plan: &Plan, virtual_service: &Value) -> bool {
    let Some(header) = &plan.header else { return false };
    let name = HeaderRoute::route_name(&plan.canary);
    let before = locate(plan, virtual_service).map_or(usize::MAX, |located| located.http);
    let leads = |route: &Value| {
        let entries = destinations(route);
        let matches = route.get("match").and_then(Value::as_array);
        !entries.is_empty()
            && entries.iter().all(|entry| subset_of(entry) == Some(&plan.canary))
            && matches.is_some_and(|matches| {
                matches.iter().any(|one| only_header(one, &header.name, &header.value))
            })
    };
    http(virtual_service)
        .iter()
        .take(before)
        .any(|route| name_of(route) == Some(&name) || leads(route))
}

/// Whether a match asks for exactly this header and for nothing else.
fn only_header(one: &Value, name: &str, value: &str) -> bool {
    let conditions = one.as_object().map(|one| one.keys().filter(|key| *key != "name").count());
    let headers = one.get("headers").and_then(Value::as_object);
    conditions == Some(1)
        && headers.is_some_and(|headers| {
            headers.len() == 1
                && headers.get(name).and_then(|condition| condition.get("exact"))
                    == Some(&value.into())
        })
}

/// What somebody else changed since `expected` was written; empty when the weights are as they were.
///
/// Compared are the weights and the mirror of the plan's route, and the driver's header route when `header_route`
/// says that it was made. Other routes and other fields are not the rollout's business.
pub fn differences(
    plan: &Plan,
    virtual_service: &Value,
    expected: Split,
    header_route: bool,
) -> Differences {
    let mut differences = Differences::default();
    match locate(plan, virtual_service) {
        Err(error) => {
            let route = plan.target.route.clone().unwrap_or_else(|| format!("to {}", plan.stable));
            differences.push("spec.http", &format!("one route {route} with {expected}"), &error);
        }
        Ok(located) if located.split == Some(expected) => {}
        Ok(located) => {
            let at = |entry: usize| format!("spec.http[{}].route[{entry}].weight", located.http);
            let total: u64 = located.weights.iter().sum();
            let mut compare = |entry: Option<usize>, subset: &str, expected: u32| {
                let weight = entry.map_or(0, |entry| located.weights[entry]);
                if weight != u64::from(expected) || total != 100 {
                    let path =
                        entry.map_or_else(|| format!("spec.http[{}].route", located.http), at);
                    let found =
                        entry.map_or_else(|| "no destination".to_owned(), |_| weight.to_string());
                    differences.push(path, &format!("{expected} ({subset})"), &found);
                }
            };
            compare(Some(located.stable), &plan.stable, 100 - expected.canary.min(100));
            compare(located.canary, &plan.canary, expected.canary);
            if differences.is_empty() {
                let found = located
                    .split
                    .map_or("a broken percentage".to_owned(), |s| s.mirror.to_string());
                let path = format!("spec.http[{}].mirrorPercentage", located.http);
                differences.push(path, &expected.mirror, &found);
            }
        }
    }
    if header_route && differences.is_empty() && !has_header_route(plan, virtual_service) {
        let name = HeaderRoute::route_name(&plan.canary);
        differences.push("spec.http", &format!("a route named {name}"), "none");
    }
    differences
}
