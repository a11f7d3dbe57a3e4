//! Changes of weights: when they are in force after the API server has acknowledged them, and that none loses a request.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use canary_core::{Plan, cluster::Typed};
use canary_tests::istiod::{Pod, until};

use crate::stage::{CANARY, PHOTO, STABLE, Stage, answered_by, canary_model, split};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_come_into_force_once_and_lose_no_request() {
    let Some(stage) = Stage::released(Pod::Serves(canary_model())).await else { return };
    a_change_comes_into_force_once_and_stays(&stage).await;
    twenty_changes_under_load_lose_no_request(&stage).await;
}

/// Twelve times everything from one version to the other: each change comes, as a whole, and stays.
async fn a_change_comes_into_force_once_and_stays(stage: &Stage) {
    let client = stage.client().await;
    let mut times = Vec::new();
    for change in 0..12 {
        let (weights, version) =
            if change % 2 == 0 { ((0, 100), CANARY) } else { ((100, 0), STABLE) };
        stage.cluster().apply_typed(&split(weights.0, weights.1)).await.unwrap();
        let acknowledged = Instant::now();
        // A request every 10 ms, which is how finely the time is known.
        stage.until_answered_by(version).await;
        times.push(acknowledged.elapsed());
        for _ in 0..50 {
            assert_eq!(answered_by(&client).await.as_deref(), Some(version), "it went back");
        }
    }
    times.sort();
    println!(
        "from the acknowledgement of a weight to its being in force, {} changes: {}, median {}, at most {}; a plan waits {} \
         (settle)",
        times.len(),
        millis(times[0]),
        millis(times[times.len() / 2]),
        millis(times[times.len() - 1]),
        millis(Plan::new("any", STABLE, CANARY).settle),
    );
}

fn millis(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

/// Four users send requests one after the other while the weights change twenty times.
async fn twenty_changes_under_load_lose_no_request(stage: &Stage) {
    let client = stage.client().await;
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut users = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (client, stop, sent) = (client.clone(), Arc::clone(&stop), Arc::clone(&sent));
        users.spawn(async move {
            let mut lost = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                sent.fetch_add(1, Ordering::Relaxed);
                match client.predict(PHOTO).await {
                    Ok(answer) if answer.subset().is_some() => {}
                    Ok(_) => lost.push("an answer of no version".to_owned()),
                    Err(error) => lost.push(error.to_string()),
                }
            }
            lost
        });
    }
    for change in 1..=20 {
        let before = sent.load(Ordering::Relaxed);
        stage.cluster().apply_typed(&split(100 - change * 5, change * 5)).await.unwrap();
        // The next comes when istiod has had the time to send this one, and the users to meet it.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let met = async || sent.load(Ordering::Relaxed) >= before + 50;
        until("requests", met).await;
    }
    // Under load as before, until the last change is in force.
    let in_force = async || {
        for _ in 0..10 {
            if answered_by(&client).await.as_deref() != Some(CANARY) {
                return false;
            }
        }
        true
    };
    until("the last weights", in_force).await;
    stop.store(true, Ordering::Relaxed);
    let lost: Vec<String> = users.join_all().await.into_iter().flatten().collect();
    let sent = sent.load(Ordering::Relaxed);
    println!("20 changes of weights under {sent} requests, {} lost", lost.len());
    assert!(lost.is_empty(), "{} of {sent} are lost: {:?}", lost.len(), &lost[..lost.len().min(5)]);
    assert!(sent > 1_000, "{sent} requests are no load");
}
