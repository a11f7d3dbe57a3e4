//! Finding out which protocol a server speaks, by asking it.

use std::time::Duration;

use canary_http::{Client as Http, Limits, Request, Response};

#[cfg(feature = "grpc")]
use super::grpc;
use super::{
    address::{ModelVersion, model_path, open_path},
    client::Client,
    config::Config,
    failure,
    peer::Found,
    protocol::{Protocol, open},
    transport::Transport,
};
use crate::error::{Error, Origin, PredictError, Result};

/// The bytes that an answer to a question about the protocol may have.
const MAX_ANSWER: usize = 1 << 20;
/// The time for the questions that explain a failed call.
const EXPLANATION: Duration = Duration::from_secs(5);
/// The model in the question to a client that names none: an answer that it does not exist is an answer too.
const ANY_MODEL: &str = "canary";

/// The words of TensorFlow Serving for a model that it does not have.
const TENSORFLOW: [&str; 2] = ["Could not find any versions of model", "Servable not found"];

/// gRPC's `UNIMPLEMENTED`.
const UNIMPLEMENTED: i32 = 12;

/// True when an error may come from a server that does not know the call at all.
fn may_be_foreign(error: &PredictError) -> bool {
    match error.origin {
        // TensorFlow Serving's own words for a model that it does not have.
        Origin::Server if TENSORFLOW.iter().any(|words| error.message.contains(words)) => false,
        Origin::Server => {
            matches!(error.status, Some(404 | 405 | 501)) || error.grpc_code == Some(UNIMPLEMENTED)
        }
        // A body of another protocol, with a status that says nothing.
        Origin::Answer => error.status == Some(200),
        _ => false,
    }
}

/// Says so in the error when the server is found to speak another protocol than the client.
pub(super) async fn explain(client: &Client, error: &mut PredictError) {
    let Some(peer) = client.peer.found().filter(|_| may_be_foreign(error)) else { return };
    let time = EXPLANATION.min(client.config.limits.timeout);
    let find = async { tokio::time::timeout(time, find(client)).await.ok()?.ok()? };
    let found = peer.get_or_init(|| find).await;
    if let Some(found) = found.as_ref().filter(|found| found.protocol != client.config.protocol) {
        error.help = format!(
            "{}, and this client {}: make the client with protocol {:?}, or by detect(…)",
            found.sentence(),
            client.config.protocol.title(),
            found.protocol.as_str()
        );
    }
}

/// The client with the protocol of its server.
///
/// # Errors
/// [`Error::Predict`] when the server cannot be reached, or speaks none of the protocols.
pub(super) async fn detected(client: Client) -> Result<Client> {
    let limit = client.config.limits.timeout;
    let url = client.config.address.text();
    let found = tokio::time::timeout(limit, find(&client))
        .await
        .map_err(|_| Error::from(super::attempts::timed_out(&url, limit)))??;
    let Some(found) = found else {
        let message = "no protocol of a model server was recognised";
        let mut error = PredictError::new(Origin::Answer, url, message);
        "check the address and the port; behind a gateway that routes only the paths of models, name the model, or set \
         the protocol by hand"
            .clone_into(&mut error.help);
        return Err(error.into());
    };
    tracing::debug!(
        host = client.config.address.authority,
        protocol = found.protocol.as_str(),
        server = found.server,
        "protocol detected"
    );
    Ok(client.set(|config| found.apply(config)))
}

/// Asks for the protocol; `None` when the answers are those of none.
async fn find(client: &Client) -> Result<Option<Found>> {
    match &client.transport {
        Transport::Rest(http) => find_rest(&client.config, http).await,
        #[cfg(feature = "grpc")]
        Transport::Grpc(connections) => find_grpc(&client.config, connections).await,
    }
}

