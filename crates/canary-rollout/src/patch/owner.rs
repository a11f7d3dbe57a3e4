//! Other controllers that change weights, whose objects a rollout does not change.

use serde_json::Value;

/// The controller that owns a route, in words, when it is one that changes weights itself.
///
/// Flagger makes the object and sets a controller owner reference to its `Canary`
/// (`flagger.app/v1beta1`); Argo Rollouts changes an object of the user's and marks it as its own with the label
/// or annotation `rollouts.argoproj.io/…`, or with a field manager of that name; KServe makes the routes of an
/// `InferenceService` and writes the weights that this one states.
/// Sources: <https://docs.flagger.app/usage/how-it-works>,
/// <https://argo-rollouts.readthedocs.io/en/stable/features/traffic-management/istio/>.
///
/// ```
/// use canary_core::rollout::patch::foreign_controller;
/// use serde_json::json;
///
/// let theirs = json!({"metadata": {"ownerReferences": [
///     {"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": "podinfo"}]}});
/// assert_eq!(foreign_controller(&theirs).as_deref(), Some("Flagger (Canary podinfo)"));
/// assert_eq!(foreign_controller(&json!({"metadata": {}})), None);
/// ```
pub fn foreign_controller(object: &Value) -> Option<String> {
    by_owner(object).or_else(|| by_mark(object)).or_else(|| by_manager(object))
}

fn controller(text: &str) -> Option<&'static str> {
    if text.contains("flagger") {
        Some("Flagger")
    } else if text.contains("argoproj.io") || text.contains("argo-rollouts") {
        Some("Argo Rollouts")
    } else {
        None
    }
}

fn by_owner(object: &Value) -> Option<String> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    owners.iter().find_map(|owner| {
        let text = |field: &str| owner.get(field).and_then(Value::as_str).unwrap_or_default();
        let who = match (text("apiVersion"), text("kind")) {
            (api, "Canary") if api.starts_with("flagger.app/") => "Flagger",
            (api, "Rollout") if api.starts_with("argoproj.io/") => "Argo Rollouts",
            (api, "InferenceService") if api.starts_with("serving.kserve.io/") => "KServe",
            _ => return None,
        };
        Some(format!("{who} ({} {})", text("kind"), text("name")))
    })
}

fn by_mark(object: &Value) -> Option<String> {
    ["/metadata/labels", "/metadata/annotations"].iter().find_map(|pointer| {
        object.pointer(pointer)?.as_object()?.iter().find_map(|(key, value)| {
            let who = match key.as_str() {
                key if key.starts_with("rollouts.argoproj.io/") => "Argo Rollouts",
                key if key.starts_with("flagger.app/") => "Flagger",
                "app.kubernetes.io/managed-by" => controller(value.as_str()?)?,
                _ => return None,
            };
            Some(format!("{who} ({key})"))
        })
    })
}

/// A controller that has ever written the object's spec.
fn by_manager(object: &Value) -> Option<String> {
    let managers = object.pointer("/metadata/managedFields")?.as_array()?;
    managers.iter().find_map(|entry| {
        let manager = entry.get("manager")?.as_str()?;
        let who = match manager {
            "rollouts-controller" | "argo-rollouts" => "Argo Rollouts",
            "flagger" => "Flagger",
            _ => return None,
        };
        entry.pointer("/fieldsV1/f:spec")?;
        Some(format!("{who} (field manager {manager})"))
    })
}
