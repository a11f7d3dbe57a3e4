//! Preflight and readiness against a real Kubernetes API server.

use std::time::Duration;

use canary_core::{
    cluster::{
        Cluster, Kubernetes, ObjectRef, Outcome, Preflight, PreflightOptions, preflight, wait_ready,
    },
    serving::Workload,
};
use canary_tests::apiserver::ApiServer;
use serde_json::{Value, json};

/// Writes the status of an object, as a controller would.
async fn write_status(cluster: &Kubernetes, object: &ObjectRef, plural: &str, status: Value) {
    let group = if object.api_version.contains('/') { "apis" } else { "api" };
    let path = format!(
        "/{group}/{}/namespaces/{}/{plural}/{}/status",
        object.api_version, object.namespace, object.name
    );
    let request = http::Request::patch(path)
        .header("content-type", "application/merge-patch+json")
        .body(json!({"status": status}).to_string().into_bytes())
        .unwrap();
    cluster.client().request::<Value>(request).await.unwrap();
}

fn deployment(namespace: &str, name: &str, labels: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "main", "image": "none"}]},
        }},
    })
}

#[tokio::test]
async fn preflight_says_what_is_missing_and_then_that_all_is_there() {
    let Some(server) = ApiServer::start().await else { return };
    let cluster = server.connect("admin").await.unwrap();
    let workload = Workload::new("image-classifier", "resnet50").model("m", "/models/m");
    let options = PreflightOptions::new("default").workload(workload);

    let bare = preflight(&cluster, &options).await.unwrap();
    assert!(!bare.is_ready());
    let outcome = |report: &Preflight, name: &str| {
        report.checks.iter().find(|check| check.name == name).unwrap().outcome
    };
    assert_eq!(outcome(&bare, "API server"), Outcome::Pass);
    assert_eq!(outcome(&bare, "Istio's definitions"), Outcome::Pass);
    assert_eq!(outcome(&bare, "control plane"), Outcome::Fail);
    assert_eq!(outcome(&bare, "gateway's address"), Outcome::Fail);
    assert_eq!(outcome(&bare, "sidecar injection"), Outcome::Warn);
    assert!(
        bare.checks.iter().all(|c| c.outcome == Outcome::Pass || !c.remedy.is_empty()),
        "{bare}"
    );

    // What istioctl would install, as far as it can be seen from outside.
    let namespace = |name: &str, labels: Value| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
    cluster.apply(&namespace("istio-system", json!({}))).await.unwrap();
    cluster.apply(&namespace("default", json!({"istio-injection": "enabled"}))).await.unwrap();
    for (name, labels) in [
        ("istiod", json!({"app": "istiod"})),
        ("istio-ingressgateway", json!({"app": "istio-ingressgateway", "istio": "ingressgateway"})),
    ] {
        cluster.apply(&deployment("istio-system", name, &labels)).await.unwrap();
        let object = ObjectRef::new("apps/v1", "Deployment", "istio-system", name);
        let status = json!({"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "updatedReplicas": 1, "observedGeneration": 1});
        write_status(&cluster, &object, "deployments", status).await;
    }
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "istio-ingressgateway", "namespace": "istio-system"},
        "spec": {"type": "LoadBalancer", "selector": {"istio": "ingressgateway"},
            "ports": [{"name": "http2", "port": 80, "targetPort": 8080}]},
    });
    cluster.apply(&service).await.unwrap();
    let object = ObjectRef::new("v1", "Service", "istio-system", "istio-ingressgateway");
    let status = json!({"loadBalancer": {"ingress": [{"ip": "34.1.2.3"}]}});
    write_status(&cluster, &object, "services", status).await;

    let report = preflight(&cluster, &options).await.unwrap();
    assert!(report.checks.iter().all(|check| check.outcome == Outcome::Pass), "{report}");
    assert!(report.to_string().contains("http://34.1.2.3"), "{report}");

    // An account without permissions is told which verbs it lacks; what it may not read is unknown.
    let driver = server.connect("driver").await.unwrap();
    let report = preflight(&driver, &options).await.unwrap();
    let permissions = report.checks.iter().find(|check| check.name == "permissions").unwrap();
    assert_eq!(permissions.outcome, Outcome::Fail);
    assert!(permissions.found.contains("patch virtualservices"), "{report}");
    assert_eq!(outcome(&report, "control plane"), Outcome::Unknown);
}

#[tokio::test]
async fn waiting_for_a_deployment_tells_why_its_pods_are_not_ready() {
    let Some(server) = ApiServer::start().await else { return };
    let cluster = server.connect("admin").await.unwrap();
    let workload = Workload::new("image-classifier", "resnet50").model("m", "/models/m");
    for object in workload.objects().unwrap() {
        cluster.apply(&object).await.unwrap();
    }
    let labels = json!({"app": "image-classifier", "version": "resnet50"});
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "p1", "namespace": "default", "labels": labels},
        "spec": {"containers": [{"name": "tf-serving", "image": "tensorflow/servin"}]},
    });
    cluster.apply(&pod).await.unwrap();
    let pod = ObjectRef::new("v1", "Pod", "default", "p1");
    let waiting = json!({"containerStatuses": [{
        "name": "tf-serving", "ready": false, "restartCount": 0, "image": "", "imageID": "",
        "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}},
    }]});
    write_status(&cluster, &pod, "pods", waiting).await;

    let name = workload.deployment_name();
    let mut seen = Vec::new();
    let error = wait_ready(&cluster, "default", &name, Duration::from_secs(1), |state| {
        seen.push(state.to_string());
    })
    .await
    .unwrap_err()
    .to_string();
    assert!(error.contains("0 of 1 pods ready"), "{error}");
    assert!(error.contains("ImagePullBackOff") && error.contains("check the image"), "{error}");
    assert!(!seen.is_empty());

    let target = ObjectRef::new("apps/v1", "Deployment", "default", &name);
    let ready = json!({"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "updatedReplicas": 1, "observedGeneration": 1});
    write_status(&cluster, &target, "deployments", ready).await;
    let state =
        wait_ready(&cluster, "default", &name, Duration::from_secs(5), |_| {}).await.unwrap();
    assert!(state.is_ready());
}
