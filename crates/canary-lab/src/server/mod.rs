//! Model servers that speak `TensorFlow` Serving's REST and gRPC interfaces, on one port of loopback.

mod answer;
mod configured;
mod folders;
mod grpc;
mod json;
mod models;
mod path;
mod reload;
mod request;
mod rest;
mod served;

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
};

use canary_core::rollout::{Error, Result};
use http_body_util::Either;
use hyper::service::service_fn;

use crate::net::{Listener, Serving, plain};
pub use configured::Configured;
pub use folders::Folders;
use models::Models;
use reload::Reloads;
pub(crate) use rest::{Prediction, Watcher};
pub use served::Served;

/// A running model server; dropping it stops it and closes its connections.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use canary_lab::{model::Scripted, server::{ModelServer, Served}};
///
/// let model = Scripted::new("military uniform", 0.45);
/// let server = ModelServer::start([Served::new("image_classifier", model)]).await?;
/// assert!(server.url().starts_with("http://127.0.0.1:"));
/// # Ok::<(), canary_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct ModelServer {
    serving: Serving,
    /// The models of a server that has a model config file.
    reloads: Option<Arc<Reloads>>,
}

impl ModelServer {
    /// Starts a server of these models on a free port of loopback; needs a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Cluster`] when no port can be opened.
    #[allow(
        clippy::unused_async,
        reason = "opening a port may wait on other systems than this one"
    )]
    pub async fn start(models: impl IntoIterator<Item = Served>) -> Result<Self> {
        Self::open(models, None)
    }

    /// The same in the context of a runtime, without waiting; `watcher` is called with every prediction by REST.
    pub(crate) fn open(
        models: impl IntoIterator<Item = Served>,
        watcher: Option<Watcher>,
    ) -> Result<Self> {
        Self::listen(Arc::new(Models::new(models)), None, watcher, None)
    }

    /// Starts a server with a model config file, whose models, versions and labels can be replaced over gRPC
    /// (`HandleReloadConfigRequest`) as in TensorFlow Serving. It listens once a version of each model is loaded.
    ///
    /// # Errors
    /// [`Error::Cluster`] when it would end at its start: it refuses the file, the file has labels although the server
    /// does not allow those of versions that are not loaded yet, or a model has no version that can be loaded; or when
    /// its port cannot be opened.
    pub async fn configured(settings: Configured) -> Result<Self> {
        Self::configured_with(settings, None).await
    }

    /// The same; `watcher` is called with every prediction by REST.
    pub(crate) async fn configured_with(
        settings: Configured,
        watcher: Option<Watcher>,
    ) -> Result<Self> {
        let Configured { config, folders, allows_unavailable, address } = settings;
        if config.models.is_empty() {
            return Err(Configured::failed("the model config file has no model"));
        }
        let reloads = Reloads::new(folders, allows_unavailable);
        Configured::checked(reloads.reload(config).await)?;
        Configured::checked(reloads.wait_for_all().await)?;
        Self::listen(Arc::clone(&reloads.models), Some(reloads), watcher, address)
    }

    fn listen(
        models: Arc<Models>,
        reloads: Option<Arc<Reloads>>,
        watcher: Option<Watcher>,
        address: Option<SocketAddr>,
    ) -> Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let service = rest::Service::new(models, reloads.clone(), threads, watcher);
        let models = Arc::new(service);
        let listener = Listener::bind_at(address).map_err(|error| Error::Cluster {
            action: "start a model server".to_owned(),
            reason: "no port of 127.0.0.1 can be opened".to_owned(),
            retryable: true,
            source: Some(Box::new(error)),
        })?;
        let services = grpc::Services::new(&models);
        let serving = listener.serve(plain, move |_peer| {
            let (models, services) = (Arc::clone(&models), services.clone());
            service_fn(move |request| {
                let (models, services) = (Arc::clone(&models), services.clone());
                async move {
                    Ok::<_, Infallible>(if grpc::is_call(&request) {
                        services.call(request).await.map(Either::Left)
                    } else {
                        models.answer(request).await.map(Either::Right)
                    })
                }
            })
        });
        Ok(Self { serving, reloads })
    }

    /// Has a server with a model config file refuse reloads from now on, or take them again: for tests of releases.
    pub fn refuse_reloads(&self, refuses: bool) {
        if let Some(reloads) = &self.reloads {
            reloads.refuses.store(refuses, Ordering::Relaxed);
        }
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.serving.address()
    }

    /// Its URL, without path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }
}
