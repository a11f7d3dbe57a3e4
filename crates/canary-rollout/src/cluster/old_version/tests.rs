use serde_json::{Value, json};

use super::{
    super::memory::{Failure, Memory},
    *,
};

fn plan() -> Plan {
    Plan::new("pets", "v1", "v2").namespace("shop")
}

fn meta(name: &str) -> Value {
    json!({"name": name, "namespace": "shop", "uid": format!("uid-of-{name}"), "resourceVersion": "7"})
}

fn istio(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": meta(name), "spec": spec})
}

fn workload(kind: &str, name: &str, version: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": meta(name), "spec": {"replicas": 3,
        "template": {"metadata": {"labels": {"app": "pets", "version": version}}, "spec": {"containers": []}}}})
}

fn service(name: &str, selector: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": meta(name), "spec": {"selector": selector}})
}

/// A pod of `version` with this controller; its name begins with the controller's.
fn pod(kind: &str, owner: &str, version: &str, hash: Option<&str>) -> Value {
    let mut labels = json!({"app": "pets", "version": version});
    if let Some(hash) = hash {
        labels["pod-template-hash"] = hash.into();
    }
    let mut metadata = meta(&format!("{owner}-x"));
    metadata["labels"] = labels;
    metadata["ownerReferences"] = json!([{"kind": kind, "name": owner, "controller": true}]);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": {"phase": "Running"}})
}

fn routes(name: &str, http: &Value) -> Value {
    istio("VirtualService", name, &json!({"hosts": [name], "http": http}))
}

fn to(subset: &str, weight: u64) -> Value {
    json!({"destination": {"host": "pets", "subset": subset}, "weight": weight})
}

/// After the promotion: everything at v2, a Deployment of each version.
fn promoted() -> Vec<Value> {
    let subset = |name: &str| json!({"name": name, "labels": {"version": name}});
    let rule = json!({"host": "pets", "subsets": [subset("v1"), subset("v2")]});
    vec![
        istio("DestinationRule", "pets", &rule),
        routes("pets", &json!([{"route": [to("v1", 0), to("v2", 100)]}])),
        service("pets", &json!({"app": "pets"})),
        workload("Deployment", "pets-v1", "v1"),
        workload("Deployment", "pets-v2", "v2"),
        pod("ReplicaSet", "pets-v1-7d9f8", "v1", Some("7d9f8")),
    ]
}

fn with(objects: impl IntoIterator<Item = Value>) -> Memory {
    Memory::new(promoted().into_iter().chain(objects))
}

async fn found(memory: &Memory) -> Result<OldVersion, String> {
    find_old_version(memory, &plan(), true).await.unwrap().map(|found| found.old)
}

