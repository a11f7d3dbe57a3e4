//! The route that sends requests with a header to the canary at any weight: created, replaced, removed.

use serde_json::{Value, json};

use super::{
    super::plan::{HeaderRoute, Plan},
    arms::{Arms, canary_alone, describe, to_alone},
    header::{Coverage, coverage, fulfilled, holds, matches, on},
    locate::{Located, look},
    ops::Ops,
    routes::{destinations, http, is_managed, name_of, object_name},
};
use crate::{Error, Result};

/// Fields of the target that its copy must not have, because the canary's answers to marked requests are not a sample
/// of the traffic.
const MIRRORS: [&str; 5] =
    ["mirror", "mirrors", "mirrorPercentage", "mirror_percent", "mirrorPercent"];

/// Returns `true` when the route that answers requests with the header leads them to the canary alone, no matter who created it.
///
/// The header is [`Plan::probe_header`]. A route that a rollout created counts when it has this canary's name, matches
/// this header where the target route would answer without it, and comes before the target. A route of somebody else
/// counts when it matches this header alone. One before them that certainly answers the header otherwise, such as one
/// that an earlier rollout left behind, makes them useless.
pub fn has_header_route(plan: &Plan, virtual_service: &Value) -> bool {
    let Ok(located) = look(plan, virtual_service) else { return false };
    let (routes, header) = (http(virtual_service), plan.probe_header());
    let target = &routes[located.http];
    let made = make(plan, &header, target, &located).ok();
    for route in &routes[..located.http] {
        if is_managed(route) {
            let fits = |made: &Value| made.get("match") == route.get("match");
            let ours = is_own(plan, &header, route) && made.as_ref().is_some_and(fits);
            if ours && leads_to_canary(plan, target, route) {
                return true;
            }
            if may_answer(route, &header) {
                return false;
            }
            continue;
        }
        match coverage(route, &header) {
            Some(Coverage::Header) => return leads_to_canary(plan, target, route),
            Some(Coverage::Everything) => return false,
            None => {}
        }
    }
    false
}

/// Brings the header route before the target: every other route of a rollout is removed, and the right one is created
/// unless it is there or somebody else's does the same.
///
/// # Errors
/// [`Error::Plan`] when the header cannot be matched beside the target's own conditions, or when a route before the
/// target answers it otherwise.
pub(super) fn ensure(
    plan: &Plan,
    ops: &mut Ops,
    virtual_service: &Value,
    located: &Located,
) -> Result<()> {
    let routes = http(virtual_service);
    let (target, header) = (located.http, plan.probe_header());
    let covered = routes[..target].iter().enumerate().find_map(|(index, route)| {
        let covered = coverage(route, &header).filter(|_| !is_managed(route))?;
        Some((index, covered))
    });
    if let Some((index, Coverage::Header)) = covered
        && leads_to_canary(plan, &routes[target], &routes[index])
    {
        remove_managed(ops, virtual_service, |_, _| true);
        return Ok(());
    }
    let made = make(plan, &header, &routes[target], located)?;
    let reachable = covered.map_or(target, |(index, _)| index);
    let kept = routes[..reachable].iter().position(|route| *route == made);
    if let (None, Some((index, coverage))) = (kept, covered) {
        return Err(shadowed(plan, &header, routes, (index, target), coverage));
    }
    let removed = remove_managed(ops, virtual_service, |index, _| Some(index) != kept);
    if kept.is_none() {
        let before = removed.iter().filter(|index| **index < target).count();
        ops.add(format!("/spec/http/{}", target - before), made);
    }
    Ok(())
}

/// Removes the routes that rollouts created and that are chosen by place and content; the places that they had.
pub(super) fn remove_managed(
    ops: &mut Ops,
    virtual_service: &Value,
    chosen: impl Fn(usize, &Value) -> bool,
) -> Vec<usize> {
    let routes = http(virtual_service).iter().enumerate();
    let gone = routes.filter(|(index, route)| is_managed(route) && chosen(*index, route));
    let mut places = Vec::new();
    // From the end, because each removal moves the routes after it.
    for (index, route) in gone.collect::<Vec<_>>().into_iter().rev() {
        ops.test(format!("/spec/http/{index}"), route);
        ops.remove(format!("/spec/http/{index}"));
        places.push(index);
    }
    places
}

/// Returns `true` when a route is the one that a run of this plan created: its name, the plan's header in every match,
/// and all of its traffic to the canary's subset.
pub(super) fn is_own(plan: &Plan, header: &HeaderRoute, route: &Value) -> bool {
    let matches_header = |one: &Value| {
        let mut conditions = on(one, "headers", &header.name);
        conditions.next() == Some(&exactly(header)) && conditions.next().is_none()
    };
    name_of(route) == Some(&HeaderRoute::route_name(&plan.canary))
        && matches(route).is_some_and(|matches| matches.iter().all(matches_header))
        && to_alone(route, |to| to.get("subset").and_then(Value::as_str) == Some(&plan.canary))
}

