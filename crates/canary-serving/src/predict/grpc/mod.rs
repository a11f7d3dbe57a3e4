//! The same calls over gRPC: tonic's protocol over this client's own connections.

mod codec;
mod content;
mod corked;
mod failure;
mod frame;
mod layout;
pub(crate) mod messages;
mod names;
mod request;
mod response;
pub(crate) mod tensor;
#[cfg(test)]
mod wire_tests;

use std::time::Instant;

use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, Version, header};
use hyper_util::client::legacy::Client as Pool;
use tonic::{Code, Status, Streaming, metadata::MetadataMap};

pub(crate) use corked::Corking;
pub(crate) use failure::failure_of;
pub(crate) use frame::Frame;
use frame::Sending;
pub(crate) use names::Names;
pub use request::write_predict as write_predict_grpc;
pub(crate) use request::{
    frame_predict, metadata_request, model_spec, status_request, write_examples,
};
pub use response::read as read_predict_grpc;
pub(crate) use response::{read_classify, read_metadata, read_predict, read_regress, read_status};

use super::http::Reply;

/// Headers that are the protocol's to set.
const RESERVED: [&str; 3] = ["grpc-message", "grpc-message-type", "grpc-status"];

/// The connections to one server.
#[derive(Clone, Debug)]
pub(crate) struct Grpc {
    pool: Pool<Corking, Sending>,
}

impl Grpc {
    pub(crate) fn new(pool: Pool<Corking, Sending>) -> Self {
        Self { pool }
    }

    /// One call: a message there and a message back.
    pub(crate) async fn unary(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        frame: &Frame,
        deadline: Instant,
        limit: usize,
    ) -> Result<Reply, Status> {
        let request = asked(uri, headers, frame, deadline)?;
        let answered = self.pool.request(request).await;
        let response = answered.map_err(|error| Status::from_error(error.into()))?;
        let (parts, body) = response.into_parts();
        let mut headers = parts.headers;
        let mut stream = match Status::from_header_map(&headers) {
            Some(status) if status.code() != Code::Ok => return Err(status),
            Some(_) => Streaming::new_empty(codec::Raw, body),
            None => Streaming::new_response(codec::Raw, body, parts.status, None, Some(limit)),
        };
        let message = stream.message().await.map_err(|mut status| {
            let mut all = status.metadata().clone().into_headers();
            all.extend(headers.clone());
            *status.metadata_mut() = MetadataMap::from_headers(all);
            status
        })?;
        let body = message.ok_or_else(|| Status::internal("there is no message in the answer"))?;
        if let Some(trailers) = stream.trailers().await? {
            headers.extend(trailers.into_headers());
        }
        Ok(Reply { status: StatusCode::OK, headers, body })
    }
}

/// The request with its headers, as `PROTOCOL-HTTP2.md` of gRPC has them.
fn asked(
    uri: &Uri,
    headers: &HeaderMap,
    frame: &Frame,
    deadline: Instant,
) -> Result<Request<Sending>, Status> {
    let invalid = |error: http::Error| Status::invalid_argument(error.to_string());
    let mut to = uri.clone().into_parts();
    // The host that a gateway routes by is `:authority` in HTTP/2.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()?.parse().ok());
    to.authority = host.or(to.authority);
    let to = Uri::from_parts(to).map_err(|error| invalid(error.into()))?;

    let mut limited = tonic::Request::new(());
    *limited.metadata_mut() = MetadataMap::from_headers(headers.clone());
    limited.set_timeout(deadline.saturating_duration_since(Instant::now()));
    let mut headers = limited.into_parts().0.into_headers();
    headers.remove(header::HOST);
    for name in RESERVED {
        headers.remove(name);
    }
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));

    let request = Request::builder().method(Method::POST).version(Version::HTTP_2).uri(to);
    let mut request = request.body(frame.body()).map_err(invalid)?;
    *request.headers_mut() = headers;
    Ok(request)
}
