//! One call: a request to a model server, and the contents of its response.

use std::{borrow::Cow, time::Instant};

use canary_http::{Limits, Request, Response, Secrets, milliseconds};
use http::{HeaderValue, Method, Uri, header};
use tracing::Instrument;

use super::{
    attempts::{self, Trace},
    client::Client,
    config::Config,
    detect, failure,
    protocol::{Call, Payload, open},
    response::{ParseError, Parsed},
    transport::Transport,
};
use crate::error::{Error, Origin, PredictError, Result};

/// The maximum size of a response with metadata or a status: many times that of a model with hundreds of inputs.
const MAX_DESCRIPTION: usize = 16 << 20;

/// A request in wire form, to be sent any number of times.
///
/// It keeps the model, version and signature that it was prepared for; headers and limits are those of the client
/// that sends it.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(crate) call: Call,
    pub(crate) url: String,
    pub(crate) uri: Uri,
    pub(crate) payload: Payload,
}

impl Prepared {
    /// The address that it is sent to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The body in one piece: the JSON of REST, or the message of gRPC, which is encoded for this call.
    pub fn body(&self) -> Cow<'_, [u8]> {
        self.payload.bytes()
    }
}

/// A request to the address that the settings name.
///
/// # Errors
/// [`Error::Predict`] with [`Origin::Request`] when a setting cannot be used, or the payload cannot be written.
pub(crate) fn prepare(config: &Config, call: Call, payload: Result<Payload>) -> Result<Prepared> {
    let (url, uri) = config.target(call)?;
    match payload {
        Ok(payload) => Ok(Prepared { call, url, uri, payload }),
        Err(Error::Input { reason, .. }) => {
            Err(PredictError::new(Origin::Request, url, reason).into())
        }
        Err(other) => Err(other),
    }
}

/// Sends a request, with its repeats, and reads the response's body by `read`; tells the outcome in the call's span.
pub(crate) async fn send<T>(
    client: &Client,
    prepared: &Prepared,
    read: impl Fn(&Config, &Response, Option<Instant>) -> Parsed<T>,
) -> Result<(T, Response, Trace)> {
    let config = &client.config;
    let span = tracing::debug_span!(
        "call",
        call = ?prepared.call,
        model = config.model,
        protocol = config.protocol.as_str(),
        transport = if config.is_grpc() { "gRPC" } else { "REST" },
    );
    let call = async {
        let mut outcome = send_and_read(client, prepared, read).await;
        if let Err(Error::Predict(error)) = &mut outcome {
            detect::explain(client, error).await;
        }
        match &outcome {
            Ok((_, response, trace)) => tracing::debug!(
                attempts = trace.attempts,
                subset = config.subset_of(&response.headers),
                duration_ms = milliseconds(trace.elapsed),
                "call answered"
            ),
            Err(Error::Predict(error)) => tracing::debug!(
                origin = ?error.origin,
                status = error.status,
                grpc_code = error.grpc_code,
                attempts = error.attempts,
                subset = error.subset,
                duration_ms = milliseconds(error.elapsed),
                error = error.message,
                "call failed"
            ),
            // Any other error concerns the caller's arguments; nothing was sent.
            Err(_) => {}
        }
        outcome
    };
    call.instrument(span).await
}

async fn send_and_read<T>(
    client: &Client,
    prepared: &Prepared,
    read: impl Fn(&Config, &Response, Option<Instant>) -> Parsed<T>,
) -> Result<(T, Response, Trace)> {
    let (response, trace) = exchange(client, prepared).await?;
    let read = read(&client.config, &response, trace.deadline);
    // A deadline that passed in one long list was not noticed there.
    let late = trace.deadline.is_some_and(|deadline| Instant::now() > deadline);
    match read {
        Ok(value) if !late => Ok((value, response, trace)),
        Err(error) if !error.timed_out => {
            Err(unreadable(&client.config, &prepared.url, &response, &trace, &error).into())
        }
        _ => {
            let mut error = attempts::timed_out(&prepared.url, client.config.limits.timeout);
            error.attempts = trace.attempts;
            error.elapsed = client.config.limits.timeout;
            Err(error.into())
        }
    }
}

