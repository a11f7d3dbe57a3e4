//! The old version's Deployment after a promotion, on a real Kubernetes API server and in the lab.

use std::time::Duration;

use canary_core::{
    Gateway, Plan, Verdict,
    cluster::{
        Cluster, Driver, Kubernetes, ObjectRef, Outcome, PreflightOptions, Progress, missing_for,
        old_version, preflight, presence, role_for,
    },
    evidence::Timestamp,
    rollout::ScaleDown,
    serving::Workload,
};
use canary_lab::{Lab, model::Scripted};
use canary_tests::apiserver::ApiServer;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::{
    kubernetes_access::{account, in_force},
    presence::write_pod,
    rollouts::{APP, plan, set_up, traffic, weights},
};

const AFTER: Duration = Duration::from_millis(1_500);

fn scaling(namespace: &str) -> Plan {
    plan(namespace).scale_down_after(AFTER)
}

/// Both versions' objects, and a ready pod of each, as its controllers and a kubelet would make it.
async fn deploy(cluster: &Kubernetes, namespace: &str) {
    set_up(cluster, namespace).await;
    for version in ["lite0", "lite1"] {
        let workload = Workload::new(APP, version).model("m", format!("models/{version}"));
        for object in workload.namespace(namespace).replicas(3).objects().unwrap() {
            cluster.apply(&object).await.unwrap();
        }
        let hash = "7d9f8";
        let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{APP}-{version}-{hash}"),
            "uid": "7c1e5f0e-0000-4000-8000-000000000001", "controller": true});
        let metadata = json!({"name": format!("{APP}-{version}-{hash}-x"), "namespace": namespace,
            "labels": {"app": APP, "version": version, "pod-template-hash": hash}, "ownerReferences": [owner]});
        let ready =
            json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
        write_pod(cluster, &metadata, &ready).await;
    }
}

fn old(namespace: &str) -> ObjectRef {
    ObjectRef::new("apps/v1", "Deployment", namespace, format!("{APP}-lite0"))
}

async fn replicas(cluster: &impl Cluster, namespace: &str) -> u64 {
    let live = cluster.get(&old(namespace)).await.unwrap().unwrap();
    live["spec"]["replicas"].as_u64().unwrap()
}

fn driver<C: Cluster + 'static>(cluster: C, namespace: &str) -> Driver<C> {
    Driver::new(cluster, scaling(namespace))
        .unwrap()
        .source(traffic(u64::MAX))
        .probe(|| async { Ok(()) })
        .tick(Duration::from_millis(50))
        .holder("test")
}

/// The shared API server with a namespace; `None` when the server's programs are missing.
async fn connected(namespace: &str) -> Option<Kubernetes> {
    let server = ApiServer::shared().await?;
    server.namespace(namespace).await;
    Some(server.connect("admin").await.unwrap())
}

/// The reports of a run on the old version, and its verdict.
#[derive(Debug, Default)]
struct Told {
    at: Option<Timestamp>,
    outcome: Option<(ScaleDown, Timestamp)>,
    verdict: Option<Verdict>,
}

/// Runs to the end; `interfere` runs when the wait begins, and ends the run by `false`.
async fn told<C: Cluster + 'static>(
    driver: Driver<C>,
    interfere: impl AsyncFn(&canary_core::cluster::Control) -> bool,
) -> Told {
    let mut told = Told::default();
    let (mut run, control) = driver.start().await.unwrap();
    while let Some(progress) = run.next().await {
        match progress.unwrap() {
            Progress::ScaleDownAwaited { at, .. } => {
                told.at = Some(at);
                if !interfere(&control).await {
                    return told;
                }
            }
            Progress::ScaledDown { outcome } => told.outcome = Some((outcome, Timestamp::now())),
            Progress::Finished { verdict, .. } => told.verdict = Some(verdict),
            _ => {}
        }
    }
    told
}

#[track_caller]
fn left(told: &Told, words: &str) {
    assert!(matches!(told.verdict, Some(Verdict::Promote { .. })), "{told:?}");
    let Some((ScaleDown::Left { why }, _)) = &told.outcome else { panic!("{told:?}") };
    assert!(why.contains(words), "{why}");
}

#[tokio::test]
async fn the_old_deployment_goes_when_its_time_is_over() {
    let namespace = "scale-down";
    let Some(cluster) = connected(namespace).await else { return };
    deploy(&cluster, namespace).await;
    let found = old_version(&cluster, &scaling(namespace)).await.unwrap();
    assert_eq!((found.deployment, found.replicas), (old(namespace), 3));
    let told = told(driver(cluster.clone(), namespace), async |_| true).await;
    assert!(matches!(told.verdict, Some(Verdict::Promote { .. })), "{told:?}");
    let (outcome, when) = told.outcome.unwrap();
    let deployment = old(namespace).to_string();
    assert_eq!(outcome, ScaleDown::Done { deployment, replicas: 3 });
    assert!(when >= told.at.unwrap(), "{when} {:?}", told.at);
    assert_eq!(replicas(&cluster, namespace).await, 0);
    // The canary's own stays, and so does everything of the old one but its replicas.
    let canary = ObjectRef::new("apps/v1", "Deployment", namespace, format!("{APP}-lite1"));
    assert_eq!(cluster.get(&canary).await.unwrap().unwrap()["spec"]["replicas"], 3);
}

