//! A running lab and its public interface.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use canary_core::{
    cluster::ObjectRef,
    evidence::Subsets,
    rollout::{Error, Result},
};
use serde::Serialize;
use serde_json::Value;

use super::{front::Front, workloads};
use crate::{
    gateway::{Exchange, Metrics, MirrorLog, Mirrors, Proxy, Recent},
    net::Serving,
    store::Store,
};

/// A mesh with model servers on loopback, in this process; dropping it stops everything.
///
/// Deployments of `tensorflow/serving` in its store run as model servers, Services find their pods by labels, and the
/// gateway routes as Gateways, `VirtualServices` and `DestinationRules` define, as soon as the write returns. The lab
/// has its own threads, so it can be used with or without an async runtime; many labs may run side by side.
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
    // Dropped first, so that the tasks end before the objects that they serve.
    #[cfg(feature = "api")]
    pub(super) api: Mutex<Option<crate::api::KubernetesApi>>,
    #[cfg_attr(not(feature = "api"), expect(dead_code, reason = "it is held for its end"))]
    pub(super) threads: Threads,
    pub(super) store: Store,
    pub(super) gateway: Front,
    pub(super) metrics: Serving,
    pub(super) counters: Arc<Metrics>,
    pub(super) mirrors: Arc<Proxy>,
    pub(super) problem: Arc<Mutex<Option<String>>>,
}

impl Lab {
    /// The URL of the gateway, without path. It represents port 80 of the Gateways, or for their lowest
    /// plain HTTP port when none of them has 80.
    pub fn gateway_url(&self) -> String {
        format!("http://{}", self.gateway.address())
    }

    /// The address of the gateway.
    pub fn gateway_address(&self) -> SocketAddr {
        self.gateway.address()
    }

    /// The URL at which Prometheus can scrape the gateway.
    pub fn metrics_url(&self) -> String {
        format!("http://{}/stats/prometheus", self.metrics.address())
    }

    /// The text that is scraped there: the requests at the gateway by version, subset and status with their durations,
    /// under the names of Istio's metrics, and the weights of the routes in force.
    ///
    /// ```
    /// use canary_core::VirtualService;
    /// use canary_lab::Lab;
    ///
    /// let lab = Lab::start()?;
    /// lab.apply(&VirtualService::weighted("pets", [("v1", 90), ("v2", 10)]).hosts(["pets"]))?;
    /// let weight = "canary_lab_route_weight{namespace=\"default\",object=\"pets\",route=\"spec.http[0]\",\
    ///               destination=\"pets\",subset=\"v2\"} 10";
    /// assert!(lab.metrics_text().lines().any(|line| line == weight));
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    pub fn metrics_text(&self) -> String {
        self.mirrors.metrics_text()
    }

    /// The gateway's counters.
    pub fn metrics(&self) -> &Metrics {
        &self.counters
    }

    /// Logs mirrored requests from now on: a record of the response to each original and to each copy, with room for
    /// `capacity` unread records. A second log replaces the first.
    ///
    /// In a cluster these records come from the two models' own logs, because Envoy drops the responses to copies.
    pub fn mirror_log(&self, subsets: Subsets, capacity: usize) -> MirrorLog {
        self.mirrors().log(subsets, capacity)
    }

    /// A handle that starts such logs without keeping the lab alive.
    pub fn mirrors(&self) -> Mirrors {
        Mirrors(Arc::downgrade(&self.mirrors))
    }

    /// The last dozen requests through the gateway to a model, with their responses: those numbered after `after`, oldest
    /// first. They are kept from the first call on, requests of over 1 MiB and responses of over 64 KiB without their
    /// content. With Envoy as the gateway the model servers report the predictions by REST, each with the label `version`
    /// of its pod as the subset.
    pub fn recent(&self, after: u64) -> Vec<Exchange> {
        let kept = &self.mirrors.recent;
        if kept.load().is_none() {
            let none: Option<Arc<Recent>> = None;
            kept.compare_and_swap(&none, Some(Arc::default()));
        }
        kept.load().as_ref().map(|recent| recent.after(after)).unwrap_or_default()
    }

    /// The name of a version's model in requests: TensorFlow Serving's `--model_name` in the Deployment
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

