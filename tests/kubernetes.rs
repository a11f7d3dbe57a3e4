//! Preflight and readiness against a real Kubernetes API server.

use std::time::Duration;

use canary_core::{
    cluster::{
        Cluster, Kubernetes, ObjectRef, Outcome, Preflight, PreflightOptions, Reach,
        gateway_addresses, preflight, readiness, wait_ready,
    },
    rollout::Error,
    serving::Workload,
};
use canary_tests::apiserver::ApiServer;
use serde_json::{Value, json};

/// Writes the status of an object, as a controller would.
pub(crate) async fn write_status(
    cluster: &Kubernetes,
    object: &ObjectRef,
    plural: &str,
    status: Value,
) {
    let group = if object.api_version.contains('/') { "apis" } else { "api" };
    let path = format!(
        "/{group}/{}/namespaces/{}/{plural}/{}",
        object.api_version, object.namespace, object.name
    );
    canary_tests::status::write_status(cluster, &path, status).await.unwrap();
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

    // The objects that istioctl would install, as far as they are visible from outside.
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

    // An account without permissions gets the verbs that it lacks; objects that it may not read are unknown.
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

/// Every address of the gateway that a Gateway object configures, best first, out of real objects.
#[tokio::test]
async fn the_gateway_is_found_behind_several_services() {
    let Some(server) = ApiServer::shared().await else { return };
    let space = "discovery";
    server.namespace(space).await;
    let cluster = server.connect("admin").await.unwrap();
    let gateway = canary_core::Gateway::http("main", 80, ["*"]).namespace(space);
    let mut gateway = serde_json::to_value(gateway).unwrap();
    gateway["spec"]["selector"] = json!({"istio": "discovered"});
    cluster.apply(&gateway).await.unwrap();
    let missing = gateway_addresses(&cluster, space, "main").await.unwrap_err();
    assert!(
        matches!(&missing, Error::NotFound { help, .. } if help.contains("install")),
        "{missing}"
    );

    let service = |name: &str, kind: &str, port: u16| {
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": space},
            "spec": {"type": kind, "selector": {"istio": "discovered", "app": name},
                "ports": [{"name": "status-port", "port": 15021}, {"name": "http2", "port": port, "targetPort": 8080}]},
        })
    };
    for (name, kind, port) in [
        ("inside", "ClusterIP", 80),
        ("pending", "LoadBalancer", 80),
        ("balanced", "LoadBalancer", 8080),
    ] {
        cluster.apply(&service(name, kind, port)).await.unwrap();
    }
    // None has an address from outside yet, and there is no node.
    let found = gateway_addresses(&cluster, space, "main").await.unwrap();
    assert!(found.iter().all(|one| one.reach == Reach::ClusterIp), "{found:?}");
    assert_eq!(found.len(), 3);

    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "discovery-node"}});
    cluster.apply(&node).await.unwrap();
    let path = "/api/v1/nodes/discovery-node/status";
    let status = json!({"status": {"addresses": [{"type": "InternalIP", "address": "10.9.8.7"}]}});
    let request = http::Request::patch(path)
        .header("content-type", "application/merge-patch+json")
        .body(status.to_string().into_bytes())
        .unwrap();
    cluster.client().request::<Value>(request).await.unwrap();
    let object = |name: &str| ObjectRef::new("v1", "Service", space, name);
    let balanced =
        json!({"loadBalancer": {"ingress": [{"ip": "2001:db8::1"}, {"hostname": "lb.example"}]}});
    write_status(&cluster, &object("balanced"), "services", balanced).await;
    let found = gateway_addresses(&cluster, space, "main").await.unwrap();
    let urls: Vec<_> = found.iter().map(|one| (one.reach, one.url())).collect();
    assert_eq!(urls[0], (Reach::LoadBalancer, "http://[2001:db8::1]:8080".to_owned()));
    assert_eq!(urls[1], (Reach::LoadBalancer, "http://lb.example:8080".to_owned()));
    // The one whose balancer is pending is reached by the node's port.
    let port =
        cluster.get(&object("pending")).await.unwrap().unwrap()["spec"]["ports"][1]["nodePort"]
            .clone();
    assert!(urls.contains(&(Reach::NodePort, format!("http://10.9.8.7:{port}"))), "{urls:?}");
    assert_eq!(urls.last().unwrap().0, Reach::ClusterIp);
    assert!(cluster.delete(&ObjectRef::new("v1", "Node", "", "discovery-node")).await.unwrap());
    let missing = gateway_addresses(&cluster, space, "other").await.unwrap_err();
    assert!(missing.to_string().contains("Gateway discovery/other not found"), "{missing}");
}

/// Events as the server stores them: of the scheduler with `eventTime`, of the kubelet with `lastTimestamp`.
#[tokio::test]
async fn the_reasons_of_pods_come_from_their_status_and_their_events() {
    let Some(server) = ApiServer::shared().await else { return };
    let space = "reasons";
    server.namespace(space).await;
    let cluster = server.connect("admin").await.unwrap();
    let labels = json!({"app": "m"});
    cluster.apply(&deployment(space, "m", &labels)).await.unwrap();
    let container = |state: Value| json!({"containerStatuses": [{"name": "main", "ready": false, "restartCount": 1, "image": "", "imageID": "", "state": state}]});
    let table = [
        ("scheduled", json!({"phase": "Pending"}), Some("FailedScheduling"), "FailedScheduling"),
        ("probe", container(json!({"running": {}})), Some("Unhealthy"), "Unhealthy"),
        ("memory", container(json!({"running": {}})), Some("OOMKilling"), "OOMKilling"),
        (
            "killed",
            container(json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}})),
            Some("BackOff"),
            "OOMKilled",
        ),
        ("fine", container(json!({"running": {}})), None, ""),
    ];
    for (name, status, event, _) in &table {
        let pod = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": space, "labels": labels},
            "spec": {"containers": [{"name": "main", "image": "none"}]}});
        cluster.apply(&pod).await.unwrap();
        write_status(&cluster, &ObjectRef::new("v1", "Pod", space, *name), "pods", status.clone())
            .await;
        let Some(reason) = event else { continue };
        let mut event = json!({"apiVersion": "v1", "kind": "Event",
            "metadata": {"name": format!("{name}.1"), "namespace": space},
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": name, "namespace": space},
            "type": "Warning", "reason": reason, "message": "said by its reporter"});
        if *reason == "FailedScheduling" {
            event["eventTime"] = json!("2026-01-01T00:00:00.000000Z");
            event["action"] = json!("Scheduling");
            event["reportingComponent"] = json!("default-scheduler");
            event["reportingInstance"] = json!("scheduler-1");
        } else {
            event["lastTimestamp"] = json!("2026-01-01T00:00:00Z");
        }
        cluster.apply(&event).await.unwrap();
    }
    let state = readiness(&cluster, space, "m").await.unwrap();
    let mut found: Vec<_> =
        state.problems.iter().map(|one| (one.pod.as_str(), one.reason.as_str())).collect();
    found.sort_unstable();
    let mut expected: Vec<_> =
        table.iter().filter(|row| !row.3.is_empty()).map(|row| (row.0, row.3)).collect();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert!(state.to_string().contains("said by its reporter"), "{state}");
}
