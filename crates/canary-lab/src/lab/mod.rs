//! The lab: store, gateway and model servers together.

mod builder;
mod front;
mod registry;
mod workloads;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use canary_core::{
    DestinationRule, Gateway, VirtualService,
    cluster::ObjectRef,
    evidence::Subsets,
    rollout::{Error, Result},
    serving::Workload,
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    gateway::{Exchange, Metrics, MirrorLog, Mirrors, Proxy, Recent},
    model::ModelFiles,
    net::Serving,
    store::Store,
};
pub use builder::LabBuilder;
use front::Front;

/// A mesh with model servers on loopback, in this process; dropping it stops everything.
///
/// Deployments of `tensorflow/serving` in its store run as model servers, Services find their pods by labels, and the
/// gateway does what Gateways, `VirtualServices` and `DestinationRules` say, from the moment the write returns. It
/// brings its own threads, so it can be used with or without an async runtime; many labs may run side by side.
///
/// ```
/// use canary_core::{Gateway, VirtualService, serving::Workload};
/// use canary_lab::{Lab, model::Scripted};
///
/// let lab = Lab::builder().model("gs://b/resnet_50", Scripted::new("military uniform", 0.45)).start()?;
/// let stable = Workload::new("image-classifier", "resnet50").model("image_classifier", "gs://b/resnet_50");
/// for object in stable.objects()? {
///     lab.apply(&object)?;
/// }
/// lab.apply(&Gateway::http("gateway", 80, ["*"]))?;
/// lab.apply(&VirtualService::to("image-classifier").port(8501).hosts(["*"]).gateway("gateway"))?;
/// lab.wait_ready(std::time::Duration::from_secs(5))?;
/// assert!(lab.gateway_url().starts_with("http://127.0.0.1:"));
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Lab {
    store: Store,
    gateway: Front,
    metrics: Serving,
    counters: Arc<Metrics>,
    mirrors: Arc<Proxy>,
    problem: Arc<Mutex<Option<String>>>,
    runtime: Option<tokio::runtime::Runtime>,
}

/// Names in the seed's lab.
const APP: &str = "image-classifier";

impl Lab {
    /// Begins to set up a lab.
    pub fn builder() -> LabBuilder {
        LabBuilder::default()
    }

    /// An empty lab with the real models, as [`LabBuilder::start`] with everything at its default.
    ///
    /// # Errors
    /// [`Error::Cluster`] when threads or ports cannot be had.
    pub fn start() -> Result<Self> {
        Self::builder().start()
    }

    /// The lab of the guide, ready for a release: `image-classifier` with the versions `efficientnet-lite0` (100 %) and
    /// `efficientnet-lite1` (0 %), its Gateway, `DestinationRule` and `VirtualService`.
    ///
    /// The models are real when their files are found, else scripted ones that answer alike.
    ///
    /// # Errors
    /// [`Error::Cluster`] when threads or ports cannot be had, or a model server does not start.
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

    /// Where the gateway listens, as a URL without path. It stands for port 80 of the Gateways, or for their lowest
    /// plain HTTP port when none of them has 80.
    pub fn gateway_url(&self) -> String {
        format!("http://{}", self.gateway.address())
    }

    /// Where the gateway listens.
    pub fn gateway_address(&self) -> SocketAddr {
        self.gateway.address()
    }

    /// Where Prometheus can scrape the gateway.
    pub fn metrics_url(&self) -> String {
        format!("http://{}/stats/prometheus", self.metrics.address())
    }

    /// The gateway's counters.
    pub fn metrics(&self) -> &Metrics {
        &self.counters
    }

    /// Logs mirrored requests from now on: a record of the answer to each original and to each copy, with room for
    /// `capacity` records that nobody has read yet. A second log takes the place of the first.
    ///
    /// In a cluster these records come from the two models' own logs, because Envoy throws the answers of copies away.
    pub fn mirror_log(&self, subsets: Subsets, capacity: usize) -> MirrorLog {
        self.mirrors().log(subsets, capacity)
    }

    /// What starts such logs without holding the lab.
    pub fn mirrors(&self) -> Mirrors {
        Mirrors(Arc::downgrade(&self.mirrors))
    }

    /// The last dozen requests that went through the gateway to a model, with their answers: those numbered after
    /// `after`, oldest first. The first call begins to keep them. Requests of over 1 MiB and answers of over 64 KiB are
    /// told of without their content. With Envoy in the gateway's place the model servers tell of the predictions by
    /// REST, each with the label `version` of its pod as the subset.
    pub fn recent(&self, after: u64) -> Vec<Exchange> {
        let kept = &self.mirrors.recent;
        if kept.load().is_none() {
            let none: Option<Arc<Recent>> = None;
            kept.compare_and_swap(&none, Some(Arc::default()));
        }
        kept.load().as_ref().map(|recent| recent.after(after)).unwrap_or_default()
    }

