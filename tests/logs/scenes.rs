//! Runs and calls that tell much.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use canary_core::{
    DestinationRule, Gateway, Plan, Verdict, VirtualService,
    cluster::{Cluster, Control, Driver, HeaderProbe, Kubernetes, Progress, Run},
    evidence::{Sample, Subsets, Traffic},
    predict::{Client, Retry},
    rollout::{Approval, Bursts, Guardrail, Hold, Result, Step},
    serving::Workload,
};
use canary_lab::{Lab, model::Scripted};
use canary_tests::{
    chaos::{Call, Fault, Faulty, Ledger, Refusal, Verb},
    http::{Reply, Server},
};
use futures_util::{StreamExt, stream};
use serde_json::json;

pub(crate) const APP: &str = "pets";

/// A lab with two scripted versions, everything at the first; the canary fails at that rate.
pub(crate) fn lab(errors: f64) -> Lab {
    let lab = Lab::builder()
        .seed(7)
        .model("m/v1", Scripted::new("cat", 0.9))
        .model("m/v2", Scripted::new("cat", 0.8).errors(errors).seed(3))
        .start()
        .unwrap();
    for version in ["v1", "v2"] {
        let workload = Workload::new(APP, version).model("m", format!("m/{version}"));
        for object in workload.objects().unwrap() {
            lab.apply(&object).unwrap();
        }
    }
    lab.apply(&Gateway::http("gateway", 80, ["*"])).unwrap();
    lab.apply(&DestinationRule::subsets(APP, ["v1", "v2"])).unwrap();
    let split = VirtualService::weighted(APP, [("v1", 100), ("v2", 0)]);
    let split = split.hosts(["*"]).gateway("gateway").port(8501);
    lab.apply(&split.stamp_subset(Client::SUBSET_HEADER)).unwrap();
    lab.wait_ready(Duration::from_secs(10)).unwrap();
    lab
}

/// A plan without steps.
fn unstepped() -> Plan {
    Plan::new(APP, "v1", "v2")
        .bursts(Bursts::None)
        .header("user-group", "canary")
        .settle(Duration::ZERO)
        .guardrail(Guardrail::error_ratio(1.0))
}

pub(crate) fn plan() -> Plan {
    unstepped().weights([50, 100], Hold::requests(60))
}

pub(crate) fn client(url: &str) -> Client {
    Client::new(url).unwrap().model("m").signature("serving_preprocess").retry(Retry::never())
}

/// A driver of the plan on the lab, or on a cluster in front of its store, with traffic through its gateway.
pub(crate) fn driver<C: Cluster + 'static>(lab: &Lab, cluster: C, plan: &Plan) -> Driver<C> {
    let client = client(&lab.gateway_url());
    let inputs = (0_u64..).map(|n| Ok(Sample::new(format!("{n}"), n.to_le_bytes().to_vec())));
    let subsets = Subsets::new("v1", "v2");
    let users = Traffic::requests("users", &client, subsets, stream::iter(inputs));
    Driver::new(cluster, plan.clone())
        .unwrap()
        .source(users)
        .probe(HeaderProbe::new(plan, &client, b"photo".as_slice()))
        .tick(Duration::from_millis(20))
        .holder("test")
}

/// Runs to the verdict, and hands each report to `look` with the control.
pub(crate) async fn verdict(
    (mut run, control): (Run, Control),
    mut look: impl FnMut(&Progress, &Control),
) -> Option<Verdict> {
    let mut found = None;
    while let Some(progress) = run.next().await {
        let progress = progress.unwrap();
        look(&progress, &control);
        if let Progress::Finished { verdict, .. } = progress {
            found = Some(verdict);
        }
    }
    found
}

/// A rollout to its verdict.
pub(crate) async fn rollout(errors: f64) -> Verdict {
    let lab = lab(errors);
    let started = driver(&lab, lab.cluster().clone(), &plan()).start().await.unwrap();
    verdict(started, |_, _| {}).await.unwrap()
}

