//! The REST interface: one request in, one response out.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    http::request,
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{
    answer,
    models::{Models, State},
    path::Endpoint,
    reload::Reloads,
    request::Predict,
    served::{Choice, Served},
};
use crate::model::{Code, Model, ModelError, Signature, TensorInfo};

/// The largest body that is read.
pub(super) const MAX_BODY: usize = 256 << 20;

/// A prediction by REST: the request and the response.
pub(crate) struct Prediction<'a> {
    pub(crate) head: &'a request::Parts,
    /// Empty where the body was not read.
    pub(crate) body: Bytes,
    pub(crate) status: StatusCode,
    pub(crate) answer: Bytes,
    pub(crate) took: Duration,
}

/// A callback for every prediction.
pub(crate) type Watcher = Box<dyn Fn(Prediction<'_>) + Send + Sync>;

/// The service of one server.
pub(crate) struct Service {
    pub(super) models: Arc<Models>,
    /// Replaces the models, where the server has a model config file.
    pub(super) reloads: Option<Arc<Reloads>>,
    /// One permit for each inference that may run at a time.
    threads: Arc<Semaphore>,
    watcher: Option<Watcher>,
}

impl Service {
    pub(crate) fn new(
        models: Arc<Models>,
        reloads: Option<Arc<Reloads>>,
        threads: usize,
        watcher: Option<Watcher>,
    ) -> Self {
        Self { models, reloads, threads: Arc::new(Semaphore::new(threads.max(1))), watcher }
    }

    /// Answers one request.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let (began, mut read) = (Instant::now(), Bytes::new());
        let post = head.method == Method::POST;
        let (method, path) = (&head.method, head.uri.path());
        let endpoint = Endpoint::read(post, path);
        if endpoint == Endpoint::Elsewhere {
            return html_not_found();
        }
        let watcher = self.watcher.as_ref().filter(|_| matches!(endpoint, Endpoint::Predict(..)));
        let answered = match endpoint {
            Endpoint::Predict(name, choice) => self.predict(&name, &choice, body, &mut read).await,
            Endpoint::Status(name, choice) => self.status(&name, &choice),
            Endpoint::Metadata(name, choice) => self.metadata(&name, &choice),
            Endpoint::Examples(verb, name, choice) => self.find(&name, &choice).and_then(|_| {
                Err(ModelError::invalid(format!(
                    "the model {name} has no signature for {verb}; use predict"
                )))
            }),
            Endpoint::VersionTooLarge => return answered(StatusCode::BAD_REQUEST, Bytes::new()),
            Endpoint::Malformed | Endpoint::Elsewhere => {
                Err(ModelError::invalid(format!("Malformed request: {method} {path}")))
            }
        };
        let (status, answer) = match answered {
            Ok(body) => (StatusCode::OK, Bytes::from(body)),
            Err(error) => {
                let mut body = b"{\"error\": ".to_vec();
                answer::text(&mut body, error.message.as_bytes());
                body.push(b'}');
                let status = StatusCode::from_u16(error.code.http_status())
                    .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                (status, body.into())
            }
        };
        if let Some(watcher) = watcher {
            let (answer, took) = (answer.clone(), began.elapsed());
            watcher(Prediction { head: &head, body: read, status, answer, took });
        }
        self::answered(status, answer)
    }

    fn find(&self, name: &str, choice: &Choice) -> Result<Arc<Served>, ModelError> {
        self.models.find(name, choice)
    }

    async fn predict(
        &self,
        name: &str,
        choice: &Choice,
        body: Incoming,
        read: &mut Bytes,
    ) -> Result<Vec<u8>, ModelError> {
        let model = Arc::clone(&self.find(name, choice)?.model);
        let body = Limited::new(body, MAX_BODY).collect().await.map_err(|error| {
            ModelError::invalid(format!(
                "the body cannot be read ({MAX_BODY} bytes at most): {error}"
            ))
        })?;
        let body = body.to_bytes();
        read.clone_from(&body);
        let work = {
            let model = Arc::clone(&model);
            move || {
                let request = Predict::read(&body, model.signatures())?;
                let signature = &model.signatures()[request.signature].name;
                answer::write(request.form, &model.predict(signature, request.inputs)?)
            }
        };
        self.compute(&model, work).await
    }

    /// Runs the work of a request to this model: after its latency, and on a thread of its own when it is heavy.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        model: &Arc<dyn Model>,
        work: impl FnOnce() -> Result<T, ModelError> + Send + 'static,
    ) -> Result<T, ModelError> {
        let wait = model.wait();
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        if !model.is_heavy() {
            return work();
        }
        let failed = |what: &str| ModelError::new(Code::Internal, what.to_owned());
        let permit = Arc::clone(&self.threads).acquire_owned().await;
        let permit = permit.map_err(|_| failed("the server is stopping"))?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        done.await.map_err(|_| failed("the model stopped without an answer"))?
    }

    fn status(&self, name: &str, choice: &Choice) -> Result<Vec<u8>, ModelError> {
        let versions = self.models.status(name, choice)?;
        let versions: Vec<Value> = versions
            .into_iter()
            .map(|(version, state)| {
                let (code, message) = match &state {
                    State::End(Some(error)) => (error.code.name(), error.message.as_str()),
                    _ => ("OK", ""),
                };
                json!({
                    "version": version.to_string(),
                    "state": state.name(),
                    "status": {"error_code": code, "error_message": message},
                })
            })
            .collect();
        Ok(json!({"model_version_status": versions}).to_string().into_bytes())
    }

    fn metadata(&self, name: &str, choice: &Choice) -> Result<Vec<u8>, ModelError> {
        let served = self.find(name, choice)?;
        let signatures: serde_json::Map<String, Value> = served
            .model
            .signatures()
            .iter()
            .map(|signature| (signature.name.clone(), signature_json(signature)))
            .collect();
        let metadata = json!({
            "model_spec": {
                "name": served.name,
                "signature_name": "",
                "version": served.version.to_string(),
            },
            "metadata": {"signature_def": {"signature_def": signatures}},
        });
        Ok(metadata.to_string().into_bytes())
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("models", &self.models).finish_non_exhaustive()
    }
}

fn signature_json(signature: &Signature) -> Value {
    let tensors = |infos: &[TensorInfo], node: &str| -> serde_json::Map<String, Value> {
        let describe = |(index, info): (usize, &TensorInfo)| {
            let dims: Vec<Value> = info
                .shape
                .iter()
                .map(|size| {
                    let size = size.map_or_else(|| "-1".to_owned(), |size| size.to_string());
                    json!({"size": size, "name": ""})
                })
                .collect();
            let value = json!({
                "dtype": info.dtype.as_str(),
                "tensor_shape": {"dim": dims, "unknown_rank": false},
                "name": format!("{node}:{index}"),
            });
            (info.name.clone(), value)
        };
        infos.iter().enumerate().map(describe).collect()
    };
    json!({
        "inputs": tensors(&signature.inputs, &format!("{}_inputs", signature.name)),
        "outputs": tensors(&signature.outputs, "StatefulPartitionedCall"),
        "method_name": "tensorflow/serving/predict",
    })
}

fn answered(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn html_not_found() -> Response<Full<Bytes>> {
    let page = "<html><head><title>404 Not Found</title></head>\
                <body><h1>Not Found</h1></body></html>\n";
    let mut response = answered(StatusCode::NOT_FOUND, page.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}
