//! The matches of a plan's `canaryMatches`: the conditions of the weighted rule and those of the plan together.

use canary_istio::networking::StringMatch;
use serde_json::{Value, json};

use super::{
    super::{
        super::plan::{CanaryMatch, RouteKind},
        route_of::{RouteOf, text},
    },
    condition::{holds_for, matches, read},
};
use crate::{Error, Result};

/// The condition that holds where two conditions on one text both do.
#[derive(Debug, PartialEq)]
enum Both {
    /// This one holds where both do.
    Is(StringMatch),
    /// No text fulfils both.
    Never,
    /// One condition cannot say it.
    Unclear,
}

fn both(have: Option<&StringMatch>, wanted: &StringMatch) -> Both {
    use StringMatch::{Exact, Prefix, Present};
    match (have, wanted) {
        (None | Some(Present), _) => Both::Is(wanted.clone()),
        (Some(have), Present) => Both::Is(have.clone()),
        (Some(have), wanted) if have == wanted => Both::Is(have.clone()),
        (Some(Exact(value)), other) | (Some(other), Exact(value)) => {
            match holds_for(other, value) {
                Some(true) => Both::Is(Exact(value.clone())),
                Some(false) => Both::Never,
                None => Both::Unclear,
            }
        }
        (Some(Prefix(one)), Prefix(other)) => {
            let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
            if long.starts_with(short) { Both::Is(Prefix(long.clone())) } else { Both::Never }
        }
        _ => Both::Unclear,
    }
}

/// The matches by which requests that fulfil one of the plan's `canaryMatches` are taken from a rule.
///
/// # Errors
/// [`Error::Plan`] when one of them can never be fulfilled beside the rule's own matches, when every request of the rule
/// fulfils it, or when two conditions on one name cannot be written as one.
pub(super) fn beside(of: RouteOf<'_>, rule: &Value, index: usize) -> Result<Vec<Value>> {
    let own = own_matches(of, rule);
    let mut all = Vec::new();
    for (number, wanted) in of.plan.canary_matches.iter().enumerate() {
        let mut made = Vec::new();
        let mut every = true;
        for one in &own {
            let Some(narrowed) = narrowed(of, one, wanted, index, number)? else {
                every = false;
                continue;
            };
            every &= narrowed == *one;
            made.push(narrowed);
        }
        let (what, place) = (of.title(), of.place(index));
        if made.is_empty() {
            return Err(Error::Plan(format!(
                "{what}: no request that fulfils the plan's canaryMatches[{number}] fulfils a match of {place} too; change \
                 that condition, or leave it out"
            )));
        }
        if every {
            return Err(Error::Plan(format!(
                "{what}: every match of {place} requires the plan's canaryMatches[{number}] itself, so all of its traffic \
                 would go to {} at once; change that condition",
                of.plan.canary
            )));
        }
        all.extend(made);
    }
    Ok(all)
}

/// Returns `true` when a match lets through only requests that fulfil one of the plan's `canaryMatches`.
pub(super) fn is_of_plan(of: RouteOf<'_>, one: &Value) -> bool {
    of.plan.canary_matches.iter().any(|wanted| {
        narrowed(of, one, wanted, 0, 0).is_ok_and(|narrowed| narrowed.as_ref() == Some(one))
    })
}

