//! The pods behind a subset: on a lab that serves models, and on a real API server with pods.

use std::{collections::BTreeMap, time::Duration};

use canary_core::{
    DestinationRule, Plan,
    cluster::{
        Behind, Check, Cluster, Kubernetes, ObjectRef, Outcome, PreflightOptions, Presence, Typed,
        preflight, presence, release_id,
    },
    serving::Workload,
};
use canary_lab::{Lab, model::Scripted};
use canary_tests::apiserver::ApiServer;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::rollouts::APP;

fn workload(version: &str, path: &str, namespace: &str) -> Vec<Value> {
    Workload::new(APP, version).model("model", path).namespace(namespace).objects().unwrap()
}

async fn rule(cluster: &impl Cluster, namespace: &str) -> Value {
    let rule = DestinationRule::subsets(APP, ["lite0", "lite1"]).namespace(namespace);
    cluster.apply_typed(&rule).await.unwrap();
    let rule = ObjectRef::destination_rule(namespace, APP);
    cluster.get(&rule).await.unwrap().unwrap()
}

#[track_caller]
fn missing(presence: &Presence, hopeless: bool, parts: &[&str]) {
    let Presence::Missing { why, hopeless: found } = presence else { panic!("{presence:?}") };
    assert_eq!(*found, hopeless, "{why}");
    for part in parts {
        assert!(why.contains(part), "{part:?} is not in: {why}");
    }
}

#[tokio::test]
async fn the_pods_of_a_lab_are_known_from_its_deployments() {
    let builder = Lab::builder()
        .model("models/lite0", Scripted::new("tabby", 0.9))
        .model("models/lite1", Scripted::new("tabby", 0.9));
    let lab = spawn_blocking(move || {
        let lab = builder.start().unwrap();
        for (version, path) in [("lite0", "models/lite0"), ("lite1", "models/nowhere")] {
            for object in workload(version, path, "default") {
                lab.apply(&object).unwrap();
            }
        }
        lab
    })
    .await
    .unwrap();
    let store = lab.cluster().clone();
    let rule = rule(&store, "default").await;
    let look = async |subset: &str, settled: fn(&Presence) -> bool| {
        let labels = BTreeMap::from([("version".to_owned(), subset.to_owned())]);
        for _ in 0..600 {
            let found = presence(&store, "default", &rule, subset, Some(&labels)).await.unwrap();
            if settled(&found) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{subset} does not settle");
    };
    let hopeless = |found: &Presence| matches!(found, Presence::Missing { hopeless: true, .. });
    assert_eq!(look("lite0", Presence::is_ready).await, Presence::Ready { pods: 1 });
    let found = look("lite1", hopeless).await;
    missing(&found, true, &["Deployment default/image-classifier-lite1", "models/nowhere"]);
    let found = look("lite10", hopeless).await;
    let parts =
        ["has version=lite10", "version=lite0 (1 of 1 ready)", "version=lite1 (0 of 1 ready)"];
    missing(&found, true, &parts);

    let id = async || release_id(&store, "default", &rule, "lite1").await.unwrap().unwrap();
    let before = id().await;
    let lab = spawn_blocking(move || {
        for object in workload("lite1", "models/lite1", "default") {
            lab.apply(&object).unwrap();
        }
        lab
    })
    .await
    .unwrap();
    assert_eq!(look("lite1", Presence::is_ready).await, Presence::Ready { pods: 1 });
    let after = id().await;
    assert_ne!(before, after, "the ConfigMap names another model");
    let scaled = json!([{"op": "replace", "path": "/spec/replicas", "value": 3}]);
    let deployment = ObjectRef::new("apps/v1", "Deployment", "default", "image-classifier-lite1");
    store.patch(&deployment, &serde_json::from_value(scaled).unwrap()).await.unwrap();
    let three = |found: &Presence| *found == Presence::Ready { pods: 3 };
    look("lite1", three).await;
    assert_eq!(id().await, after, "another number of pods");
    spawn_blocking(move || drop(lab)).await.unwrap();
}

/// A pod with the status that a kubelet would write.
pub(crate) async fn pod(
    cluster: &Kubernetes,
    namespace: &str,
    name: &str,
    labels: &Value,
    status: &Value,
) {
    let metadata = json!({"name": name, "namespace": namespace, "labels": labels, "finalizers": ["example.com/kept"]});
    write_pod(cluster, &metadata, status).await;
}

/// The same with other metadata.
pub(crate) async fn write_pod(cluster: &Kubernetes, metadata: &Value, status: &Value) {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": {"containers": [{"name": "server", "image": "none"}]},
    });
    cluster.apply(&pod).await.unwrap();
    let text = |field: &str| metadata[field].as_str().unwrap();
    let (namespace, name) = (text("namespace"), text("name"));
    let path = format!("/api/v1/namespaces/{namespace}/pods/{name}/status");
    let request = http::Request::patch(path)
        .header("content-type", "application/merge-patch+json")
        .body(json!({"status": status}).to_string().into_bytes())
        .unwrap();
    cluster.client().request::<Value>(request).await.unwrap();
}

