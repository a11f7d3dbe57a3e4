//! Every call of the `Cluster` contract against a real Kubernetes API server.

use canary_core::{
    Error,
    cluster::{Cluster, ObjectRef, Patch, WatchEvent},
};
use canary_tests::apiserver::ApiServer;
use futures_util::StreamExt;
use serde_json::{Value, json};

fn split(stable: i64, canary: i64) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "image-classifier", "namespace": "default"},
        "spec": {"hosts": ["*"], "gateways": ["image-classifier-gateway"], "http": [{"route": [
            {"destination": {"host": "image-classifier", "subset": "resnet50"}, "weight": stable},
            {"destination": {"host": "image-classifier", "subset": "resnet101"}, "weight": canary},
        ]}]},
    })
}

fn patch(operations: Value) -> Patch {
    serde_json::from_value(operations).unwrap()
}

#[tokio::test]
async fn a_real_api_server_keeps_the_contract() {
    let Some(server) = ApiServer::start().await else { return };
    let cluster = server.connect("admin").await.unwrap();
    let target = ObjectRef::virtual_service("default", "image-classifier");

    // Absent, then applied, then read back.
    assert_eq!(cluster.get(&target).await.unwrap(), None);
    let mut events = Box::pin(cluster.watch(&target));
    let first = cluster.apply(&split(100, 0)).await.unwrap();
    let WatchEvent::Applied(seen) = events.next().await.unwrap().unwrap() else {
        panic!("the first event is not the object");
    };
    assert_eq!(seen["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    assert_eq!(first["spec"], split(100, 0)["spec"]);

    // A patch whose tests hold changes the weights; one whose tests do not hold changes nothing.
    let version = first["metadata"]["resourceVersion"].clone();
    let weights = json!([
        {"op": "test", "path": "/metadata/resourceVersion", "value": version},
        {"op": "test", "path": "/spec/http/0/route/1/weight", "value": 0},
        {"op": "replace", "path": "/spec/http/0/route/0/weight", "value": 70},
        {"op": "replace", "path": "/spec/http/0/route/1/weight", "value": 30},
    ]);
    let second = cluster.patch(&target, &patch(weights.clone())).await.unwrap();
    assert_eq!(second["spec"], split(70, 30)["spec"]);
    let refused = cluster.patch(&target, &patch(weights)).await.unwrap_err();
    assert!(matches!(refused, Error::Conflict { .. }), "{refused:?}");
    assert_eq!(cluster.get(&target).await.unwrap().unwrap(), second);
    let WatchEvent::Applied(seen) = events.next().await.unwrap().unwrap() else {
        panic!("the second event is not the object");
    };
    assert_eq!(seen["spec"], split(70, 30)["spec"]);

    // Another field manager's fields are named in the conflict.
    let other = server.connect("admin").await.unwrap().field_manager("gitops");
    let conflict = other.apply(&split(50, 50)).await.unwrap_err().to_string();
    assert!(conflict.contains("VirtualService default/image-classifier"), "{conflict}");
    assert!(conflict.contains("weight") || conflict.contains("http"), "{conflict}");
    other.clone().force(true).apply(&split(50, 50)).await.unwrap();

    // What the schema forbids is a finding with its path.
    let mut invalid = split(100, 0);
    invalid["spec"]["http"][0]["timeout"] = json!("0s");
    let Error::Invalid(findings) = cluster.clone().force(true).apply(&invalid).await.unwrap_err()
    else {
        panic!("a timeout of 0s was admitted");
    };
    assert_eq!(findings.0[0].path, "spec.http[0].timeout");
    let mut unknown = split(100, 0);
    unknown["spec"]["http"][0]["timeuot"] = json!("1s");
    let unknown = cluster.clone().force(true).apply(&unknown).await.unwrap_err().to_string();
    assert!(unknown.contains("timeuot"), "{unknown}");

    // Deleted once, and a second time without an error.
    assert!(cluster.delete(&target).await.unwrap());
    assert!(!cluster.delete(&target).await.unwrap());
    loop {
        if let WatchEvent::Deleted(_) = events.next().await.unwrap().unwrap() {
            break;
        }
    }
    assert_eq!(
        cluster.list("networking.istio.io/v1", "VirtualService", None).await.unwrap(),
        Vec::<Value>::new()
    );
}

#[tokio::test]
async fn a_missing_permission_names_the_verb() {
    let Some(server) = ApiServer::start().await else { return };
    let cluster = server.connect("driver").await.unwrap();
    let target = ObjectRef::virtual_service("default", "image-classifier");
    let error = cluster.get(&target).await.unwrap_err().to_string();
    assert!(error.contains("grant the verb \"get\" on virtualservices"), "{error}");
    let error = cluster.delete(&target).await.unwrap_err().to_string();
    assert!(error.contains("grant the verb \"delete\" on virtualservices"), "{error}");
}
