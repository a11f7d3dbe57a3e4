//! The seed's lab, steps 5 to 17: an application, its gateway, 100/0, 70/30, the header route, the promotion; with Istio's
//! objects and with those of the Gateway API.

use canary_core::{
    cluster::{Cluster, ObjectRef},
    predict::{Answer, Client},
    stats::{Alpha, EProcess, Split},
};
use canary_tests::istiod::{Pod, until};

use crate::{
    log::Log,
    seed_objects::Api,
    stage::{APP, CANARY, PHOTO, STABLE, Stage, answered_by, canary_model, workload},
};

/// The requests that are sent for an observed share.
const REQUESTS: u64 = 400;

fn best(answer: &Answer) -> String {
    let top = answer.top().unwrap();
    format!("{}, {:.0} %", top[0].0, top[0].1 * 100.0)
}

/// The number of answers of the canary among so many; every request must be answered by one of the two.
async fn canary_answers(api: Api, client: &Client, requests: u64) -> u64 {
    let mut answers = client.predict_many(vec![PHOTO; usize::try_from(requests).unwrap()], 4);
    let [stable, of_canary] = [STABLE, CANARY].map(|version| api.arm(version));
    let mut canary = 0;
    while let Some(answer) = answers.next().await {
        let answer = answer.unwrap();
        let subset = answer.subset().unwrap();
        assert!([&*stable, &*of_canary].contains(&subset), "{subset}");
        canary += u64::from(subset == of_canary);
    }
    canary
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lab_of_the_seed_runs_on_istiod() {
    run(Api::Istio, "## The tests").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lab_of_the_seed_runs_with_the_gateway_api() {
    run(Api::Gateway, "## The Gateway API").await;
}

async fn run(api: Api, heading: &'static str) {
    let Some(stage) = Stage::empty(Pod::Serves(canary_model())).await else { return };
    let (mut log, cluster) = (Log::under(heading), stage.cluster());
    deploy_the_first(api, &stage, &mut log).await;
    let client = stage.client().await;

    let (versions, said) = api.versions();
    for object in versions {
        cluster.apply(&object).await.unwrap();
    }
    log.step(12, said.0, said.1);

    cluster.apply(&api.split(100, 0)).await.unwrap();
    stage.until_answered_by(&api.arm(STABLE)).await;
    assert_eq!(canary_answers(api, &client, 50).await, 0);
    log.step(13, "weights 100/0", "50 of 50 answers by resnet50");

    stage.deploy(CANARY).await;
    log.step(
        14,
        "ResNet101 beside it",
        &format!("{} is ready", workload(CANARY).deployment_name()),
    );

    cluster.apply(&api.split(70, 30)).await.unwrap();
    stage.until_answered_by(&api.arm(CANARY)).await;
    let sent = stage.plane.requests().len();
    let seen = canary_answers(api, &client, REQUESTS).await;
    let mut share = Split::new(0.3).unwrap();
    share.observe_counts(seen, REQUESTS - seen);
    // A share of 30 % leaves this interval in one of a million runs.
    let wide = share.interval(Alpha::new(1e-6).unwrap());
    assert!(wide.low <= 0.3 && 0.3 <= wide.high, "{seen} of {REQUESTS}");
    let shown = share.interval(Alpha::new(0.05).unwrap());
    let (low, high) = (shown.low * 100.0, shown.high * 100.0);
    log.step(
        15,
        "weights 70/30",
        &format!(
            "{seen} of {REQUESTS} answers by resnet101, a share between {low:.0} % and {high:.0} % (95 %)"
        ),
    );
    told_by_the_gateway(api, &stage, sent).await;

    focus_and_promote(api, &stage, &client, &mut log).await;
    log.finish();
}

/// Steps 5 to 11.
async fn deploy_the_first(api: Api, stage: &Stage, log: &mut Log) {
    let cluster = stage.cluster();
    stage.deploy(STABLE).await;
    let first = workload(STABLE);
    log.step(
        5,
        "ConfigMap",
        &format!("{} with MODEL_NAME and MODEL_PATH", first.config_map_name()),
    );
    log.step(6, "Deployment", &format!("{} is ready", first.deployment_name()));
    log.step(7, "Service", &format!("{APP} for every version, ports 8500 and 8501"));
    let (gateway, said) = api.gateway();
    cluster.apply(&gateway).await.unwrap();
    log.step(8, "Gateway", &said);
    let everything = api.everything();
    cluster.apply(&everything).await.unwrap();
    let kind = everything["kind"].as_str().unwrap();
    log.step(9, kind, &format!("{APP}, everything to port 8501 of the Service"));
    let url = api.url(stage).await;
    log.step(
        10,
        "the gateway's address",
        "http://127.0.0.1, the node's port of istio-ingressgateway",
    );
    assert!(url.starts_with("http://127.0.0.1:3"), "{url}");
    let client = stage.client().await;
    until("the gateway", async || client.predict(PHOTO).await.is_ok()).await;
    let answer = client.predict(PHOTO).await.unwrap();
    assert_eq!(best(&answer), "military uniform, 45 %");
    log.step(11, "predict", &best(&answer));
}

/// The gateway's own log says the same as the answers did: each went to one of the two versions.
async fn told_by_the_gateway(api: Api, stage: &Stage, sent: usize) {
    let total = sent + usize::try_from(REQUESTS).unwrap();
    let canary = stage.plane.requests_to(&api.envoy_cluster(CANARY), total).await;
    let stable = stage.plane.requests_to(&api.envoy_cluster(STABLE), total).await;
    assert!(canary > 0 && stable > 0, "{canary} and {stable}");
    for line in stage.plane.requests().iter().skip(sent) {
        assert_eq!(line.status, 200, "{line:?}");
    }
}

/// Steps 16 and 17.
async fn focus_and_promote(api: Api, stage: &Stage, client: &Client, log: &mut Log) {
    let cluster = stage.cluster();
    let [stable, canary] = [STABLE, CANARY].map(|version| api.arm(version));
    cluster.apply(&api.focused()).await.unwrap();
    let tester = client.clone().header("user-group", "canary");
    // In force once everybody without the header gets the stable version, fifty times in a row: at the weights before, 70 %
    // of the requests do, so that ten in a row are no sign.
    let stable_alone = async || {
        for _ in 0..50 {
            if answered_by(client).await.as_deref() != Some(&*stable) {
                return false;
            }
        }
        answered_by(&tester).await.as_deref() == Some(&*canary)
    };
    until("the header route", stable_alone).await;
    assert_eq!(canary_answers(api, client, 50).await, 0);
    assert_eq!(canary_answers(api, &tester, 50).await, 50);
    let answer = best(&client.predict(PHOTO).await.unwrap());
    log.step(16, "without the header", &format!("50 of 50 answers by resnet50: {answer}"));
    let answer = best(&tester.predict(PHOTO).await.unwrap());
    log.step(16, "user-group: canary", &format!("50 of 50 answers by resnet101: {answer}"));

    cluster.apply(&api.split(0, 100)).await.unwrap();
    stage.until_answered_by(&canary).await;
    assert_eq!(canary_answers(api, client, 50).await, 50);
    let old =
        ObjectRef::new("apps/v1", "Deployment", "default", workload(STABLE).deployment_name());
    assert!(cluster.delete(&old).await.unwrap());
    let entry = ObjectRef::new("networking.istio.io/v1", "WorkloadEntry", "default", &*old.name);
    until("the end of the old pod", async || cluster.get(&entry).await.unwrap().is_none()).await;
    assert_eq!(canary_answers(api, client, 50).await, 50);
    let answer = best(&client.predict(PHOTO).await.unwrap());
    log.step(
        17,
        "promoted, and the old Deployment removed",
        &format!("100 of 100 answers by resnet101: {answer}"),
    );
}
