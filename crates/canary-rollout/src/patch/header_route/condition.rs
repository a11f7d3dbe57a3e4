//! Conditions on one request header: the values that fulfil them, and the routes that would answer them.

use serde_json::Value;

use super::super::super::plan::HeaderRoute;
use canary_istio::{networking::StringMatch, validate::is_full_match};

/// Fields of a match that are not conditions.
const NO_CONDITION: [&str; 3] = ["name", "statPrefix", "ignoreUriCase"];

/// The other requests that a route matches, when it matches every request with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coverage {
    /// Also requests without the header: it is not a route for this header.
    Everything,
    /// None, or requests with other values of the header.
    Header,
}

/// A condition as it is written; `None` when it cannot be read.
pub(super) fn read(condition: &Value) -> Option<StringMatch> {
    match condition {
        Value::Null => Some(StringMatch::Present),
        written => match serde_json::from_value(written.clone()).ok()? {
            // Istio treats a single star as presence, although it is not a valid expression.
            StringMatch::Regex(expression) if expression == "*" => Some(StringMatch::Present),
            condition => Some(condition),
        },
    }
}

/// Returns `true` when a condition, as it is written, holds for a value; `None` when it cannot be read.
pub(super) fn holds(condition: &Value, value: &str) -> Option<bool> {
    holds_for(&read(condition)?, value)
}

/// Returns `true` when a condition holds for a value; `None` when it cannot be read.
pub(super) fn holds_for(condition: &StringMatch, value: &str) -> Option<bool> {
    Some(match condition {
        StringMatch::Present => true,
        StringMatch::Exact(wanted) => wanted == value,
        StringMatch::Prefix(wanted) => value.starts_with(wanted),
        StringMatch::Regex(expression) => is_full_match(expression, value)?,
    })
}

/// Returns `true` when a request fulfils a match's condition on one header, which the request has with a value or not
/// at all.
pub(super) fn fulfilled(one: &Value, name: &str, value: Option<&str>) -> bool {
    let wanted = on(one, "headers", name)
        .all(|condition| value.is_some_and(|value| holds(condition, value) == Some(true)));
    wanted
        && on(one, "withoutHeaders", name).all(|condition| match read(condition) {
            Some(StringMatch::Present) => value.is_none(),
            // An absent header counts as an empty one here, as in Envoy.
            _ => holds(condition, value.unwrap_or_default()) == Some(false),
        })
}

/// The conditions on a header in `headers` or `withoutHeaders` of a match; names of headers have no case.
pub(super) fn on<'m>(
    one: &'m Value,
    field: &str,
    name: &'m str,
) -> impl Iterator<Item = &'m Value> + use<'m> {
    let conditions = one.get(field).and_then(Value::as_object).into_iter().flatten();
    conditions
        .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, condition)| condition)
}

/// The `match` of a route, when it has conditions at all.
pub(super) fn matches(route: &Value) -> Option<&[Value]> {
    let matches = route.get("match").and_then(Value::as_array).map(Vec::as_slice)?;
    (!matches.is_empty()).then_some(matches)
}

/// The other requests that match a route which certainly answers every request with the header, decided by its
/// conditions on that header. `None` when it answers none of them, or only those that fulfil further conditions.
pub(super) fn coverage(route: &Value, header: &HeaderRoute) -> Option<Coverage> {
    let Some(matches) = matches(route) else { return Some(Coverage::Everything) };
    let covered = matches.iter().filter_map(|one| match_coverage(one, header));
    covered.reduce(|one, other| if one == Coverage::Header { other } else { one })
}

/// Returns `true` when a route certainly answers every request that fulfils a match, because the match has all conditions
/// of one of the route's own, or stricter ones.
pub(super) fn covers(route: &Value, narrow: &Value) -> bool {
    matches(route).is_none_or(|matches| matches.iter().any(|wide| is_narrower(narrow, wide)))
}

fn is_narrower(narrow: &Value, wide: &Value) -> bool {
    let Some(fields) = wide.as_object() else { return false };
    fields.iter().all(|(field, condition)| match field.as_str() {
        field if NO_CONDITION.contains(&field) => true,
        "uri" if is_every_path(condition) => true,
        "headers" | "queryParams" | "sourceLabels" => {
            let mut wanted = condition.as_object().into_iter().flatten();
            wanted.all(|(name, wanted)| {
                let have = narrow.get(field).and_then(|have| have.get(name));
                have.is_some_and(|have| implies(have, wanted))
            })
        }
        _ => narrow.get(field) == Some(condition),
    })
}

/// Returns `true` when every value that fulfils one condition fulfils the other.
fn implies(have: &Value, wanted: &Value) -> bool {
    let exact = have.get("exact").and_then(Value::as_str);
    have == wanted
        || read(wanted) == Some(StringMatch::Present)
        || exact.is_some_and(|value| holds(wanted, value) == Some(true))
}

