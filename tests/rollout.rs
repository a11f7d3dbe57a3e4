//! A rollout on the lab's object store, with the real contract of versions, conflicts and JSON Patch.

use canary_core::{
    DestinationRule, Plan, Verdict, VirtualService,
    cluster::{Cluster, Driver, ObjectRef, Progress},
    evidence::{Arm, Kind, Request, Seen, Timestamp, from_iter},
    rollout::{Guardrail, Hold, Split, patch::locate},
};
use canary_lab::store::Store;
use futures_util::StreamExt;
use serde_json::{Value, json};

const APP: &str = "image-classifier";

fn plan() -> Plan {
    Plan::new(APP, "lite0", "lite1")
        .header("user-group", "canary")
        .weights([50, 100], Hold::requests(400))
        .settle(std::time::Duration::ZERO)
        .guardrail(Guardrail::error_ratio(1.0))
}

async fn store() -> Store {
    let store = Store::new();
    let split = VirtualService::weighted(APP, [("lite0", 100)]).hosts(["*"]).gateway("gateway");
    let subsets = DestinationRule::subsets(APP, ["lite0"]);
    store.apply(&serde_json::to_value(split).unwrap()).await.unwrap();
    store.apply(&serde_json::to_value(subsets).unwrap()).await.unwrap();
    store
}

/// Alternating requests, of which the canary fails every `failing`th.
fn traffic(failing: u64) -> Vec<(Timestamp, Seen)> {
    let one = |n: u64| {
        let arm = if n.is_multiple_of(2) { Arm::Canary } else { Arm::Stable };
        let failed = arm == Arm::Canary && (n / 2) % failing == failing - 1;
        (Timestamp(u64::MAX), Seen::Request(Request { arm, failed, latency: None }))
    };
    (0..2_000).map(one).collect()
}

async fn run(store: &Store, failing: u64) -> Verdict {
    let driver = Driver::new(store.clone(), plan())
        .unwrap()
        .source(from_iter("log", [Kind::Requests], traffic(failing)))
        .probe(|| async { Ok(()) });
    let (mut run, _control) = driver.start().await.unwrap();
    while let Some(progress) = run.next().await {
        if let Progress::Finished { verdict } = progress.unwrap() {
            return verdict;
        }
    }
    panic!("the stream ended without a verdict");
}

async fn live(store: &Store) -> (Split, Value) {
    let object = ObjectRef::virtual_service("default", APP);
    let live = store.get(&object).await.unwrap().unwrap();
    (locate(&plan(), &live).unwrap().split.unwrap(), live["spec"]["http"].clone())
}

#[tokio::test]
async fn a_healthy_canary_is_promoted_on_the_lab_s_store() {
    let store = store().await;
    let verdict = run(&store, 1_000_000).await;
    assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
    assert_eq!(live(&store).await.0, Split::CANARY);
}

#[tokio::test]
async fn a_failing_canary_leaves_the_lab_s_store_as_it_was() {
    let store = store().await;
    let (_, before) = live(&store).await;
    let verdict = run(&store, 4).await;
    assert!(matches!(verdict, Verdict::Rollback { .. }), "{verdict}");
    let (split, after) = live(&store).await;
    assert_eq!(split, Split::STABLE);
    assert_eq!(after.as_array().unwrap().len(), before.as_array().unwrap().len());
    let rule = ObjectRef::destination_rule("default", APP);
    let rule = store.get(&rule).await.unwrap().unwrap();
    assert_eq!(rule["spec"]["subsets"].as_array().unwrap().len(), 1, "{}", json!(rule));
}