#[tokio::test]
async fn an_autoscaler_keeps_it() {
    let namespace = "scale-hpa";
    let Some(cluster) = connected(namespace).await else { return };
    deploy(&cluster, namespace).await;
    let scaler = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "lite0", "namespace": namespace},
        "spec": {"minReplicas": 2, "maxReplicas": 5,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": format!("{APP}-lite0")}},
    });
    cluster.apply(&scaler).await.unwrap();
    let told = told(driver(cluster.clone(), namespace), async |_| true).await;
    left(&told, "HorizontalPodAutoscaler lite0 scales Deployment");
    assert_eq!((told.at, replicas(&cluster, namespace).await), (None, 3));
}

#[tokio::test]
async fn weights_that_somebody_gives_back_keep_it() {
    let namespace = "scale-weights";
    let Some(cluster) = connected(namespace).await else { return };
    deploy(&cluster, namespace).await;
    let give_back = async |_: &canary_core::cluster::Control| {
        let object = ObjectRef::virtual_service(namespace, APP);
        let live = cluster.get(&object).await.unwrap().unwrap();
        let routes = live["spec"]["http"].as_array().unwrap();
        let of = |route: &Value| route["route"].as_array().is_some_and(|all| all.len() == 2);
        let place = routes.iter().position(of).unwrap();
        let weight = |index: usize, weight: u64| json!({"op": "replace", "path": format!("/spec/http/{place}/route/{index}/weight"), "value": weight});
        let patch = serde_json::from_value(json!([weight(0, 50), weight(1, 50)])).unwrap();
        cluster.clone().field_manager("kubectl-edit").patch(&object, &patch).await.unwrap();
        true
    };
    let told = told(driver(cluster.clone(), namespace), give_back).await;
    left(&told, "somebody else has changed what it wrote");
    assert_eq!(replicas(&cluster, namespace).await, 3);
}

#[tokio::test]
async fn an_abort_during_the_wait_keeps_it() {
    let namespace = "scale-abort";
    let Some(cluster) = connected(namespace).await else { return };
    deploy(&cluster, namespace).await;
    let abort = async |control: &canary_core::cluster::Control| control.abort("slower at night");
    let told = told(driver(cluster.clone(), namespace), abort).await;
    assert!(matches!(told.verdict, Some(Verdict::Rollback { .. })), "{told:?}");
    assert!(told.outcome.is_none(), "{told:?}");
    assert_eq!(replicas(&cluster, namespace).await, 3);
    let split = weights(&cluster, namespace).await;
    assert_eq!(split, canary_core::rollout::Split::STABLE);
}

#[tokio::test]
async fn a_driver_that_is_killed_during_the_wait_is_followed_by_another() {
    let namespace = "scale-killed";
    let Some(cluster) = connected(namespace).await else { return };
    deploy(&cluster, namespace).await;
    let first = driver(cluster.clone(), namespace).lease(Duration::from_secs(1));
    let killed = told(first, async |_| false).await;
    assert!(killed.verdict.is_none() && replicas(&cluster, namespace).await == 3);
    let told = told(driver(cluster.clone(), namespace), async |_| true).await;
    assert!(matches!(told.verdict, Some(Verdict::Promote { .. })), "{told:?}");
    let (outcome, when) = told.outcome.unwrap();
    assert!(matches!(outcome, ScaleDown::Done { .. }), "{outcome}");
    assert!(when >= killed.at.unwrap());
    if told.at.is_some() {
        assert!(told.at >= killed.at, "{:?} {:?}", told.at, killed.at);
    }
    assert_eq!(replicas(&cluster, namespace).await, 0);
}