fn match_coverage(one: &Value, header: &HeaderRoute) -> Option<Coverage> {
    let mut covered = Coverage::Everything;
    for (field, condition) in one.as_object()? {
        let none = condition.is_null()
            || condition.as_object().is_some_and(serde_json::Map::is_empty)
            || condition.as_array().is_some_and(Vec::is_empty);
        match field.as_str() {
            field if NO_CONDITION.contains(&field) => {}
            "headers" | "withoutHeaders" if none => {}
            "headers" | "withoutHeaders" => {
                let wanted = field == "headers";
                let on_it = on(one, field, &header.name);
                let mut judged = 0;
                for condition in on_it {
                    if holds(condition, &header.value) != Some(wanted) {
                        return None;
                    }
                    judged += 1;
                }
                if condition.as_object().map(serde_json::Map::len) != Some(judged) {
                    return None;
                }
                // A condition that the header is absent also matches requests that never had it.
                if wanted {
                    covered = Coverage::Header;
                }
            }
            "uri" if is_every_path(condition) => {}
            // An empty condition on a text requires only its presence, and the parts of a request line are always
            // there; an empty list or map of others requires nothing.
            _ if none => {}
            _ => return None,
        }
    }
    Some(covered)
}

/// Returns `true` when every path fulfils a condition.
fn is_every_path(condition: &Value) -> bool {
    let is = |field: &str, text: &str| condition.get(field).and_then(Value::as_str) == Some(text);
    is("prefix", "/") || is("prefix", "") || is("regex", ".*")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn conditions_are_read_as_istio_reads_them() {
        let all = [
            (json!({"exact": "canary"}), [true, false, false]),
            (json!({"prefix": "can"}), [true, true, false]),
            (json!({"regex": "can.*"}), [true, true, false]),
            (json!({"regex": "an"}), [false, false, false]),
            (json!({"regex": "*"}), [true, true, true]),
            (json!({}), [true, true, true]),
            (json!(null), [true, true, true]),
        ];
        for (condition, expected) in all {
            let found = ["canary", "cans", ""].map(|value| holds(&condition, value) == Some(true));
            assert_eq!(found, expected, "{condition}");
        }
        for unreadable in [
            json!({"regex": "("}),
            json!({"exact": 1}),
            json!("canary"),
            json!({"exact": "a", "prefix": "a"}),
        ] {
            assert_eq!(holds(&unreadable, "canary"), None, "{unreadable}");
        }
    }

    #[test]
    fn an_absent_header_is_empty_where_it_is_not_wanted() {
        let without = |condition: Value| json!({"withoutHeaders": {"User-Group": condition}});
        let with = |condition: Value| json!({"headers": {"User-Group": condition}});
        let of =
            |one: &Value| [Some("canary"), None].map(|value| fulfilled(one, "user-group", value));
        assert_eq!(of(&without(json!({}))), [false, true]);
        assert_eq!(of(&without(json!({"regex": "*"}))), [false, true]);
        assert_eq!(of(&without(json!({"regex": ".*"}))), [false, false]);
        assert_eq!(of(&without(json!({"exact": "staff"}))), [true, true]);
        assert_eq!(of(&without(json!({"regex": "("}))), [false, false]);
        assert_eq!(of(&with(json!({}))), [true, false]);
        assert_eq!(of(&with(json!({"exact": "staff"}))), [false, false]);
        assert_eq!(of(&json!({"headers": {"x-more": {}}})), [true, true]);
    }

    #[test]
    fn the_coverage_of_a_route_is_decided_by_that_header_alone() {
        let header = HeaderRoute { name: "user-group".to_owned(), value: "canary".to_owned() };
        let of = |matches: Value| coverage(&json!({"match": matches}), &header);
        assert_eq!(coverage(&json!({}), &header), Some(Coverage::Everything));
        assert_eq!(of(json!([])), Some(Coverage::Everything));
        assert_eq!(of(json!([{"name": "a", "uri": {"prefix": "/"}}])), Some(Coverage::Everything));
        let exact = json!({"headers": {"User-Group": {"exact": "canary"}}, "statPrefix": "s"});
        assert_eq!(of(json!([exact])), Some(Coverage::Header));
        assert_eq!(of(json!([{"port": 1}, exact])), Some(Coverage::Header));
        assert_eq!(of(json!([exact, {}])), Some(Coverage::Everything));
        assert_eq!(of(json!([{"headers": {"user-group": {}, "x": {}}}])), None);
        assert_eq!(
            of(json!([{"withoutHeaders": {"user-group": {"exact": "a"}}}])),
            Some(Coverage::Everything)
        );
        assert_eq!(of(json!([{"withoutHeaders": {"user-group": {}}}])), None);
    }
}
