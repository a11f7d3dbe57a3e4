//! Releases whose first step is below one percent, over the lab's gateway: the weights in the mesh have another sum than
//! 100.

use std::time::Duration;

use canary_core::{
    Plan, Verdict,
    cluster::{Driver, Progress},
    evidence::{Sample, Subsets, Traffic},
    predict::Client,
    rollout::{Guardrail, Hold, Percent, Split},
};
use canary_lab::{Lab, model::Scripted};
use futures_util::{StreamExt, stream};
use serde_json::json;

use crate::{
    lab_rollouts::lab,
    rollouts::{APP, live, weights},
};

const NAMESPACE: &str = "default";

/// Runs a plan from 0.5 % to its end: the verdict, the splits that were written, and the weights of the first of them.
async fn released(lab: &Lab) -> (Verdict, Vec<Split>, Vec<u64>) {
    let half = Percent::new(0.5).unwrap();
    let plan = Plan::new(APP, "lite0", "lite1")
        .bursts(canary_core::rollout::Bursts::None)
        .weights([half, 50.into(), 100.into()], Hold::total_requests(1_500))
        .settle(Duration::ZERO)
        .guardrail(Guardrail::error_ratio(1.0).minimum(5));
    let client =
        Client::new(&lab.gateway_url()).unwrap().model("m").signature("serving_preprocess");
    let inputs = (0_u64..).map(|n| Ok(Sample::new(format!("{n}"), n.to_le_bytes().to_vec())));
    let subsets = Subsets::new("lite0", "lite1");
    let traffic = Traffic::requests("own", &client, subsets, stream::iter(inputs)).concurrency(8);
    let driver = Driver::new(lab.cluster().clone(), plan).unwrap().source(traffic);
    let (mut run, _control) = driver.tick(Duration::from_millis(20)).start().await.unwrap();
    let (mut written, mut first) = (Vec::new(), Vec::new());
    while let Some(progress) = run.next().await {
        match progress.unwrap() {
            Progress::Written { split, .. } => {
                written.push(split);
                if first.is_empty() {
                    let live = live(lab.cluster(), NAMESPACE).await;
                    let entries = live["spec"]["http"][0]["route"].as_array().unwrap().iter();
                    first = entries.map(|entry| entry["weight"].as_u64().unwrap()).collect();
                }
            }
            Progress::Finished { verdict, .. } => return (verdict, written, first),
            _ => {}
        }
    }
    panic!("the run ended without a verdict")
}

#[tokio::test]
async fn a_good_canary_is_promoted_from_half_a_percent() {
    let lab = lab(Scripted::new("suit", 0.8).seed(3));
    let (verdict, written, first) = released(&lab).await;
    let Verdict::Promote { stable, exposure, .. } = &verdict else { panic!("{verdict}") };
    assert_eq!(first, [199, 1]);
    assert_eq!(json!(written)[0], json!({"canary": 0.5}));
    assert_eq!(written[1..], [Split::new(50), Split::CANARY, Split::CANARY]);
    assert_eq!(weights(lab.cluster(), NAMESPACE).await, Split::CANARY);
    // Half of the second step, and some seven requests of the first one.
    assert!(stable > exposure && *exposure > 500, "{verdict}");
}

#[tokio::test]
async fn a_canary_that_fails_is_rolled_back_from_half_a_percent() {
    let lab = lab(Scripted::new("suit", 0.8).errors(1.0));
    let (verdict, written, first) = released(&lab).await;
    let Verdict::Rollback { guardrail, .. } = &verdict else { panic!("{verdict}") };
    assert_eq!(guardrail, "errorRatio");
    assert_eq!(first, [199, 1]);
    assert_eq!(written.last(), Some(&Split::STABLE), "{written:?}");
    assert!(written.iter().all(|split| split.canary < 1), "{written:?}");
    let live = live(lab.cluster(), NAMESPACE).await;
    let entries = live["spec"]["http"][0]["route"].as_array().unwrap().iter();
    let back: Vec<u64> = entries.map(|entry| entry["weight"].as_u64().unwrap()).collect();
    assert_eq!(back, [100, 0], "percent again");
}
