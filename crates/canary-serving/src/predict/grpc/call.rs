//! One call: a request message and a response message.

use std::{
    task::{Context, Poll},
    time::Instant,
};

use bytes::{Buf, BufMut, Bytes};
use canary_http::Settings;
use canary_proto::{
    prost::{EncodeError, Message},
    tensorflow::serving::{
        ClassificationRequest, GetModelMetadataRequest, GetModelStatusRequest, PredictRequest,
    },
};
use futures_util::{TryFutureExt, future::MapOk};
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
use crate::predict::address::Address;

/// A request of one of the services.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Request {
    Predict(PredictRequest),
    /// A classification or a regression, whose requests have the same fields.
    Examples(ClassificationRequest),
    Metadata(GetModelMetadataRequest),
    Status(GetModelStatusRequest),
}

macro_rules! message {
    ($request:expr, $message:ident => $value:expr) => {
        match $request {
            Request::Predict($message) => $value,
            Request::Examples($message) => $value,
            Request::Metadata($message) => $value,
            Request::Status($message) => $value,
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
    ) -> Result<canary_http::Response, Status> {
        /// A flag and the length, which stand in front of a message.
        const PREFIX: usize = 5;
        let invalid = |error: http::Error| Status::invalid_argument(error.to_string());
        let mut headers = headers.clone();
        // The host that a gateway routes by is `:authority` in HTTP/2.
        let host = headers.remove(header::HOST).and_then(|host| host.to_str().ok()?.parse().ok());
        let mut origin = uri.clone().into_parts();
        let method = origin.path_and_query.replace(PathAndQuery::from_static("/"));
        origin.authority = host.or(origin.authority);
        let origin = Uri::from_parts(origin).map_err(|error| invalid(error.into()))?;

        let codec = Messages { room: request.len() + PREFIX };
        let mut call = tonic::Request::new(request.clone());
        *call.metadata_mut() = MetadataMap::from_headers(headers);
        call.set_timeout(deadline.saturating_duration_since(Instant::now()));
        let mut grpc =
            tonic::client::Grpc::with_origin(self.clone(), origin).max_decoding_message_size(limit);
        let method = method.unwrap_or_else(|| PathAndQuery::from_static("/"));
        let (metadata, body, _) = grpc.unary(call, method, codec).await?.into_parts();
        Ok(canary_http::Response { status: StatusCode::OK, headers: metadata.into_headers(), body })
    }
}

/// tonic 0.14 panics when it reads this header, or this trailer, and it is not valid.
const DETAILS: &str = "grpc-status-details-bin";

/// A body without the trailer [`DETAILS`].
type WithoutDetails = MapFrame<Incoming, fn(Frame<Bytes>) -> Frame<Bytes>>;

fn without_details(mut response: Response<Incoming>) -> Response<WithoutDetails> {
    response.headers_mut().remove(DETAILS);
    response.map(|body| {
        let strip: fn(Frame<Bytes>) -> Frame<Bytes> = |mut frame| {
            if let Some(trailers) = frame.trailers_mut() {
                trailers.remove(DETAILS);
            }
            frame
        };
        body.map_frame(strip)
    })
}

impl Service<http::Request<Body>> for Grpc {
    type Response = Response<WithoutDetails>;
    type Error = legacy::Error;
    type Future = MapOk<legacy::ResponseFuture, fn(Response<Incoming>) -> Response<WithoutDetails>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.pool.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.pool.request(request).map_ok(without_details)
    }
}
