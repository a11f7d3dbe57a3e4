//! The header route of a `VirtualService`: before the rule that it is for, under the name of the run.

use serde_json::{Value, json};

use super::{
    super::{
        super::plan::HeaderRoute,
        arms::{Arms, canary_alone, describe, to_alone},
        located::Located,
        ops::Ops,
        route_of::{RouteOf, is_managed, name_of},
    },
    canary_match::{beside, is_of_plan, mark},
    condition::{Coverage, coverage, covers, fulfilled, holds, matches, on},
    remove_managed,
};
use crate::{Error, Result};

/// Fields of the target that its copy must not have, because the canary's answers to marked requests are not a sample
/// of the traffic.
const MIRRORS: [&str; 5] =
    ["mirror", "mirrors", "mirrorPercentage", "mirror_percent", "mirrorPercent"];

/// Returns `true` when the routes that answer requests with the header lead them to the canary alone, no matter who
/// created them.
///
/// A route that a rollout created counts when it has this canary's name, matches this header where the rule would answer
/// without it, and comes before the rule. A route of somebody else counts when it matches this header alone. One before
/// them that certainly answers the header otherwise, such as one that an earlier rollout left behind, makes them useless.
pub(super) fn has(of: RouteOf<'_>, live: &Value, located: &[Located]) -> bool {
    let (rules, header) = (of.rules(live), of.plan.probe_header());
    let made: Vec<Option<Value>> = located
        .iter()
        .enumerate()
        .map(|(place, one)| make(of, rules, one, place, true).ok().flatten())
        .collect();
    let same_match = |made: &Option<Value>, rule: &Value| {
        made.as_ref().is_some_and(|made| made.get("match") == rule.get("match"))
    };
    located.iter().enumerate().all(|(place, one)| {
        let target = &rules[one.rule];
        for rule in &rules[..one.rule] {
            if is_managed(rule) {
                let ours = is_own(of, &header, rule) && leads_to_canary(of, target, rule);
                if ours && same_match(&made[place], rule) {
                    return true;
                }
                // That of another of the plan's rules answers requests which that rule would answer.
                let of_another = made.iter().any(|made| same_match(made, rule));
                if may_answer(rule, &header) && !(ours && of_another) {
                    return false;
                }
                continue;
            }
            match coverage(rule, &header) {
                Some(Coverage::Header) => {
                    return leads_to_canary(of, target, rule) && has_others(of, rules, one, place);
                }
                // Another of the plan's rules comes first and takes everything: this one is never reached.
                Some(Coverage::Everything) => return false,
                None => {}
            }
        }
        false
    })
}

/// Returns `true` when the plan's further matches lead to the canary, where the header does so by somebody else's route.
fn has_others(of: RouteOf<'_>, rules: &[Value], located: &Located, place: usize) -> bool {
    match make(of, rules, located, place, false) {
        Ok(None) => true,
        Ok(Some(made)) => rules[..located.rule].iter().any(|rule| {
            is_own(of, &of.plan.probe_header(), rule) && made.get("match") == rule.get("match")
        }),
        Err(_) => false,
    }
}

/// The step that brings the header route of one rule.
enum Wanted {
    /// Somebody else's routes do the same.
    Theirs,
    /// It is there, at this index.
    Kept(usize),
    /// It has to be created before the rule.
    Made(Value),
}

/// Brings the header routes before the rules: every other route of a rollout is removed, and the right ones are created
/// unless they are there or somebody else's do the same.
///
/// # Errors
/// [`Error::Plan`] when the header cannot be matched beside the rule's own conditions, or when a route before the rule
/// answers it otherwise.
pub(super) fn ensure(
    of: RouteOf<'_>,
    ops: &mut Ops,
    live: &Value,
    located: &[Located],
) -> Result<()> {
    let wanted: Vec<Wanted> = located
        .iter()
        .enumerate()
        .map(|(place, one)| wanted(of, of.rules(live), one, place))
        .collect::<Result<_>>()?;
    let kept =
        |index: usize| wanted.iter().any(|one| matches!(one, Wanted::Kept(at) if *at == index));
    let removed = remove_managed(of, ops, live, |index, _| !kept(index));
    // From the end, because each insertion moves the routes after it.
    for (one, wanted) in located.iter().zip(&wanted).rev() {
        if let Wanted::Made(made) = wanted {
            let before = removed.iter().filter(|index| **index < one.rule).count();
            ops.add(of.pointer(one.rule - before), made.clone());
        }
    }
    Ok(())
}

fn wanted(of: RouteOf<'_>, rules: &[Value], located: &Located, place: usize) -> Result<Wanted> {
    let (target, header) = (located.rule, of.plan.probe_header());
    let covered = rules[..target].iter().enumerate().find_map(|(index, rule)| {
        let covered = coverage(rule, &header).filter(|_| !is_managed(rule))?;
        Some((index, covered))
    });
    let theirs = matches!(covered, Some((index, Coverage::Header))
        if leads_to_canary(of, &rules[target], &rules[index]));
    let Some(made) = make(of, rules, located, place, !theirs)? else {
        return Ok(Wanted::Theirs);
    };
    let covered = covered.filter(|_| !theirs);
    let reachable = covered.map_or(target, |(index, _)| index);
    match (rules[..reachable].iter().position(|rule| *rule == made), covered) {
        (Some(kept), _) => Ok(Wanted::Kept(kept)),
        (None, Some((index, coverage))) => {
            Err(shadowed(of, &header, rules, (index, target), coverage))
        }
        (None, None) => Ok(Wanted::Made(made)),
    }
}

