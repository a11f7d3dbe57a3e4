//! The scale of an object, which every store must keep as the API server does: on the lab's store, on its Kubernetes API
//! and on a real API server.

use canary_core::{
    cluster::{Cluster, ObjectRef, Patch},
    rollout::Error,
};
use serde_json::{Value, json};

use crate::backend::{Backend, on_each};

on_each!(a_scale_is_patched_with_its_preconditions, what_has_no_replicas_is_not_scaled);

fn patch(operations: &Value) -> Patch {
    serde_json::from_value(operations.clone()).unwrap()
}

fn of(namespace: &str) -> ObjectRef {
    ObjectRef::virtual_service(namespace, "pets")
}

fn routes(namespace: &str) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "pets", "namespace": namespace},
        "spec": {"hosts": ["pets"], "http": [{"route": [{"destination": {"host": "pets"}}]}]},
    })
}

/// A Deployment with three replicas.
fn deployment(namespace: &str) -> Value {
    let labels = json!({"app": "image-classifier", "version": "resnet50"});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "resnet50", "namespace": namespace},
        "spec": {"replicas": 3, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "none"}]}}},
    })
}

async fn a_scale_is_patched_with_its_preconditions(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    let object = ObjectRef::new("apps/v1", "Deployment", space, "resnet50");
    let to_zero = |metadata: &Value| {
        patch(&json!([
            {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
            {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
            {"op": "replace", "path": "/spec/replicas", "value": 0},
        ]))
    };
    let nothing = json!({"uid": "u", "resourceVersion": "1"});
    let error = cluster.patch_scale(&object, &to_zero(&nothing)).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error:?}");

    let mut before = cluster.apply(&deployment(space)).await.unwrap();
    // Where Deployments run, their status is written meanwhile.
    let scale = loop {
        match cluster.patch_scale(&object, &to_zero(&before["metadata"])).await {
            Err(Error::Conflict { .. }) => before = cluster.get(&object).await.unwrap().unwrap(),
            patched => break patched.unwrap(),
        }
    };
    assert_eq!((&scale["kind"], &scale["metadata"]["name"]), (&json!("Scale"), &json!("resnet50")));
    assert_eq!(scale["spec"]["replicas"].as_u64().unwrap_or(0), 0);
    let after = cluster.get(&object).await.unwrap().unwrap();
    assert_eq!(after["spec"]["replicas"], 0);
    assert_eq!(after["spec"]["template"], before["spec"]["template"]);
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
    assert_ne!(after["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"]);

    // The version has changed, and another object has another uid.
    let other = json!({"uid": "another", "resourceVersion": after["metadata"]["resourceVersion"]});
    for stale in [&before["metadata"], &other] {
        let refused = cluster.patch_scale(&object, &to_zero(stale)).await.unwrap_err();
        assert!(
            matches!(&refused, Error::Conflict { object: of, .. } if *of == object.to_string()),
            "{refused:?}"
        );
    }
    let negative = patch(&json!([{"op": "replace", "path": "/spec/replicas", "value": -1}]));
    let error = cluster.patch_scale(&object, &negative).await.unwrap_err();
    assert!(!matches!(error, Error::Conflict { .. }) && !error.is_retryable(), "{error:?}");
    assert_eq!(cluster.get(&object).await.unwrap().unwrap()["spec"], after["spec"]);
}

async fn what_has_no_replicas_is_not_scaled(backend: &impl Backend) {
    let (cluster, space) = (backend.canary(), backend.namespace());
    let made = cluster.apply(&routes(space)).await.unwrap();
    let one = patch(&json!([{"op": "replace", "path": "/spec/replicas", "value": 1}]));
    let error = cluster.patch_scale(&of(space), &one).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. } | Error::Unserved { .. }), "{error:?}");
    assert_eq!(cluster.get(&of(space)).await.unwrap(), Some(made));
}