/// Sends a request, with its repeats; the status of the response is not an error's.
async fn exchange(client: &Client, prepared: &Prepared) -> Result<(Response, Trace)> {
    let Client { config, transport, .. } = client;
    let limit = match prepared.call {
        Call::Predict | Call::Classify | Call::Regress => config.max_answer_bytes,
        Call::Metadata | Call::Status => config.max_answer_bytes.min(MAX_DESCRIPTION),
        #[cfg(feature = "grpc")]
        Call::Reload => config.max_answer_bytes.min(MAX_DESCRIPTION),
    };
    let url = &prepared.url;
    let request = &rest(config, prepared);
    let attempt = |until: Instant| async move {
        // Only gRPC tells the server the deadline.
        #[cfg(not(feature = "grpc"))]
        let _ = until;
        let outcome = match (transport, &prepared.payload) {
            (Transport::Rest(http), Payload::Json(_) | Payload::Binary { .. }) => {
                match http.send(request, Limits::default().max_body(limit)).await {
                    Ok(response) if response.status.is_success() => Ok(response),
                    Ok(response) => {
                        let mut failure = failure::of_status(url, &response, config.protocol);
                        failure.error.subset = config.subset_of(&response.headers);
                        Err(failure)
                    }
                    Err(error) => Err(failure::of_network(url, error)),
                }
            }
            #[cfg(feature = "grpc")]
            (Transport::Grpc(grpc), Payload::Message(request)) => {
                // On the heap: it is larger than all that a request over REST needs.
                let call = grpc.unary(&prepared.uri, &config.headers, request, until, limit);
                let start = Instant::now();
                let answer = Box::pin(call).await;
                tracing::debug!(
                    host = config.address.authority,
                    path = prepared.uri.path(),
                    grpc_code =
                        answer.as_ref().err().map_or(0, |refusal| refusal.status.code() as i32),
                    duration_ms = milliseconds(start.elapsed()),
                    "gRPC response"
                );
                answer.map_err(|refusal| {
                    let headers = refusal.status.metadata().clone().into_headers();
                    let mut failure = super::grpc::failure_of(url, refusal, limit);
                    failure.error.subset = config.subset_of(&headers);
                    failure
                })
            }
            #[cfg(feature = "grpc")]
            _ => Err(other_protocol(config, url).into()),
        };
        outcome.map_err(|mut failure| {
            failure.error.redact(&Secrets::of(&config.headers));
            failure
        })
    };
    Ok(attempts::run(url, &config.limits, &client.budget, attempt).await?)
}

/// The request of REST, as it is sent any number of times.
fn rest(config: &Config, prepared: &Prepared) -> Request {
    let mut headers = config.headers.clone();
    let method = prepared.call.method();
    if let Payload::Binary { json, .. } = &prepared.payload {
        let binary = HeaderValue::from_static("application/octet-stream");
        headers.insert(header::CONTENT_TYPE, binary);
        headers.insert(open::JSON_LENGTH, (*json).into());
    } else if method == Method::POST {
        let json = HeaderValue::from_static("application/json");
        headers.entry(header::CONTENT_TYPE).or_insert(json);
    }
    let request = Request::new(method, prepared.uri.clone()).headers(headers);
    match &prepared.payload {
        Payload::Json(body) | Payload::Binary { body, .. } => request.body(body.clone()),
        #[cfg(feature = "grpc")]
        Payload::Message(_) => request,
    }
}

/// The error of a request that a client of the other protocol prepared.
#[cfg(feature = "grpc")]
fn other_protocol(config: &Config, url: &str) -> PredictError {
    let (theirs, ours) = if config.is_grpc() { ("REST", "gRPC") } else { ("gRPC", "REST") };
    let message = format!("the request was prepared for {theirs}, and this client uses {ours}");
    let mut error = PredictError::new(Origin::Request, url, message);
    "prepare it with the client that sends it".clone_into(&mut error.help);
    error
}

/// The error of a response whose body cannot be read.
fn unreadable(
    config: &Config,
    url: &str,
    response: &Response,
    trace: &Trace,
    error: &ParseError,
) -> PredictError {
    let Response { status, headers, body } = response;
    let secrets = Secrets::of(&config.headers);
    let message = if config.is_grpc() {
        error.reason.clone()
    } else if body.is_empty() {
        "it is empty".to_owned()
    } else {
        let start = error.at.saturating_sub(20).min(body.len());
        let end = (error.at + 20).min(body.len());
        let near = String::from_utf8_lossy(&body[start..end]);
        // Remove secrets before the text is cut, because a part of a secret would not be recognised.
        let near =
            if secrets.appear_in(body) { String::new() } else { format!(" (near {near:?})") };
        format!("{} at byte {}{near}", error.reason, error.at)
    };
    let mut error = PredictError::new(Origin::Answer, url, message);
    let text = String::from_utf8_lossy(&body[..body.len().min(64)]);
    if failure::looks_like_html(headers, text.trim_start()) {
        "a web page was answered: check the address and the port".clone_into(&mut error.help);
    }
    error.status = (!config.is_grpc()).then_some(status.as_u16());
    error.subset = config.subset_of(headers);
    error.attempts = trace.attempts;
    error.elapsed = trace.elapsed;
    error.redact(&secrets);
    error
}