    /// The name under which the model of a version is asked for: TensorFlow Serving's `--model_name` in the Deployment
    /// whose pods have the label `version` with that value.
    pub fn model_name(&self, version: &str) -> Option<String> {
        let objects = self.store.objects();
        let deployment = objects.iter().find(|object| {
            let labels = &object["spec"]["template"]["metadata"]["labels"];
            object["kind"] == "Deployment" && labels["version"] == version
        })?;
        workloads::model_name(&self.store, deployment)
    }

    /// The object store, which is the lab's cluster.
    pub fn cluster(&self) -> &Store {
        &self.store
    }

    /// Creates or changes an object, typed or as JSON; what it says of routing is in force when this returns.
    ///
    /// # Errors
    /// As [`canary_core::cluster::Cluster::apply`].
    pub fn apply(&self, object: &impl Serialize) -> Result<Value> {
        self.store.apply_now(&to_json(object)?)
    }

    /// As [`apply`](Self::apply), and takes over the fields that other managers own, as a run does with the weights that it
    /// writes: what `kubectl apply --server-side --force-conflicts` does.
    ///
    /// ```
    /// use canary_core::{VirtualService, cluster::Cluster};
    /// use canary_lab::Lab;
    ///
    /// let lab = Lab::start()?;
    /// let argo = lab.cluster().clone().field_manager("argocd");
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// argo.apply(&serde_json::to_value(VirtualService::to("pets").hosts(["pets"])).unwrap()).await
    /// # })?;
    /// let split = VirtualService::weighted("pets", [("v1", 90), ("v2", 10)]).hosts(["pets"]);
    /// assert!(lab.apply(&split).is_err());
    /// lab.apply_by_force(&split)?;
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`apply`](Self::apply), without the conflicts of fields.
    pub fn apply_by_force(&self, object: &impl Serialize) -> Result<Value> {
        self.store.clone().force(true).apply_now(&to_json(object)?)
    }

    /// Why the newest objects are not in force, when the gateway had to keep the routes before them.
    pub fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until every Deployment has as many ready pods as it asks for; blocks the thread.
    ///
    /// # Errors
    /// [`Error::Cluster`] when one fails, with the reason; [`Error::NotReady`] when one is not ready in time.
    pub fn wait_ready(&self, timeout: Duration) -> Result<()> {
        self.wait_ready_while(timeout, || true)
    }

    /// As [`wait_ready`](Self::wait_ready), as long as `go_on` says so: it is asked every millisecond.
    ///
    /// # Errors
    /// As [`wait_ready`](Self::wait_ready); [`Error::Cluster`] also when it was stopped.
    pub fn wait_ready_while(&self, timeout: Duration, go_on: impl Fn() -> bool) -> Result<()> {
        let end = Instant::now() + timeout;
        loop {
            let Some((object, problem)) = self.not_ready() else { return Ok(()) };
            let late = Instant::now() >= end;
            if !problem.is_empty() {
                return Err(Error::Cluster {
                    action: format!("start {object}"),
                    reason: problem,
                    retryable: false,
                    source: None,
                });
            }
            if late {
                return Err(Error::NotReady {
                    action: format!("start {object}"),
                    reason: format!("is not ready after {} s", timeout.as_secs_f64()),
                });
            }
            if !go_on() {
                return Err(Error::Cluster {
                    action: format!("start {object}"),
                    reason: "waiting for it was stopped".to_owned(),
                    retryable: true,
                    source: None,
                });
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// A Deployment that is not ready, and why if that is known.
    fn not_ready(&self) -> Option<(ObjectRef, String)> {
        let deployments = self.store.objects().into_iter().filter(|o| o["kind"] == "Deployment");
        deployments.into_iter().find_map(|object| {
            let status = &object["status"];
            let seen = status["observedGeneration"] == object["metadata"]["generation"];
            let condition = &status["conditions"][0];
            if seen && condition["status"] == "True" {
                return None;
            }
            let problem = if seen { condition["message"].as_str().unwrap_or_default() } else { "" };
            Some((ObjectRef::of(&object).ok()?, problem.to_owned()))
        })
    }
}

fn to_json(object: &impl Serialize) -> Result<Value> {
    serde_json::to_value(object).map_err(|error| {
        Error::manifest("object".to_owned(), format!("cannot be written as JSON: {error}"))
    })
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Does not wait, so that a lab can be dropped in async code.
            runtime.shutdown_background();
        }
    }
}
