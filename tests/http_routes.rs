//! Releases by the driver with routes of the Gateway API on a real API server with the published definitions. Nobody
//! writes the status of routes there: the test does, as a control plane would, or does not.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use canary_core::{
    Plan, Verdict,
    cluster::{Cluster, Driver, Kubernetes, ObjectRef, Progress, Run},
    evidence::Source,
    gateway_api::{Gateway, GrpcRoute, HttpRoute},
    rollout::{
        Cause, Error, Guardrail, Hold, Percent, Route, Routes, Split,
        patch::{RouteOf, WRITTEN_ANNOTATION, locate_all},
    },
};
use canary_tests::{
    apiserver::ApiServer,
    chaos::{Call, Fault, Faulty, Ledger, Refusal},
};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{
    kubernetes::write_status,
    rollouts::{traffic, verdict},
};

const STABLE: &str = "pets-v1";
const CANARY: &str = "pets-v2";

/// The reports of the control plane about routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reports {
    /// Every content is accepted.
    Accepts,
    /// From the canary's first weight on, a backend is not resolved.
    RefusesWeight,
    /// None at all.
    Nothing,
}

/// A namespace with the routes, and the control plane that writes their status.
struct Scene {
    cluster: Kubernetes,
    plan: Plan,
    control_plane: JoinHandle<()>,
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.control_plane.abort();
    }
}

impl Scene {
    /// `None` when the server's programs or the definitions are missing.
    async fn new(space: &str, reports: Reports) -> Option<Self> {
        ApiServer::gateway_api("standard")?;
        let server = ApiServer::shared().await?;
        server.with_gateway_api().await;
        server.namespace(space).await;
        let cluster = server.connect("admin").await.unwrap();
        for object in objects(space) {
            cluster.apply(&object).await.unwrap();
        }
        for version in ["v1", "v2"] {
            let pod = ObjectRef::new("v1", "Pod", space, version);
            let ready =
                json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
            write_status(&cluster, &pod, "pods", ready).await;
        }
        let plan = Plan::new("pets", STABLE, CANARY)
            .target(Routes::of([Route::http_route("pets"), Route::grpc_route("grpc")]))
            .namespace(space)
            .bursts(canary_core::rollout::Bursts::None)
            .header("user-group", "canary")
            .weights([50, 100], Hold::requests(400))
            .settle(Duration::ZERO)
            .startup_timeout(Duration::from_secs(2))
            .guardrail(Guardrail::error_ratio(1.0));
        let control_plane = tokio::spawn(report(cluster.clone(), plan.clone(), reports));
        Some(Self { cluster, plan, control_plane })
    }

    fn driver<C: Cluster + 'static>(&self, cluster: C, source: impl Source + 'static) -> Driver<C> {
        Driver::new(cluster, self.plan.clone())
            .unwrap()
            .source(source)
            .probe(|| async { Ok(()) })
            .tick(Duration::from_millis(50))
            .holder("test")
    }

    async fn live(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for of in RouteOf::all(&self.plan) {
            all.push(self.cluster.get(&of.object()).await.unwrap().unwrap());
        }
        all
    }

    /// The split of each route.
    async fn splits(&self) -> Vec<Split> {
        let live = self.live().await;
        let each = RouteOf::all(&self.plan).zip(&live);
        each.map(|(of, live)| locate_all(of, live).unwrap()[0].split.unwrap()).collect()
    }

    /// Nothing of a run is left beside the weights.
    async fn is_tidy(&self, when: &str) {
        for live in self.live().await {
            let rules = live["spec"]["rules"].as_array().unwrap();
            assert_eq!(rules.len(), 1, "{when}: {live}");
            let annotations = &live["metadata"]["annotations"];
            assert!(annotations.get(WRITTEN_ANNOTATION).is_none(), "{when}: {annotations}");
        }
    }
}

fn value(object: impl serde::Serialize) -> Value {
    serde_json::to_value(object).unwrap()
}

