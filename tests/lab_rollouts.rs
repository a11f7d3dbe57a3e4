//! Rollouts on the lab: killed at every call and started again, and judged by mirrored traffic.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use canary_core::{
    DestinationRule, Gateway, Plan, Verdict, VirtualService,
    cluster::{Cluster, Driver, ObjectRef, Patch, Progress, WatchEvent},
    evidence::{Mirrored, Sample, Subsets, Traffic},
    predict::Client,
    rollout::{Cause, Guardrail, Hold, Result},
    serving::Workload,
};
use canary_lab::{Lab, model::Scripted, store::Store};
use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;

use crate::rollouts::{APP, driver, live, plan, set_up, traffic, verdict, weights};

const NAMESPACE: &str = "default";

/// The lab's store for a driver that is killed at one call, before or after its effect: its calls no longer end.
#[derive(Clone)]
struct Dying {
    store: Store,
    calls: Arc<AtomicUsize>,
    dies_at: usize,
    after: bool,
}

impl Dying {
    async fn call<T>(&self, effect: impl Future<Output = T>) -> T {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        if call > self.dies_at || (call == self.dies_at && !self.after) {
            return std::future::pending().await;
        }
        let done = effect.await;
        if call == self.dies_at {
            return std::future::pending().await;
        }
        done
    }
}

impl Cluster for Dying {
    async fn get(&self, object: &ObjectRef) -> Result<Option<Value>> {
        self.call(self.store.get(object)).await
    }

    async fn list(&self, version: &str, kind: &str, namespace: Option<&str>) -> Result<Vec<Value>> {
        self.call(self.store.list(version, kind, namespace)).await
    }

    async fn apply(&self, object: &Value) -> Result<Value> {
        self.call(self.store.apply(object)).await
    }

    async fn patch(&self, object: &ObjectRef, patch: &Patch) -> Result<Value> {
        self.call(self.store.patch(object, patch)).await
    }

    async fn patch_scale(&self, object: &ObjectRef, patch: &Patch) -> Result<Value> {
        self.call(self.store.patch_scale(object, patch)).await
    }

    async fn delete(&self, object: &ObjectRef) -> Result<bool> {
        self.call(self.store.delete(object)).await
    }

    fn watch(&self, object: &ObjectRef) -> impl Stream<Item = Result<WatchEvent>> + Send + 'static {
        self.store.watch(object)
    }
}

async fn store() -> Store {
    let store = Store::new();
    set_up(&store, NAMESPACE).await;
    store
}

