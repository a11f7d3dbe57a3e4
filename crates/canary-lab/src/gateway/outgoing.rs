//! A request to a destination, and the pod that answered it.

use bytes::Bytes;
use hyper::{HeaderMap, Method, http::uri::PathAndQuery};

/// A request as it leaves the gateway.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) path: PathAndQuery,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// `true` when the destination needs HTTP/2.
    pub(crate) http2: bool,
}

/// The pod that answered.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    pub(crate) workload: String,
    pub(crate) version: String,
}