/// Routes for REST and gRPC at one Gateway, a Service for each version, and a pod behind each.
fn objects(space: &str) -> Vec<Value> {
    let weights = [(STABLE, 100), (CANARY, 0)];
    let http = HttpRoute::weighted("pets", weights).gateway("public").port(8501).namespace(space);
    let grpc = GrpcRoute::weighted("grpc", weights).gateway("public").port(8500).namespace(space);
    let grpc = grpc.grpc_service("tensorflow.serving.PredictionService");
    let mut all =
        vec![value(Gateway::http("public", 80).namespace(space)), value(http), value(grpc)];
    for version in ["v1", "v2"] {
        let labels = json!({"app": "pets", "version": version});
        all.push(json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": format!("pets-{version}"), "namespace": space},
            "spec": {"selector": labels, "ports": [
                {"name": "grpc", "port": 8500}, {"name": "http", "port": 8501}]},
        }));
        all.push(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": version, "namespace": space, "labels": labels},
            "spec": {"containers": [{"name": "main", "image": "none"}]},
        }));
    }
    all
}

/// Writes the status of the routes as istiod does, until it is stopped.
async fn report(cluster: Kubernetes, plan: Plan, reports: Reports) {
    if reports == Reports::Nothing {
        return;
    }
    loop {
        for of in RouteOf::all(&plan) {
            let object = of.object();
            // The routes may be gone at the end of a test.
            let Ok(Some(live)) = cluster.get(&object).await else { continue };
            let generation = &live["metadata"]["generation"];
            let seen = &live["status"]["parents"][0]["conditions"][0]["observedGeneration"];
            if seen == generation {
                continue;
            }
            let weighted = locate_all(of, &live)
                .is_ok_and(|all| all[0].split.is_some_and(|split| split.canary > 0));
            let resolved = !(weighted && reports == Reports::RefusesWeight);
            let condition = |kind: &str, holds: bool, reason: &str| {
                json!({
                    "type": kind, "status": if holds { "True" } else { "False" }, "reason": reason,
                    "message": "as the test says", "observedGeneration": generation,
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                })
            };
            let reason = if resolved { "ResolvedRefs" } else { "BackendNotFound" };
            let status = json!({"parents": [{
                "parentRef": live["spec"]["parentRefs"][0],
                "controllerName": "istio.io/gateway-controller",
                "conditions": [
                    condition("Accepted", true, "Accepted"),
                    condition("ResolvedRefs", resolved, reason),
                ],
            }]});
            let plural = format!("{}s", object.kind.to_lowercase());
            write_status(&cluster, &object, &plural, status).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn start<C: Cluster + 'static>(driver: Driver<C>) -> Run {
    driver.start().await.unwrap().0
}

#[tokio::test]
async fn a_good_canary_is_promoted_on_both_routes() {
    let Some(scene) = Scene::new("routes-good", Reports::Accepts).await else { return };
    let driver = scene.driver(scene.cluster.clone(), traffic(u64::MAX));
    let verdict = verdict(&mut start(driver).await).await;
    assert!(matches!(verdict, Verdict::Promote { .. }), "{verdict}");
    assert_eq!(scene.splits().await, [Split::CANARY; 2]);
    scene.is_tidy("promoted").await;
}

#[tokio::test]
async fn a_bad_canary_is_rolled_back_on_both_routes() {
    let Some(scene) = Scene::new("routes-bad", Reports::Accepts).await else { return };
    let before = scene.live().await;
    let driver = scene.driver(scene.cluster.clone(), traffic(4));
    let verdict = verdict(&mut start(driver).await).await;
    assert!(matches!(verdict, Verdict::Rollback { .. }), "{verdict}");
    for (before, after) in before.iter().zip(&scene.live().await) {
        assert_eq!(before["spec"], after["spec"]);
    }
    scene.is_tidy("rolled back").await;
}

#[tokio::test]
async fn a_dead_canary_gets_no_weight() {
    let Some(scene) = Scene::new("routes-dead", Reports::Accepts).await else { return };
    let nobody = || async { Err("HTTP 503".to_owned()) };
    let driver = scene.driver(scene.cluster.clone(), traffic(u64::MAX)).probe(nobody);
    let mut run = start(driver).await;
    let mut written = Vec::new();
    let verdict = loop {
        match run.next().await.unwrap().unwrap() {
            Progress::Written { split, .. } => written.push(split.canary),
            Progress::Finished { verdict, .. } => break verdict,
            _ => {}
        }
    };
    let refused = matches!(&verdict, Verdict::Rollback { evidence: Cause::NotReady(_), .. });
    assert!(refused, "{verdict}");
    assert!(written.iter().all(|share| *share == 0), "{written:?}");
    assert_eq!(scene.splits().await, [Split::STABLE; 2]);
    scene.is_tidy("dead").await;
}

/// The control plane reports a problem with the canary's first weight: the users do not stay on it.
#[tokio::test]
async fn a_refused_weight_goes_back() {
    let Some(scene) = Scene::new("routes-refused", Reports::RefusesWeight).await else { return };
    let driver = scene.driver(scene.cluster.clone(), traffic(u64::MAX));
    let mut run = start(driver).await;
    let verdict = verdict(&mut run).await;
    let Verdict::Rollback { evidence: Cause::NotReady(why), .. } = &verdict else {
        panic!("{verdict}")
    };
    assert!(why.contains("BackendNotFound"), "{why}");
    assert_eq!(scene.splits().await, [Split::STABLE; 2], "{why}");
    scene.is_tidy("refused").await;
}

/// A control plane that writes no status: each write waits for it, and the evidence decides.
#[tokio::test]
async fn without_any_status_a_bad_canary_is_still_rolled_back() {
    let Some(scene) = Scene::new("routes-silent", Reports::Nothing).await else { return };
    let driver = scene.driver(scene.cluster.clone(), traffic(4));
    let mut run = start(driver).await;
    let mut last = None;
    while let Some(progress) = run.next().await {
        if let Progress::Finished { verdict, .. } = progress.unwrap() {
            last = Some(verdict);
        }
    }
    let verdict = last.unwrap();
    assert!(matches!(verdict, Verdict::Rollback { .. }), "{verdict}");
    assert_eq!(scene.splits().await, [Split::STABLE; 2]);
    scene.is_tidy("rolled back").await;
}

/// A driver is killed before and after each of its writes, and another one completes the release: at no time are the two
/// routes more than a step apart, and at the end they are alike.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_write_leaves_no_route_behind() {
    let mut mixed = 0;
    let mut kill = 0;
    loop {
        let mut killed = false;
        for after in [false, true] {
            let space = format!("routes-kill-{kill}-{after}");
            let Some(scene) = Scene::new(&space, Reports::Accepts).await else { return };
            killed |= killed_at(&scene, kill, after).await;
            let between = scene.splits().await;
            mixed += usize::from(between[0] != between[1]);
            let [low, high] = [between[0].canary, between[1].canary].map(step_of);
            assert!(low.abs_diff(high) <= 1, "{space}: {between:?}");
            let driver = scene.driver(scene.cluster.clone(), traffic(u64::MAX));
            // The lease of the killed one is its own.
            let verdict = verdict(&mut start(driver).await).await;
            assert!(matches!(verdict, Verdict::Promote { .. }), "{space}: {verdict}");
            assert_eq!(scene.splits().await, [Split::CANARY; 2], "{space}");
            scene.is_tidy(&space).await;
        }
        if !killed {
            break;
        }
        kill += 1;
    }
    assert!(kill >= 6, "only {kill} writes");
    assert!(mixed > 0, "no kill was between the writes of one step");
}

/// The number of the step with this weight.
fn step_of(weight: Percent) -> usize {
    [0_u32, 50, 100].iter().position(|one| weight == *one).unwrap()
}

/// Runs a release until its write of this number; `false` when it ended before. The write has taken effect with `after`.
async fn killed_at(scene: &Scene, number: usize, after: bool) -> bool {
    let dead = Arc::new(AtomicBool::new(false));
    let (writes, died) = (AtomicUsize::new(0), Arc::clone(&dead));
    let faults = Arc::new(move |call: &Call<'_>| {
        if died.load(Ordering::SeqCst) {
            return Fault::Before(Refusal::Reset);
        }
        if !call.writes_route() || writes.fetch_add(1, Ordering::SeqCst) != number {
            return Fault::None;
        }
        died.store(true, Ordering::SeqCst);
        if after { Fault::HangsAfter } else { Fault::HangsBefore }
    });
    let ledger = Arc::new(Ledger::new(&scene.plan));
    let cluster = Faulty::new(scene.cluster.clone(), faults, ledger);
    let driver = scene.driver(cluster, traffic(u64::MAX)).lease(Duration::from_secs(1));
    let ended = async {
        let (mut run, _control) = driver.start().await?;
        while let Some(progress) = run.next().await {
            progress?;
        }
        Ok::<(), Error>(())
    };
    let killed = async {
        while !dead.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // A write that hangs after its effect has had it.
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    tokio::select! {
        ended = ended => {
            ended.unwrap();
            false
        }
        () = killed => true,
    }
}
