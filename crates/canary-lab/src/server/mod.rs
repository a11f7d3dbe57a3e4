//! Model servers that speak `TensorFlow` Serving's REST and gRPC interfaces, on one port of loopback.

mod answer;
mod grpc;
mod json;
mod path;
mod request;
mod rest;
mod served;

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use canary_core::rollout::{Error, Result};
use http_body_util::Either;
use hyper::service::service_fn;

use crate::net::{Listener, Serving, plain};
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
        let models = served::Models::new(models);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let models = Arc::new(rest::Service::new(models, threads, watcher));
        let listener = Listener::bind().map_err(|error| Error::Cluster {
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
        Ok(Self { serving })
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
