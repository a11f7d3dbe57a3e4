//! The response header with which a destination of a divided rule sets the cookie of its version.

use serde_json::{Map, Value, json};

use super::route_of::{RouteOf, text};
use crate::{Error, Result, sticky::Sticky};

const SET_COOKIE: &str = "set-cookie";

/// The digits of a draw.
pub(super) const DIGITS: usize = 12;

/// The spellings of a header's name under which one map can have several values of it.
const SPELLINGS: [&str; 3] = [SET_COOKIE, "Set-Cookie", "SET-COOKIE"];

/// The header's value for a version, which is called `stable` or `canary`.
pub(super) fn value(sticky: &Sticky, draw: &str, arm: &str) -> String {
    let Sticky { cookie, max_age } = sticky;
    format!("{cookie}={draw}.{arm}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax", max_age.as_secs())
}

/// Returns `true` for a value that a rollout wrote, of whatever plan.
fn is_own(value: &str) -> bool {
    let Some((pair, attributes)) = value.split_once("; ") else { return false };
    let Some((_, value)) = pair.split_once('=') else { return false };
    let Some((draw, arm)) = value.split_once('.') else { return false };
    draw.len() == DIGITS
        && draw.chars().all(|digit| digit.is_ascii_hexdigit())
        && ["stable", "canary"].contains(&arm)
        && attributes.starts_with("Path=/; Max-Age=")
        && attributes.ends_with("; HttpOnly; SameSite=Lax")
}

/// The entry without the cookie of a rollout.
pub(super) fn without_cookie(of: RouteOf<'_>, entry: &mut Map<String, Value>) {
    if of.is_gateway_api() { without_filter(entry) } else { without_header(entry) }
}

fn without_header(entry: &mut Map<String, Value>) {
    let Some(headers) = entry.get_mut("headers").and_then(Value::as_object_mut) else { return };
    let Some(response) = headers.get_mut("response").and_then(Value::as_object_mut) else { return };
    let Some(add) = response.get_mut("add").and_then(Value::as_object_mut) else { return };
    let before = add.len();
    add.retain(|name, value| !is_cookie(name) || !value.as_str().is_some_and(is_own));
    if add.len() == before || !add.is_empty() {
        return;
    }
    response.remove("add");
    if response.is_empty() {
        headers.remove("response");
    }
    if headers.is_empty() {
        entry.remove("headers");
    }
}

fn without_filter(entry: &mut Map<String, Value>) {
    let Some(filters) = entry.get_mut("filters").and_then(Value::as_array_mut) else { return };
    filters.retain_mut(|filter| {
        let Some(modifier) = modifier(filter) else { return true };
        let Some(add) = modifier.get_mut("add").and_then(Value::as_array_mut) else { return true };
        let before = add.len();
        add.retain(|one| {
            !text(one, "name").is_some_and(is_cookie) || !text(one, "value").is_some_and(is_own)
        });
        if add.len() == before || !add.is_empty() {
            return true;
        }
        modifier.remove("add");
        !modifier.is_empty()
    });
    if filters.is_empty() {
        entry.remove("filters");
    }
}

/// The header edits of a filter that edits the headers of responses.
fn modifier(filter: &mut Value) -> Option<&mut Map<String, Value>> {
    filter.get_mut("responseHeaderModifier").and_then(Value::as_object_mut)
}

