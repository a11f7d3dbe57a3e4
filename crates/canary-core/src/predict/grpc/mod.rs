//! The same calls over gRPC: tonic's protocol over this client's own connections.

mod codec;
mod failure;
pub(crate) mod messages;
mod names;
mod request;
mod response;
pub(crate) mod tensor;
#[cfg(test)]
mod wire_tests;

use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri, uri::PathAndQuery};
use hyper_util::client::legacy::Client as Pool;
use tonic::{Request, Status, body::Body, metadata::MetadataMap};

pub(crate) use failure::failure_of;
pub(crate) use names::Names;
pub use request::write_predict as write_predict_grpc;
pub(crate) use request::{metadata_request, model_spec, status_request, write_examples};
pub(crate) use response::{read_classify, read_metadata, read_predict, read_regress, read_status};

use super::{connect::Connector, http::Reply};

/// The connections to one server.
#[derive(Clone, Debug)]
pub(crate) struct Grpc {
    pool: Pool<Connector, Body>,
}

impl Grpc {
    pub(crate) fn new(pool: Pool<Connector, Body>) -> Self {
        Self { pool }
    }

    /// One call: a message there and a message back.
    pub(crate) async fn unary(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        body: Bytes,
        deadline: Instant,
        limit: usize,
    ) -> Result<Reply, Status> {
        let mut origin = http::uri::Parts::default();
        origin.scheme = uri.scheme().cloned();
        // The host that a gateway routes by is `:authority` in HTTP/2.
        let host =
            headers.get(http::header::HOST).and_then(|host| host.to_str().ok()?.parse().ok());
        origin.authority = host.or_else(|| uri.authority().cloned());
        origin.path_and_query = Some(PathAndQuery::from_static("/"));
        let origin =
            Uri::from_parts(origin).map_err(|error| Status::invalid_argument(error.to_string()))?;
        let path = uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));

        let mut request = Request::new(body);
        let mut headers = headers.clone();
        headers.remove(http::header::HOST);
        *request.metadata_mut() = MetadataMap::from_headers(headers);
        request.set_timeout(deadline.saturating_duration_since(Instant::now()));

        let mut grpc = tonic::client::Grpc::with_origin(self.pool.clone(), origin)
            .max_decoding_message_size(limit);
        grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
        let response = grpc.unary(request, path, codec::Raw).await?;
        let (metadata, body, _) = response.into_parts();
        Ok(Reply { status: StatusCode::OK, headers: metadata.into_headers(), body })
    }
}