/// Runs to the verdict; none when the driver dies, which shows as a call that does not come back.
async fn one_life(store: &Store, failing: u64, dies_at: usize, after: bool) -> Option<Verdict> {
    let calls = Arc::new(AtomicUsize::new(0));
    let dying = Dying { store: store.clone(), calls: Arc::clone(&calls), dies_at, after };
    let life = async {
        let started = driver(dying, NAMESPACE, traffic(failing)).start().await;
        let (mut run, _control) = started.unwrap();
        verdict(&mut run).await
    };
    let death = async {
        while calls.load(Ordering::SeqCst) <= dies_at {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        biased;
        verdict = life => Some(verdict),
        () = death => None,
    }
}

/// The same end for the same reason. A rollout that was interrupted judges what it has seen when it is stored, so it may
/// have seen more by then, and never less.
fn same(found: &Verdict, expected: &Verdict, when: &str) {
    match (found, expected) {
        (
            Verdict::Rollback { guardrail, evidence: Cause::Alarm(reading), exposure, .. },
            Verdict::Rollback {
                guardrail: by, evidence: Cause::Alarm(first), exposure: least, ..
            },
        ) => {
            assert_eq!(guardrail, by, "{when}: {found}");
            assert!(reading.alarm && reading.e >= first.e && exposure >= least, "{when}: {found}");
        }
        _ => assert_eq!(found.to_string(), expected.to_string(), "{when}"),
    }
}

#[tokio::test]
async fn a_driver_killed_at_every_call_on_the_lab_ends_with_the_same_verdict() {
    for failing in [1_000_000, 4] {
        let reference = store().await;
        let expected = one_life(&reference, failing, usize::MAX, false).await.unwrap();
        let routes = |live: Value| live["spec"]["http"].clone();
        let mut deaths = 0;
        for (dies_at, after) in (0..100).flat_map(|call| [(call, false), (call, true)]) {
            let store = store().await;
            if one_life(&store, failing, dies_at, after).await.is_some() {
                break;
            }
            deaths += 1;
            let split = weights(&store, NAMESPACE).await;
            assert!(plan(NAMESPACE).splits().contains(&split), "{split} is not in the plan");
            let verdict = one_life(&store, failing, usize::MAX, false).await.unwrap();
            same(&verdict, &expected, &format!("call {dies_at}, {after}"));
            assert_eq!(
                routes(live(&store, NAMESPACE).await),
                routes(live(&reference, NAMESPACE).await),
                "call {dies_at}, {after}"
            );
        }
        assert!(deaths > 20, "{deaths}");
    }
}

/// A lab with two scripted versions, everything at the first.
pub(crate) fn lab(canary: Scripted) -> Lab {
    let lab = Lab::builder()
        .seed(7)
        .model("m/lite0", Scripted::new("suit", 0.9))
        .model("m/lite1", canary)
        .start()
        .unwrap();
    for version in ["lite0", "lite1"] {
        let workload = Workload::new(APP, version).model("m", format!("m/{version}"));
        for object in workload.objects().unwrap() {
            lab.apply(&object).unwrap();
        }
    }
    lab.apply(&Gateway::http("gateway", 80, ["*"])).unwrap();
    lab.apply(&DestinationRule::subsets(APP, ["lite0", "lite1"])).unwrap();
    let split = VirtualService::weighted(APP, [("lite0", 100), ("lite1", 0)]);
    let split = split.hosts(["*"]).gateway("gateway").port(8501);
    lab.apply(&split.stamp_subset(Client::SUBSET_HEADER)).unwrap();
    lab.wait_ready(Duration::from_secs(10)).unwrap();
    lab
}

/// The shadow gives pairs for the users' requests; they see the stable model alone.
#[tokio::test]
async fn mirrored_answers_judge_a_canary_that_serves_nobody() {
    for (disagree, promoted) in [(0.0, true), (0.5, false)] {
        let lab = lab(Scripted::new("suit", 0.8).disagree(disagree, "gown").seed(3));
        let plan = Plan::new(APP, "lite0", "lite1")
            .bursts(canary_core::rollout::Bursts::None)
            .settle(Duration::ZERO)
            .guardrail(Guardrail::agreement(0.9))
            .shadow_first(100, 150, [30, 100], Hold::requests(100));
        let subsets = || Subsets::new("lite0", "lite1");
        let mirror = Mirrored::new("mirror", lab.mirror_log(subsets(), 1_024)).live();
        let tally = mirror.tally();
        let client = Client::new(&lab.gateway_url()).unwrap().model("m");
        let client = client.signature("serving_preprocess");
        let inputs = (0_u64..).map(|n| Ok(Sample::new(format!("{n}"), n.to_le_bytes().to_vec())));
        let users = Traffic::requests("users", &client, subsets(), stream::iter(inputs));
        let driver = Driver::new(lab.cluster().clone(), plan).unwrap();
        let driver = driver.source(users).source(mirror).tick(Duration::from_millis(20));
        let (mut run, _control) = driver.start().await.unwrap();
        let mut verdict = None;
        while let Some(progress) = run.next().await {
            match progress.unwrap() {
                Progress::Seen(seen) if seen.step == 0 => {
                    assert_eq!(seen.totals.canary, 0, "the canary serves nobody in the shadow");
                }
                Progress::Finished { verdict: found, .. } => verdict = Some(found),
                _ => {}
            }
        }
        let verdict = verdict.unwrap();
        if promoted {
            assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
            assert!(tally.pairs() >= 150);
        } else {
            assert!(verdict.to_string().starts_with("rolled back: agreement"), "{verdict}");
        }
        assert_eq!((tally.duplicates(), tally.unknown()), (0, 0));
    }
}
