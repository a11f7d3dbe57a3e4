//! Responses of the gateway itself, with Envoy's texts.

use std::{convert::Infallible, future::Ready};

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, combinators::WithTrailers};
use hyper::{
    HeaderMap, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, SERVER},
};

/// A body that is streamed, or one in memory: the gateway's own, or one that was read.
pub(crate) type Body =
    Either<Incoming, WithTrailers<Full<Bytes>, Ready<Option<Result<HeaderMap, Infallible>>>>>;

/// A body in memory. The status of a gRPC call is in the trailers.
pub(super) fn buffered(bytes: Bytes, trailers: Option<HeaderMap>) -> Body {
    Either::Right(Full::new(bytes).with_trailers(std::future::ready(trailers.map(Ok))))
}

/// The response header with Envoy's response flags.
pub(crate) const FLAGS: HeaderName = HeaderName::from_static("x-envoy-response-flags");
/// The response header that names the subset.
pub(crate) const SUBSET: HeaderName = HeaderName::from_static("x-canary-subset");

/// A response, with Envoy's response flags where the gateway gave it itself.
pub(crate) struct Reply {
    pub(crate) response: Response<Body>,
    /// Envoy's response flags; empty when there is none.
    pub(crate) flags: &'static str,
}

impl Reply {
    /// A status with a text.
    pub(crate) fn new(status: u16, flags: &'static str, text: impl Into<Bytes>) -> Self {
        let text = text.into();
        let plain = !text.is_empty();
        let mut response = Response::new(buffered(text, None));
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if plain {
            let kind = HeaderValue::from_static("text/plain");
            response.headers_mut().insert(CONTENT_TYPE, kind);
        }
        Self { response, flags }
    }

    /// A redirect.
    pub(crate) fn redirect(status: u16, location: &str) -> Self {
        let mut reply = Self::new(status, "", Bytes::new());
        if let Ok(location) = HeaderValue::from_str(location) {
            reply.response.headers_mut().insert(LOCATION, location);
        }
        reply
    }

    /// No endpoint could be reached.
    pub(crate) fn unreachable(retried: bool, reason: &str) -> Self {
        let flags = if retried { "UF,URX" } else { "UF" };
        let text = format!(
            "upstream connect error or disconnect/reset before headers. reset reason: {reason}"
        );
        Self::new(503, flags, text)
    }

    /// A connection ended before its response.
    pub(crate) fn reset(retried: bool) -> Self {
        let mut reply = Self::unreachable(retried, "connection termination");
        reply.flags = if retried { "UC,URX" } else { "UC" };
        reply
    }

    /// Reads the whole body and returns its bytes too; a body that is cut off is a reset.
    pub(crate) async fn whole(self) -> (Self, Bytes) {
        let Self { response, flags } = self;
        let (head, body) = response.into_parts();
        match body.collect().await {
            Ok(body) => {
                let trailers = body.trailers().cloned();
                let bytes = body.to_bytes();
                let body = buffered(bytes.clone(), trailers);
                (Self { response: Response::from_parts(head, body), flags }, bytes)
            }
            Err(_) => (Self::reset(false), Bytes::new()),
        }
    }

    /// The response timed out.
    pub(crate) fn timeout() -> Self {
        Self::new(504, "UT", "upstream request timeout")
    }
}

/// Marks a response as one that came through the gateway.
pub(crate) fn mark(headers: &mut HeaderMap, flags: &str, subset: Option<&str>) {
    headers.insert(SERVER, HeaderValue::from_static("istio-envoy"));
    if let Ok(flags) = HeaderValue::from_str(flags)
        && !flags.is_empty()
    {
        headers.insert(FLAGS, flags);
    }
    if let Some(Ok(subset)) = subset.map(HeaderValue::from_str) {
        headers.insert(SUBSET, subset);
    }
}
