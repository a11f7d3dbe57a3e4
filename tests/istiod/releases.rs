//! Three releases by the driver: a good canary, a bad one, and one that nobody can reach.

use std::{collections::BTreeSet, time::Duration};

use canary_core::{
    Plan, Verdict,
    cluster::{Cluster, Driver, HeaderProbe, ObjectRef},
    evidence::{Sample, Subsets, Traffic},
    rollout::{Guardrail, Hold, Percent, Result, Split, patch::locate},
};
use canary_tests::istiod::Pod;
use futures_util::{Stream, StreamExt, stream};

use crate::stage::{APP, CANARY, PHOTO, STABLE, Stage, answered_by, canary_model, course};

/// The plan with the default `settle`.
fn plan() -> Plan {
    Plan::new(APP, STABLE, CANARY)
        .bursts(canary_core::rollout::Bursts::None)
        .header("user-group", "canary")
        .weights([30, 100], Hold::requests(300))
        .guardrail(Guardrail::error_ratio(1.0))
        .startup_timeout(Duration::from_secs(8))
}

fn samples() -> impl Stream<Item = Result<Sample>> + Send + 'static {
    let sample =
        |number: u64| Ok(Sample::new(format!("photo {number}"), number.to_le_bytes().to_vec()));
    // Some 100 requests a second: enough to be judged in seconds, and the machine has other things to do.
    stream::iter(0..).then(move |number| async move {
        tokio::time::sleep(Duration::from_millis(10)).await;
        sample(number)
    })
}

/// The verdict, and the shares of the canary that were written on the way.
async fn release(stage: &Stage) -> (Verdict, Vec<Percent>) {
    let client = stage.client().await;
    let subsets = Subsets::new(STABLE, CANARY);
    let driver = Driver::new(stage.cluster().clone(), plan())
        .unwrap()
        .probe(HeaderProbe::new(&plan(), &client, PHOTO.to_vec()))
        .source(Traffic::requests("own", &client, subsets, samples()))
        .tick(Duration::from_millis(100));
    let (mut run, _control) = driver.start().await.unwrap();
    course(&mut run).await
}

/// The weights in the cluster at the end, and the versions that fifty requests get once they are in force.
async fn afterwards(stage: &Stage, version: &str) -> (Split, BTreeSet<String>) {
    let live = ObjectRef::virtual_service("default", APP);
    let live = stage.cluster().get(&live).await.unwrap().unwrap();
    let weights = locate(&plan(), &live).unwrap().split.unwrap();
    stage.until_answered_by(version).await;
    // After the settling time no proxy routes by the weights before.
    tokio::time::sleep(plan().settle).await;
    let client = stage.client().await;
    let mut versions = BTreeSet::new();
    for _ in 0..50 {
        versions.insert(answered_by(&client).await.unwrap());
    }
    (weights, versions)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_canary_is_promoted() {
    let Some(stage) = Stage::released(Pod::Serves(canary_model())).await else { return };
    let (verdict, written) = release(&stage).await;
    println!("good: {verdict}");
    assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
    assert_eq!(written.first(), Some(&Percent::from(30)));
    assert!(written.iter().skip(1).all(|canary| *canary == 100), "{written:?}");
    let (weights, versions) = afterwards(&stage, CANARY).await;
    assert_eq!((weights, versions), (Split::CANARY, BTreeSet::from([CANARY.to_owned()])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_canary_is_rolled_back() {
    let Some(stage) = Stage::released(Pod::Serves(canary_model().errors(0.3))).await else {
        return;
    };
    let (verdict, written) = release(&stage).await;
    println!("bad: {verdict}");
    assert!(matches!(verdict, Verdict::Rollback { .. }), "{verdict}");
    assert_eq!(written, [30, 0]);
    let (weights, versions) = afterwards(&stage, STABLE).await;
    assert_eq!((weights, versions), (Split::STABLE, BTreeSet::from([STABLE.to_owned()])));
}

/// Its pods say that they are ready, and no connection to them succeeds: the header route finds it out before a weight
/// is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_that_nobody_reaches_gets_no_weight() {
    let Some(stage) = Stage::released(Pod::Refuses).await else { return };
    let (verdict, written) = release(&stage).await;
    println!("unreachable: {verdict}");
    assert!(!matches!(verdict, Verdict::Promote { .. }), "{verdict}");
    assert!(written.iter().all(|canary| *canary == 0), "{written:?}");
    let (weights, versions) = afterwards(&stage, STABLE).await;
    assert_eq!((weights, versions), (Split::STABLE, BTreeSet::from([STABLE.to_owned()])));
}
