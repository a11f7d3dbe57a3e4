//! Calls: from inputs to a request, from a response to an answer.

use std::borrow::Cow;

use bytes::Bytes;
use canary_http::{Limits, Request, Response};
use http::{HeaderMap, HeaderValue, Method, Uri, header};

use super::{
    address::{Scheme, model_path},
    answer::Answer,
    call::{self, Trace},
    client::Client,
    failure,
    input::Input,
    protocol::Payload,
    response::{Bad, Outputs, Read},
    transport::Transport,
};
use crate::error::{Error, Origin, PredictError, Result};

/// What a server can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Predict,
    Classify,
    Regress,
    Metadata,
    Status,
}

impl Call {
    fn method(self) -> Method {
        match self {
            Self::Predict | Self::Classify | Self::Regress => Method::POST,
            Self::Metadata | Self::Status => Method::GET,
        }
    }

    /// What follows the model in the path of REST.
    fn suffix(self) -> &'static str {
        match self {
            Self::Predict => ":predict",
            Self::Classify => ":classify",
            Self::Regress => ":regress",
            Self::Metadata => "/metadata",
            Self::Status => "",
        }
    }

    /// The path of gRPC.
    fn procedure(self) -> &'static str {
        match self {
            Self::Predict => "/tensorflow.serving.PredictionService/Predict",
            Self::Classify => "/tensorflow.serving.PredictionService/Classify",
            Self::Regress => "/tensorflow.serving.PredictionService/Regress",
            Self::Metadata => "/tensorflow.serving.PredictionService/GetModelMetadata",
            Self::Status => "/tensorflow.serving.ModelService/GetModelStatus",
        }
    }
}

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
    /// The address that will be asked.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The body that will be sent, in one piece: the JSON of REST, or the message of gRPC, which is put together for
    /// this only.
    pub fn body(&self) -> Cow<'_, [u8]> {
        self.payload.bytes()
    }
}

