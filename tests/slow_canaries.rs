//! Canaries that hang, and one that is ready only after a wait, over the whole path: the driver's own requests through
//! the lab's gateway, the weights in the mesh, and what users get afterwards.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use canary_core::{
    DestinationRule, Gateway, Plan, Verdict, VirtualService,
    cluster::{Driver, HeaderProbe, Progress},
    evidence::{Sample, Subsets, Traffic},
    predict::{Client, Input, Retry},
    rollout::{Cause, Guardrail, HeaderRoute, Hold, Split},
    serving::Workload,
};
use canary_lab::{
    Lab,
    model::{Model, ModelError, Scripted, Signature, Tensors},
};
use futures_util::{StreamExt, stream};

use crate::rollouts::{APP, live, weights};

const NAMESPACE: &str = "default";

/// A model that does not answer some of its requests, and takes its time to load.
#[derive(Debug)]
struct Hanging {
    model: Scripted,
    hangs: Range<u64>,
    loading: Duration,
    sent: AtomicU64,
}

impl Hanging {
    fn new(hangs: Range<u64>, loading: Duration) -> Self {
        Self { model: Scripted::new("suit", 0.8), hangs, loading, sent: AtomicU64::new(0) }
    }
}

impl Model for Hanging {
    fn signatures(&self) -> &[Signature] {
        self.model.signatures()
    }

    fn predict(&self, signature: &str, inputs: Tensors) -> Result<Tensors, ModelError> {
        self.model.predict(signature, inputs)
    }

    fn wait(&self) -> Duration {
        let sent = self.sent.fetch_add(1, Ordering::Relaxed);
        if self.hangs.contains(&sent) { Duration::from_secs(3_600) } else { Duration::ZERO }
    }

    fn loading(&self) -> Duration {
        self.loading
    }

    fn is_heavy(&self) -> bool {
        false
    }
}

/// A lab with everything at a stable version that is ready.
fn lab(canary: Hanging) -> Lab {
    let lab = Lab::builder()
        .seed(7)
        .model("m/lite0", Scripted::new("suit", 0.9))
        .model("m/lite1", canary)
        .start()
        .unwrap();
    let deploy = |version: &str| {
        let workload = Workload::new(APP, version).model("m", format!("m/{version}"));
        for object in workload.objects().unwrap() {
            lab.apply(&object).unwrap();
        }
    };
    deploy("lite0");
    lab.apply(&Gateway::http("gateway", 80, ["*"])).unwrap();
    lab.apply(&DestinationRule::subsets(APP, ["lite0"])).unwrap();
    let split = VirtualService::weighted(APP, [("lite0", 100)]);
    let split = split.hosts(["*"]).gateway("gateway").port(8501);
    lab.apply(&split.stamp_subset(Client::SUBSET_HEADER)).unwrap();
    lab.wait_ready(Duration::from_secs(10)).unwrap();
    deploy("lite1");
    lab
}

fn client(lab: &Lab) -> Client {
    let client = Client::new(&lab.gateway_url()).unwrap().model("m");
    let once = Retry::default().attempts(1);
    client.signature("serving_preprocess").timeout(Duration::from_millis(200)).retry(once)
}

/// Runs a plan to its end: the verdict and the splits that were written.
async fn released(lab: &Lab) -> (Verdict, Vec<Split>) {
    let plan = Plan::new(APP, "lite0", "lite1")
        .bursts(canary_core::rollout::Bursts::None)
        .header("user-group", "canary")
        .weights([30, 100], Hold::requests(60))
        .settle(Duration::ZERO)
        .startup_timeout(Duration::from_secs(10))
        .patience(Duration::from_secs(60))
        .guardrail(Guardrail::error_ratio(1.0));
    let client = client(lab);
    let inputs = (0_u64..).map(|n| Ok(Sample::new(format!("{n}"), n.to_le_bytes().to_vec())));
    let subsets = Subsets::new("lite0", "lite1");
    let users = Traffic::requests("users", &client, subsets, stream::iter(inputs)).concurrency(4);
    let probe = HeaderProbe::new(&plan, &client, b"photo".as_slice());
    let driver = Driver::new(lab.cluster().clone(), plan).unwrap();
    let driver = driver.source(users).probe(probe).tick(Duration::from_millis(20));
    let (mut run, _control) = driver.start().await.unwrap();
    let mut written = Vec::new();
    while let Some(progress) = run.next().await {
        match progress.unwrap() {
            Progress::Written { split, .. } => written.push(split),
            Progress::Finished { verdict, .. } => return (verdict, written),
            _ => {}
        }
    }
    panic!("a run ended without a verdict");
}

/// Two hundred users are served by this version, and nothing is left of the run but the weights.
async fn serves(lab: &Lab, version: &str, split: Split) {
    assert_eq!(weights(lab.cluster(), NAMESPACE).await, split);
    let routes = live(lab.cluster(), NAMESPACE).await["spec"]["http"].clone();
    let names = routes.as_array().unwrap().iter().filter_map(|route| route["name"].as_str());
    assert_eq!(names.filter(|name| name.starts_with(HeaderRoute::ROUTE_PREFIX)).count(), 0);
    let client = client(lab);
    let send = |number: u64| {
        let client = client.clone();
        async move {
            let photo = number.to_le_bytes();
            let answer = client.predict(Input::files([photo.as_slice()])).await;
            answer.map_or_else(|error| error.to_string(), |one| one.subset().unwrap().to_owned())
        }
    };
    let answers: Vec<String> = stream::iter(0..200).map(send).buffered(8).collect().await;
    let mut by = BTreeMap::new();
    for subset in answers {
        *by.entry(subset).or_insert(0) += 1;
    }
    assert_eq!(by, BTreeMap::from([(version.to_owned(), 200)]));
}

#[tokio::test]
async fn a_canary_that_never_answers_is_refused_without_a_weight() {
    let lab = lab(Hanging::new(0..u64::MAX, Duration::ZERO));
    let (verdict, written) = released(&lab).await;
    let Verdict::Rollback { evidence: Cause::NotReady(why), exposure: 0, .. } = &verdict else {
        panic!("{verdict}")
    };
    assert!(why.contains("lite1 does not answer"), "{why}");
    assert_eq!(written, [], "{verdict}");
    serves(&lab, "lite0", Split::STABLE).await;
}

#[tokio::test]
async fn a_canary_that_hangs_during_the_run_goes_back_with_the_cause() {
    let lab = lab(Hanging::new(20..u64::MAX, Duration::ZERO));
    let (verdict, written) = released(&lab).await;
    let Verdict::Rollback { .. } = &verdict else { panic!("{verdict}") };
    let message = verdict.to_string();
    assert!(message.contains("canary"), "{message}");
    assert_eq!(written, [Split::new(30), Split::STABLE], "{verdict}");
    serves(&lab, "lite0", Split::STABLE).await;
}

#[tokio::test]
async fn a_canary_that_is_ready_only_after_a_wait_is_promoted() {
    // Its pod is ready after a second and a half, and then the first requests wait for what the model still warms up.
    let loading = Duration::from_millis(1_500);
    let lab = lab(Hanging::new(0..5, loading));
    let began = Instant::now();
    let (verdict, written) = released(&lab).await;
    assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
    // Five probes of 0.2 s each after the loading.
    assert!(began.elapsed() >= loading + Duration::from_millis(900), "{:?}", began.elapsed());
    // The last write takes the header route away.
    assert_eq!(written, [Split::new(30), Split::CANARY, Split::CANARY]);
    serves(&lab, "lite1", Split::CANARY).await;
}
