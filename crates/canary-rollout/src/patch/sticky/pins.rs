//! The rules that send the requests with a cookie to the version that it names.

use serde_json::{Map, Value, json};

use super::super::{
    super::plan::{HeaderRoute, Plan},
    arms::{canary_alone, to_alone},
    cookie::without_cookie,
    located::Located,
    route_of::{RouteOf, is_managed, name_of, text},
};
use crate::{Error, Result, sticky::Sticky};

const COOKIE: &str = "cookie";

/// The part of a name that no name of a version has at its end.
const MARK: &str = ".sticky-";

/// The two versions, as cookies and rules call them.
pub(super) const ARMS: [&str; 2] = ["stable", "canary"];

/// The beginning of the names of a plan's rules.
fn prefix(plan: &Plan) -> String {
    format!("{}{MARK}", HeaderRoute::route_name(&plan.canary))
}

/// Returns `true` when a rule is one that a rollout created for its cookie: by its name, and a condition on a cookie in
/// every match.
pub(in crate::patch) fn is_pin(rule: &Value) -> bool {
    let by_cookie = |one: &Value| match &one["headers"] {
        Value::Object(headers) => headers.get(COOKIE).is_some_and(|one| one["regex"].is_string()),
        Value::Array(headers) => {
            let mut named = headers.iter().filter(|one| text(one, "name") == Some(COOKIE));
            named.any(|one| text(one, "type") == Some("RegularExpression"))
        }
        _ => false,
    };
    let matches = rule.get("match").or_else(|| rule.get("matches")).and_then(Value::as_array);
    is_managed(rule)
        && name_of(rule).is_some_and(|name| name.contains(MARK))
        && matches.is_some_and(|all| !all.is_empty() && all.iter().all(by_cookie))
}

/// Returns `true` when a rule is one that a run of this plan created for its cookie.
pub(super) fn is_own(of: RouteOf<'_>, rule: &Value) -> bool {
    is_pin(rule) && name_of(rule).is_some_and(|name| name.starts_with(&prefix(of.plan)))
}

/// Returns `true` when a rule has the name, the matches and the destination of one that a run makes. Its other fields are
/// those of the rule that it is for, which somebody may edit.
pub(super) fn is_same(of: RouteOf<'_>, rule: &Value, made: &Value) -> bool {
    let destination = of.destination(&of.entries(made)[0]);
    let version = [&of.plan.stable, &of.plan.canary];
    let version = version.into_iter().find(|name| of.is_version(destination, name));
    ["name", "match", "matches"].iter().all(|field| rule.get(field) == made.get(field))
        && version.is_some_and(|name| to_alone(of, rule, |to| of.is_version(to, name)))
}

/// A `Cookie` header that has this cookie among others, as a whole-value expression of RE2.
fn expression(sticky: &Sticky, draw: &str, arm: &str) -> String {
    let mut name = String::with_capacity(sticky.cookie.len());
    for letter in sticky.cookie.chars() {
        if ".*+^$|".contains(letter) {
            name.push('\\');
        }
        name.push(letter);
    }
    format!(r"(.*;\s*)?{name}={draw}\.{arm}(;.*)?")
}

/// The rules for both versions of one of the plan's rules.
///
/// # Errors
/// [`Error::Plan`] when a match of the rule has a condition on cookies already.
pub(super) fn make(
    of: RouteOf<'_>,
    sticky: &Sticky,
    draw: &str,
    rule: &Value,
    located: &Located,
    place: usize,
) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for arm in ARMS {
        let matches = narrowed(of, rule, located.rule, &expression(sticky, draw, arm))?;
        // A prefix can only be replaced in a rule of one match.
        let apart = of.is_gateway_api() && rule.to_string().contains("ReplacePrefixMatch");
        let size = if apart { 1 } else { matches.len() };
        for (part, matches) in matches.chunks(size).enumerate() {
            let name = format!("{}{arm}", prefix(of.plan));
            let number = if apart { format!("-{}-{}", place + 1, part + 1) } else { number(place) };
            let mut made = rule.as_object().cloned().unwrap_or_default();
            made.insert("name".to_owned(), format!("{name}{number}").into());
            let field = if of.is_gateway_api() { "matches" } else { "match" };
            made.insert(field.to_owned(), matches.to_vec().into());
            let mut entry = alone(of, rule, located, arm);
            if of.is_gateway_api() {
                entry.insert("weight".to_owned(), 1.into());
            }
            made.insert(of.entries_field().to_owned(), json!([entry]));
            all.push(made.into());
        }
    }
    Ok(all)
}

