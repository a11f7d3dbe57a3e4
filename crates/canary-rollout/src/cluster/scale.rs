//! The `scale` subresource of an object, for stores without one.

use json_patch::{Patch, PatchErrorKind};
use serde_json::{Value, json};

use super::{ObjectRef, precondition::failed_tests};
use crate::{Error, Result, json::resource_version};

/// Kinds of `apps/v1` that have replicas.
const SCALED: &[&str] = &["Deployment", "ReplicaSet", "StatefulSet"];

/// The patch of an object that is equivalent to a patch of its `scale` subresource: for an implementation of
/// [`Cluster::patch_scale`](super::Cluster::patch_scale) over a store that keeps whole objects. It is pinned to the
/// version of `live`.
///
/// # Errors
/// [`Error::Unserved`] when the kind has no replicas, [`Error::Conflict`] when a `test` does not hold, and
/// [`Error::Istio`] when the patch does not fit a `Scale`.
///
/// ```
/// use canary_core::cluster::scale_patch;
/// use serde_json::json;
///
/// let live = json!({
///     "apiVersion": "apps/v1", "kind": "Deployment",
///     "metadata": {"name": "resnet50", "namespace": "models", "uid": "7f3a", "resourceVersion": "5"},
///     "spec": {"replicas": 3},
/// });
/// let to_zero = json!([{"op": "replace", "path": "/spec/replicas", "value": 0}]);
/// let patch = scale_patch(&live, &serde_json::from_value(to_zero).unwrap())?;
/// let expected = json!([
///     {"op": "test", "path": "/metadata/resourceVersion", "value": "5"},
///     {"op": "add", "path": "/spec/replicas", "value": 0},
/// ]);
/// assert_eq!(serde_json::to_value(&patch).unwrap(), expected);
/// # Ok::<(), canary_core::Error>(())
/// ```
pub fn scale_patch(live: &Value, patch: &Patch) -> Result<Patch> {
    let object = ObjectRef::of(live)?;
    if !SCALED.contains(&object.kind.as_str()) {
        return Err(Error::Unserved {
            action: format!("scale {object}"),
            reason: format!("objects of the kind {} have no replicas", object.kind),
        });
    }
    let invalid =
        |reason: String| Error::manifest(format!("patch of the scale of {object}"), reason);
    let before = scale_of(live);
    let mut scale = before.clone();
    if let Err(error) = json_patch::patch(&mut scale, patch) {
        return Err(match (&error.kind, failed_tests(&before, patch)) {
            (_, Some(diff)) => Error::conflict(object.to_string(), diff),
            (PatchErrorKind::TestFailed, None) => {
                Error::conflict(object.to_string(), error.to_string())
            }
            (_, None) => invalid(error.to_string()),
        });
    }
    let replicas = scale["spec"]["replicas"].as_u64().filter(|count| i32::try_from(*count).is_ok());
    let Some(replicas) = replicas else {
        let found = &scale["spec"]["replicas"];
        return Err(invalid(format!("spec.replicas: expected a number of pods, found {found}")));
    };
    let mut operations = Vec::new();
    if let Some(version) = resource_version(live) {
        operations
            .push(json!({"op": "test", "path": "/metadata/resourceVersion", "value": version}));
    }
    operations.push(json!({"op": "add", "path": "/spec/replicas", "value": replicas}));
    serde_json::from_value(operations.into()).map_err(|error| invalid(error.to_string()))
}

/// The `Scale` of an object, as the API server shows it: the answer of
/// [`Cluster::patch_scale`](super::Cluster::patch_scale).
///
/// ```
/// use canary_core::cluster::scale_of;
/// use serde_json::json;
///
/// let scale = scale_of(&json!({"metadata": {"name": "resnet50", "uid": "7f3a"}, "spec": {"replicas": 3}}));
/// assert_eq!((&scale["kind"], &scale["spec"]["replicas"]), (&json!("Scale"), &json!(3)));
/// ```
pub fn scale_of(object: &Value) -> Value {
    let mut metadata = json!({});
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object["metadata"].get(field) {
            metadata[field] = value.clone();
        }
    }
    json!({
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": metadata,
        // An absent number is 1, as the API server defaults it.
        "spec": {"replicas": object["spec"]["replicas"].as_u64().unwrap_or(1)},
        "status": {"replicas": object["status"]["replicas"].as_u64().unwrap_or(0)},
    })
}
