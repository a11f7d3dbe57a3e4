//! One call: a request message and a response message.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

use bytes::{Buf, BufMut, Bytes};
use canary_http::Settings;
use canary_proto::{
    prost::{EncodeError, Message as _},
    tensorflow::serving::{
        ClassificationRequest, GetModelMetadataRequest, GetModelStatusRequest, PredictRequest,
        ReloadConfigRequest,
    },
};
use futures_util::{FutureExt, TryFutureExt, future::BoxFuture};
use http::{HeaderMap, Response, StatusCode, Uri, header, uri::PathAndQuery};
use http_body_util::{BodyExt, combinators::MapFrame};
use hyper::body::{Frame, Incoming};
use hyper_util::client::legacy;
use tonic::{
    Status,
    body::Body,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::MetadataMap,
};
use tower_service::Service;

use super::connect::{Connector, pool};
use crate::predict::{address::Address, protocol::open::Message};

/// A request of one of the services.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Request {
    Predict(PredictRequest),
    /// A classification or a regression, whose requests have the same fields.
    Examples(ClassificationRequest),
    Metadata(GetModelMetadataRequest),
    Status(GetModelStatusRequest),
    Reload(ReloadConfigRequest),
    /// A request of the Open Inference Protocol.
    Open(Message),
}

macro_rules! message {
    ($request:expr, $message:ident => $value:expr) => {
        match $request {
            Request::Predict($message) => $value,
            Request::Examples($message) => $value,
            Request::Metadata($message) => $value,
            Request::Status($message) => $value,
            Request::Reload($message) => $value,
            Request::Open(Message::Infer($message)) => $value,
            Request::Open(Message::Metadata($message)) => $value,
            Request::Open(Message::Ready($message)) => $value,
            Request::Open(Message::Server($message)) => $value,
        }
    };
}

impl Request {
    /// The number of bytes of the message.
    pub(crate) fn len(&self) -> usize {
        message!(self, message => message.encoded_len())
    }

    fn encode(&self, to: &mut impl BufMut) -> Result<(), EncodeError> {
        message!(self, message => message.encode(to))
    }

    /// The bytes of the message.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        message!(self, message => message.encode_to_vec())
    }
}

/// Encodes requests by prost, and leaves responses as the bytes that arrived: a caller can see them, and the memory that
/// they need is checked before they are decoded.
struct Messages {
    /// The size of the request with its prefix.
    room: usize,
}

impl Codec for Messages {
    type Encode = Request;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self { room: self.room }
    }

    fn decoder(&mut self) -> Self {
        Self { room: self.room }
    }
}

impl Encoder for Messages {
    type Item = Request;
    type Error = Status;

    fn encode(&mut self, request: Request, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        request.encode(to).map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        // One allocation of the right size: a buffer that grows copies an image several times.
        BufferSettings::new(self.room, 0)
    }
}

impl Decoder for Messages {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

/// A call without a message in its response.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: Status,
    /// True when the server stated the status, false when the client derived it from another failure.
    pub(crate) by_server: bool,
}

/// The connections to one server; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Grpc {
    pool: legacy::Client<Connector, Body>,
}

impl Grpc {
    /// No connection is opened yet.
    ///
    /// # Errors
    /// [`canary_http::Error::Input`] when the address or the settings of TLS are not valid.
    pub(crate) fn new(address: &Address, settings: &Settings) -> Result<Self, canary_http::Error> {
        Ok(Self { pool: pool(address, settings)? })
    }

    /// Sends a request to the method that is the path of `uri`, and reads the response, whose message is at most `limit`
    /// bytes. The request carries the deadline.
    pub(crate) async fn unary(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        request: &Request,
        deadline: Instant,
        limit: usize,
    ) -> Result<canary_http::Response, Refusal> {
        /// A flag and the length, which precede a message.
        const PREFIX: usize = 5;
        let invalid = |error: http::Error| Status::invalid_argument(error.to_string());
        let mut headers = headers.clone();
        // The host that a gateway routes by is `:authority` in HTTP/2.
        let host = headers.remove(header::HOST).and_then(|host| host.to_str().ok()?.parse().ok());
        let mut origin = uri.clone().into_parts();
        let method = origin.path_and_query.replace(PathAndQuery::from_static("/"));
        origin.authority = host.or(origin.authority);
        let origin = Uri::from_parts(origin).map_err(|error| invalid(error.into()));

        let codec = Messages { room: request.len() + PREFIX };
        let mut call = tonic::Request::new(request.clone());
        *call.metadata_mut() = MetadataMap::from_headers(headers);
        call.set_timeout(deadline.saturating_duration_since(Instant::now()));
        let stated = Arc::<AtomicBool>::default();
        let exchange = Exchange { pool: self.pool.clone(), stated: Arc::clone(&stated) };
        let refusal = |status| Refusal { status, by_server: stated.load(Ordering::Relaxed) };
        let mut grpc = tonic::client::Grpc::with_origin(exchange, origin.map_err(&refusal)?)
            .max_decoding_message_size(limit);
        let method = method.unwrap_or_else(|| PathAndQuery::from_static("/"));
        let response = grpc.unary(call, method, codec).await.map_err(&refusal)?;
        let (metadata, body, _) = response.into_parts();
        Ok(canary_http::Response { status: StatusCode::OK, headers: metadata.into_headers(), body })
    }
}

/// tonic 0.14 panics when this header or trailer is not valid.
const DETAILS: &str = "grpc-status-details-bin";
/// The header or trailer in which a server of gRPC states the outcome.
const STATUS: &str = "grpc-status";

/// One call over the connections.
struct Exchange {
    pool: legacy::Client<Connector, Body>,
    /// Set when the server states a failure; for an invalid response, tonic invents a status.
    stated: Arc<AtomicBool>,
}

type Map = Box<dyn FnMut(Frame<Bytes>) -> Frame<Bytes> + Send>;

/// Takes [`DETAILS`] away, and notes whether there is a [`STATUS`] that is a failure's.
fn look(headers: &mut HeaderMap, stated: &AtomicBool) {
    headers.remove(DETAILS);
    let code = headers.get(STATUS).and_then(|code| code.to_str().ok()?.parse::<u32>().ok());
    stated.fetch_or(code.is_some_and(|code| code != 0), Ordering::Relaxed);
}

impl Service<http::Request<Body>> for Exchange {
    type Response = Response<MapFrame<Incoming, Map>>;
    type Error = legacy::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.pool.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let stated = Arc::clone(&self.stated);
        let response = self.pool.request(request);
        response
            .map_ok(move |mut response| {
                look(response.headers_mut(), &stated);
                response.map(|body| {
                    body.map_frame(Box::new(move |mut frame: Frame<Bytes>| {
                        if let Some(trailers) = frame.trailers_mut() {
                            look(trailers, &stated);
                        }
                        frame
                    }) as Map)
                })
            })
            .boxed()
    }
}
