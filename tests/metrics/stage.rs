//! A lab with two versions in a namespace of its own, and a measured run on it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use canary_core::{
    DestinationRule, Gateway, Plan, Verdict, VirtualService,
    cluster::{Progress, Rollout, Snapshot},
    evidence::Sample,
    metrics::{Measured, Metrics, RunMetrics},
    predict::Client,
    rollout::{Bursts, Guardrail, Hold},
    serving::Workload,
};
use canary_lab::{
    Lab,
    model::{Latency, Scripted},
};
use canary_tests::chaos::{Call, Fault, Faulty, Ledger, Refusal, Verb};
use futures_util::{StreamExt, stream};
use tokio::task::spawn_blocking;

pub(super) const APP: &str = "image-classifier";

/// A lab whose canary fails so large a share of its requests.
pub(super) async fn lab(namespace: &'static str, errors: f64) -> Lab {
    let start = move || {
        // So slow that a run is scraped on its way.
        let model = |errors, seed| {
            let latency = Latency::LogNormal { median: Duration::from_millis(10), sigma: 0.3 };
            Scripted::new("military uniform", 0.9).errors(errors).latency(latency).seed(seed)
        };
        let lab = Lab::builder()
            .model("models/v1", model(0.0, 1))
            .model("models/v2", model(errors, 2))
            .seed(7)
            .start()
            .unwrap();
        for version in ["v1", "v2"] {
            let workload = Workload::new(APP, version).model("model", format!("models/{version}"));
            for object in workload.namespace(namespace).objects().unwrap() {
                lab.apply(&object).unwrap();
            }
        }
        lab.apply(&Gateway::http("gateway", 80, ["*"]).namespace(namespace)).unwrap();
        let subsets = DestinationRule::subsets(APP, ["v1", "v2"]).namespace(namespace);
        lab.apply(&subsets).unwrap();
        let split = VirtualService::weighted(APP, [("v1", 100), ("v2", 0)])
            .namespace(namespace)
            .hosts(["*"])
            .gateway("gateway")
            .port(8501)
            .stamp_subset(Client::SUBSET_HEADER);
        lab.apply(&split).unwrap();
        lab.wait_ready(Duration::from_secs(30)).unwrap();
        lab
    };
    spawn_blocking(start).await.unwrap()
}

pub(super) fn plan(namespace: &str) -> Plan {
    Plan::new(APP, "v1", "v2")
        .namespace(namespace)
        .header("user-group", "canary")
        .bursts(Bursts::None)
        .weights([30, 100], Hold::requests(200).and_pairs(100).and_time(Duration::from_secs(1)))
        .settle(Duration::from_millis(50))
        .guardrail(Guardrail::error_ratio(1.0))
        .guardrail(Guardrail::agreement(0.9))
}

/// The end of a run.
pub(super) struct End {
    pub(super) verdict: Verdict,
    pub(super) last: Snapshot,
}

/// Runs the plan to its verdict. One write of the `VirtualService` is refused once, by a server that is busy.
pub(super) async fn run(lab: &Lab, metrics: &RunMetrics, plan: &Plan) -> End {
    let refused = AtomicBool::new(false);
    let faults = move |call: &Call<'_>| {
        let busy = call.verb == Verb::Patch
            && call.object.kind == "VirtualService"
            && !refused.swap(true, Ordering::SeqCst);
        if busy { Fault::Before(Refusal::Busy) } else { Fault::None }
    };
    let ledger = Arc::new(Ledger::new(plan));
    let cluster = Faulty::new(lab.cluster().clone(), Arc::new(faults), ledger);
    let client =
        Client::new(&lab.gateway_url()).unwrap().model("model").signature("serving_preprocess");
    let input = |number: u64| Sample::new(number.to_string(), number.to_be_bytes().to_vec());
    let samples = stream::iter((1..).map(move |number| Ok(input(number))));
    let driver = Rollout::of(plan.clone())
        .requests(metrics.measure(client), input(0), samples)
        .tick(Duration::from_millis(50))
        .on(Measured::new(cluster, metrics.clone()))
        .unwrap();
    let (run, _control) = Box::pin(driver.start()).await.unwrap();
    let mut run = Box::pin(metrics.follow(run));
    let mut last = None;
    while let Some(progress) = run.next().await {
        match progress.unwrap() {
            Progress::Seen(seen) => last = Some(seen),
            Progress::Finished { verdict, .. } => {
                metrics.notices(4, 1);
                return End { verdict, last: last.unwrap() };
            }
            _ => {}
        }
    }
    panic!("the stream ended without a verdict");
}

/// The metrics of a run of a good canary, as they are at its end.
pub(super) async fn after_a_run() -> Metrics {
    let (metrics, plan) = (Metrics::new(), plan("good"));
    let lab = lab("good", 0.0).await;
    let end = run(&lab, &metrics.run(&plan), &plan).await;
    assert!(matches!(end.verdict, Verdict::Promote { .. }), "{}", end.verdict);
    spawn_blocking(move || drop(lab)).await.unwrap();
    metrics
}