/// The entry that sets this cookie and no other of a rollout.
///
/// # Errors
/// [`Error::Plan`] when the entry's own edits leave no place for it.
pub(super) fn with_cookie(
    of: RouteOf<'_>,
    place: &str,
    entry: &Map<String, Value>,
    value: &str,
) -> Result<Map<String, Value>> {
    let mut entry = entry.clone();
    without_cookie(of, &mut entry);
    let taken = || {
        Error::Plan(format!(
            "{}: {place} adds the response header {SET_COOKIE} itself, and the mesh takes no second value of it there; add \
             it in the service, or leave sticky out of the plan",
            of.title()
        ))
    };
    if of.is_gateway_api() {
        let filters = entry.entry("filters").or_insert_with(|| json!([]));
        let filters = filters.as_array_mut().ok_or_else(taken)?;
        let wanted = json!({"name": SET_COOKIE, "value": value});
        let Some(modifier) = filters.iter_mut().find_map(modifier) else {
            filters.push(json!({
                "type": "ResponseHeaderModifier", "responseHeaderModifier": {"add": [wanted]},
            }));
            return Ok(entry);
        };
        let add = modifier.entry("add").or_insert_with(|| json!([]));
        let add = add.as_array_mut().ok_or_else(taken)?;
        // Of equal names in one list, the first alone counts.
        if add.iter().any(|one| text(one, "name").is_some_and(is_cookie)) {
            return Err(taken());
        }
        add.push(wanted);
        return Ok(entry);
    }
    let mut add = entry.entry("headers").or_insert_with(|| json!({}));
    for field in ["response", "add"] {
        let fields = add.as_object_mut().ok_or_else(taken)?;
        add = fields.entry(field).or_insert_with(|| json!({}));
    }
    let add = add.as_object_mut().ok_or_else(taken)?;
    let free = SPELLINGS.into_iter().find(|name| !add.contains_key(*name)).ok_or_else(taken)?;
    add.insert(free.to_owned(), value.into());
    Ok(entry)
}

/// Refuses a rule that would take the cookie off every response: its edits come after those of its destinations.
///
/// # Errors
/// [`Error::Plan`] with the field.
pub(super) fn check_rule(of: RouteOf<'_>, rule: &Value, index: usize) -> Result<()> {
    let name_of = |one: &Value| one.as_str().or_else(|| text(one, "name")).map(str::to_owned);
    let names_in = |edits: &Value| -> Vec<(&'static str, String)> {
        let of_field = |field: &'static str| -> Vec<(&'static str, String)> {
            let names: Vec<String> = match &edits[field] {
                Value::Object(map) => map.keys().cloned().collect(),
                Value::Array(list) => list.iter().filter_map(name_of).collect(),
                _ => Vec::new(),
            };
            names.into_iter().map(|name| (field, name)).collect()
        };
        [of_field("set"), of_field("remove")].concat()
    };
    let edits = if of.is_gateway_api() {
        let filters = rule["filters"].as_array().into_iter().flatten();
        filters.flat_map(|filter| names_in(&filter["responseHeaderModifier"])).collect()
    } else {
        names_in(&rule["headers"]["response"])
    };
    match edits.into_iter().find(|(_, name)| is_cookie(name)) {
        None => Ok(()),
        Some((verb, name)) => Err(Error::Plan(format!(
            "{}: {} has an edit of all its responses that would take the cookie away ({verb} of the response header \
             {name}), so no user could stay with a version; move the edit to the destinations, or leave sticky out of \
             the plan",
            of.title(),
            of.place(index)
        ))),
    }
}

fn is_cookie(name: &str) -> bool {
    name.eq_ignore_ascii_case(SET_COOKIE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookies_of_rollouts_are_told_from_those_of_others() {
        let sticky = Sticky::cookie("pets");
        assert!(is_own(&value(&sticky, "0123456789ab", "canary")));
        assert!(is_own("other=0123456789ab.stable; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"));
        for theirs in [
            "pets=1; Path=/",
            "pets=0123456789ab.canary",
            "pets=0123456789ab.third; Path=/; Max-Age=60; HttpOnly; SameSite=Lax",
            "pets=0123456789xy.canary; Path=/; Max-Age=60; HttpOnly; SameSite=Lax",
            "pets=0123456789ab.canary; Path=/; Max-Age=60; HttpOnly; SameSite=Strict",
        ] {
            assert!(!is_own(theirs), "{theirs}");
        }
    }
}
