//! Notices as Events on the VirtualService of a cluster in memory.

use canary_lab::store::Store;
use canary_notify::Notifier;
use canary_rollout::cluster::{Cluster, ObjectRef};
use serde_json::json;

use crate::support::{FOREVER, notices, verdict};

async fn cluster() -> Store {
    let store = Store::new();
    let routes = json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "pets", "namespace": "models"},
        "spec": {"hosts": ["pets"], "http": [{"route": [{"destination": {"host": "pets"}}]}]},
    });
    store.apply(&routes).await.unwrap();
    store
}

#[tokio::test]
async fn each_notice_is_an_event_on_the_virtual_service() {
    let store = cluster().await;
    let object = ObjectRef::virtual_service("models", "pets");
    let routes = store.get(&object).await.unwrap().unwrap();
    let notifier = Notifier::spawn([]).unwrap().events(store.clone());
    for notice in notices() {
        notifier.notice(&notice);
    }
    // The same notice again is the same Event.
    notifier.notice(&verdict());
    assert_eq!(notifier.finish(FOREVER).await, []);
    let events = store.list("v1", "Event", Some("models")).await.unwrap();
    assert_eq!(events.len(), notices().len());
    for event in &events {
        assert_eq!(
            event["involvedObject"],
            json!({
                "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
                "namespace": "models", "name": "pets", "uid": routes["metadata"]["uid"],
            })
        );
    }
    let of = |reason: &str| events.iter().find(|event| event["reason"] == reason).unwrap();
    assert_eq!(of("RolloutStep")["message"], "v1 → v2: step 0: weights 90/10");
    assert_eq!(of("RolloutStep")["type"], "Normal");
    assert_eq!(of("RolloutInconclusive")["type"], "Warning");
    let message = of("RolloutInconclusive")["message"].as_str().unwrap();
    assert!(message.starts_with("v1 → v2: inconclusive: "), "{message}");
    assert_eq!(store.get(&object).await.unwrap().unwrap(), routes, "the object itself stays");
}
