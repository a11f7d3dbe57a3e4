//! The seed's lab, steps 5 to 17: an application, its gateway, 100/0, 70/30, the header route, the promotion.

use canary_core::{
    DestinationRule, Gateway, VirtualService,
    cluster::{Cluster, ObjectRef, Typed},
    predict::{Answer, Client},
    stats::{Alpha, EProcess, Split},
};
use canary_tests::istiod::{Pod, until};

use crate::{
    log::Log,
    stage::{
        APP, CANARY, GATEWAY, PHOTO, STABLE, Stage, answered_by, canary_model, split, workload,
    },
};

/// The requests that are sent for an observed share.
const REQUESTS: u64 = 400;

fn best(answer: &Answer) -> String {
    let top = answer.top().unwrap();
    format!("{}, {:.0} %", top[0].0, top[0].1 * 100.0)
}

/// The number of answers of the canary among so many; every request must be answered by one of the two.
async fn canary_answers(client: &Client, requests: u64) -> u64 {
    let mut answers = client.predict_many(vec![PHOTO; usize::try_from(requests).unwrap()], 4);
    let mut canary = 0;
    while let Some(answer) = answers.next().await {
        let answer = answer.unwrap();
        let subset = answer.subset().unwrap();
        assert!([STABLE, CANARY].contains(&subset), "{subset}");
        canary += u64::from(subset == CANARY);
    }
    canary
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lab_of_the_seed_runs_on_istiod() {
    let Some(stage) = Stage::empty(Pod::Serves(canary_model())).await else { return };
    let (mut log, cluster) = (Log::new(), stage.cluster());
    deploy_the_first(&stage, &mut log).await;
    let client = stage.client().await;

    let subsets = DestinationRule::subsets(APP, [CANARY, STABLE]);
    cluster.apply_typed(&subsets).await.unwrap();
    log.step(12, "DestinationRule", "subsets resnet101 and resnet50 by the label version");

    cluster.apply_typed(&split(100, 0)).await.unwrap();
    stage.until_answered_by(STABLE).await;
    assert_eq!(canary_answers(&client, 50).await, 0);
    log.step(13, "weights 100/0", "50 of 50 answers by resnet50");

    stage.deploy(CANARY).await;
    log.step(
        14,
        "ResNet101 beside it",
        &format!("{} is ready", workload(CANARY).deployment_name()),
    );

    cluster.apply_typed(&split(70, 30)).await.unwrap();
    stage.until_answered_by(CANARY).await;
    let sent = stage.plane.requests().len();
    let seen = canary_answers(&client, REQUESTS).await;
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
    told_by_the_gateway(&stage, sent).await;

    focus_and_promote(&stage, &client, &mut log).await;
    log.finish();
}

/// Steps 5 to 11.
async fn deploy_the_first(stage: &Stage, log: &mut Log) {
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
    cluster.apply_typed(&Gateway::http(GATEWAY, 80, ["*"])).await.unwrap();
    log.step(8, "Gateway", &format!("{GATEWAY} on port 80 for every host"));
    let everything = VirtualService::to(APP).hosts(["*"]).gateway(GATEWAY).port(8501);
    cluster.apply_typed(&everything).await.unwrap();
    log.step(9, "VirtualService", &format!("{APP}, everything to port 8501 of the Service"));
    let url = stage.url().await;
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

/// The gateway's own log says the same as the answers did: each went to one of the two subsets of the Service.
async fn told_by_the_gateway(stage: &Stage, sent: usize) {
    let total = sent + usize::try_from(REQUESTS).unwrap();
    let to = |subset| format!("outbound|8501|{subset}|{APP}.default.svc.cluster.local");
    let canary = stage.plane.requests_to(&to(CANARY), total).await;
    let stable = stage.plane.requests_to(&to(STABLE), total).await;
    assert!(canary > 0 && stable > 0, "{canary} and {stable}");
    for line in stage.plane.requests().iter().skip(sent) {
        assert_eq!(line.status, 200, "{line:?}");
    }
}

/// Steps 16 and 17.
async fn focus_and_promote(stage: &Stage, client: &Client, log: &mut Log) {
    let cluster = stage.cluster();
    let focused = VirtualService::to(APP)
        .subset(STABLE)
        .hosts(["*"])
        .gateway(GATEWAY)
        .port(8501)
        .when_header("user-group", "canary", CANARY)
        .stamp_subset(Client::SUBSET_HEADER);
    cluster.apply_typed(&focused).await.unwrap();
    let tester = client.clone().header("user-group", "canary");
    // In force once everybody without the header gets the stable version, ten times in a row.
    let stable_alone = async || {
        for _ in 0..10 {
            if answered_by(client).await.as_deref() != Some(STABLE) {
                return false;
            }
        }
        answered_by(&tester).await.as_deref() == Some(CANARY)
    };
    until("the header route", stable_alone).await;
    assert_eq!(canary_answers(client, 50).await, 0);
    assert_eq!(canary_answers(&tester, 50).await, 50);
    let answer = best(&client.predict(PHOTO).await.unwrap());
    log.step(16, "without the header", &format!("50 of 50 answers by resnet50: {answer}"));
    let answer = best(&tester.predict(PHOTO).await.unwrap());
    log.step(16, "user-group: canary", &format!("50 of 50 answers by resnet101: {answer}"));

    cluster.apply_typed(&split(0, 100)).await.unwrap();
    stage.until_answered_by(CANARY).await;
    assert_eq!(canary_answers(client, 50).await, 50);
    let old =
        ObjectRef::new("apps/v1", "Deployment", "default", workload(STABLE).deployment_name());
    assert!(cluster.delete(&old).await.unwrap());
    let entry = ObjectRef::new("networking.istio.io/v1", "WorkloadEntry", "default", &*old.name);
    until("the end of the old pod", async || cluster.get(&entry).await.unwrap().is_none()).await;
    assert_eq!(canary_answers(client, 50).await, 50);
    let answer = best(&client.predict(PHOTO).await.unwrap());
    log.step(
        17,
        "promoted, and the old Deployment removed",
        &format!("100 of 100 answers by resnet101: {answer}"),
    );
}