/// The first has no number.
fn number(place: usize) -> String {
    if place == 0 { String::new() } else { format!("-{}", place + 1) }
}

/// The destination of one version, without a weight and without the cookie.
fn alone(of: RouteOf<'_>, rule: &Value, located: &Located, arm: &str) -> Map<String, Value> {
    if arm == "canary" {
        return canary_alone(of, rule, (located.stable, located.canary));
    }
    let mut entry = of.entries(rule)[located.stable].as_object().cloned().unwrap_or_default();
    entry.remove("weight");
    without_cookie(of, &mut entry);
    entry
}

/// The rule's matches, each with the condition on cookies beside its own.
fn narrowed(of: RouteOf<'_>, rule: &Value, index: usize, cookie: &str) -> Result<Vec<Value>> {
    let (field, usual, condition) = if of.is_gateway_api() {
        // The API server writes the same default.
        let usual = json!({"path": {"type": "PathPrefix", "value": "/"}});
        let condition = json!({"type": "RegularExpression", "name": COOKIE, "value": cookie});
        ("matches", usual, condition)
    } else {
        ("match", json!({}), json!({"regex": cookie}))
    };
    let mut all = match rule.get(field).and_then(Value::as_array) {
        Some(matches) if !matches.is_empty() => matches.clone(),
        _ => vec![usual],
    };
    for one in &mut all {
        let refuse = |why: &str| {
            Error::Plan(format!(
                "{}: {}.{field} {why}, so the rules that keep users with a version cannot match a cookie of their own \
                 beside it; match something else there, or leave sticky out of the plan",
                of.title(),
                of.place(index)
            ))
        };
        let fields = one.as_object_mut().ok_or_else(|| refuse("has one that is not an object"))?;
        let none = if of.is_gateway_api() { json!([]) } else { json!({}) };
        let headers = fields.entry("headers").or_insert(Value::Null);
        if headers.is_null() {
            *headers = none;
        }
        let is_cookie = |name: &str| name.eq_ignore_ascii_case(COOKIE);
        let taken = match headers {
            Value::Object(map) => map.keys().any(|name| is_cookie(name)),
            Value::Array(list) => list.iter().any(|one| text(one, "name").is_some_and(is_cookie)),
            _ => true,
        };
        if taken {
            return Err(refuse("has a condition on the header cookie"));
        }
        match headers {
            Value::Array(list) => list.push(condition.clone()),
            headers => headers[COOKIE] = condition.clone(),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use canary_istio::validate::is_full_match;

    #[test]
    fn the_cookie_is_found_among_others_and_no_other_one_is_taken_for_it() {
        let sticky = Sticky::cookie("my.pets+1");
        let found = |header: &str| {
            is_full_match(&expression(&sticky, "0123456789ab", "canary"), header).unwrap()
        };
        let own = "my.pets+1=0123456789ab.canary";
        for header in [own.to_owned(), format!("a=b; {own}"), format!("a=b;{own}; c=d")] {
            assert!(found(&header), "{header}");
        }
        for header in [
            "my.pets+1=0123456789ab.stable",
            "my.pets+1=1123456789ab.canary",
            "xmy.pets+1=0123456789ab.canary",
            "myXpets+1=0123456789ab.canary",
            "my.pets+1=0123456789abXcanary",
            "my.pets+1=0123456789ab.canary2",
            "",
        ] {
            assert!(!found(header), "{header}");
        }
    }
}
