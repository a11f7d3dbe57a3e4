use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    super::memory::{Failure, Memory},
    Presence, presence,
};

mod places;

const RULE_HOST: &str = "pets";

fn rule_of(host: &str) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
        "metadata": {"name": "pets", "namespace": "shop"},
        "spec": {"host": host, "subsets": [
            {"name": "v1", "labels": {"version": "v1"}},
            {"name": "v2", "labels": {"version": "v2"}},
            {"name": "all"},
            {"name": "near", "labels": {"topology.kubernetes.io/zone": "a"}},
        ]},
    })
}

fn service() -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "pets", "namespace": "shop"},
        "spec": {"selector": {"app": "pets"}}})
}

fn labels(version: &str) -> Value {
    json!({"app": "pets", "version": version})
}

fn pod(name: &str, labels: &Value, status: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": labels}, "status": status})
}

fn ready() -> Value {
    json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})
}

fn waiting(reason: &str) -> Value {
    json!({"phase": "Pending", "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [{"state": {"waiting": {"reason": reason, "message": "back-off"}}}]})
}

fn workload(kind: &str, name: &str, labels: &Value, status: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": kind,
        "metadata": {"name": name, "namespace": "shop", "generation": 2},
        "spec": {"replicas": 2, "template": {"metadata": {"labels": labels}, "spec": {}}},
        "status": status})
}

/// The stable version, ready.
fn stable() -> Vec<Value> {
    vec![service(), pod("v1-a", &labels("v1"), &ready()), pod("v1-b", &labels("v1"), &ready())]
}

fn with(objects: impl IntoIterator<Item = Value>) -> Memory {
    Memory::new(stable().into_iter().chain(objects))
}

async fn of(memory: &Memory, subset: &str) -> Presence {
    presence(memory, "shop", &rule_of(RULE_HOST), subset, None).await.unwrap()
}

#[track_caller]
fn missing(presence: &Presence, hopeless: bool, parts: &[&str]) {
    let Presence::Missing { why, hopeless: found } = presence else { panic!("{presence:?}") };
    assert_eq!(*found, hopeless, "{why}");
    for part in parts {
        assert!(why.contains(part), "{part:?} is not in: {why}");
    }
}

#[track_caller]
fn unknown(presence: &Presence, part: &str) {
    let Presence::Unknown { why } = presence else { panic!("{presence:?}") };
    assert!(why.contains(part), "{part:?} is not in: {why}");
}

#[tokio::test]
async fn ready_pods_are_counted_and_nothing_else_is_requested() {
    let memory = with([
        pod("v2-a", &labels("v2"), &ready()),
        pod("v2-b", &labels("v2"), &waiting("ContainerCreating")),
    ]);
    assert_eq!(of(&memory, "v2").await, Presence::Ready { pods: 1 });
    assert_eq!(memory.calls(), ["get Service", "list Pod"]);
    assert_eq!(of(&memory, "v1").await.to_string(), "2 pods ready");
    assert_eq!(of(&memory, "all").await, Presence::Ready { pods: 3 }, "without labels all pods");
}

#[tokio::test]
async fn a_subset_that_is_to_be_created_is_judged_by_its_labels() {
    let memory = with([pod("v3-a", &labels("v3"), &ready())]);
    let labels = |version: &str| BTreeMap::from([("version".to_owned(), version.to_owned())]);
    let rule = rule_of(RULE_HOST);
    let found = presence(&memory, "shop", &rule, "v3", Some(&labels("v3"))).await.unwrap();
    assert_eq!(found, Presence::Ready { pods: 1 });
    let found = presence(&memory, "shop", &rule, "v2", Some(&labels("v3"))).await.unwrap();
    assert!(!found.is_ready(), "a subset of the rule has the rule's labels: {found}");
    let undefined = presence(&memory, "shop", &rule, "near1", None).await.unwrap();
    missing(&undefined, true, &["it has v1, v2, all, near; did you mean near?"]);
    let undefined = presence(&memory, "shop", &rule, "v", None).await.unwrap();
    let parts = ["subset v of DestinationRule shop/pets", "it has v1, v2, all, near"];
    missing(&undefined, true, &parts);
}

