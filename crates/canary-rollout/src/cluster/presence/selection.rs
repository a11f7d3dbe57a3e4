//! The pods that a subset selects.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::ObjectRef;
use crate::json::{list, texts};
use canary_istio::manifest::nearest;

/// Labels by name.
pub(super) type Labels = BTreeMap<String, String>;

/// Labels that Istio gives to endpoints by their node and cluster: pods do not have them.
///
/// Source: Istio's `pkg/config/labels` and `AugmentLabels` of its service registry.
const OF_PLACE: &[&str] = &[
    "kubernetes.io/hostname",
    "topology.istio.io/cluster",
    "topology.istio.io/network",
    "topology.istio.io/subzone",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];

/// A subset's pods: those that its host's `Service` selects and that have the subset's labels.
#[derive(Debug)]
pub(crate) struct Selection {
    /// The subset and its rule, such as `subset v2 of DestinationRule shop/pets`.
    pub(super) what: String,
    /// The `Service`.
    pub(crate) service: ObjectRef,
    /// The `Service`'s selector.
    pub(super) selector: Labels,
    /// The subset's labels.
    pub(super) labels: Labels,
    /// The labels of other subsets, whose pods were probably not meant.
    pub(super) claimed: Vec<Labels>,
}

impl Selection {
    /// The subset and its rule in words.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// Returns `true` when the `Service` selects pods with these labels.
    pub(super) fn in_service(&self, labels: Option<&Value>) -> bool {
        has_all(labels, &self.selector)
    }

    /// Returns `true` when pods with these labels are in the subset, provided that the `Service` selects them.
    pub(super) fn in_subset(&self, labels: Option<&Value>) -> bool {
        has_all(labels, &self.labels)
    }

    /// Returns `true` when pods with these labels get the subset's traffic.
    pub(crate) fn selects(&self, labels: Option<&Value>) -> bool {
        self.in_service(labels) && self.in_subset(labels)
    }

    /// Returns `true` when pods with these labels explain the subset's state: they are its own or nearly so.
    pub(super) fn concerns(&self, labels: Option<&Value>) -> bool {
        self.in_service(labels) || (!self.labels.is_empty() && self.in_subset(labels))
    }
}

/// A label that pods do not have themselves.
pub(super) fn label_of_place(labels: &Labels) -> Option<&str> {
    labels.keys().map(String::as_str).find(|key| OF_PLACE.contains(key))
}

/// Returns `true` when the labels have each of these values.
pub(crate) fn has_all(labels: Option<&Value>, wanted: &Labels) -> bool {
    wanted.iter().all(|(key, value)| {
        labels.and_then(|labels| labels.get(key)).and_then(Value::as_str) == Some(value)
    })
}

/// The labels of a subset in its rule, or those that it will get, and the labels of subsets that were probably not
/// meant. The error is the reason why there are none.
pub(super) fn labels_of(
    destination_rule: &Value,
    subset: &str,
    given: Option<&Labels>,
) -> Result<(Labels, Vec<Labels>), String> {
    let subsets = list(destination_rule, "/spec/subsets");
    let name = |one: &Value| one.get("name").and_then(Value::as_str).map(str::to_owned);
    let (own, others): (Vec<&Value>, Vec<&Value>) =
        subsets.iter().partition(|one| name(one).as_deref() == Some(subset));
    let claimed = || others.iter().map(|one| texts(one.get("labels"))).collect();
    match (own.first(), given) {
        (Some(own), _) => Ok((texts(own.get("labels")), claimed())),
        // A single subset is the stable one; if there are more, the name may be a misspelling of one of them.
        (None, Some(given)) if others.len() > 1 => Ok((given.clone(), Vec::new())),
        (None, Some(given)) => Ok((given.clone(), claimed())),
        (None, None) => {
            let names: Vec<String> = subsets.iter().filter_map(name).collect();
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            let has = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            let meant = meant(subset, &known);
            Err(format!("the rule defines no such subset; it has {has}{meant}"))
        }
    }
}

/// The question after the name that was probably meant: the nearest of those known, unless two are equally near.
pub(super) fn meant(word: &str, known: &[&str]) -> String {
    let backwards: Vec<&str> = known.iter().rev().copied().collect();
    match nearest(word, known) {
        Some(name) if nearest(word, &backwards) == Some(name) => format!("; did you mean {name}?"),
        _ => String::new(),
    }
}
