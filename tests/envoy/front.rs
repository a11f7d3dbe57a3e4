//! The lab with real Envoy in place of its gateway: the steps of a release.

use std::time::{Duration, Instant};

use canary_core::{DestinationRule, Gateway, Request, VirtualService, serving::Workload};
use canary_lab::{Lab, model::Scripted};
use canary_tests::meshes::client::send;

use super::binary;

const APP: &str = "image-classifier";

fn subset_of(lab: &Lab, request: &Request) -> (u16, Option<String>) {
    let answer = send(lab.gateway_address(), request, "lab");
    let subset = answer.headers.iter().find(|(name, _)| name == "x-canary-subset");
    (answer.status, subset.map(|(_, value)| value.clone()))
}

#[test]
fn a_release_runs_on_envoy_in_place_of_the_labs_gateway() {
    let Some(binary) = binary() else { return };
    let lab = Lab::builder()
        .model("gs://b/resnet_50", Scripted::new("military uniform", 0.45))
        .model("gs://b/resnet_101", Scripted::new("military uniform", 0.47))
        .envoy(&binary)
        .start()
        .unwrap();
    let get = Request::get("http://lab.example/v1/models/image_classifier");
    assert_eq!(subset_of(&lab, &get), (404, None), "nothing is there yet");
    for (version, path) in [("resnet50", "gs://b/resnet_50"), ("resnet101", "gs://b/resnet_101")] {
        for object in Workload::new(APP, version).model("image_classifier", path).objects().unwrap()
        {
            lab.apply(&object).unwrap();
        }
    }
    lab.wait_ready(Duration::from_secs(20)).unwrap();
    let split = |stable: i32, canary: i32| {
        VirtualService::weighted(APP, [("resnet50", stable), ("resnet101", canary)])
            .hosts(["*"])
            .gateway("image-classifier-gateway")
            .port(8501)
    };
    lab.apply(&Gateway::http("image-classifier-gateway", 80, ["*"])).unwrap();
    lab.apply(&split(100, 0)).unwrap();
    // The subsets are not declared yet.
    assert_eq!(subset_of(&lab, &get).0, 503);
    lab.apply(&DestinationRule::subsets(APP, ["resnet50", "resnet101"])).unwrap();

    // Everything to the stable version, from the moment the write returns.
    for _ in 0..50 {
        assert_eq!(subset_of(&lab, &get), (200, Some("resnet50".to_owned())));
    }
    // 70 to 30.
    lab.apply(&split(70, 30)).unwrap();
    let canary =
        (0..1_000).filter(|_| subset_of(&lab, &get) == (200, Some("resnet101".to_owned()))).count();
    assert!((240..=360).contains(&canary), "{canary} of 1000 instead of about 300");
    // A header for testers, before the split.
    lab.apply(&split(100, 0).when_header("user-group", "canary", "resnet101")).unwrap();
    let tester = get.clone().header("user-group", "canary");
    for _ in 0..20 {
        assert_eq!(subset_of(&lab, &tester), (200, Some("resnet101".to_owned())));
        assert_eq!(subset_of(&lab, &get), (200, Some("resnet50".to_owned())));
    }
    // Weights change under load without a request lost.
    for weight in 0..=20 {
        lab.apply(&split(100 - weight * 5, weight * 5)).unwrap();
        for _ in 0..10 {
            assert_eq!(subset_of(&lab, &get).0, 200);
        }
    }
    assert_eq!(subset_of(&lab, &get), (200, Some("resnet101".to_owned())));
    assert_eq!(lab.problem(), None);
    // Requests are counted by subset, as the own gateway does.
    let end = Instant::now() + Duration::from_secs(5);
    while !lab.metrics().to_prometheus().contains("resnet101") && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(10));
    }
    let text = lab.metrics().to_prometheus();
    assert!(text.contains("destination_version=\"resnet101\""), "{text}");
    // Copies have the host of their originals, and are still kept from the last exchanges.
    lab.apply(&split(100, 0).mirror("resnet101", 100)).unwrap();
    assert!(lab.recent(0).is_empty());
    let predict = Request::post("http://lab.example/v1/models/image_classifier:predict");
    for _ in 0..10 {
        assert_eq!(subset_of(&lab, &predict).1.as_deref(), Some("resnet50"));
    }
    std::thread::sleep(Duration::from_millis(300));
    let subsets: Vec<_> = lab.recent(0).into_iter().map(|exchange| exchange.subset).collect();
    assert_eq!(subsets, ["resnet50"; 10]);
}
