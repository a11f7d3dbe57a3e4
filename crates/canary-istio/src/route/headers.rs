//! Header edits, in Envoy's order.

use serde::Serialize;

use super::header_value::HeaderValue;
use crate::networking::{HeaderOperations, Headers};

/// One change to the headers of a request or of a response. Names are lower case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "edit")]
#[non_exhaustive]
pub enum HeaderEdit {
    /// Removes every value of the header.
    Remove {
        /// The header.
        name: Box<str>,
    },
    /// Replaces all values of the header. A value that expands to nothing changes nothing.
    Set {
        /// The header.
        name: Box<str>,
        /// The value.
        value: HeaderValue,
    },
    /// Adds a value to the header. A value that expands to nothing changes nothing.
    Add {
        /// The header.
        name: Box<str>,
        /// The value.
        value: HeaderValue,
    },
}

impl std::fmt::Display for HeaderEdit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Remove { name } => write!(f, "remove {name}"),
            Self::Set { name, value } => write!(f, "set {name}: {value}"),
            Self::Add { name, value } => write!(f, "add {name}: {value}"),
        }
    }
}

/// Applies edits, in order, to headers given as names and values. Variables in values are looked up with `lookup`, see
/// [`HeaderValue::expand`]; it is also given the headers as they are then, which is what `%REQ(name)%` means in edits of
/// requests.
///
/// As in Envoy, the values of a rule are made after its removals and before any of them is set.
///
/// ```
/// use canary_core::route::{HeaderEdit, HeaderValue, apply_header_edits};
///
/// let mut headers = vec![("X-Old".to_owned(), "1".to_owned())];
/// let edits = [
///     HeaderEdit::Remove { name: "x-old".into() },
///     HeaderEdit::Add { name: "x-new".into(), value: HeaderValue::new("2") },
/// ];
/// apply_header_edits(&mut headers, &edits, |_, _, _| None);
/// assert_eq!(headers, [("x-new".to_owned(), "2".to_owned())]);
/// ```
pub fn apply_header_edits<'e>(
    headers: &mut Vec<(String, String)>,
    edits: impl IntoIterator<Item = &'e HeaderEdit>,
    mut lookup: impl FnMut(&[(String, String)], &str, Option<&str>) -> Option<String>,
) {
    let mut made: Vec<(&str, String, bool)> = Vec::new();
    for edit in edits {
        let (name, value, set) = match edit {
            HeaderEdit::Remove { name } => {
                write_values(headers, &mut made);
                headers.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
                continue;
            }
            HeaderEdit::Set { name, value } => (name, value, true),
            HeaderEdit::Add { name, value } => (name, value, false),
        };
        // A value that is set after one was added begins the next level.
        if set && made.last().is_some_and(|(_, _, set)| !set) {
            write_values(headers, &mut made);
        }
        let text = value.expand(|variable, arguments| lookup(headers, variable, arguments));
        if !text.is_empty() {
            made.push((name, text.into_owned(), set));
        }
    }
    write_values(headers, &mut made);
}

fn write_values(headers: &mut Vec<(String, String)>, made: &mut Vec<(&str, String, bool)>) {
    for (name, text, set) in made.drain(..) {
        if set {
            headers.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
        }
        headers.push((name.to_owned(), text));
    }
}

/// The edits of one level, sorted into what Envoy does first, second and third.
#[derive(Clone, Debug, Default)]
struct Level {
    remove: Vec<HeaderEdit>,
    set: Vec<HeaderEdit>,
    add: Vec<HeaderEdit>,
}

impl Level {
    fn new(operations: Option<&HeaderOperations>) -> Self {
        let Some(operations) = operations else {
            return Self::default();
        };
        let remove = operations
            .remove
            .iter()
            .flatten()
            .filter(|name| !is_internal(name))
            .map(|name| HeaderEdit::Remove { name: name.to_ascii_lowercase().into() })
            .collect();
        let set = operations
            .set
            .iter()
            .flatten()
            .filter(|(name, _)| !is_internal(name))
            .map(|(name, value)| HeaderEdit::Set {
                name: name.to_ascii_lowercase().into(),
                value: HeaderValue::new(value),
            })
            .collect();
        let add = operations
            .add
            .iter()
            .flatten()
            .filter(|(name, _)| !is_internal(name))
            .map(|(name, value)| HeaderEdit::Add {
                name: name.to_ascii_lowercase().into(),
                value: HeaderValue::new(value),
            })
            .collect();
        Self { remove, set, add }
    }

    fn into_edits(self) -> impl Iterator<Item = HeaderEdit> {
        self.remove.into_iter().chain(self.set).chain(self.add)
    }
}

/// The edits of a rule and of one of its destinations, for requests and for responses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Edits {
    pub(super) request: Box<[HeaderEdit]>,
    pub(super) response: Box<[HeaderEdit]>,
}