/// Adds the plan's header to the requests of a route that further conditions lead to the canary, so that the service and
/// the mesh's metrics tell them from those that the weights divide.
pub(super) fn mark(of: RouteOf<'_>, made: &mut serde_json::Map<String, Value>) {
    let Some(header) = of.plan.header.as_ref().filter(|_| !of.plan.canary_matches.is_empty())
    else {
        return;
    };
    if !of.is_gateway_api() {
        let headers = made.entry("headers").or_insert_with(|| json!({}));
        headers["request"]["set"][&header.name] = header.value.as_str().into();
        return;
    }
    let filters = made.entry("filters").or_insert_with(|| json!([]));
    let Some(filters) = filters.as_array_mut() else { return };
    let entry = json!({"name": header.name, "value": header.value});
    let modifier = |filter: &&mut Value| text(filter, "type") == Some("RequestHeaderModifier");
    match filters.iter_mut().find(modifier) {
        None => filters.push(json!({
            "type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [entry]},
        })),
        Some(filter) => {
            let set = &mut filter["requestHeaderModifier"]["set"];
            if !set.is_array() {
                *set = json!([]);
            }
            if let Some(set) = set.as_array_mut() {
                set.retain(|one| !is_named(one, "headers", &header.name));
                set.push(entry);
            }
        }
    }
}

/// The matches of a rule; one that every request fulfils where it states none.
pub(super) fn own_matches(of: RouteOf<'_>, rule: &Value) -> Vec<Value> {
    if !of.is_gateway_api() {
        return matches(rule).map_or_else(|| vec![json!({})], <[Value]>::to_vec);
    }
    // The API server writes the same default for an HTTPRoute; a GRPCRoute has none.
    let usual = match of.route.kind {
        RouteKind::GrpcRoute => json!({}),
        _ => json!({"path": {"type": "PathPrefix", "value": "/"}}),
    };
    match rule["matches"].as_array() {
        Some(matches) if !matches.is_empty() => matches.clone(),
        _ => vec![usual],
    }
}

/// A match of a rule with a plan's condition beside its own; `None` where no request fulfils both.
fn narrowed(
    of: RouteOf<'_>,
    one: &Value,
    wanted: &CanaryMatch,
    index: usize,
    number: usize,
) -> Result<Option<Value>> {
    let mut made = one.clone();
    let cookie = wanted.cookie.iter().map(|cookie| ("cookie".to_owned(), cookie.condition()));
    let headers = wanted.headers.clone().into_iter().chain(cookie);
    let headers = headers.map(|(name, condition)| ("headers", name, condition));
    let query = wanted.query_params.clone().into_iter();
    let query = query.map(|(name, condition)| ("queryParams", name, condition));
    for (field, name, condition) in headers.chain(query) {
        let condition = in_form_of(of, condition);
        let has = find(of, one, field, &name);
        // An expression that cannot be read is not combined with another condition.
        let have = has.map(|written| read_in(of, written).ok_or(())).transpose();
        let together = have.map_or(Both::Unclear, |have| both(have.as_ref(), &condition));
        match together {
            Both::Never => return Ok(None),
            Both::Is(condition) => {
                // As it is written, where it says the same.
                if has.and_then(|written| read_in(of, written)).as_ref() != Some(&condition) {
                    set(of, &mut made, field, &name, &condition);
                }
            }
            Both::Unclear => {
                return Err(Error::Plan(format!(
                    "{}: {} already has a condition on {name} in {field} ({}), which cannot be combined with that of the \
                     plan's canaryMatches[{number}]; use another name, or an exact value",
                    of.title(),
                    of.place(index),
                    has.unwrap_or(&Value::Null)
                )));
            }
        }
    }
    for (name, value) in &wanted.source_labels {
        let labels = &mut made["sourceLabels"];
        match labels.get(name).and_then(Value::as_str) {
            Some(other) if other != value => return Ok(None),
            Some(_) => {}
            None => labels[name] = value.as_str().into(),
        }
    }
    if made.get("sourceLabels").is_some_and(Value::is_null)
        && let Some(fields) = made.as_object_mut()
    {
        fields.remove("sourceLabels");
    }
    Ok(Some(made))
}

/// The condition of a match on a header or a query parameter, as it is written.
fn find<'m>(of: RouteOf<'_>, one: &'m Value, field: &str, name: &str) -> Option<&'m Value> {
    if of.is_gateway_api() {
        let mut all = one.get(field).and_then(Value::as_array).into_iter().flatten();
        return all.find(|condition| is_named(condition, field, name));
    }
    let all = one.get(field).and_then(Value::as_object)?;
    all.iter().find(|(key, _)| is_same_name(key, field, name)).map(|(_, condition)| condition)
}

