//! Istio's control plane on loopback: istiod on a real API server, a stock Envoy as the ingress gateway that it
//! configures, and the lab's model servers as the pods of Deployments.

mod kubelet;
mod node;

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use canary_core::cluster::{Cluster, Kubernetes};
use canary_lab::{
    IstioParts, LabBuilder,
    envoy::LogLine,
    istio::{IngressGateway, Istiod, Sidecar, free_node_port, gateway_objects},
};

pub use self::kubelet::{Kubelet, Pod};
use crate::{apiserver::ApiServer, parts};

/// The tests that are skipped without the programs.
const UNTESTED: &str = "the seed's lab and releases on Istio's own control plane";

/// A running control plane with its gateway; dropped, everything stops.
#[derive(Debug)]
pub struct ControlPlane {
    cluster: Kubernetes,
    lines: Arc<Mutex<Vec<LogLine>>>,
    envoy: PathBuf,
    // In the order in which they stop.
    _gateway: IngressGateway,
    istiod: Istiod,
    _server: ApiServer,
}

impl ControlPlane {
    /// Starts the API server with all definitions of Istio and the standard ones of the Gateway API, istiod, and the
    /// gateway, whose address the Service `istio-ingressgateway` tells; `None` when a program is missing.
    ///
    /// # Panics
    /// When a program is there but does not start, or is missing although it is required.
    pub async fn start() -> Option<Self> {
        let istiod = parts::real_part("pilot-discovery", "build-istio.sh", UNTESTED)?;
        let envoy = envoy()?;
        ApiServer::gateway_api("standard")?;
        let server = ApiServer::start().await?;
        let cluster = server.connect("admin").await.unwrap();
        for definition in ApiServer::definitions()? {
            cluster.apply(&definition).await.unwrap();
        }
        served(&cluster).await;
        server.install_gateway_api("standard").await;
        for object in gateway_objects(free_node_port().unwrap()) {
            cluster.apply(&object).await.unwrap();
        }
        node::register(&cluster).await;
        let kubeconfig = server.folder().join("admin.json");
        fs::write(&kubeconfig, server.kubeconfig("admin")).unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let log = {
            let lines = Arc::clone(&lines);
            move |line| lines.lock().unwrap_or_else(PoisonError::into_inner).push(line)
        };
        let started = tokio::task::spawn_blocking({
            let envoy = envoy.clone();
            move || {
                let istiod = Istiod::start(&istiod, &kubeconfig).unwrap();
                let discovery = istiod.discovery_address();
                let gateway = IngressGateway::start(&envoy, discovery, log).unwrap();
                (istiod, gateway)
            }
        });
        let (istiod, gateway) = started.await.unwrap();
        Some(Self { cluster, lines, envoy, _gateway: gateway, istiod, _server: server })
    }

    /// Starts the sidecar of a client in namespace `default`, which listens for the requests to this port of Services.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn sidecar(&self, port: u16) -> Sidecar {
        self.cluster.apply(&Sidecar::object("default", port)).await.unwrap();
        let (envoy, discovery) = (self.envoy.clone(), self.istiod.discovery_address());
        let start = move || Sidecar::start(&envoy, "default", discovery, |_| {}).unwrap();
        tokio::task::spawn_blocking(start).await.unwrap()
    }

    /// The API server, as its administrator.
    pub fn cluster(&self) -> &Kubernetes {
        &self.cluster
    }

    /// The gateway's access log so far: one line for each request that it answered.
    pub fn requests(&self) -> Vec<LogLine> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of requests that the gateway sent to a cluster, once it has written `total` lines.
    ///
    /// # Panics
    /// When the lines do not come.
    pub async fn requests_to(&self, cluster: &str, total: usize) -> usize {
        let all = || self.requests();
        until("lines of the gateway's access log", async || all().len() >= total).await;
        all().iter().filter(|line| line.cluster.as_deref() == Some(cluster)).count()
    }
}

/// The programs of a lab on Istio's control plane; `None` after saying what is left untested.
///
/// # Panics
/// When one is missing although it is required.
pub fn programs() -> Option<IstioParts> {
    for (program, script) in [
        ("etcd", "build-kubernetes.sh"),
        ("kube-apiserver", "build-kubernetes.sh"),
        ("pilot-discovery", "build-istio.sh"),
    ] {
        parts::real_part(program, script, UNTESTED)?;
    }
    Some(IstioParts::find_with(Some(envoy()?)).unwrap())
}

/// Envoy's program; `None` after saying what is left untested.
fn envoy() -> Option<PathBuf> {
    let own = parts::root().join(".venv/bin/envoy");
    let found = LabBuilder::find_envoy().or_else(|| own.is_file().then_some(own));
    if found.is_none() {
        let required = std::env::var("CANARY_REAL_PARTS").is_ok_and(|value| value == "required");
        assert!(!required, "envoy is missing; run scripts/setup.sh test");
        println!("left out: {UNTESTED} (envoy is missing; run scripts/setup.sh test)");
    }
    found
}

/// Waits until the API server serves the kinds that the harness writes.
async fn served(cluster: &Kubernetes) {
    for kind in ["WorkloadEntry", "ServiceEntry", "VirtualService"] {
        let list = async || {
            let found = cluster.list("networking.istio.io/v1", kind, Some("default")).await;
            found.is_ok()
        };
        until(kind, list).await;
    }
}

/// Waits for something that comes in its own time.
///
/// # Panics
/// When it has not come after a minute.
pub async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done().await {
        assert!(Instant::now() < deadline, "{what}: not there after a minute");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