/// Returns `true` when a route is one that a run of this plan created: its name, the plan's header or one of its
/// `canaryMatches` in every match, and all of its traffic to the canary.
pub(super) fn is_own(of: RouteOf<'_>, header: &HeaderRoute, rule: &Value) -> bool {
    let matches_header = |one: &Value| {
        let mut conditions = on(one, "headers", &header.name);
        let by_header = conditions.next() == Some(&exactly(header)) && conditions.next().is_none();
        by_header || is_of_plan(of, one)
    };
    name_of(rule).is_some_and(|name| of.is_made_name(name))
        && matches(rule).is_some_and(|matches| matches.iter().all(matches_header))
        && to_alone(of, rule, |to| of.is_version(to, &of.plan.canary))
}

/// Returns `true` when all traffic of a route goes to the canary, where the target route has it.
fn leads_to_canary(of: RouteOf<'_>, target: &Value, rule: &Value) -> bool {
    let arms = Arms::of(of, target);
    arms.is_some_and(|arms| to_alone(of, rule, |to| arms.is_canary(to)))
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

/// A copy of the target route that only requests with the header match, and those that fulfil one of the plan's
/// `canaryMatches`, and that leads to the canary alone. `None` when there is nothing to match: `by_header` is `false` where
/// somebody else's route takes the header.
fn make(
    of: RouteOf<'_>,
    rules: &[Value],
    located: &Located,
    place: usize,
    by_header: bool,
) -> Result<Option<Value>> {
    let (rule, header) = (&rules[located.rule], of.plan.probe_header());
    let mut made = rule.as_object().cloned().unwrap_or_default();
    let mut matches = match matches(rule) {
        _ if !by_header => Vec::new(),
        Some(matches) => narrowed(of, &header, matches)?,
        None => vec![json!({"headers": {&header.name: exactly(&header)}})],
    };
    matches.extend(reached(of, rules, located.rule)?);
    if matches.is_empty() {
        return Ok(None);
    }
    made.insert("name".to_owned(), of.made_name(place).into());
    made.insert("match".to_owned(), matches.into());
    let entry = canary_alone(of, rule, (located.stable, located.canary));
    made.insert("route".to_owned(), json!([entry]));
    for field in MIRRORS {
        made.remove(field);
    }
    mark(of, &mut made);
    Ok(Some(made.into()))
}

/// The matches of the plan's `canaryMatches` beside those of a rule, without those that a route before it already leads
/// to the canary.
///
/// # Errors
/// [`Error::Plan`] when a route before the rule takes their requests elsewhere.
fn reached(of: RouteOf<'_>, rules: &[Value], target: usize) -> Result<Vec<Value>> {
    let mut reached = Vec::new();
    for one in beside(of, &rules[target], target)? {
        let earlier = rules[..target].iter().enumerate();
        let mut earlier = earlier.filter(|(_, rule)| !is_managed(rule));
        match earlier.find(|(_, rule)| covers(rule, &one)) {
            None => reached.push(one),
            Some((_, rule)) if leads_to_canary(of, &rules[target], rule) => {}
            Some((index, rule)) => {
                return Err(Error::Plan(format!(
                    "{}: {} answers every request that {one} matches before the target route {} does, and leads to {}; \
                     change the plan's canaryMatches, or move that route behind the target",
                    of.title(),
                    of.place(index),
                    of.place(target),
                    destinations(of, rule)
                )));
            }
        }
    }
    Ok(reached)
}

/// The destinations of a rule in words.
fn destinations(of: RouteOf<'_>, rule: &Value) -> String {
    let to: Vec<String> =
        of.entries(rule).iter().map(|entry| describe(of, of.destination(entry))).collect();
    if to.is_empty() { "no destination".to_owned() } else { to.join(" and ") }
}

/// The target's matches for requests with the header: those that such a request can fulfil, with the header matched in
/// place of every other condition on it.
fn narrowed(of: RouteOf<'_>, header: &HeaderRoute, matches: &[Value]) -> Result<Vec<Value>> {
    let what = of.title();
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
            of.plan.canary
        )));
    }
    Ok(narrowed)
}

/// The error for a header that a route before the target answers.
fn shadowed(
    of: RouteOf<'_>,
    header: &HeaderRoute,
    rules: &[Value],
    (index, target): (usize, usize),
    covered: Coverage,
) -> Error {
    let rule = &rules[index];
    let name = name_of(rule).map_or_else(String::new, |name| format!(" ({name})"));
    let to = destinations(of, rule);
    let remedy = match (matches(rule), covered) {
        (None, _) => "give it a match",
        (Some(_), Coverage::Header) if of.plan.header.is_some() => {
            "choose another header for the plan"
        }
        (Some(_), _) => "narrow its match",
    };
    Error::Plan(format!(
        "{}: spec.http[{index}]{name} answers every request with header {}: {} before the target route \
         spec.http[{target}] does, and leads to {to}, so that the canary {} cannot be reached; {remedy}, or \
         move it behind spec.http[{target}]",
        of.title(),
        header.name,
        header.value,
        of.plan.canary
    ))
}