#[tokio::test]
async fn a_slip_in_the_name_is_reported_with_the_versions_that_are_there() {
    let names = ["resnet50", "resnet101"];
    let memory =
        Memory::new(names.iter().map(|name| pod(name, &labels(name), &ready())).chain([service()]));
    let labels = BTreeMap::from([("version".to_owned(), "resnet110".to_owned())]);
    let rule = rule_of(RULE_HOST);
    let found = presence(&memory, "shop", &rule, "resnet110", Some(&labels)).await.unwrap();
    missing(
        &found,
        true,
        &[
            "subset resnet110 of DestinationRule shop/pets would serve nothing",
            "no pod behind Service shop/pets (app=pets) has version=resnet110",
            "version=resnet101 (1 of 1 ready)",
            "version=resnet50 (1 of 1 ready)",
            "did you mean resnet101?",
        ],
    );
}

/// Only the stable version exists, so suggesting it would be a bad guess.
#[tokio::test]
async fn the_pods_of_another_subset_are_not_suggested() {
    let memory = with([]);
    let why = of(&memory, "v2").await.to_string();
    assert!(!why.contains("did you mean"), "{why}");
    let mut rule = rule_of(RULE_HOST);
    rule["spec"]["subsets"].as_array_mut().unwrap().truncate(1);
    let labels = BTreeMap::from([("version".to_owned(), "v12".to_owned())]);
    let look = async |memory: &Memory| {
        presence(memory, "shop", &rule, "v12", Some(&labels)).await.unwrap().to_string()
    };
    let why = look(&memory).await;
    assert!(why.contains("version=v1 (2 of 2 ready)") && !why.contains("did you mean"), "{why}");
    let why = look(&with([pod("v21", &self::labels("v21"), &ready())])).await;
    assert!(why.contains("did you mean v21?"), "{why}");
}

#[tokio::test]
async fn a_canary_that_was_never_deployed_is_hopeless() {
    let memory = with([]);
    let parts =
        ["has version=v2, and no workload creates one", "version=v1 (2 of 2 ready)", "deploy"];
    missing(&of(&memory, "v2").await, true, &parts);
    let calls =
        ["get Service", "list Pod", "list Deployment", "list StatefulSet", "list ReplicaSet"];
    assert_eq!(memory.calls(), calls);
    let empty = Memory::new([service()]);
    missing(&of(&empty, "v2").await, true, &["the Service has no pods at all"]);
    missing(&of(&empty, "all").await, true, &["no pod is behind Service shop/pets (app=pets)"]);
}

#[tokio::test]
async fn pods_that_are_not_ready_say_why() {
    let memory = with([
        pod("v2-a", &labels("v2"), &waiting("ImagePullBackOff")),
        pod("v2-b", &labels("v2"), &json!({"phase": "Pending"})),
    ]);
    let parts = [
        "has no ready pod; it has 2 pods behind Service shop/pets",
        "pod v2-a: ImagePullBackOff (back-off); check the image's name",
        "pod v2-b is not ready yet (phase Pending)",
    ];
    missing(&of(&memory, "v2").await, false, &parts);

    let event = json!({"apiVersion": "v1", "kind": "Event", "type": "Warning",
        "metadata": {"name": "e", "namespace": "shop"}, "reason": "Unhealthy", "message": "probe",
        "involvedObject": {"name": "v2-b"}});
    let memory = with([pod("v2-b", &labels("v2"), &json!({"phase": "Running"})), event]);
    missing(&of(&memory, "v2").await, false, &["pod v2-b: Unhealthy (probe)"]);
    let memory = memory.failing("Event", Failure::Forbidden);
    missing(&of(&memory, "v2").await, false, &["pod v2-b is not ready yet (phase Running)"]);
}

#[tokio::test]
async fn pods_that_the_service_does_not_select_do_not_count() {
    let stray = json!({"app": "cats", "version": "v2"});
    let memory = with([pod("v2-a", &stray, &ready())]);
    let parts = ["pod v2-a has version=v2 but not app=pets, by which Service shop/pets selects"];
    missing(&of(&memory, "v2").await, true, &parts);
    let memory = with([
        pod("v2-a", &stray, &ready()),
        workload("Deployment", "pets-v2", &stray, &json!({})),
    ]);
    let found = of(&memory, "v2").await;
    missing(&found, true, &["Deployment shop/pets-v2 has version=v2 but not app=pets"]);
}

#[tokio::test]
async fn pods_that_are_going_do_not_count() {
    let mut going = pod("v2-a", &labels("v2"), &ready());
    going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let ended = pod(
        "v2-b",
        &labels("v2"),
        &json!({"phase": "Failed", "reason": "Evicted",
        "conditions": [{"type": "Ready", "status": "True"}]}),
    );
    let memory = with([going, ended]);
    missing(
        &of(&memory, "v2").await,
        true,
        &["still shutting down: v2-a", "no workload creates one"],
    );
    memory.put(workload("Deployment", "pets-v2", &labels("v2"), &json!({"observedGeneration": 2})));
    let found = of(&memory, "v2").await;
    missing(&found, false, &["Deployment shop/pets-v2 has no ready pod of 2"]);
}