fn read_in(of: RouteOf<'_>, condition: &Value) -> Option<StringMatch> {
    if !of.is_gateway_api() {
        return read(condition);
    }
    let value = text(condition, "value")?;
    match text(condition, "type").unwrap_or("Exact") {
        "Exact" => Some(StringMatch::exact(value)),
        "RegularExpression" => Some(StringMatch::regex(value)),
        _ => None,
    }
}

/// A condition as the kind of route has it: the Gateway API has exact values and expressions alone.
fn in_form_of(of: RouteOf<'_>, condition: StringMatch) -> StringMatch {
    if !of.is_gateway_api() {
        return condition;
    }
    match type_and_value(&condition) {
        ("Exact", value) => StringMatch::Exact(value),
        (_, expression) => StringMatch::Regex(expression),
    }
}

/// The `type` and `value` of a condition in the Gateway API.
fn type_and_value(condition: &StringMatch) -> (&'static str, String) {
    match condition {
        StringMatch::Exact(value) => ("Exact", value.clone()),
        StringMatch::Regex(expression) => ("RegularExpression", expression.clone()),
        StringMatch::Prefix(prefix) => {
            ("RegularExpression", format!("{}.*", canary_istio::validate::literal(prefix)))
        }
        StringMatch::Present => ("RegularExpression", ".*".to_owned()),
    }
}

/// Writes a condition in place of every other one on that name.
fn set(of: RouteOf<'_>, one: &mut Value, field: &str, name: &str, condition: &StringMatch) {
    if !of.is_gateway_api() {
        if let Some(all) = one.get_mut(field).and_then(Value::as_object_mut) {
            all.retain(|key, _| !is_same_name(key, field, name));
        }
        one[field][name] = json!(condition);
        return;
    }
    let (kind, value) = type_and_value(condition);
    let entry = json!({"type": kind, "name": name, "value": value});
    match one.get_mut(field).and_then(Value::as_array_mut) {
        Some(all) => {
            all.retain(|condition| !is_named(condition, field, name));
            all.push(entry);
        }
        None => one[field] = json!([entry]),
    }
}

fn is_named(condition: &Value, field: &str, name: &str) -> bool {
    text(condition, "name").is_some_and(|found| is_same_name(found, field, name))
}

/// Names of headers have no case.
fn is_same_name(one: &str, field: &str, other: &str) -> bool {
    if field == "headers" { one.eq_ignore_ascii_case(other) } else { one == other }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_conditions_become_one_where_one_can_say_it() {
        use StringMatch::Present;
        let (exact, prefix, regex) = (StringMatch::exact, StringMatch::prefix, StringMatch::regex);
        for (have, wanted, expected) in [
            (Present, prefix("ml-"), Both::Is(prefix("ml-"))),
            (exact("ml-a"), prefix("ml-"), Both::Is(exact("ml-a"))),
            (prefix("ml-"), exact("ml-a"), Both::Is(exact("ml-a"))),
            (exact("web"), prefix("ml-"), Both::Never),
            (prefix("ml-"), prefix("ml-x"), Both::Is(prefix("ml-x"))),
            (prefix("web"), prefix("ml-x"), Both::Never),
            (regex("ml-.*"), exact("ml-a"), Both::Is(exact("ml-a"))),
            (regex("a.*"), regex(".*b"), Both::Unclear),
            (regex("a.*"), regex("a.*"), Both::Is(regex("a.*"))),
            (regex("("), exact("ml-a"), Both::Unclear),
            (regex("a.*"), Present, Both::Is(regex("a.*"))),
        ] {
            assert_eq!(both(Some(&have), &wanted), expected, "{have:?} and {wanted:?}");
        }
        assert_eq!(both(None, &exact("a")), Both::Is(exact("a")));
    }
}
