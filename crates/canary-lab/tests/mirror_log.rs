//! The log of mirrored requests: every copy has its record, whatever became of it.

use std::{future::poll_fn, pin::Pin, time::Duration};

use canary_core::{
    DestinationRule, Gateway, VirtualService,
    evidence::{Arm, Logged, LoggedOutcome, Subsets},
    predict::{Client, Input, Retry},
    serving::Workload,
};
use canary_lab::{
    Lab,
    gateway::MirrorLog,
    model::{Latency, Scripted},
};
use futures_core::Stream;
use serde_json::json;

const APP: &str = "pets";

/// A lab whose stable version serves everything and is mirrored to the canary, where there is one: of that model, asked
/// under that name.
fn lab(canary: Option<(Scripted, &str)>) -> Lab {
    let name = canary.as_ref().map(|(_, name)| (*name).to_owned());
    let mut builder = Lab::builder().seed(7).model("m/v1", Scripted::new("cat", 0.9));
    if let Some((model, _)) = canary {
        builder = builder.model("m/v2", model);
    }
    let lab = builder.start().unwrap();
    for (version, model) in [("v1", Some(APP)), ("v2", name.as_deref())] {
        let Some(model) = model else { continue };
        let workload = Workload::new(APP, version).model(model, format!("m/{version}"));
        for object in workload.objects().unwrap() {
            lab.apply(&object).unwrap();
        }
    }
    lab.apply(&Gateway::http("gateway", 80, ["*"])).unwrap();
    lab.apply(&DestinationRule::subsets(APP, ["v1", "v2"])).unwrap();
    let to = |subset: &str| json!({"host": APP, "subset": subset, "port": {"number": 8501}});
    let mirrored: VirtualService = serde_json::from_value(json!({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": APP, "namespace": "default"},
        "spec": {"hosts": ["*"], "gateways": ["gateway"], "http": [{
            "route": [{"destination": to("v1")}],
            "mirrors": [{"destination": to("v2")}],
            "timeout": "300ms",
        }]},
    }))
    .unwrap();
    lab.apply(&mirrored).unwrap();
    lab.wait_ready(Duration::from_secs(10)).unwrap();
    lab
}

fn client(lab: &Lab) -> Client {
    let client = Client::new(&lab.gateway_url()).unwrap().model(APP);
    client.signature("serving_preprocess").retry(Retry::never())
}

fn log(lab: &Lab, capacity: usize) -> MirrorLog {
    lab.mirror_log(Subsets::new("v1", "v2"), capacity)
}

/// The next two records, the stable one first.
async fn both(log: &mut MirrorLog) -> [Logged; 2] {
    let mut next = async || {
        let next = poll_fn(|context| Pin::new(&mut *log).poll_next(context));
        let next = tokio::time::timeout(Duration::from_secs(10), next).await;
        next.expect("a record in time").unwrap().unwrap()
    };
    let mut both = [next().await, next().await];
    both.sort_by_key(|record| record.arm == Arm::Canary);
    both
}

#[tokio::test]
async fn a_copy_that_fails_is_logged_with_its_status() {
    let hanging = Scripted::new("cat", 0.9).latency(Latency::Fixed(Duration::from_secs(5)));
    let good = || Scripted::new("cat", 0.9);
    for (canary, expected) in [
        (Some((good(), APP)), None),
        (Some((good(), "pets2")), Some(404)),
        (Some((hanging, APP)), Some(504)),
        (None, Some(503)),
    ] {
        let lab = lab(canary);
        let mut log = log(&lab, 8);
        for input in 0_u8..3 {
            client(&lab).predict(Input::files([[input].as_slice()])).await.unwrap();
            let [stable, canary] = both(&mut log).await;
            assert_eq!((stable.arm, canary.arm), (Arm::Stable, Arm::Canary));
            assert_eq!((&stable.id, stable.input), (&canary.id, canary.input));
            assert!(matches!(stable.outcome, LoggedOutcome::Answer(_)), "{stable:?}");
            match expected {
                Some(status) => assert_eq!(canary.outcome, LoggedOutcome::Failed(status)),
                None => assert_eq!(canary.outcome, stable.outcome),
            }
        }
    }
}

#[tokio::test]
async fn a_request_that_asks_for_no_class_is_told_from_a_failure() {
    let lab = lab(Some((Scripted::new("cat", 0.9), APP)));
    let mut log = log(&lab, 8);
    client(&lab).status().await.unwrap();
    for record in both(&mut log).await {
        assert_eq!(record.outcome, LoggedOutcome::NoClass);
    }
}

#[tokio::test]
async fn a_request_without_room_for_all_of_its_records_has_none() {
    let lab = lab(Some((Scripted::new("cat", 0.9), APP)));
    let mut log = log(&lab, 3);
    for input in 0_u8..3 {
        client(&lab).predict(Input::files([[input].as_slice()])).await.unwrap();
    }
    let [stable, canary] = both(&mut log).await;
    assert_eq!(stable.id, canary.id);
    assert_eq!(log.dropped(), 2);
    // There is room again.
    client(&lab).predict(Input::files([[9_u8].as_slice()])).await.unwrap();
    let [stable, canary] = both(&mut log).await;
    assert_eq!((stable.id, log.dropped()), (canary.id, 2));
}
