//! The lab on Istio's control plane: what a user of the lab notices of it.

use std::time::Duration;

use canary_core::{
    DestinationRule, Gateway, VirtualService,
    predict::{Client, Retry},
};
use canary_lab::Lab;
use canary_tests::istiod::programs;

use crate::stage::{
    APP, CANARY, GATEWAY, PHOTO, STABLE, alone, answered_by, canary_model, stable_model, workload,
};

fn lab() -> Option<Lab> {
    let lab = Lab::builder()
        .model("gs://models/resnet50", stable_model())
        .model("gs://models/resnet101", canary_model())
        .istio(programs()?)
        .start();
    Some(lab.unwrap())
}

/// Without a header of its own in the objects: the lab's gateways name the subset by themselves.
fn split(stable: i32, canary: i32) -> VirtualService {
    VirtualService::weighted(APP, [(STABLE, stable), (CANARY, canary)])
        .hosts(["*"])
        .gateway(GATEWAY)
        .port(8501)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lab_on_istio_is_in_force_when_a_write_returns() {
    let _alone = alone().await;
    let Some(lab) = lab() else { return };
    let client = Client::new(&lab.gateway_url()).unwrap().model("image_classifier");
    let client = client.signature("serving_preprocess").retry(Retry::never());
    assert_eq!(answered_by(&client).await, None, "nothing is there yet");
    for version in [STABLE, CANARY] {
        for object in workload(version).objects().unwrap() {
            lab.apply(&object).unwrap();
        }
    }
    lab.apply(&Gateway::http(GATEWAY, 80, ["*"])).unwrap();
    lab.apply(&DestinationRule::subsets(APP, [STABLE, CANARY])).unwrap();
    lab.apply(&split(100, 0)).unwrap();
    lab.wait_ready(Duration::from_secs(20)).unwrap();
    for (weights, version) in [((100, 0), STABLE), ((0, 100), CANARY), ((100, 0), STABLE)] {
        lab.apply(&split(weights.0, weights.1)).unwrap();
        for _ in 0..20 {
            assert_eq!(answered_by(&client).await.as_deref(), Some(version));
        }
    }
    lab.apply(&split(100, 0).when_header("user-group", "canary", CANARY)).unwrap();
    let tester = client.clone().header("user-group", "canary");
    assert_eq!(answered_by(&tester).await.as_deref(), Some(CANARY));
    assert_eq!(client.predict(PHOTO).await.unwrap().headers()["server"], "istio-envoy");
    assert_eq!(lab.problem(), None);
    // Requests are counted by version, and those by which the lab looks whether objects are in force are not.
    let counted = || lab.metrics().to_prometheus();
    canary_tests::istiod::until("the counts", async || {
        counted().contains("destination_version=\"resnet101\"")
    })
    .await;
    assert!(!counted().contains("canary-lab"), "{}", counted());
    // What goes is gone: the gateway no longer has a route.
    let routes = canary_core::cluster::ObjectRef::virtual_service("default", APP);
    canary_core::cluster::Cluster::delete(lab.cluster(), &routes).await.unwrap();
    canary_tests::istiod::until("404", async || answered_by(&client).await.is_none()).await;
    what_the_api_server_refuses_is_told(&lab);
}

/// An object that the lab's own rules admit and the API server refuses.
fn what_the_api_server_refuses_is_told(lab: &Lab) {
    let service = serde_json::json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "pets"},
        "spec": {"ports": [{"port": 8501, "protocol": "CARRIER-PIGEON"}]},
    });
    lab.apply(&service).unwrap();
    let problem = lab.problem().unwrap();
    assert!(problem.contains("pets") && problem.contains("CARRIER-PIGEON"), "{problem}");
}
