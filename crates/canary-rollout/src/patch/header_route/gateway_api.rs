//! The header rules of an `HTTPRoute` or a `GRPCRoute`.
//!
//! The place of a rule does not matter there: of two rules that match a request, the one with the more specific path
//! wins, then the one with more headers. So each header rule has the matches of the rule that it is for, each with the
//! header beside its own conditions.

use canary_istio::validate::is_full_match;
use serde_json::{Value, json};

use super::{
    super::{
        super::plan::HeaderRoute,
        arms::{Arms, canary_alone, describe, to_alone},
        limits::{MOST_RULES, within_limits},
        located::Located,
        ops::Ops,
        route_of::{RouteOf, is_managed, name_of, text},
    },
    canary_match::{beside, is_of_plan, mark, own_matches},
    remove_managed,
};
use crate::{Error, Result};

/// Returns `true` when every header rule of the plan's rules is there, or somebody else's does the same.
pub(super) fn has(of: RouteOf<'_>, live: &Value, located: &[Located]) -> bool {
    let header = of.plan.probe_header();
    let rules = of.rules(live);
    located.iter().enumerate().all(|(place, one)| {
        let Ok(wanted) = wanted(of, &header, rules, one, place) else { return false };
        wanted.iter().all(|made| {
            let same = |rule: &&Value| {
                rule.get("matches") == made.get("matches") && is_own(of, &header, rule)
            };
            rules.iter().any(|rule| same(&rule))
        })
    })
}

/// Brings the header rules to the end of the route: every other rule of a rollout is removed.
pub(super) fn ensure(
    of: RouteOf<'_>,
    ops: &mut Ops,
    live: &Value,
    located: &[Located],
) -> Result<()> {
    let (header, rules) = (of.plan.probe_header(), of.rules(live));
    let mut made = Vec::new();
    for (place, one) in located.iter().enumerate() {
        made.extend(wanted(of, &header, rules, one, place)?);
    }
    let kept = |rule: &Value| made.contains(rule);
    let removed = remove_managed(of, ops, live, |_, rule| !kept(rule));
    let mut left: Vec<&Value> = rules
        .iter()
        .enumerate()
        .filter(|(index, _)| !removed.contains(index))
        .map(|(_, rule)| rule)
        .collect();
    for rule in &made {
        if !left.contains(&rule) {
            ops.add("/spec/rules/-", rule.clone());
            left.push(rule);
        }
    }
    let HeaderRoute { name, .. } = &header;
    within_limits(of, &left, &format!("the rule that leads header {name} to {}", of.plan.canary))
}

/// Returns `true` when a rule is one that a run of this plan created: its name, the plan's header or one of its
/// `canaryMatches` in every match, and all of its traffic to the canary.
pub(super) fn is_own(of: RouteOf<'_>, header: &HeaderRoute, rule: &Value) -> bool {
    let matches = rule["matches"].as_array().map_or(&[][..], Vec::as_slice);
    let exact = |one: &Value| {
        on(one, &header.name).any(|condition| is_exact(condition) == Some(header.value.as_str()))
            || is_of_plan(of, one)
    };
    name_of(rule).is_some_and(|name| of.is_made_name(name))
        && !matches.is_empty()
        && matches.iter().all(exact)
        && to_alone(of, rule, |to| of.is_version(to, &of.plan.canary))
}

/// The header rules that one of the plan's rules needs, without those that somebody else has made.
fn wanted(
    of: RouteOf<'_>,
    header: &HeaderRoute,
    rules: &[Value],
    located: &Located,
    place: usize,
) -> Result<Vec<Value>> {
    let rule = &rules[located.rule];
    let mut missing = Vec::new();
    let by_header = narrowed(of, header, rule, located.rule)?;
    for one in by_header.into_iter().chain(beside(of, rule, located.rule)?) {
        let theirs = rules.iter().enumerate().find(|(_, other)| {
            let all = other["matches"].as_array().into_iter().flatten();
            !is_managed(other) && all.into_iter().any(|other| is_same_match(other, &one))
        });
        match theirs {
            None => missing.push(one),
            Some((_, other))
                if Arms::of(of, rule)
                    .is_some_and(|arms| to_alone(of, other, |to| arms.is_canary(to))) => {}
            Some((index, other)) => return Err(shadowed(of, header, (index, other), located.rule)),
        }
    }
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    // A prefix can only be replaced in a rule of one match.
    let apart = rule.to_string().contains("ReplacePrefixMatch");
    let groups: Vec<Vec<Value>> =
        if apart { missing.into_iter().map(|one| vec![one]).collect() } else { vec![missing] };
    let count = groups.len();
    let made = groups.into_iter().enumerate().map(|(index, matches)| {
        let mut made = rule.as_object().cloned().unwrap_or_default();
        // Each name is used once: the numbers of a rule's parts follow those of all rules.
        let number = if count > 1 { place * MOST_RULES + index } else { place };
        made.insert("name".to_owned(), of.made_name(number).into());
        made.insert("matches".to_owned(), matches.into());
        let mut entry = canary_alone(of, rule, (located.stable, located.canary));
        entry.insert("weight".to_owned(), 1.into());
        made.insert("backendRefs".to_owned(), json!([entry]));
        if let Some(filters) = made.get_mut("filters").and_then(Value::as_array_mut) {
            // The canary's answers to marked requests are not a sample of the traffic.
            filters.retain(|filter| text(filter, "type") != Some("RequestMirror"));
            if filters.is_empty() {
                made.remove("filters");
            }
        }
        mark(of, &mut made);
        Value::Object(made)
    });
    Ok(made.collect())
}

