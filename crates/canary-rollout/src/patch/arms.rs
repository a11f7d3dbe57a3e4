//! The destinations of the two versions in the plan's route, and other ways to them.

use serde_json::{Map, Value};

use super::{
    super::plan::Plan,
    routes::{destinations, subset_of, weights},
};

/// The hosts of the two versions in the plan's route.
#[derive(Clone, Copy)]
pub(super) struct Arms<'r> {
    plan: &'r Plan,
    stable: &'r str,
    canary: &'r str,
}

impl<'r> Arms<'r> {
    /// The hosts of both versions; `None` when the route sends to neither. A version that the route does not name is
    /// at the host of the other, because its destination is a copy.
    pub(super) fn of(plan: &'r Plan, route: &'r Value) -> Option<Self> {
        let host = |subset: &str| {
            let entry =
                destinations(route).iter().find(|entry| subset_of(entry) == Some(subset))?;
            Some(host_of(entry.get("destination")?))
        };
        let (stable, canary) = (host(&plan.stable), host(&plan.canary));
        Some(Self { plan, stable: stable.or(canary)?, canary: canary.or(stable)? })
    }

    /// Returns `true` when a destination is the canary's subset and nothing else.
    pub(super) fn is_canary(self, destination: &Value) -> bool {
        text(destination, "subset") == Some(&self.plan.canary)
            && self.same(host_of(destination), self.canary)
    }

    /// Returns `true` when pods of the stable version or of the canary are among those of a destination. One without a
    /// subset has all pods of its host.
    pub(super) fn includes(self, destination: &Value) -> bool {
        let subset = text(destination, "subset").filter(|subset| !subset.is_empty());
        let arms = [(self.stable, &self.plan.stable), (self.canary, &self.plan.canary)];
        arms.iter().any(|(host, name)| {
            self.same(host_of(destination), host) && subset.is_none_or(|subset| subset == *name)
        })
    }

    fn same(self, one: &str, other: &str) -> bool {
        let namespace = &self.plan.target.namespace;
        one.eq_ignore_ascii_case(other)
            || is_short_for(one, other, namespace)
            || is_short_for(other, one, namespace)
    }
}

/// Returns `true` when `full` is Istio's expansion of the short name of a service in `namespace`, in whatever cluster
/// domain.
fn is_short_for(short: &str, full: &str, namespace: &str) -> bool {
    !short.is_empty()
        && !short.contains('.')
        && full
            .to_ascii_lowercase()
            .starts_with(&format!("{}.{namespace}.svc.", short.to_ascii_lowercase()))
}

/// Returns `true` when a route sends somewhere, and all of it to destinations that `fit`.
pub(super) fn to_alone(route: &Value, fit: impl Fn(&Value) -> bool) -> bool {
    let entries = destinations(route);
    let mut weighted = entries.iter().zip(weights(entries)).filter(|(_, weight)| *weight > 0);
    let fits = |(entry, _): (&Value, u64)| entry.get("destination").is_some_and(&fit);
    weighted.clone().next().is_some() && weighted.all(fits)
}

/// A destination in words: `subset v2 of host cats`.
pub(super) fn describe(destination: &Value) -> String {
    let host = host_of(destination);
    match text(destination, "subset").filter(|subset| !subset.is_empty()) {
        Some(subset) => format!("subset {subset} of host {host}"),
        None => format!("host {host}"),
    }
}

/// The canary's entry as a copy of the stable one: same host, port and headers, other subset.
///
/// A header that carries the stable subset's name, such as the one that shows clients which subset served them, carries
/// the canary's in the copy.
pub(super) fn canary_entry(plan: &Plan, stable: &Value) -> Map<String, Value> {
    let mut entry = stable.as_object().cloned().unwrap_or_default();
    if let Some(destination) = entry.get_mut("destination").and_then(Value::as_object_mut) {
        destination.insert("subset".to_owned(), plan.canary.clone().into());
    }
    if let Some(headers) = entry.get_mut("headers") {
        rename(headers, &plan.stable, &plan.canary);
    }
    entry.remove("weight");
    entry
}

/// The canary's entry as it is in the route, or as it would be created; without a weight.
pub(super) fn canary_alone(
    plan: &Plan,
    route: &Value,
    (stable, canary): (usize, Option<usize>),
) -> Map<String, Value> {
    let entries = destinations(route);
    let mut entry = match canary {
        Some(place) => entries[place].as_object().cloned().unwrap_or_default(),
        None => canary_entry(plan, &entries[stable]),
    };
    entry.remove("weight");
    entry
}

fn rename(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text == from => to.clone_into(text),
        Value::Object(members) => members.values_mut().for_each(|value| rename(value, from, to)),
        _ => {}
    }
}

fn host_of(destination: &Value) -> &str {
    text(destination, "host").unwrap_or_default()
}

fn text<'v>(destination: &'v Value, field: &str) -> Option<&'v str> {
    destination.get(field).and_then(Value::as_str)
}
