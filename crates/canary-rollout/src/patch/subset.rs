//! The canary's subset in the `DestinationRule`: created before any route names it, removed after none does.

use std::collections::BTreeMap;

use json_patch::Patch;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::plan::{Plan, Routes},
    annotations::SUBSET_ANNOTATION,
    differences::Differences,
    ops::Ops,
};
use crate::{
    Error, Result,
    json::{annotation, list, text, texts},
};

fn subsets(destination_rule: &Value) -> &[Value] {
    list(destination_rule, "/spec/subsets")
}

fn place_of(destination_rule: &Value, subset: &str) -> Option<usize> {
    subsets(destination_rule)
        .iter()
        .position(|one| one.get("name").and_then(Value::as_str) == Some(subset))
}

fn object_name(plan: &Plan) -> String {
    let rule = plan.target.routes().and_then(Routes::destination_rule);
    rule.map_or_else(|| "DestinationRule".to_owned(), |rule| rule.to_string())
}

/// Returns `true` when the `DestinationRule` defines a subset of that name.
pub fn has_subset(destination_rule: &Value, subset: &str) -> bool {
    place_of(destination_rule, subset).is_some()
}

/// The patch that adds the canary's subset, or `None` when it is there.
///
/// # Errors
/// [`Error::Plan`] when the stable subset is missing, or when the canary's subset selects other labels than the plan
/// states.
pub fn add_subset(plan: &Plan, destination_rule: &Value) -> Result<Option<Patch>> {
    let what = object_name(plan);
    let names: Vec<&str> =
        subsets(destination_rule).iter().filter_map(|one| one.get("name")?.as_str()).collect();
    if !has_subset(destination_rule, &plan.stable) {
        return Err(Error::Plan(format!(
            "{what} has no subset {}, which the plan calls stable; it has {}",
            plan.stable,
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        )));
    }
    let labels = json!(plan.labels_of_canary());
    if let Some(place) = place_of(destination_rule, &plan.canary) {
        let found = &subsets(destination_rule)[place]["labels"];
        if !plan.canary_labels.is_empty() && *found != labels {
            return Err(Error::Plan(format!(
                "{what}: spec.subsets[{place}].labels of {} are {found}, the plan says {labels}; correct one of them",
                plan.canary
            )));
        }
        return Ok(None);
    }
    let mut ops = Ops::default();
    ops.pin_version(destination_rule, &what)?;
    ops.add("/spec/subsets/-", json!({"name": plan.canary, "labels": labels}));
    ops.annotation(destination_rule, SUBSET_ANNOTATION, Some(&plan.canary));
    ops.into_patch().map(Some)
}

/// The patch that removes the canary's subset, or `None` when the driver did not make it.
///
/// # Errors
/// [`Error::Plan`] when the object has no resourceVersion to pin.
pub fn remove_subset(plan: &Plan, destination_rule: &Value) -> Result<Option<Patch>> {
    if !created_by_driver(plan, destination_rule) {
        return Ok(None);
    }
    let mut ops = Ops::default();
    ops.pin_version(destination_rule, &object_name(plan))?;
    if let Some(place) = place_of(destination_rule, &plan.canary) {
        ops.test(format!("/spec/subsets/{place}/name"), &plan.canary.clone().into());
        ops.remove(format!("/spec/subsets/{place}"));
    }
    ops.annotation(destination_rule, SUBSET_ANNOTATION, None);
    ops.into_patch().map(Some)
}

/// The patch after which the canary's subset no longer belongs to the driver, because its rollout leaves it traffic: a
/// later rollback must not remove it. `None` when the driver did not create the subset.
///
/// # Errors
/// [`Error::Plan`] when the object has no resourceVersion to pin.
pub fn keep_subset(plan: &Plan, destination_rule: &Value) -> Result<Option<Patch>> {
    if !created_by_driver(plan, destination_rule) {
        return Ok(None);
    }
    let mut ops = Ops::default();
    ops.pin_version(destination_rule, &object_name(plan))?;
    ops.annotation(destination_rule, SUBSET_ANNOTATION, None);
    ops.into_patch().map(Some)
}

fn created_by_driver(plan: &Plan, destination_rule: &Value) -> bool {
    annotation(destination_rule, SUBSET_ANNOTATION) == Some(&plan.canary)
}

/// The pods of a plan's two subsets, as a `DestinationRule` defines them.
///
/// ```
/// use canary_core::{Plan, rollout::patch::SubsetLabels};
/// use serde_json::json;
///
/// let plan = Plan::new("image-classifier", "resnet50", "resnet101");
/// let rule = |version: &str| json!({"spec": {"host": "image-classifier", "subsets": [
///     {"name": "resnet50", "labels": {"version": "resnet50"}},
///     {"name": "resnet101", "labels": {"version": version}},
/// ]}});
/// let before = SubsetLabels::of(&plan, &rule("resnet101")).unwrap();
/// assert!(before.differences(&plan, &rule("resnet101")).is_empty());
/// assert_eq!(
///     before.differences(&plan, &rule("resnet152")).to_string(),
///     "DestinationRule default/image-classifier spec.subsets[1].labels: \
///      expected {\"version\":\"resnet101\"}, found {\"version\":\"resnet152\"}"
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubsetLabels {
    /// The host of the subsets.
    pub host: String,
    /// The labels that select the stable subset's pods.
    pub stable: BTreeMap<String, String>,
    /// The labels that select the canary's pods.
    pub canary: BTreeMap<String, String>,
}

impl SubsetLabels {
    /// Returns somebody else's changes of the selectors of two `Service`s since, which are the versions of the plan.
    pub(crate) fn differences_of_services(&self, plan: &Plan, found: &Self) -> Differences {
        let mut differences = Differences::default();
        for (name, expected, found) in [
            (&plan.stable, &self.stable, &found.stable),
            (&plan.canary, &self.canary, &found.canary),
        ] {
            if expected != found {
                let path = format!("Service {name} spec.selector");
                differences.push(path, &json!(expected), &json!(found));
            }
        }
        differences
    }

    /// Reads both subsets from the `DestinationRule`; `None` when it does not define one of them.
    pub fn of(plan: &Plan, destination_rule: &Value) -> Option<Self> {
        Some(Self {
            host: text(destination_rule, "/spec/host").to_owned(),
            stable: labels(destination_rule, place_of(destination_rule, &plan.stable)?),
            canary: labels(destination_rule, place_of(destination_rule, &plan.canary)?),
        })
    }

    /// Returns somebody else's changes of the two subsets since; empty when they have the same pods. Other subsets and
    /// the traffic policies do not concern the rollout.
    pub fn differences(&self, plan: &Plan, destination_rule: &Value) -> Differences {
        let mut differences = Differences::default();
        let what = object_name(plan);
        if text(destination_rule, "/spec/host") != self.host {
            differences.push(
                format!("{what} spec.host"),
                &self.host,
                text(destination_rule, "/spec/host"),
            );
        }
        for (name, expected) in [(&plan.stable, &self.stable), (&plan.canary, &self.canary)] {
            match place_of(destination_rule, name) {
                None => {
                    differences.push(
                        format!("{what} spec.subsets"),
                        &format!("a subset {name}"),
                        "none",
                    );
                }
                Some(place) => {
                    let found = labels(destination_rule, place);
                    if found != *expected {
                        let path = format!("{what} spec.subsets[{place}].labels");
                        differences.push(path, &json!(expected), &json!(found));
                    }
                }
            }
        }
        differences
    }
}

fn labels(destination_rule: &Value, place: usize) -> BTreeMap<String, String> {
    texts(subsets(destination_rule)[place].get("labels"))
}