/// With the role of the plan, which alone permits it; without, the failure is reported and the promotion stands.
#[tokio::test]
async fn the_role_of_the_plan_permits_it_and_no_other_does() {
    let Some(server) = ApiServer::shared().await else { return };
    let admin = server.connect("admin").await.unwrap();
    for (namespace, permitted) in [("scale-permitted", true), ("scale-forbidden", false)] {
        let plan = scaling(namespace);
        let other = crate::rollouts::plan(namespace);
        let role = role_for(if permitted { &plan } else { &other }, "canary");
        let scales = serde_json::to_string(&role).unwrap().contains("deployments/scale");
        assert_eq!(scales, permitted);
        let cluster = account(server, namespace, &serde_json::to_value(role).unwrap()).await;
        let lacking = async || -> Vec<String> {
            let missing = missing_for(&cluster, &plan).await.unwrap();
            missing.iter().map(ToString::to_string).collect()
        };
        let all = [
            "patch deployments/scale",
            "list horizontalpodautoscalers",
            "list virtualservices",
            "list destinationrules",
        ];
        let expected: Vec<String> = all.iter().map(ToString::to_string).collect();
        in_force(lacking, if permitted { &[] } else { &expected }).await;
        deploy(&admin, namespace).await;
        let options = PreflightOptions::new(namespace).plan(&plan);
        let report = preflight(&cluster, &options).await.unwrap();
        let of = |name: &str| report.checks.iter().find(|check| check.name == name).unwrap();
        let outcomes = (of("permissions").outcome, of("old version").outcome);
        let wanted =
            if permitted { (Outcome::Pass, Outcome::Pass) } else { (Outcome::Fail, Outcome::Warn) };
        assert_eq!(outcomes, wanted, "{report}");
        let told = told(driver(cluster.clone(), namespace), async |_| true).await;
        if permitted {
            let (outcome, _) = told.outcome.unwrap();
            assert!(matches!(outcome, ScaleDown::Done { .. }), "{outcome}");
        } else {
            left(&told, "grant the verb \"list\" on horizontalpodautoscalers");
        }
        assert_eq!(replicas(&admin, namespace).await, if permitted { 0 } else { 3 });
    }
}

/// The account of a plan without the scale-down cannot change replicas at all.
#[tokio::test]
async fn the_scale_alone_may_be_changed() {
    let Some(server) = ApiServer::shared().await else { return };
    let admin = server.connect("admin").await.unwrap();
    let namespace = "scale-alone";
    let role = role_for(&scaling(namespace), "canary");
    let cluster: Kubernetes =
        account(server, namespace, &serde_json::to_value(role).unwrap()).await;
    let lacking = async || -> Vec<String> {
        let missing = missing_for(&cluster, &scaling(namespace)).await.unwrap();
        missing.iter().map(ToString::to_string).collect()
    };
    in_force(lacking, &[]).await;
    deploy(&admin, namespace).await;
    let one = json!([{"op": "replace", "path": "/spec/replicas", "value": 1}]);
    let one = serde_json::from_value(one).unwrap();
    cluster.patch_scale(&old(namespace), &one).await.unwrap();
    assert_eq!(replicas(&admin, namespace).await, 1);
    let error = cluster.patch(&old(namespace), &one).await.unwrap_err().to_string();
    assert!(error.contains("grant the verb \"patch\" on deployments"), "{error}");
}

/// In the lab the servers of the old version stop, and the mesh continues to answer.
#[tokio::test(flavor = "multi_thread")]
async fn in_the_lab_the_servers_of_the_old_version_stop() {
    let lab = tokio::task::spawn_blocking(|| {
        let lab = Lab::builder()
            .model("models/lite0", Scripted::new("tabby", 0.9))
            .model("models/lite1", Scripted::new("tabby", 0.9))
            .start()
            .unwrap();
        for version in ["lite0", "lite1"] {
            let workload = Workload::new(APP, version).model("m", format!("models/{version}"));
            for object in workload.objects().unwrap() {
                lab.apply(&object).unwrap();
            }
        }
        lab.apply(&Gateway::http("gateway", 80, ["*"])).unwrap();
        lab.wait_ready(Duration::from_secs(20)).unwrap();
        lab
    })
    .await
    .unwrap();
    let store = lab.cluster().clone();
    set_up(&store, "default").await;
    let first = driver(store.clone(), "default").lease(Duration::from_secs(1));
    let killed = told(first, async |_| false).await;
    assert_eq!(replicas(&store, "default").await, 1);
    let told = told(driver(store.clone(), "default"), async |_| true).await;
    assert!(matches!(told.verdict, Some(Verdict::Promote { .. })), "{told:?}");
    let (outcome, when) = told.outcome.unwrap();
    let deployment = old("default").to_string();
    assert_eq!(outcome, ScaleDown::Done { deployment, replicas: 1 });
    assert!(when >= killed.at.unwrap());
    assert_eq!(replicas(&store, "default").await, 0);
    let rule = store.get(&ObjectRef::destination_rule("default", APP)).await.unwrap().unwrap();
    for _ in 0..600 {
        let old = presence(&store, "default", &rule, "lite0", None).await.unwrap();
        if !old.is_ready() {
            assert!(old.to_string().contains("scaled to 0 replicas"), "{old}");
            let canary = presence(&store, "default", &rule, "lite1", None).await.unwrap();
            assert!(canary.is_ready(), "{canary}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the servers of the old version still run");
}