async fn find_rest(config: &Config, http: &Http) -> Result<Option<Found>> {
    let prefix = &config.address.prefix;
    let server = get(config, http, &format!("{prefix}/v2")).await?;
    if server.status.is_success()
        && let Some((name, extensions)) = open::read_server(&server.body)
    {
        return Ok(Some(Found::open(name, &extensions)));
    }
    let models = get(config, http, &format!("{prefix}/v1/models")).await?;
    if models.status.is_success() && member(&models, "models").is_some_and(|list| list.is_array()) {
        return Ok(Some(Found::new(Protocol::KServe)));
    }
    let model = if config.model.is_empty() { ANY_MODEL } else { &config.model };
    let first = get(config, http, &model_path(prefix, model, &ModelVersion::Latest)).await?;
    if is_tensorflow(&first) {
        return Ok(Some(Found::new(Protocol::TensorFlow)));
    }
    if first.status.is_success() && member(&first, "ready").is_some() {
        return Ok(Some(Found::new(Protocol::KServe)));
    }
    // A gateway may route the paths of models alone.
    let second = get(config, http, &open_path(prefix, model, "")).await?;
    let is_open = second.status.is_success()
        && (member(&second, "inputs").is_some() || member(&second, "platform").is_some());
    Ok(is_open.then(|| Found::new(Protocol::OpenInference)))
}

/// True for TensorFlow Serving's status of a model, and for its error when it has no such model.
fn is_tensorflow(response: &Response) -> bool {
    if member(response, "model_version_status").is_some() {
        return true;
    }
    let error = member(response, "error");
    let text = error.as_ref().and_then(serde_json::Value::as_str);
    text.is_some_and(|text| TENSORFLOW.iter().any(|words| text.contains(words)))
}

/// A member of a response that is a JSON object.
fn member(response: &Response, name: &str) -> Option<serde_json::Value> {
    let mut json: serde_json::Value = serde_json::from_slice(&response.body).ok()?;
    json.get_mut(name).map(serde_json::Value::take)
}

async fn get(config: &Config, http: &Http, path: &str) -> Result<Response> {
    let (url, uri) = config.at(path)?;
    let request = Request::get(uri).headers(config.headers.clone());
    let response = http.send(&request, Limits::default().max_body(MAX_ANSWER)).await;
    response.map_err(|error| failure::of_network(&url, error).error.into())
}

#[cfg(feature = "grpc")]
async fn find_grpc(config: &Config, connections: &grpc::Grpc) -> Result<Option<Found>> {
    for service in open::SERVICES {
        let request = grpc::Request::Open(open::Message::server());
        let path = format!("/{service}/ServerMetadata");
        if let Some(response) = ask(config, connections, &path, &request).await?
            && let Some((name, extensions)) = open::read_server_message(&response.body)
        {
            let found = Found::open(name, &extensions);
            return Ok(Some(Found { service, ..found }));
        }
    }
    let model = if config.model.is_empty() { ANY_MODEL } else { &config.model };
    let spec = grpc::model_spec(model, &ModelVersion::Latest, "");
    let path = "/tensorflow.serving.ModelService/GetModelStatus";
    let known = ask(config, connections, path, &grpc::status(spec)).await?.is_some();
    Ok(known.then(|| Found::new(Protocol::TensorFlow)))
}

/// The response to a call, or `None` when the server does not know its method. A refusal of the model is a response
/// without a body.
#[cfg(feature = "grpc")]
async fn ask(
    config: &Config,
    connections: &grpc::Grpc,
    path: &str,
    request: &grpc::Request,
) -> Result<Option<Response>> {
    let (url, uri) = config.at(path)?;
    let deadline = std::time::Instant::now() + config.limits.timeout.min(canary_http::MAX_TIMEOUT);
    let call = connections.unary(&uri, &config.headers, request, deadline, MAX_ANSWER);
    match Box::pin(call).await {
        Ok(response) => Ok(Some(response)),
        Err(refusal) if refusal.by_server => {
            let unknown = refusal.status.code() == tonic::Code::Unimplemented;
            let (status, headers) = (http::StatusCode::OK, http::HeaderMap::new());
            let refused = Response { status, headers, body: bytes::Bytes::new() };
            Ok((!unknown).then_some(refused))
        }
        Err(refusal) => Err(grpc::failure_of(&url, refusal, MAX_ANSWER).error.into()),
    }
}
