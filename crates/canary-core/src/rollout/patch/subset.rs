//! The canary's subset in the `DestinationRule`: made before any route names it, removed after none does.

use json_patch::Patch;
use serde_json::{Value, json};

use super::{super::plan::Plan, ops::Ops};
use crate::{Error, Result};

/// The annotation of the `DestinationRule` that names the subset which the driver added.
pub const SUBSET_ANNOTATION: &str = "canary-rs.github.io/rollout-subset";

fn subsets(destination_rule: &Value) -> &[Value] {
    destination_rule.pointer("/spec/subsets").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn place_of(destination_rule: &Value, subset: &str) -> Option<usize> {
    subsets(destination_rule)
        .iter()
        .position(|one| one.get("name").and_then(Value::as_str) == Some(subset))
}

fn object_name(plan: &Plan) -> String {
    format!("DestinationRule {}/{}", plan.target.namespace, plan.target.destination_rule_name())
}

/// Whether the `DestinationRule` defines a subset of that name.
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
    let made = destination_rule
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(SUBSET_ANNOTATION))
        .and_then(Value::as_str);
    if made != Some(&plan.canary) {
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