/// Returns `true` when all traffic of a route goes to the canary, where the target route has it.
fn leads_to_canary(plan: &Plan, target: &Value, route: &Value) -> bool {
    let arms = Arms::of(plan, target);
    arms.is_some_and(|arms| to_alone(route, |to| arms.is_canary(to)))
}

/// Returns `true` when a route could answer a request that has this header and no other that a route matches.
fn may_answer(route: &Value, header: &HeaderRoute) -> bool {
    let fits = |one: &Value| {
        let mut wanted = one.get("headers").and_then(Value::as_object).into_iter().flatten();
        wanted.all(|(name, condition)| {
            name.eq_ignore_ascii_case(&header.name)
                && holds(condition, &header.value) != Some(false)
        }) && on(one, "withoutHeaders", &header.name)
            .all(|condition| holds(condition, &header.value) != Some(true))
    };
    matches(route).is_none_or(|matches| matches.iter().any(fits))
}

fn exactly(header: &HeaderRoute) -> Value {
    json!({"exact": header.value})
}

/// A copy of the target route that only requests with the header match, and that leads to the canary alone.
fn make(plan: &Plan, header: &HeaderRoute, route: &Value, located: &Located) -> Result<Value> {
    let mut made = route.as_object().cloned().unwrap_or_default();
    let matches = match matches(route) {
        Some(matches) => narrowed(plan, header, matches)?,
        None => vec![json!({"headers": {&header.name: exactly(header)}})],
    };
    made.insert("name".to_owned(), HeaderRoute::route_name(&plan.canary).into());
    made.insert("match".to_owned(), matches.into());
    let entry = canary_alone(plan, route, (located.stable, located.canary));
    made.insert("route".to_owned(), json!([entry]));
    for field in MIRRORS {
        made.remove(field);
    }
    Ok(made.into())
}

/// The target's matches for requests with the header: those that such a request can fulfil, with the header matched in
/// place of every other condition on it.
fn narrowed(plan: &Plan, header: &HeaderRoute, matches: &[Value]) -> Result<Vec<Value>> {
    let what = object_name(plan);
    let mut narrowed = Vec::with_capacity(matches.len());
    let mut marked = 0;
    for (index, one) in matches.iter().enumerate() {
        let Some(fields) = one.as_object() else {
            return Err(Error::Plan(format!(
                "{what}: match[{index}] of the target route is {one}, which is not an object"
            )));
        };
        // A match that neither a request with the header nor one without it can fulfil is for other values of the header.
        let HeaderRoute { name, value } = header;
        if !fulfilled(one, name, Some(value)) && !fulfilled(one, name, None) {
            continue;
        }
        marked += usize::from(on(one, "headers", &header.name).any(|old| *old == exactly(header)));
        let mut fields = fields.clone();
        for field in ["headers", "withoutHeaders"] {
            if let Some(conditions) = fields.get_mut(field).and_then(Value::as_object_mut) {
                conditions.retain(|name, _| !name.eq_ignore_ascii_case(&header.name));
                if conditions.is_empty() {
                    fields.remove(field);
                }
            }
        }
        let headers = fields.entry("headers").or_insert(Value::Null);
        if !headers.is_object() {
            *headers = json!({});
        }
        headers[&header.name] = exactly(header);
        narrowed.push(fields.into());
    }
    let HeaderRoute { name, value } = header;
    if narrowed.is_empty() {
        return Err(Error::Plan(format!(
            "{what}: every match of the target route already requires another value of header {name} than {value}; \
             choose another header for the plan"
        )));
    }
    if marked == matches.len() {
        return Err(Error::Plan(format!(
            "{what}: every match of the target route requires header {name}: {value} itself, so all of its traffic \
             would go to {} at once; choose another header for the plan",
            plan.canary
        )));
    }
    Ok(narrowed)
}

/// The error for a header that a route before the target answers.
fn shadowed(
    plan: &Plan,
    header: &HeaderRoute,
    routes: &[Value],
    (index, target): (usize, usize),
    covered: Coverage,
) -> Error {
    let route = &routes[index];
    let name = name_of(route).map_or_else(String::new, |name| format!(" ({name})"));
    let to: Vec<String> = destinations(route)
        .iter()
        .filter_map(|entry| entry.get("destination"))
        .map(describe)
        .collect();
    let to = if to.is_empty() { "no destination".to_owned() } else { to.join(" and ") };
    let remedy = match (matches(route), covered) {
        (None, _) => "give it a match",
        (Some(_), Coverage::Header) if plan.header.is_some() => {
            "choose another header for the plan"
        }
        (Some(_), _) => "narrow its match",
    };
    Error::Plan(format!(
        "{}: spec.http[{index}]{name} answers every request with header {}: {} before the target route \
         spec.http[{target}] does, and leads to {to}, so that the canary {} cannot be reached; {remedy}, or \
         move it behind spec.http[{target}]",
        object_name(plan),
        header.name,
        header.value,
        plan.canary
    ))
}
