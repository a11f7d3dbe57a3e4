//! The precedence of Gateway API rules: a rule with one condition more may come before rules of others.
//!
//! Of two matches of a request the longer path wins, then the one with a method, then the one with more headers, then the
//! one with more query parameters, then the earlier rule
//! (<https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule>).

use serde_json::{Value, json};

use super::super::{
    located::Located,
    route_of::{RouteOf, is_managed, text},
};
use crate::{Error, Result};

/// Refuses a rule whose requests with a cookie would be taken from a rule of somebody else, which answers them now.
///
/// # Errors
/// [`Error::Plan`] with both rules.
pub(super) fn check(of: RouteOf<'_>, rules: &[Value], located: &[Located]) -> Result<()> {
    let moved = |index: usize| located.iter().any(|one| one.rule == index);
    for Located { rule, .. } in located {
        for one in matches_of(&rules[*rule]) {
            let mut others = rules.iter().enumerate();
            let overtaken = others.find(|(index, other)| {
                !moved(*index)
                    && !is_managed(other)
                    && matches_of(other)
                        .iter()
                        .any(|other| is_overtaken(other, &one, *index < *rule))
            });
            if let Some((index, _)) = overtaken {
                return Err(Error::Plan(format!(
                    "{}: {} answers some requests before {} does, and the rule that keeps users with a version would take \
                     them, because it has the header cookie beside the same path; give {} a longer path or another method, \
                     or leave sticky out of the plan",
                    of.title(),
                    of.place(index),
                    of.place(*rule),
                    of.place(index),
                )));
            }
        }
    }
    Ok(())
}

fn matches_of(rule: &Value) -> Vec<Value> {
    match rule["matches"].as_array() {
        Some(matches) if !matches.is_empty() => matches.clone(),
        _ => vec![json!({})],
    }
}

/// Returns `true` when `other` wins over `one` for some request, and no longer once `one` has a header more.
fn is_overtaken(other: &Value, one: &Value, earlier: bool) -> bool {
    let count = |one: &Value, field: &str| one[field].as_array().map_or(0, Vec::len);
    let methods = (text(one, "method"), text(other, "method"));
    if !may_tie(&one["path"], &other["path"])
        || methods.0 != methods.1
        || excludes(one, other, "headers", true)
        || excludes(one, other, "queryParams", false)
    {
        return false;
    }
    let rank = |one: &Value, more: usize| (count(one, "headers") + more, count(one, "queryParams"));
    let wins = |rank_of_one: (usize, usize), earlier: bool| {
        rank(other, 0) > rank_of_one || rank(other, 0) == rank_of_one && earlier
    };
    // The rules of a rollout are the last ones.
    wins(rank(one, 0), earlier) && !wins(rank(one, 1), true)
}

/// Returns `true` when two paths are of one length and some request may have both.
fn may_tie(one: &Value, other: &Value) -> bool {
    let kind = |path: &Value| text(path, "type").unwrap_or("PathPrefix").to_owned();
    let value = |path: &Value| text(path, "value").unwrap_or("/").to_owned();
    let (length, values) = (|path: &Value| value(path).len(), (value(one), value(other)));
    kind(one) == kind(other)
        && (values.0 == values.1
            || kind(one) == "RegularExpression" && length(one) == length(other))
}

/// Returns `true` when no request fulfils the conditions of both matches in a field.
fn excludes(one: &Value, other: &Value, field: &str, any_case: bool) -> bool {
    let all = |of: &Value| of[field].as_array().cloned().unwrap_or_default();
    let exact = |one: &Value| text(one, "type").unwrap_or("Exact") == "Exact";
    let same = |one: &Value, other: &Value| {
        let names = (text(one, "name").unwrap_or(""), text(other, "name").unwrap_or(""));
        names.0 == names.1 || any_case && names.0.eq_ignore_ascii_case(names.1)
    };
    all(one).iter().any(|first| {
        all(other).iter().any(|second| {
            same(first, second)
                && exact(first)
                && exact(second)
                && text(first, "value") != text(second, "value")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_is_overtaken_where_one_header_more_decides() {
        let plain = json!({"path": {"type": "PathPrefix", "value": "/v1"}});
        let with = |field: &str, names: &[&str]| {
            let mut one = plain.clone();
            let all: Vec<_> =
                names.iter().map(|name| json!({"name": name, "value": "1"})).collect();
            one[field] = all.into();
            one
        };
        let longer = json!({"path": {"type": "PathPrefix", "value": "/v1/models"}});
        let exact = json!({"path": {"type": "Exact", "value": "/v1"}});
        let post = json!({"path": plain["path"], "method": "POST"});
        for (other, earlier, overtaken) in [
            (&with("queryParams", &["a"]), false, true),
            (&with("headers", &["x"]), false, false),
            (&with("headers", &["x", "y"]), false, false),
            (&plain, true, true),
            (&plain, false, false),
            (&longer, true, false),
            (&exact, true, false),
            (&post, true, false),
        ] {
            assert_eq!(is_overtaken(other, &plain, earlier), overtaken, "{other} {earlier}");
        }
        // It had won by its header, and now loses by the other's parameter.
        let one = with("queryParams", &["a"]);
        assert!(is_overtaken(&with("headers", &["x"]), &one, false));
        let header = |value: &str| json!({"path": plain["path"], "headers": [{"name": "X", "value": value}]});
        assert!(is_overtaken(&header("1"), &header("1"), true));
        assert!(!is_overtaken(&header("1"), &header("2"), true), "no request has both");
    }
}
