//! Releases of models that MLServer serves, behind the lab's gateway.

use std::time::Duration;

use canary_core::{
    DestinationRule, Gateway, Plan, Verdict, VirtualService,
    cluster::{Progress, Rollout},
    evidence::{Sample, close},
    predict::{Client, Input, Prediction, Protocol},
    rollout::{Guardrail, Hold},
    serving::Workload,
    tensor::{Tensor, TensorData},
};
use canary_lab::Lab;
use canary_tests::model_servers::ModelServer;
use futures_util::{StreamExt, stream};
use tokio::task::spawn_blocking;

const APP: &str = "mix";

/// A lab whose two versions are the servers at these addresses.
fn start_lab(stable: &str, canary: &str) -> Lab {
    let address = |url: &str| url.trim_start_matches("http://").parse().unwrap();
    let builder =
        Lab::builder().server("models/v1", address(stable)).server("models/v2", address(canary));
    let lab = builder.start().unwrap();
    for version in ["v1", "v2"] {
        let workload = Workload::new(APP, version).model("mix", format!("models/{version}"));
        for object in workload.objects().unwrap() {
            lab.apply(&object).unwrap();
        }
    }
    lab.apply(&Gateway::http("gateway", 80, ["*"])).unwrap();
    lab.apply(&DestinationRule::subsets(APP, ["v1", "v2"])).unwrap();
    let routes = VirtualService::weighted(APP, [("v1", 100), ("v2", 0)]);
    let routes = routes.hosts(["*"]).gateway("gateway").port(8501);
    lab.apply(&routes.stamp_subset(Client::SUBSET_HEADER)).unwrap();
    lab.wait_ready(Duration::from_secs(60)).unwrap();
    lab
}

/// Runs the plan to its verdict with rows of random floats.
async fn judge(lab: &Lab, plan: Plan, client: Client, close_to: Option<f64>) -> Verdict {
    let sample = |number: u64| {
        let at = |column: u64| {
            let mixed = (number * 4 + column).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
            f32::from(u16::try_from(mixed).unwrap()) / 32768.0 - 1.0
        };
        let row = Tensor::new(vec![1, 4], TensorData::Float((0..4).map(at).collect())).unwrap();
        Sample::new(number.to_string(), Input::named([("x", row)]))
    };
    let samples = stream::iter((1..100_000).map(move |number| Ok(sample(number))));
    let mut rollout = Rollout::of(plan).requests(client, sample(0), samples);
    if let Some(tolerance) = close_to {
        rollout = rollout.score("numbers agree", close(tolerance));
    }
    let driver = rollout.tick(Duration::from_millis(50)).on(lab.cluster().clone()).unwrap();
    let (mut run, _control) = Box::pin(driver.start()).await.unwrap();
    while let Some(progress) = run.next().await {
        if let Progress::Finished { verdict, .. } = progress.unwrap() {
            return verdict;
        }
    }
    panic!("the stream ended without a verdict");
}

fn plan() -> Plan {
    Plan::new(APP, "v1", "v2")
        .header("user-group", "canary")
        .weights([30, 100], Hold::pairs(60))
        .settle(Duration::from_millis(50))
        .guardrail(Guardrail::error_ratio(1.0))
}

#[tokio::test(flavor = "multi_thread")]
async fn releases_on_mlserver() {
    let Some(stable) = ModelServer::start("mlserver", 0) else { return };
    let (good, bad) = (ModelServer::start("mlserver", 0), ModelServer::start("mlserver", 1));
    let (good, bad) = (good.unwrap(), bad.unwrap());
    for server in [&stable, &good, &bad] {
        crate::detected(server, &server.rest(), "mix").await;
    }
    for (canary, promoted) in [(&good, true), (&bad, false)] {
        let (one, other) = (stable.rest(), canary.rest());
        let lab = spawn_blocking(move || start_lab(&one, &other)).await.unwrap();
        // The gateway passes on the paths of the protocol, which is detected through it.
        let client = Client::new(&lab.gateway_url()).unwrap().model("mix");
        let client = client.detected().await.unwrap();
        assert_eq!(client.spoken(), Protocol::OpenInference);
        let by_labels = plan().guardrail(Guardrail::agreement(0.9));
        let verdict = judge(&lab, by_labels, client.clone(), None).await;
        assert_eq!(matches!(verdict, Verdict::Promote { .. }), promoted, "by labels: {verdict}");
        spawn_blocking(move || drop(lab)).await.unwrap();

        // The same models by their logits alone, and by one of their numbers.
        let (one, other) = (stable.rest(), canary.rest());
        let lab = spawn_blocking(move || start_lab(&one, &other)).await.unwrap();
        let logits = Client::new(&lab.gateway_url()).unwrap().model("mix");
        let logits = logits.detected().await.unwrap().outputs(["logits"]);
        let by_argmax = logits.clone().prediction(Prediction::argmax());
        let agreement = plan().guardrail(Guardrail::agreement(0.9));
        let verdict = judge(&lab, agreement, by_argmax, None).await;
        assert_eq!(matches!(verdict, Verdict::Promote { .. }), promoted, "by argmax: {verdict}");
        spawn_blocking(move || drop(lab)).await.unwrap();

        let (one, other) = (stable.rest(), canary.rest());
        let lab = spawn_blocking(move || start_lab(&one, &other)).await.unwrap();
        let first = Client::new(&lab.gateway_url()).unwrap().model("mix");
        let first = first.detected().await.unwrap().outputs(["logits"]);
        let first = first.prediction(Prediction::by(|answer| {
            let logits = answer.single()?.as_floats().unwrap_or_default();
            Ok(vec![logits.first().map(|first| (first.to_string(), None))])
        }));
        let numbers = plan().guardrail(Guardrail::custom("numbers agree", 0.9));
        let verdict = judge(&lab, numbers, first, Some(0.01)).await;
        assert_eq!(matches!(verdict, Verdict::Promote { .. }), promoted, "by numbers: {verdict}");
        spawn_blocking(move || drop(lab)).await.unwrap();
    }
}
