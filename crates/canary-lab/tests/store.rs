//! The store keeps the promises of the `Cluster` contract.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
};

use canary_core::{
    cluster::{Cluster, ObjectRef, Patch, WatchEvent},
    rollout::Error,
};
use canary_lab::store::Store;
use futures_core::Stream;
use serde_json::{Value, json};

fn virtual_service(stable: i64, canary: i64) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "image-classifier"},
        "spec": {"hosts": ["*"], "gateways": ["gateway"], "http": [{"route": [
            {"destination": {"host": "image-classifier", "subset": "stable"}, "weight": stable},
            {"destination": {"host": "image-classifier", "subset": "canary"}, "weight": canary},
        ]}]},
    })
}

fn patch(operations: Value) -> Patch {
    serde_json::from_value(operations).unwrap()
}

fn object() -> ObjectRef {
    ObjectRef::virtual_service("default", "image-classifier")
}

async fn next<S: Stream<Item = canary_core::rollout::Result<WatchEvent>>>(
    stream: &mut Pin<&mut S>,
) -> WatchEvent {
    poll_fn(|context| stream.as_mut().poll_next(context)).await.unwrap().unwrap()
}

#[tokio::test]
async fn writes_change_versions_and_only_changes_of_the_spec_change_the_generation() {
    let store = Store::new();
    let made = store.apply(&virtual_service(100, 0)).await.unwrap();
    assert_eq!(made["metadata"]["generation"], 1);
    assert!(made["metadata"]["creationTimestamp"].as_str().unwrap().ends_with('Z'));
    let same = store.apply(&virtual_service(100, 0)).await.unwrap();
    assert_eq!(same["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
    let weight = json!([{"op": "replace", "path": "/spec/http/0/route/1/weight", "value": 5}]);
    let changed = store.patch(&object(), &patch(weight)).await.unwrap();
    assert_eq!(changed["metadata"]["generation"], 2);
    assert_ne!(changed["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
    let note = json!([{"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}}]);
    let noted = store.patch(&object(), &patch(note)).await.unwrap();
    assert_eq!(noted["metadata"]["generation"], 2);
    assert_eq!(noted["metadata"]["uid"], made["metadata"]["uid"]);
}

#[tokio::test]
async fn a_patch_whose_test_fails_changes_nothing() {
    let store = Store::new();
    let made = store.apply(&virtual_service(90, 10)).await.unwrap();
    let stale = json!([
        {"op": "replace", "path": "/spec/http/0/route/0/weight", "value": 0},
        {"op": "test", "path": "/spec/http/0/route/1/weight", "value": 20},
    ]);
    let error = store.patch(&object(), &patch(stale)).await.unwrap_err();
    let Error::Conflict { object: named, diff, .. } = error else { panic!("{error}") };
    assert_eq!(named, "VirtualService default/image-classifier");
    assert!(diff.contains("spec.http[0].route[1].weight: expected 20, found 10"), "{diff}");
    assert_eq!(store.get(&object()).await.unwrap().unwrap(), made);
    let missing = json!([{"op": "remove", "path": "/spec/http/7"}]);
    let error = store.patch(&object(), &patch(missing)).await.unwrap_err();
    assert!(matches!(error, Error::Cluster { retryable: false, .. }), "{error}");
    let other = ObjectRef::virtual_service("default", "other");
    let error = store.patch(&other, &patch(json!([]))).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn a_field_of_another_manager_is_a_conflict_unless_forced() {
    let store = Store::new();
    store.apply(&virtual_service(100, 0)).await.unwrap();
    let other = store.clone().field_manager("argocd");
    let error = other.apply(&virtual_service(50, 50)).await.unwrap_err();
    let Error::Conflict { diff, .. } = &error else { panic!("{error}") };
    assert!(diff.starts_with("spec.http: canary owns it, found [{"), "{diff}");
    let taken = other.force(true).apply(&virtual_service(50, 50)).await.unwrap();
    assert_eq!(taken["spec"]["http"][0]["route"][1]["weight"], 50);
    let error = store.apply(&virtual_service(100, 0)).await.unwrap_err();
    assert!(matches!(error, Error::Conflict { .. }), "{error}");
}

#[tokio::test]
async fn fields_no_longer_stated_go_and_those_of_others_stay() {
    let map = |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": data});
    let store = Store::new();
    store.apply(&map(json!({"a": "1", "b": "2"}))).await.unwrap();
    store.clone().field_manager("other").apply(&map(json!({"c": "3"}))).await.unwrap();
    let left = store.apply(&map(json!({"a": "1"}))).await.unwrap();
    assert_eq!(left["data"], json!({"a": "1", "c": "3"}));
    let managers: Vec<&str> = left["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["manager"].as_str().unwrap())
        .collect();
    assert_eq!(managers, ["canary", "other"]);
}

#[tokio::test]
async fn a_watch_begins_with_the_present_and_misses_nothing() {
    let store = Store::new();
    let mut before = pin!(store.watch(&object()));
    store.apply(&virtual_service(100, 0)).await.unwrap();
    let mut watch = pin!(store.watch(&object()));
    let weights = |event: WatchEvent| match event {
        WatchEvent::Applied(object) => object["spec"]["http"][0]["route"][1]["weight"].clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(weights(next(&mut before).await), 0);
    for weight in 1..50 {
        let set =
            json!([{"op": "replace", "path": "/spec/http/0/route/1/weight", "value": weight}]);
        store.patch(&object(), &patch(set)).await.unwrap();
    }
    store
        .apply(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}}))
        .await
        .unwrap();
    assert!(store.delete(&object()).await.unwrap());
    assert!(!store.delete(&object()).await.unwrap());
    for weight in 0..50 {
        assert_eq!(weights(next(&mut watch).await), weight);
    }
    assert!(matches!(next(&mut watch).await, WatchEvent::Deleted(_)));
}

#[tokio::test]
async fn stale_versions_and_impossible_objects_are_refused() {
    let store = Store::new();
    let made = store.apply(&virtual_service(100, 0)).await.unwrap();
    store.apply(&virtual_service(90, 10)).await.unwrap();
    let mut stale = virtual_service(0, 100);
    stale["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"].clone();
    let error = store.apply(&stale).await.unwrap_err();
    assert!(error.to_string().contains("metadata.resourceVersion"), "{error}");
    let mut wrong = virtual_service(100, 0);
    wrong["metadata"]["name"] = "other".into();
    wrong["spec"]["http"][0]["rout"] = json!([]);
    let error = store.apply(&wrong).await.unwrap_err().to_string();
    assert!(error.contains("spec.http[0].rout"), "{error}");
    wrong["spec"]["http"][0] = json!({"route": [{"destination": {"host": "a"}, "weight": "many"}]});
    let error = store.apply(&wrong).await.unwrap_err().to_string();
    assert!(error.contains("VirtualService default/other") && error.contains("many"), "{error}");
    wrong = virtual_service(100, 0);
    wrong["metadata"]["name"] = "Not A Name".into();
    assert!(store.apply(&wrong).await.unwrap_err().to_string().contains("metadata.name"));
    let listed = store.list("networking.istio.io/v1beta1", "VirtualService", None).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["apiVersion"], "networking.istio.io/v1beta1");
}