/// A rollout whose store is changed in between, and does not answer once.
pub(crate) async fn disturbed() -> Verdict {
    let lab = lab(0.0);
    let (conflicts, resets) = (AtomicU64::new(0), AtomicU64::new(0));
    let faults = move |call: &Call<'_>| {
        if call.verb != Verb::Patch {
            return Fault::None;
        }
        let first = |count: &AtomicU64| count.fetch_add(1, Ordering::SeqCst) == 0;
        match call.object.kind.as_str() {
            "VirtualService" if first(&conflicts) => Fault::Before(Refusal::Conflict),
            "VirtualService" if first(&resets) => Fault::Before(Refusal::Reset),
            _ => Fault::None,
        }
    };
    let cluster =
        Faulty::new(lab.cluster().clone(), Arc::new(faults), Arc::new(Ledger::new(&plan())));
    let started = driver(&lab, cluster, &plan()).start().await.unwrap();
    verdict(started, |_, _| {}).await.unwrap()
}

/// A release that people pause, resume, approve, suspend, run again and abort, and whose lock another driver wants.
pub(crate) async fn people() -> Verdict {
    let lab = lab(0.0);
    let asked = Approval::new().timeout(Duration::from_secs(600));
    let careful = unstepped().weights([50], Hold::requests(60)).step(Step::new(100).approve(asked));
    let start = || driver(&lab, lab.cluster().clone(), &careful).start();
    let other = driver(&lab, lab.cluster().clone(), &careful).holder("other");
    let started = start().await.unwrap();
    assert!(other.start().await.is_err(), "the lock is held");
    let [paused, suspended, aborted] = [const { AtomicBool::new(false) }; 3];
    let suspend = |progress: &Progress, control: &Control| match progress {
        Progress::Written { .. } if !paused.swap(true, Ordering::SeqCst) => {
            assert!(control.pause());
        }
        Progress::Paused => assert!(control.resume()),
        Progress::Resumed if !suspended.swap(true, Ordering::SeqCst) => {
            assert!(control.suspend());
        }
        _ => {}
    };
    assert_eq!(verdict(started, suspend).await, None);
    let abort = |progress: &Progress, control: &Control| match progress {
        Progress::AwaitingApproval { .. } => assert!(control.approve()),
        Progress::Written { step: 1, .. } if !aborted.swap(true, Ordering::SeqCst) => {
            assert!(control.abort("enough"));
        }
        _ => {}
    };
    verdict(start().await.unwrap(), abort).await.unwrap()
}

/// A rollout whose weights somebody else changes.
pub(crate) async fn edited() -> Verdict {
    let lab = lab(0.0);
    let long = unstepped().weights([50, 100], Hold::requests(1_000_000));
    let started = driver(&lab, lab.cluster().clone(), &long).start().await.unwrap();
    let edit = |progress: &Progress, _: &Control| {
        if let Progress::Written { .. } = progress {
            let weights = VirtualService::weighted(APP, [("v1", 70), ("v2", 30)]);
            let weights = weights.hosts(["*"]).gateway("gateway").port(8501);
            lab.apply_by_force(&weights.stamp_subset(Client::SUBSET_HEADER)).unwrap();
        }
    };
    verdict(started, edit).await.unwrap()
}

/// A server that answers by the number of the request, from 0.
pub(crate) async fn server(answer: impl Fn(u64) -> Reply + Send + Sync + 'static) -> Server {
    let number = AtomicU64::new(0);
    Server::start(move |_| {
        let reply = answer(number.fetch_add(1, Ordering::SeqCst));
        async move { reply }
    })
    .await
}

/// A refusal by the mesh, which a client repeats.
pub(crate) fn unavailable() -> Reply {
    Reply::Whole(503, Vec::new(), b"no healthy upstream".to_vec())
}

/// The client of a user at a server.
pub(crate) async fn try_cluster(url: &str, user: &serde_json::Value) -> Result<Kubernetes> {
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    });
    Kubernetes::from_kubeconfig(&kubeconfig.to_string(), None).await
}

/// [`try_cluster`], where nothing can be wrong with it.
pub(crate) async fn cluster(url: &str, user: &serde_json::Value) -> Kubernetes {
    try_cluster(url, user).await.unwrap()
}

/// A folder of its own, removed in the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("canary-logs-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    /// A SavedModel that has only its graph.
    pub(crate) fn model(&self) -> PathBuf {
        let model = self.at("from/1");
        std::fs::create_dir_all(&model).unwrap();
        let graph = [0x08, 1, 0x12, 3, 7, 7, 7];
        std::fs::write(model.join("saved_model.pb"), graph).unwrap();
        model
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