#[tokio::test]
async fn a_workload_without_pods_tells_its_reason() {
    let of_status = async |status: Value| {
        let made = workload("Deployment", "pets-v2", &labels("v2"), &status);
        of(&with([made]), "v2").await
    };
    let quota = json!({"observedGeneration": 2, "conditions": [
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}]});
    missing(
        &of_status(quota).await,
        false,
        &["FailedCreate (quota)", "raise the namespace's quota"],
    );
    let unseen = json!({"observedGeneration": 1, "readyReplicas": 2});
    missing(&of_status(unseen).await, false, &["its controller has not processed the change yet"]);
    let stale = json!({"observedGeneration": 2, "readyReplicas": 2});
    let parts = ["has no ready pod of 2"];
    missing(&of_status(stale).await, false, &parts);
    let stuck = json!({"observedGeneration": 2, "conditions": [{"type": "Progressing",
        "status": "False", "reason": "ProgressDeadlineExceeded", "message": "no model at /m"}]});
    missing(&of_status(stuck).await, true, &["no ready pod of 2: no model at /m"]);

    let mut scaled = workload("Deployment", "pets-v2", &labels("v2"), &json!({}));
    scaled["spec"]["replicas"] = json!(0);
    let found = of(&with([scaled]), "v2").await;
    missing(&found, true, &["kubectl -n shop scale deployment pets-v2 --replicas=1"]);
}

#[tokio::test]
async fn a_store_without_pods_is_judged_by_its_workloads() {
    let status = json!({"observedGeneration": 2, "readyReplicas": 2});
    for kind in ["Deployment", "StatefulSet", "ReplicaSet"] {
        let made = workload(kind, "pets-v2", &labels("v2"), &status);
        let memory = Memory::new([service(), made]);
        assert_eq!(of(&memory, "v2").await, Presence::Ready { pods: 2 }, "{kind}");
        let parts = ["has version=v1", "version=v2 (2 of 2 ready)"];
        let counted = of(&memory, "v1").await;
        missing(&counted, true, if kind == "ReplicaSet" { &parts[..1] } else { &parts });
    }
    let unseen = json!({"observedGeneration": 1, "readyReplicas": 2});
    let made = workload("Deployment", "pets-v2", &labels("v2"), &unseen);
    missing(
        &of(&Memory::new([service(), made]), "v2").await,
        false,
        &["has not processed the change yet"],
    );
}

#[tokio::test]
async fn a_workload_that_is_being_changed_is_not_one_release() {
    let of_template = |name: &str, owner: &str, digest: &str, status: &Value| {
        let mut pod = pod(name, &labels("v2"), status);
        pod["metadata"]["labels"]["pod-template-hash"] = json!(digest);
        pod["metadata"]["ownerReferences"] = json!([{"name": owner, "controller": true}]);
        pod
    };
    let old = of_template("v2-a", "pets-v2-aaa", "aaa", &ready());
    let new = of_template("v2-b", "pets-v2-bbb", "bbb", &waiting("ImagePullBackOff"));
    let memory = with([old.clone(), new]);
    let parts = [
        "pets-v2 is being changed and has pods of 2 templates",
        "pets-v2-aaa with 1 of 1 ready and pets-v2-bbb with 0 of 1 ready",
        "ImagePullBackOff",
    ];
    missing(&of(&memory, "v2").await, false, &parts);
    let of_set = |name: &str, digest: &str| {
        let mut pod = of_template(name, "pets-v2", digest, &ready());
        pod["metadata"]["labels"]["controller-revision-hash"] = json!(digest);
        pod["metadata"]["labels"].as_object_mut().unwrap().remove("pod-template-hash");
        pod
    };
    let memory = with([of_set("v2-0", "pets-v2-aaa"), of_set("v2-1", "pets-v2-bbb")]);
    let parts = ["templates, pets-v2-aaa with 1 of 1 ready and pets-v2-bbb with 1 of 1 ready;"];
    missing(&of(&memory, "v2").await, false, &parts);
    let other = of_template("v2-c", "other-ccc", "ccc", &ready());
    let memory = with([old, other]);
    assert_eq!(of(&memory, "v2").await, Presence::Ready { pods: 2 }, "two workloads, one each");
}