impl Edits {
    /// With a single destination both levels are one, in which removals come first, then values set, then values
    /// added, each time the rule's before the destination's. With several, the destination's level is carried out
    /// whole, then the rule's.
    pub(super) fn new(rule: Option<&Headers>, destination: Option<&Headers>, single: bool) -> Self {
        let request = |headers: &Headers| Level::new(headers.request.as_ref());
        let response = |headers: &Headers| Level::new(headers.response.as_ref());
        Self {
            request: join(rule.map(request), destination.map(request), single),
            response: join(rule.map(response), destination.map(response), single),
        }
    }
}

fn join(rule: Option<Level>, destination: Option<Level>, single: bool) -> Box<[HeaderEdit]> {
    let mut rule = rule.unwrap_or_default();
    let destination = destination.unwrap_or_default();
    if single {
        rule.remove.extend(destination.remove);
        rule.set.extend(destination.set);
        rule.add.extend(destination.add);
        rule.into_edits().collect()
    } else {
        destination.into_edits().chain(rule.into_edits()).collect()
    }
}

/// The authority that header operations set: `:authority` or `host`, a value set before a value added.
pub(super) fn authority(headers: Option<&Headers>) -> Option<&str> {
    let request = headers?.request.as_ref()?;
    [&request.set, &request.add].into_iter().flatten().find_map(|map| {
        map.iter().rfind(|(name, _)| is_authority(name)).map(|(_, value)| value.as_str())
    })
}

/// Headers that only a rewrite may touch.
fn is_internal(name: &str) -> bool {
    name.starts_with(':') || name.eq_ignore_ascii_case("host")
}

fn is_authority(name: &str) -> bool {
    name.eq_ignore_ascii_case(":authority") || name.eq_ignore_ascii_case("host")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operations(set: &[&str], add: &[&str], remove: &[&str], value: &str) -> Headers {
        let map = |names: &[&str]| {
            Some(names.iter().map(|name| ((*name).to_owned(), value.to_owned())).collect())
        };
        Headers {
            request: Some(HeaderOperations {
                set: map(set),
                add: map(add),
                remove: Some(remove.iter().map(|name| (*name).to_owned()).collect()),
            }),
            response: None,
        }
    }

    fn said(edits: &Edits) -> Vec<String> {
        edits.request.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn one_destination_is_one_level_and_several_are_two() {
        let rule = operations(&["b", "a"], &["c"], &["r"], "rule");
        let destination = operations(&["a"], &["c"], &["d"], "dest");
        assert_eq!(
            said(&Edits::new(Some(&rule), Some(&destination), true)),
            [
                "remove r",
                "remove d",
                "set a: rule",
                "set b: rule",
                "set a: dest",
                "add c: rule",
                "add c: dest"
            ]
        );
        assert_eq!(
            said(&Edits::new(Some(&rule), Some(&destination), false)),
            [
                "remove d",
                "set a: dest",
                "add c: dest",
                "remove r",
                "set a: rule",
                "set b: rule",
                "add c: rule"
            ]
        );
    }

    #[test]
    fn internal_headers_are_left_alone() {
        let rule = operations(&[":path", "Host", "x"], &[":authority"], &["host", ":method"], "v");
        assert_eq!(said(&Edits::new(Some(&rule), None, true)), ["set x: v"]);
        assert_eq!(authority(Some(&rule)), Some("v"));
        assert_eq!(authority(Some(&operations(&["x"], &[], &[], "v"))), None);
        let added = operations(&[], &["HOST"], &[], "added");
        assert_eq!(authority(Some(&added)), Some("added"));
    }

    #[test]
    fn edits_apply_in_order() {
        let mut headers = vec![("A".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())];
        let edits = Edits::new(Some(&operations(&["a"], &["b"], &[], "new")), None, true);
        apply_header_edits(&mut headers, &edits.request, |_, _, _| None);
        let flat: Vec<_> = headers.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(flat, ["b=2", "a=new", "b=new"]);
    }

    #[test]
    fn values_are_made_after_removals_and_before_anything_is_set() {
        let rule = Headers {
            request: Some(
                HeaderOperations::default()
                    .remove("gone")
                    .set("a", "<%REQ(gone)%>")
                    .set("b", "<%REQ(a)%>"),
            ),
            response: None,
        };
        let mut headers =
            vec![("gone".to_owned(), "1".to_owned()), ("a".to_owned(), "old".to_owned())];
        let edits = Edits::new(Some(&rule), None, true);
        apply_header_edits(&mut headers, &edits.request, |headers, _, name| {
            let found = headers.iter().find(|(found, _)| Some(found.as_str()) == name);
            found.map(|(_, value)| value.clone())
        });
        let flat: Vec<_> = headers.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(flat, ["a=<>", "b=<old>"]);
    }
}