/// The rule's matches for requests with the header: those that such a request can fulfil, with the header matched in
/// place of every other condition on it.
fn narrowed(
    of: RouteOf<'_>,
    header: &HeaderRoute,
    rule: &Value,
    index: usize,
) -> Result<Vec<Value>> {
    let all = own_matches(of, rule);
    let HeaderRoute { name, value } = header;
    let (what, place) = (of.title(), of.place(index));
    let mut narrowed = Vec::with_capacity(all.len());
    let mut marked = 0;
    for mut one in all.iter().cloned() {
        if on(&one, name).any(|condition| !holds(condition, value)) {
            continue;
        }
        marked += usize::from(on(&one, name).any(|condition| is_exact(condition).is_some()));
        let Some(fields) = one.as_object_mut() else {
            return Err(Error::Plan(format!(
                "{what}: {place}.matches has {one}, which is not an object"
            )));
        };
        let headers = fields.entry("headers").or_insert_with(|| json!([]));
        if let Some(headers) = headers.as_array_mut() {
            headers.retain(|one| !is_named(one, name));
            headers.push(json!({"type": "Exact", "name": name, "value": value}));
        }
        narrowed.push(one);
    }
    if narrowed.is_empty() {
        return Err(Error::Plan(format!(
            "{what}: every match of {place} already requires another value of header {name} than {value}; choose another \
             header for the plan"
        )));
    }
    if marked == all.len() {
        return Err(Error::Plan(format!(
            "{what}: every match of {place} requires header {name}: {value} itself, so all of its traffic would go to {} at \
             once; choose another header for the plan",
            of.plan.canary
        )));
    }
    Ok(narrowed)
}

/// The conditions of a match on a header; names of headers have no case.
fn on<'m>(one: &'m Value, name: &'m str) -> impl Iterator<Item = &'m Value> {
    let headers = one["headers"].as_array().into_iter().flatten();
    headers.filter(move |condition| is_named(condition, name))
}

fn is_named(condition: &Value, name: &str) -> bool {
    text(condition, "name").is_some_and(|found| found.eq_ignore_ascii_case(name))
}

/// The value that a condition requires exactly.
fn is_exact(condition: &Value) -> Option<&str> {
    text(condition, "value").filter(|_| text(condition, "type").unwrap_or("Exact") == "Exact")
}

fn holds(condition: &Value, value: &str) -> bool {
    match (is_exact(condition), text(condition, "value")) {
        (Some(exact), _) => exact == value,
        (None, Some(expression)) => is_full_match(expression, value) == Some(true),
        (None, None) => false,
    }
}

/// Returns `true` when two matches have the same conditions, in whatever order; an absent type is the usual one.
fn is_same_match(one: &Value, other: &Value) -> bool {
    normal(one) == normal(other)
}

/// A match with its defaults, and the conditions on headers and query parameters in order.
fn normal(one: &Value) -> Value {
    let mut normal = one.clone();
    for (field, lower) in [("headers", true), ("queryParams", false)] {
        let Some(conditions) = normal.get_mut(field).and_then(Value::as_array_mut) else {
            continue;
        };
        for condition in conditions.iter_mut() {
            if condition.get("type").is_none() {
                condition["type"] = "Exact".into();
            }
            if lower && let Some(name) = text(condition, "name").map(str::to_ascii_lowercase) {
                condition["name"] = name.into();
            }
        }
        conditions.sort_by_key(Value::to_string);
        if conditions.is_empty()
            && let Some(fields) = normal.as_object_mut()
        {
            fields.remove(field);
        }
    }
    if let Some(path) = normal.get_mut("path")
        && path.get("type").is_none()
    {
        path["type"] = "PathPrefix".into();
    }
    normal
}

/// The error for a header that another rule answers.
fn shadowed(
    of: RouteOf<'_>,
    header: &HeaderRoute,
    (index, rule): (usize, &Value),
    target: usize,
) -> Error {
    let to: Vec<String> = of.entries(rule).iter().map(|entry| describe(of, entry)).collect();
    let to = if to.is_empty() { "no backend".to_owned() } else { to.join(" and ") };
    Error::Plan(format!(
        "{}: {} matches header {}: {} beside the conditions of {} and leads to {to}, so that the canary {} cannot be \
         reached; choose another header for the plan, or remove that rule",
        of.title(),
        of.place(index),
        header.name,
        header.value,
        of.place(target),
        of.plan.canary
    ))
}