fn autoscaler(version: &str, kind: &str, name: &str) -> Value {
    json!({"apiVersion": version, "kind": "HorizontalPodAutoscaler", "metadata": meta("scaler"),
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": name}}})
}

#[tokio::test]
async fn the_one_deployment_is_found_with_its_identity() {
    let old = found(&with([])).await.unwrap();
    assert_eq!(old.deployment.to_string(), "Deployment shop/pets-v1");
    assert_eq!((old.uid.as_str(), old.replicas), ("uid-of-pets-v1", 3));
    // Other replicas and a restart keep its identity; another image changes it.
    let mut restarted = workload("Deployment", "pets-v1", "v1");
    restarted["spec"]["replicas"] = 9.into();
    restarted["spec"]["template"]["metadata"]["annotations"] =
        json!({"kubectl.kubernetes.io/restartedAt": "now"});
    assert!(found(&with([restarted])).await.unwrap().is_same(&old));
    let mut other = workload("Deployment", "pets-v1", "v1");
    other["spec"]["template"]["spec"]["containers"] = json!([{"image": "pets:3"}]);
    assert!(!found(&with([other])).await.unwrap().is_same(&old));
}

#[tokio::test]
async fn whatever_else_scales_or_makes_its_pods_is_told() {
    let mut keda = autoscaler("autoscaling/v2", "Deployment", "pets-v1");
    keda["metadata"]["ownerReferences"] = json!([{"kind": "ScaledObject", "name": "queue"}]);
    let mut owned = workload("Deployment", "pets-v1", "v1");
    owned["metadata"]["ownerReferences"] =
        json!([{"kind": "InferenceService", "name": "pets", "controller": true}]);
    let mut deleted = workload("Deployment", "pets-v1", "v1");
    deleted["metadata"]["deletionTimestamp"] = "2026-11-30T00:00:00Z".into();
    let table = [
        (
            autoscaler("autoscaling/v2", "Deployment", "pets-v1"),
            "HorizontalPodAutoscaler scaler scales",
        ),
        (keda, "KEDA's ScaledObject queue (HorizontalPodAutoscaler scaler)"),
        (owned, "belongs to InferenceService pets"),
        (deleted, "is being deleted"),
        (
            workload("Deployment", "pets-v1b", "v1"),
            "several workloads are behind subset v1 of DestinationRule shop/pets: \
             Deployment shop/pets-v1, Deployment shop/pets-v1b",
        ),
        (workload("StatefulSet", "store", "v1"), "StatefulSet shop/store"),
        (pod("ReplicaSet", "bare", "v1", None), "pod bare-x of subset v1"),
        (pod("ReplicaSet", "argo-55d4", "v1", None), "is of ReplicaSet argo-55d4, and not of"),
        (
            pod("ReplicaSet", "other-9c1e", "v1", Some("9c1e")),
            "is of ReplicaSet other-9c1e, and not of Deployment shop/pets-v1",
        ),
    ];
    for (object, words) in table {
        let why = found(&with([object.clone()])).await.unwrap_err();
        assert!(why.contains(words), "{words:?} is not in {why:?}");
    }
    // Autoscalers of other workloads, pods of the canary, and pods that are ending are no obstacles.
    let mut ending = pod("ReplicaSet", "bare", "v1", None);
    ending["metadata"]["deletionTimestamp"] = "2026-11-30T00:00:00Z".into();
    for object in [
        autoscaler("autoscaling/v2", "Deployment", "pets-v2"),
        autoscaler("autoscaling/v2", "StatefulSet", "pets-v1"),
        pod("ReplicaSet", "bare", "v2", None),
        ending,
    ] {
        assert!(found(&with([object.clone()])).await.is_ok(), "{object}");
    }
}

#[tokio::test]
async fn without_a_deployment_the_owner_of_the_pods_is_told() {
    let without = |objects: Vec<Value>| {
        let all = promoted().into_iter().filter(|one| one["metadata"]["name"] != "pets-v1");
        Memory::new(all.chain(objects))
    };
    let why = found(&without(Vec::new())).await.unwrap_err();
    assert!(why.contains("are of ReplicaSet pets-v1-7d9f8, and of no Deployment"), "{why}");
    let why = found(&without(vec![workload("StatefulSet", "store", "v1")])).await.unwrap_err();
    assert!(why.contains("served by StatefulSet shop/store, and only a Deployment"), "{why}");
    let nothing = promoted()
        .into_iter()
        .filter(|one| !one["metadata"]["name"].as_str().unwrap().starts_with("pets-v1"));
    let why = found(&Memory::new(nothing)).await.unwrap_err();
    assert!(why.contains("no Deployment is behind subset v1"), "{why}");
}

#[tokio::test]
async fn a_deployment_that_serves_the_canary_too_is_left() {
    let subset = |name: &str, labels: Value| json!({"name": name, "labels": labels});
    let rule = json!({"host": "pets", "subsets": [
        subset("v1", json!({"version": "v1"})), subset("v2", json!({"app": "pets"}))]});
    let why = found(&with([istio("DestinationRule", "pets", &rule)])).await.unwrap_err();
    assert!(why.contains("Deployment shop/pets-v1 serves v2 too"), "{why}");
}

#[tokio::test]
async fn routes_that_still_lead_there_are_told_with_their_place() {
    let rule = |name: &str| {
        let subset = json!({"name": "legacy", "labels": {"version": "v1"}});
        istio(
            "DestinationRule",
            name,
            &json!({"host": "pets.shop.svc.cluster.local", "subsets": [subset]}),
        )
    };
    let destination = |host: &str| json!({"route": [{"destination": {"host": host}}]});
    let table = [
        (
            vec![routes("other", &json!([{"route": [to("v2", 99), to("v1", 1)]}]))],
            "VirtualService shop/other spec.http[0].route[1]",
        ),
        // The plan's own object, in another of its routes.
        (
            vec![routes(
                "pets",
                &json!([{"route": [to("v1", 0), to("v2", 100)]}, {"route": [to("v1", 100)]}]),
            )],
            "VirtualService shop/pets spec.http[1].route[0]",
        ),
        (
            vec![routes(
                "other",
                &json!([{"route": [to("v2", 100)], "mirror": {"host": "pets", "subset": "v1"}}]),
            )],
            "spec.http[0].mirror",
        ),
        (
            vec![routes(
                "other",
                &json!([{"route": [to("v2", 100)],
            "mirrors": [{"destination": {"host": "pets", "subset": "v1"}, "percentage": {"value": 5}}]}]),
            )],
            "spec.http[0].mirrors[0]",
        ),
        (
            vec![istio(
                "VirtualService",
                "raw",
                &json!({"hosts": ["x"], "tcp": [{"route": [to("v1", 100)]}]}),
            )],
            "VirtualService shop/raw spec.tcp[0].route[0]",
        ),
        // By another rule's subset of the same pods.
        (
            vec![rule("more"), routes("other", &json!([{"route": [to("legacy", 100)]}]))],
            "VirtualService shop/other spec.http[0].route[0]",
        ),
        // By a Service of the old version alone.
        (
            vec![
                service("pets-old", &json!({"version": "v1"})),
                routes("other", &json!([destination("pets-old")])),
            ],
            "VirtualService shop/other spec.http[0].route[0]",
        ),
    ];
    for (objects, place) in table {
        let why = found(&with(objects)).await.unwrap_err();
        assert!(
            why.contains(place)
                && why.contains("still leads to the pods of Deployment shop/pets-v1"),
            "{why}"
        );
    }
    for objects in [
        // The whole Service: the canary's pods serve it.
        vec![routes("other", &json!([destination("pets")]))],
        vec![routes(
            "other",
            &json!([{"route": [to("v2", 100)],
            "mirror": {"host": "pets", "subset": "v1"}, "mirrorPercentage": {"value": 0}}]),
        )],
        vec![routes("other", &json!([destination("somewhere.example.com"), destination("gone")]))],
        vec![routes(
            "other",
            &json!([{"route": [to("v2", 100), {"destination": {"host": "pets", "subset": "v1"}}]}]),
        )],
    ] {
        assert!(found(&with(objects.clone())).await.is_ok(), "{objects:?}");
    }
    // Before a promotion the plan's own route leads there, so a preflight check does not look.
    let before = with([routes("pets", &json!([{"route": [to("v1", 100)]}]))]);
    assert!(found(&before).await.is_err());
    assert_eq!(old_version(&before, &plan()).await.unwrap().replicas, 3);
}

#[tokio::test]
async fn what_cannot_be_looked_at_stands_in_the_way() {
    for kind in ["HorizontalPodAutoscaler", "VirtualService", "Deployment", "Pod"] {
        let memory = with([]).failing(kind, Failure::Forbidden);
        let why = found(&memory).await.unwrap_err();
        assert!(why.contains(&format!("grant the verb \"list\" on {kind}")), "{why}");
        let away = with([]).failing(kind, Failure::Away);
        let error = find_old_version(&away, &plan(), true).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
    }
    // A cluster without autoscalers has none.
    let memory = with([]).failing("HorizontalPodAutoscaler", Failure::Unserved);
    assert!(found(&memory).await.is_ok());
    let gone = Memory::new(promoted().into_iter().filter(|one| one["kind"] != "DestinationRule"));
    assert!(found(&gone).await.unwrap_err().contains("there is no DestinationRule shop/pets"));
}
