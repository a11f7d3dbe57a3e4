//! The seed's application on the control plane, and requests to it.

use std::time::Duration;

use canary_core::{
    DestinationRule, Gateway, Verdict, VirtualService,
    cluster::{
        Cluster, Kubernetes, Progress, Run, Typed, gateway_addresses, ingress_addresses, wait_ready,
    },
    predict::{Client, Retry},
    rollout::Percent,
    serving::Workload,
};
use canary_lab::model::Scripted;
use canary_tests::istiod::{ControlPlane, Kubelet, Pod, until};
use futures_util::StreamExt;
use tokio::sync::{Mutex, MutexGuard};

pub(crate) const APP: &str = "image-classifier";
pub(crate) const GATEWAY: &str = "image-classifier-gateway";
pub(crate) const STABLE: &str = "resnet50";
pub(crate) const CANARY: &str = "resnet101";
pub(crate) const PHOTO: &[u8] = b"any bytes do for a scripted model";

/// One control plane at a time: two cores have enough to do with one.
static ONE: Mutex<()> = Mutex::const_new(());

/// Waits until no other test of this process has a control plane.
pub(crate) async fn alone() -> MutexGuard<'static, ()> {
    ONE.lock().await
}

/// Runs a release to its end; its verdict, and the shares of the canary that were written on the way.
pub(crate) async fn course(run: &mut Run) -> (Verdict, Vec<Percent>) {
    let (mut verdict, mut written) = (None, Vec::new());
    while let Some(progress) = run.next().await {
        match progress.unwrap() {
            Progress::Written { split, .. } => written.push(split.canary),
            Progress::Finished { verdict: found, .. } => verdict = Some(found),
            _ => {}
        }
    }
    (verdict.unwrap(), written)
}

/// A control plane with the pods of both versions, once their Deployments are there.
pub(crate) struct Stage {
    pub(crate) plane: ControlPlane,
    _kubelet: Kubelet,
    _one: MutexGuard<'static, ()>,
}

pub(crate) fn stable_model() -> Scripted {
    Scripted::new("military uniform", 0.45)
}

pub(crate) fn canary_model() -> Scripted {
    Scripted::new("military uniform", 0.94)
}

impl Stage {
    /// Starts the control plane; `None` when programs are missing.
    pub(crate) async fn empty(canary: Pod) -> Option<Self> {
        Self::with([(STABLE, Pod::Serves(stable_model())), (CANARY, canary)]).await
    }

    /// With the pods of these versions.
    pub(crate) async fn with<const N: usize>(pods: [(&str, Pod); N]) -> Option<Self> {
        let one = alone().await;
        let plane = ControlPlane::start().await?;
        let kubelet = Kubelet::start(plane.cluster(), pods);
        Some(Self { plane, _kubelet: kubelet, _one: one })
    }

    /// The same with both versions deployed and everything at the stable one.
    pub(crate) async fn released(canary: Pod) -> Option<Self> {
        let stage = Self::empty(canary).await?;
        let cluster = stage.cluster();
        for version in [STABLE, CANARY] {
            stage.deploy(version).await;
        }
        cluster.apply_typed(&Gateway::http(GATEWAY, 80, ["*"])).await.unwrap();
        cluster.apply_typed(&DestinationRule::subsets(APP, [STABLE, CANARY])).await.unwrap();
        cluster.apply_typed(&split(100, 0)).await.unwrap();
        stage.until_answered_by(STABLE).await;
        Some(stage)
    }

    pub(crate) fn cluster(&self) -> &Kubernetes {
        self.plane.cluster()
    }

    /// Applies the objects of a version and waits until it is ready.
    pub(crate) async fn deploy(&self, version: &str) {
        self.deploy_workload(&workload(version)).await;
    }

    /// The same for a workload with settings of its own.
    pub(crate) async fn deploy_workload(&self, workload: &Workload) {
        for object in workload.objects().unwrap() {
            self.cluster().apply(&object).await.unwrap();
        }
        let name = workload.deployment_name();
        let minute = Duration::from_secs(60);
        wait_ready(self.cluster(), "default", &name, minute, |_| {}).await.unwrap();
    }

    /// The gateway's address, as the cluster tells it.
    pub(crate) async fn url(&self) -> String {
        gateway_addresses(self.cluster(), "default", GATEWAY).await.unwrap()[0].url()
    }

    /// The same by the labels of its pods, whichever objects configure them.
    pub(crate) async fn url_of_pods(&self) -> String {
        let selector = [("istio".to_owned(), "ingressgateway".to_owned())].into();
        let found = ingress_addresses(self.cluster(), &selector, 80, false).await.unwrap();
        found[0].url()
    }

    /// A client of the gateway.
    pub(crate) async fn client(&self) -> Client {
        client_of(&self.url_of_pods().await)
    }

    /// Waits until requests get an answer of this version.
    pub(crate) async fn until_answered_by(&self, version: &str) {
        let client = self.client().await;
        until(version, async || answered_by(&client).await.as_deref() == Some(version)).await;
    }
}

pub(crate) fn workload(version: &str) -> Workload {
    Workload::new(APP, version).model("image_classifier", format!("gs://models/{version}"))
}

/// A client that tries once, so that a lost request is seen.
pub(crate) fn client_of(url: &str) -> Client {
    let client = Client::new(url).unwrap().model("image_classifier");
    client.signature("serving_preprocess").retry(Retry::never())
}

/// The weights of the stable version and of the canary.
pub(crate) fn split(stable: i32, canary: i32) -> VirtualService {
    VirtualService::weighted(APP, [(STABLE, stable), (CANARY, canary)])
        .hosts(["*"])
        .gateway(GATEWAY)
        .port(8501)
        .stamp_subset(Client::SUBSET_HEADER)
}

/// The version that answers one request, if there is an answer.
pub(crate) async fn answered_by(client: &Client) -> Option<String> {
    client.predict(PHOTO).await.ok()?.subset().map(str::to_owned)
}