    /// Creates or changes an object, typed or as JSON; its routing is in force when this returns.
    ///
    /// # Errors
    /// As [`canary_core::cluster::Cluster::apply`].
    pub fn apply(&self, object: &impl Serialize) -> Result<Value> {
        let applied = self.store.apply_now(&to_json(object)?)?;
        self.gateway.wait()?;
        Ok(applied)
    }

    /// As [`apply`](Self::apply), but takes over the fields of other managers, as a rollout does with the weights that it
    /// writes, and as `kubectl apply --server-side --force-conflicts` does.
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
        let applied = self.store.clone().force(true).apply_now(&to_json(object)?)?;
        self.gateway.wait()?;
        Ok(applied)
    }

    /// The reason why the newest objects are not in force, if the gateway had to keep the previous routes.
    pub fn problem(&self) -> Option<String> {
        let found = self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone();
        found.or_else(|| self.gateway.refused())
    }

    /// The file with a kubeconfig for the lab's objects: `kubectl`, and the commands and programs of another process, read
    /// and write them with it as on a cluster. The API is served from the first call on, on loopback with TLS and a token;
    /// the file can be read by this user alone, and is removed with the lab.
    ///
    /// The kinds that releases need are served, with lists, watches, server-side apply, JSON and merge patches.
    ///
    /// ```
    /// use canary_core::cluster::{Cluster, Kubernetes, ObjectRef};
    /// use canary_lab::Lab;
    ///
    /// let lab = Lab::seed()?;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let cluster = Kubernetes::open(Some(&lab.kubeconfig()?), None).await?;
    /// let routes = cluster.get(&ObjectRef::virtual_service("default", "image-classifier")).await?;
    /// assert!(routes.is_some());
    /// # Ok::<(), canary_core::rollout::Error>(())
    /// # })?;
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Cluster`] when the API cannot be served, or its file cannot be written.
    #[cfg(feature = "api")]
    pub fn kubeconfig(&self) -> Result<std::path::PathBuf> {
        let failed = |error: std::io::Error| Error::Cluster {
            action: "serve the lab's Kubernetes API".to_owned(),
            reason: "no port of 127.0.0.1 or no temporary file is available".to_owned(),
            retryable: true,
            source: Some(Box::new(error)),
        };
        let mut api = self.api.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(api) = &*api {
            return Ok(api.kubeconfig());
        }
        let runtime = self.threads.handle().map_err(failed)?;
        let _context = runtime.enter();
        let started = crate::api::KubernetesApi::start(self.store.clone()).map_err(failed)?;
        Ok(api.insert(started).kubeconfig())
    }

    /// The file with a kubeconfig for the API server of a lab on Istio's control plane, to look at what istiod reads there;
    /// `None` of any other lab. Write to the lab: what others write there does not come back to it.
    #[cfg(feature = "istio")]
    pub fn istio_kubeconfig(&self) -> Option<std::path::PathBuf> {
        match &self.gateway {
            Front::Istio(front) => Some(front.kubeconfig()),
            _ => None,
        }
    }

    /// Waits until every Deployment has all of its pods ready; blocks the thread.
    ///
    /// # Errors
    /// [`Error::Cluster`] when one fails, with the reason; [`Error::NotReady`] when one is not ready in time.
    pub fn wait_ready(&self, timeout: Duration) -> Result<()> {
        self.wait_ready_while(timeout, || true)
    }

    /// As [`wait_ready`](Self::wait_ready), while `go_on` returns `true`; it is called every millisecond.
    ///
    /// # Errors
    /// As [`wait_ready`](Self::wait_ready); [`Error::Cluster`] also when it was stopped.
    pub fn wait_ready_while(&self, timeout: Duration, go_on: impl Fn() -> bool) -> Result<()> {
        let end = Instant::now() + timeout;
        loop {
            let Some((object, problem)) = self.not_ready() else { return self.gateway.wait() };
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

    /// A Deployment that is not ready, with the reason if it is known.
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

/// The threads of a lab. Dropping the lab ends them without waiting, so that a lab can be dropped in async code.
#[derive(Debug)]
pub(super) struct Threads(Option<tokio::runtime::Runtime>);

impl Threads {
    /// Starts them.
    pub(super) fn start() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4))
            .thread_name("canary-lab")
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// The handle by which tasks are given to them.
    pub(super) fn handle(&self) -> std::io::Result<tokio::runtime::Handle> {
        let runtime = self.0.as_ref().ok_or_else(|| std::io::Error::other("the lab is closed"))?;
        Ok(runtime.handle().clone())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