impl Client {
    /// Asks the model: the bytes of an image file, a tensor, or named inputs; see [`Input`].
    ///
    /// Over gRPC an input without a name is given the name of the signature's only input, which the server is asked
    /// for once.
    ///
    /// # Errors
    /// [`Error::Predict`]: its origin says whether the model server, the mesh or the network failed, or whether the
    /// input could not be sent or the answer not be read.
    pub async fn predict<'a>(&self, input: impl Into<Input<'a>>) -> Result<Answer> {
        let prepared = self.prepared(input.into()).await?;
        self.send(&prepared).await
    }

    /// [`Client::prepare`], after the server was asked for what the request needs.
    #[cfg_attr(
        not(feature = "grpc"),
        expect(clippy::unused_async, reason = "over gRPC the server may be asked for names")
    )]
    pub(crate) async fn prepared(&self, input: Input<'_>) -> Result<Prepared> {
        #[cfg(feature = "grpc")]
        let input = self.with_names(input).await?;
        self.prepare(input)
    }

    /// The request for these inputs in wire form, to be sent several times or to see what is sent.
    ///
    /// # Errors
    /// [`Error::Predict`] with [`Origin::Request`] when the inputs or the settings cannot be sent; over gRPC also
    /// when an input has no name.
    pub fn prepare<'a>(&self, input: impl Into<Input<'a>>) -> Result<Prepared> {
        self.request(Call::Predict, |client| client.write_predict(input.into()))
    }

    /// Sends a prepared request.
    ///
    /// # Errors
    /// As [`Client::predict`].
    pub async fn send(&self, prepared: &Prepared) -> Result<Answer> {
        let (response, trace) = self.exchange(prepared).await?;
        self.answer(&prepared.url, response, trace, Self::read_predict)
    }

    /// A request with the body that `write` writes.
    pub(crate) fn request(
        &self,
        call: Call,
        write: impl FnOnce(&Self) -> Result<Payload>,
    ) -> Result<Prepared> {
        let (url, uri) = self.target(call)?;
        let payload = write(self).map_err(|error| match error {
            Error::Input { reason, .. } => {
                PredictError::new(Origin::Request, url.clone(), reason).into()
            }
            other => other,
        })?;
        Ok(Prepared { call, url, uri, payload })
    }

    /// The answer in a response, as `read` reads its outputs.
    pub(crate) fn answer(
        &self,
        url: &str,
        response: Response,
        trace: Trace,
        read: impl FnOnce(&Self, &Bytes) -> Read<Outputs>,
    ) -> Result<Answer> {
        let subset = self.subset_of(&response.headers);
        match read(self, &response.body) {
            Ok(outputs) => Ok(Answer {
                outputs,
                body: response.body,
                headers: response.headers,
                subset,
                trace,
            }),
            Err(bad) => Err(self.unreadable(url, &response, &trace, &bad).into()),
        }
    }

    pub(crate) fn subset_of(&self, headers: &HeaderMap) -> Option<String> {
        let value = headers.get(self.config.subset_header.as_str())?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// Whether the server is asked over gRPC.
    pub(crate) fn is_grpc(&self) -> bool {
        matches!(self.config.address.scheme, Scheme::Grpc | Scheme::Grpcs)
    }

    /// The address of a call, as text and as URI.
    fn target(&self, call: Call) -> Result<(String, Uri)> {
        let config = &self.config;
        let scheme = config.address.scheme;
        let authority = &config.address.authority;
        let path = if self.is_grpc() {
            call.procedure().to_owned()
        } else {
            let path = model_path(&config.address.prefix, &config.model, &config.version);
            path + call.suffix()
        };
        let (shown, wire) = match scheme {
            Scheme::Http => ("http", "http"),
            Scheme::Https => ("https", "https"),
            Scheme::Grpc => ("grpc", "http"),
            Scheme::Grpcs => ("grpcs", "https"),
        };
        let url = format!("{shown}://{authority}{path}");
        let refuse = |message: &str, help: &str| {
            let mut error = PredictError::new(Origin::Request, url.clone(), message);
            help.clone_into(&mut error.help);
            Error::from(error)
        };
        if let Some(problem) = &config.problem {
            return Err(refuse(problem, ""));
        }
        if config.model.is_empty() {
            return Err(refuse("no model is named", "name one with `model`"));
        }
        let uri = Uri::builder().scheme(wire).authority(authority.as_str()).path_and_query(path);
        match uri.build() {
            Ok(uri) => Ok((url, uri)),
            Err(_) => Err(refuse("this is not a valid URL", "")),
        }
    }

    /// One call with its repeats; the response is not an error.
    pub(crate) async fn exchange(&self, asked: &Prepared) -> Result<(Response, Trace)> {
        let config = &self.config;
        let limit = config.max_answer_bytes;
        let url = &asked.url;
        let request = &self.rest(asked);
        let attempt = |until: std::time::Instant| async move {
            // Only gRPC tells the server of it.
            #[cfg(not(feature = "grpc"))]
            let _ = until;
            match (&self.transport, &asked.payload) {
                (Transport::Rest(http), Payload::Json(_)) => {
                    match http.send(request, Limits::default().max_body(limit)).await {
                        Ok(response) if response.status.is_success() => Ok(response),
                        Ok(response) => {
                            let mut failure = failure::of_status(url, &response);
                            failure.error.subset = self.subset_of(&response.headers);
                            Err(failure)
                        }
                        Err(broken) => Err(failure::of_network(url, broken)),
                    }
                }
                #[cfg(feature = "grpc")]
                (Transport::Grpc(grpc), Payload::Message(request)) => {
                    // On the heap: it is larger than all that a request over REST needs.
                    let call = grpc.unary(&asked.uri, &config.headers, request, until, limit);
                    Box::pin(call).await.map_err(|status| {
                        let headers = status.metadata().clone().into_headers();
                        let mut failure = super::grpc::failure_of(url, status, limit);
                        failure.error.subset = self.subset_of(&headers);
                        failure
                    })
                }
                #[cfg(feature = "grpc")]
                _ => Err(self.prepared_for_another(url)),
            }
        };
        Ok(call::run(url, &config.limits, &self.budget, attempt).await?)
    }

    /// The request of REST, as it is sent any number of times.
    fn rest(&self, prepared: &Prepared) -> Request {
        let mut headers = self.config.headers.clone();
        let method = prepared.call.method();
        if method == Method::POST {
            let json = HeaderValue::from_static("application/json");
            headers.entry(header::CONTENT_TYPE).or_insert(json);
        }
        let request = Request::new(method, prepared.uri.clone()).headers(headers);
        match &prepared.payload {
            Payload::Json(body) => request.body(body.clone()),
            #[cfg(feature = "grpc")]
            Payload::Message(_) => request,
        }
    }

    /// The failure to send what a client of the other protocol prepared.
    #[cfg(feature = "grpc")]
    fn prepared_for_another(&self, url: &str) -> failure::Failure {
        let (theirs, ours) = if self.is_grpc() { ("REST", "gRPC") } else { ("gRPC", "REST") };
        let message =
            format!("the request was prepared for {theirs}, and this client asks over {ours}");
        let mut error = PredictError::new(Origin::Request, url, message);
        "prepare it with the client that sends it".clone_into(&mut error.help);
        failure::Failure { error, repeat: false, pause: None }
    }

    /// The error for a response that is not what was asked for.
    pub(crate) fn unreadable(
        &self,
        url: &str,
        response: &Response,
        trace: &Trace,
        bad: &Bad,
    ) -> PredictError {
        let message = if self.is_grpc() {
            bad.reason.clone()
        } else if response.body.is_empty() {
            "it is empty".to_owned()
        } else {
            let start = bad.at.saturating_sub(20).min(response.body.len());
            let end = (bad.at + 20).min(response.body.len());
            let near = String::from_utf8_lossy(&response.body[start..end]);
            format!("{} at byte {} (near {near:?})", bad.reason, bad.at)
        };
        let mut error = PredictError::new(Origin::Answer, url, message);
        let text = String::from_utf8_lossy(&response.body[..response.body.len().min(64)]);
        if failure::looks_like_html(&response.headers, text.trim_start()) {
            "a web page was answered: check the address and the port".clone_into(&mut error.help);
        }
        error.status = (!self.is_grpc()).then_some(response.status.as_u16());
        error.subset = self.subset_of(&response.headers);
        error.attempts = trace.attempts;
        error.elapsed = trace.elapsed;
        error
    }
}