#[tokio::test]
async fn the_pods_of_a_real_api_server_are_looked_at_themselves() {
    let Some(server) = ApiServer::shared().await else { return };
    let namespace = "presence";
    server.namespace(namespace).await;
    let cluster = server.connect("admin").await.unwrap().force(true);
    let rule = rule(&cluster, namespace).await;
    let look = async || presence(&cluster, namespace, &rule, "lite1", None).await.unwrap();
    let found = look().await;
    assert!(matches!(&found, Presence::Unknown { why } if why.contains("no Service")), "{found}");

    for object in workload("lite0", "models/lite0", namespace) {
        cluster.apply(&object).await.unwrap();
    }
    let labels = |version: &str| json!({"app": APP, "version": version});
    let ready = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    pod(&cluster, namespace, "stable", &labels("lite0"), &ready).await;
    let parts = ["has version=lite1, and no workload creates one", "version=lite0 (1 of 1 ready)"];
    missing(&look().await, true, &parts);

    for object in workload("lite1", "models/lite1", namespace) {
        cluster.apply(&object).await.unwrap();
    }
    let parts = ["Deployment presence/image-classifier-lite1", "has not processed the change yet"];
    missing(&look().await, false, &parts);
    let waiting = json!({"phase": "Pending", "containerStatuses": [{
        "name": "server", "ready": false, "restartCount": 0, "image": "", "imageID": "",
        "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off"}}}]});
    pod(&cluster, namespace, "canary", &labels("lite1"), &waiting).await;
    missing(&look().await, false, &["pod canary: ImagePullBackOff (Back-off); check the image"]);

    let plan = Plan::new(APP, "lite0", "lite1").namespace(namespace);
    let check = async || -> Check {
        let options = PreflightOptions::new("default").plan(&plan);
        let report = preflight(&cluster, &options).await.unwrap();
        report.checks.into_iter().find(|check| check.name == "canary's pods").unwrap()
    };
    let failed = check().await;
    assert_eq!(failed.outcome, Outcome::Fail);
    assert!(
        failed.found.contains("ImagePullBackOff") && failed.remedy.contains("wait"),
        "{failed:?}"
    );

    let running = json!({"phase": "Running", "containerStatuses": null,
        "conditions": [{"type": "Ready", "status": "True"}]});
    pod(&cluster, namespace, "canary", &labels("lite1"), &running).await;
    assert_eq!(look().await, Presence::Ready { pods: 1 });
    let passed = check().await;
    assert_eq!((passed.outcome, passed.found.as_str()), (Outcome::Pass, "1 pod ready"));

    let canary = ObjectRef::new("v1", "Pod", namespace, "canary");
    assert!(cluster.delete(&canary).await.unwrap());
    missing(&look().await, false, &["Deployment presence/image-classifier-lite1"]);
}

#[tokio::test]
async fn a_release_on_a_real_api_server_is_known_by_its_templates() {
    let Some(server) = ApiServer::shared().await else { return };
    let namespace = "release-id";
    server.namespace(namespace).await;
    let cluster = server.connect("admin").await.unwrap().force(true);
    let rule = rule(&cluster, namespace).await;
    let id = async || release_id(&cluster, namespace, &rule, "lite1").await.unwrap();
    assert_eq!(id().await, None);
    let apply = async |path: &str, image: &str| {
        let workload = Workload::new(APP, "lite1").model("model", path).image(image);
        for object in workload.namespace(namespace).objects().unwrap() {
            cluster.apply(&object).await.unwrap();
        }
    };
    apply("models/lite1", "serving:1").await;
    let first = id().await.unwrap();
    apply("models/other", "serving:1").await;
    let other = id().await.unwrap();
    apply("models/lite1", "serving:2").await;
    assert!(first != other && ![first.clone(), other].contains(&id().await.unwrap()));
    apply("models/lite1", "serving:1").await;
    assert_eq!(id().await.as_ref(), Some(&first), "back where it was");

    let deployment = ObjectRef::new("apps/v1", "Deployment", namespace, "image-classifier-lite1");
    let restart = json!([
        {"op": "replace", "path": "/spec/replicas", "value": 5},
        {"op": "add", "path": "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt",
         "value": "2026-01-01T00:00:00Z"},
    ]);
    cluster.patch(&deployment, &serde_json::from_value(restart).unwrap()).await.unwrap();
    let mut behind = Behind::find(&cluster, namespace, &rule, "lite1", None).await.unwrap();
    assert_eq!(behind.release_id().await.unwrap(), Some(first), "scaled and restarted");
}
