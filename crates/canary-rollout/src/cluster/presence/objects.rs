//! Fields of pods and of the workloads that create them.

use serde_json::Value;

use super::super::ObjectRef;
use crate::json::{list, text};

/// The labels of an object.
pub(crate) fn labels(object: &Value) -> Option<&Value> {
    object.pointer("/metadata/labels")
}

/// The template of a workload's pods.
pub(crate) fn template(workload: &Value) -> Option<&Value> {
    workload.pointer("/spec/template")
}

/// The labels of a workload's pods.
pub(crate) fn template_labels(workload: &Value) -> Option<&Value> {
    workload.pointer("/spec/template/metadata/labels")
}

/// An object's name.
pub(crate) fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// An object's kind, namespace and name.
pub(crate) fn title(object: &Value) -> String {
    ObjectRef::of(object).map_or_else(|_| name(object).to_owned(), |object| object.to_string())
}

/// Returns `true` when a pod is being deleted.
pub(super) fn is_terminating(pod: &Value) -> bool {
    pod.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null())
}

/// Returns `true` when a pod serves or may come to serve: it is not being deleted and has not ended.
pub(crate) fn is_live(pod: &Value) -> bool {
    !is_terminating(pod) && !matches!(phase(pod), "Failed" | "Succeeded")
}

/// The phase of a pod's life.
pub(super) fn phase(pod: &Value) -> &str {
    text(pod, "/status/phase")
}

/// Returns `true` when a pod receives requests.
pub(super) fn is_ready(pod: &Value) -> bool {
    is_live(pod) && condition(pod, "Ready").is_some_and(|ready| ready["status"] == "True")
}

/// A condition of an object's status.
pub(super) fn condition<'o>(object: &'o Value, kind: &str) -> Option<&'o Value> {
    list(object, "/status/conditions").iter().find(|condition| condition["type"] == kind)
}

/// The controller of a pod without the digest of its template, and that digest: `pets-v2` and `7d9f8`.
pub(crate) fn template_of(pod: &Value) -> Option<(&str, &str)> {
    let labels = labels(pod)?;
    let digest = ["pod-template-hash", "controller-revision-hash"]
        .iter()
        .find_map(|key| labels.get(*key)?.as_str())?;
    let owner = list(pod, "/metadata/ownerReferences")
        .iter()
        .find(|owner| owner["controller"] == true)?
        .get("name")?
        .as_str()?;
    let bare = owner.strip_suffix(digest).and_then(|owner| owner.strip_suffix('-'));
    Some((bare.unwrap_or(owner), digest))
}

/// The number of pods that a workload wants.
pub(crate) fn wanted(workload: &Value) -> u64 {
    workload.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1)
}

/// Returns `true` when the status of a workload describes its present template.
pub(super) fn is_observed(workload: &Value) -> bool {
    let number = |pointer: &str| workload.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
    number("/status/observedGeneration") >= number("/metadata/generation")
}

/// The number of a workload's pods that are ready, by its status.
pub(super) fn ready_replicas(workload: &Value) -> usize {
    let ready = workload.pointer("/status/readyReplicas").and_then(Value::as_u64).unwrap_or(0);
    if is_observed(workload) { usize::try_from(ready).unwrap_or(usize::MAX) } else { 0 }
}
