//! Header operations as Envoy's lists of headers to add and to remove.

use std::collections::BTreeMap;

use canary_core::istio::{HeaderOperations, Headers};
use serde_json::{Map, Value, json};

/// The operations of a rule or of a destination.
#[derive(Debug, Default)]
pub(super) struct Operations {
    request_add: Vec<Value>,
    request_remove: Vec<Value>,
    response_add: Vec<Value>,
    response_remove: Vec<Value>,
    /// The authority that the operations set.
    pub(super) authority: Option<String>,
}

impl Operations {
    pub(super) fn new(written: Option<&Headers>) -> Self {
        let Some(written) = written else {
            return Self::default();
        };
        let none = HeaderOperations::default();
        let request = written.request.as_ref().unwrap_or(&none);
        let response = written.response.as_ref().unwrap_or(&none);
        let authority = authority(request.set.as_ref())
            .filter(|authority| !authority.is_empty())
            .or_else(|| authority(request.add.as_ref()))
            .filter(|authority| !authority.is_empty());
        Self {
            request_add: add(request),
            request_remove: remove(request),
            response_add: add(response),
            response_remove: remove(response),
            authority: authority.map(str::to_owned),
        }
    }

    /// Puts the operations of a single destination behind the rule's.
    pub(super) fn append(&mut self, other: Self) {
        self.request_add.extend(other.request_add);
        self.request_remove.extend(other.request_remove);
        self.response_add.extend(other.response_add);
        self.response_remove.extend(other.response_remove);
    }

    /// Writes the lists into a route or into a weighted cluster.
    pub(super) fn write(self, into: &mut Map<String, Value>) {
        for (field, list) in [
            ("request_headers_to_add", self.request_add),
            ("request_headers_to_remove", self.request_remove),
            ("response_headers_to_add", self.response_add),
            ("response_headers_to_remove", self.response_remove),
        ] {
            if !list.is_empty() {
                into.insert(field.to_owned(), Value::Array(list));
            }
        }
    }
}

/// Values set come before values added; each of them sorted by name.
fn add(operations: &HeaderOperations) -> Vec<Value> {
    let entry = |action: &'static str| move |(name, value): (&String, &String)| json!({"header": {"key": name, "value": value}, "append_action": action});
    let kept = |(name, _): &(&String, &String)| !is_internal(name);
    let set = operations.set.iter().flatten().filter(kept);
    let added = operations.add.iter().flatten().filter(kept);
    set.map(entry("OVERWRITE_IF_EXISTS_OR_ADD"))
        .chain(added.map(entry("APPEND_IF_EXISTS_OR_ADD")))
        .collect()
}

fn remove(operations: &HeaderOperations) -> Vec<Value> {
    let names = operations.remove.iter().flatten();
    names.filter(|name| !is_internal(name)).map(|name| json!(name)).collect()
}

fn authority(headers: Option<&BTreeMap<String, String>>) -> Option<&str> {
    let named =
        |name: &str| name.eq_ignore_ascii_case(":authority") || name.eq_ignore_ascii_case("host");
    headers?.iter().rfind(|(name, _)| named(name)).map(|(_, value)| value.as_str())
}

/// Returns `true` for the headers that Envoy does not let a list change.
fn is_internal(name: &str) -> bool {
    name.starts_with(':') || name.eq_ignore_ascii_case("host")
}
