//! The destinations of the two versions in a plan's rule, and other ways to them.

use serde_json::{Map, Value};

use super::{
    cookie::without_cookie,
    route_of::{RouteOf, text},
};

/// The hosts of the two versions in the plan's rule.
#[derive(Clone, Copy)]
pub(super) struct Arms<'r> {
    of: RouteOf<'r>,
    stable: &'r Value,
    canary: Option<&'r Value>,
}

impl<'r> Arms<'r> {
    /// The destinations of both versions; `None` when the rule sends to neither. A version that the rule does not name
    /// is at the host of the other, because its destination is a copy.
    pub(super) fn of(of: RouteOf<'r>, rule: &'r Value) -> Option<Self> {
        let destination = |name: &str| {
            let mut all = of.entries(rule).iter().map(|entry| of.destination(entry));
            all.find(|destination| of.is_version(destination, name))
        };
        let (stable, canary) = (destination(&of.plan.stable), destination(&of.plan.canary));
        Some(Self { of, stable: stable.or(canary)?, canary })
    }

    /// Returns `true` when a destination is the canary and nothing else.
    pub(super) fn is_canary(self, destination: &Value) -> bool {
        let named = self.of.is_version(destination, &self.of.plan.canary);
        named
            && (!self.of.by_subset() || self.same(destination, self.canary.unwrap_or(self.stable)))
    }

    /// Returns `true` when pods of the stable version or of the canary are among those of a destination. One without a
    /// subset has all pods of its host.
    pub(super) fn includes(self, destination: &Value) -> bool {
        let plan = self.of.plan;
        let names = [&plan.stable, &plan.canary];
        if !self.of.by_subset() {
            return names.iter().any(|name| self.of.is_version(destination, name));
        }
        let subset = text(destination, "subset").filter(|subset| !subset.is_empty());
        let arms = [(self.stable, names[0]), (self.canary.unwrap_or(self.stable), names[1])];
        arms.iter().any(|(arm, name)| {
            self.same(destination, arm) && subset.is_none_or(|subset| subset == *name)
        })
    }

    fn same(self, one: &Value, other: &Value) -> bool {
        let (one, other) = (host_of(one), host_of(other));
        let namespace = self.of.namespace();
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

/// Returns `true` when a rule sends somewhere, and all of it to destinations that `fit`.
pub(super) fn to_alone(of: RouteOf<'_>, rule: &Value, fit: impl Fn(&Value) -> bool) -> bool {
    let entries = of.entries(rule);
    let mut weighted = entries.iter().zip(of.weights(entries)).filter(|(_, weight)| *weight > 0);
    let fits = |(entry, _): (&Value, u64)| fit(of.destination(entry));
    weighted.clone().next().is_some() && weighted.all(fits)
}

/// A destination in words: `subset v2 of host cats`, or `Service cats` in the Gateway API.
pub(super) fn describe(of: RouteOf<'_>, destination: &Value) -> String {
    if of.is_gateway_api() {
        let kind = text(destination, "kind").unwrap_or("Service");
        return format!("{kind} {}", text(destination, "name").unwrap_or_default());
    }
    let host = host_of(destination);
    match text(destination, "subset").filter(|subset| !subset.is_empty()) {
        Some(subset) => format!("subset {subset} of host {host}"),
        None => format!("host {host}"),
    }
}

/// The canary's entry as a copy of the stable one: same port and headers, and the canary's subset or `Service`.
///
/// A header that carries the stable version's name, such as the one that shows clients which version served them,
/// carries the canary's in the copy.
pub(super) fn canary_entry(of: RouteOf<'_>, stable: &Value) -> Map<String, Value> {
    let plan = of.plan;
    let mut entry = stable.as_object().cloned().unwrap_or_default();
    for field in ["headers", "filters"] {
        if let Some(value) = entry.get_mut(field) {
            rename(value, &plan.stable, &plan.canary);
        }
    }
    entry.remove("weight");
    let destination = if of.is_gateway_api() {
        Some(&mut entry)
    } else {
        entry.get_mut("destination").and_then(Value::as_object_mut)
    };
    if let Some(destination) = destination {
        let (field, value) = if of.by_subset() {
            ("subset", plan.canary.clone())
        } else if of.is_gateway_api() {
            ("name", plan.canary.clone())
        } else {
            let host = destination.get("host").and_then(Value::as_str).unwrap_or_default();
            let rest = host.split_once('.').map(|(_, rest)| format!(".{rest}"));
            ("host", format!("{}{}", plan.canary, rest.unwrap_or_default()))
        };
        destination.insert(field.to_owned(), value.into());
    }
    entry
}

/// The canary's entry as it is in the rule, or as it would be created; without a weight, and without the cookie of sticky
/// users.
pub(super) fn canary_alone(
    of: RouteOf<'_>,
    rule: &Value,
    (stable, canary): (usize, Option<usize>),
) -> Map<String, Value> {
    let entries = of.entries(rule);
    let mut entry = match canary {
        Some(place) => entries[place].as_object().cloned().unwrap_or_default(),
        None => canary_entry(of, &entries[stable]),
    };
    entry.remove("weight");
    without_cookie(of, &mut entry);
    entry
}

fn rename(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text == from => to.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|value| rename(value, from, to)),
        Value::Object(members) => members.values_mut().for_each(|value| rename(value, from, to)),
        _ => {}
    }
}

fn host_of(destination: &Value) -> &str {
    text(destination, "host").unwrap_or_default()
}
