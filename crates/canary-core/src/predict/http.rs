//! HTTP/1.1 over a pool of connections.

use std::fmt;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as Pool;

use super::connect::Connector;

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there is no whole answer.
#[derive(Debug)]
pub(crate) enum Broken {
    /// No connection could be made: nothing was sent.
    Connect(hyper_util::client::legacy::Error),
    /// The connection broke before the end of the headers.
    Exchange(hyper_util::client::legacy::Error),
    /// The connection broke within the body.
    Body(hyper::Error),
    /// The body is larger than the limit, so it was not read on.
    TooLarge,
}

/// The connections to one server.
#[derive(Clone)]
pub(crate) struct Http {
    pool: Pool<Connector, Full<Bytes>>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

impl Http {
    pub(crate) fn new(pool: Pool<Connector, Full<Bytes>>) -> Self {
        Self { pool }
    }

    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        limit: usize,
    ) -> Result<Reply, Broken> {
        let response = self.pool.request(request).await.map_err(|error| {
            if error.is_connect() { Broken::Connect(error) } else { Broken::Exchange(error) }
        })?;
        let (parts, body) = response.into_parts();
        let body = read(body, &parts.headers, limit).await?;
        Ok(Reply { status: parts.status, headers: parts.headers, body })
    }
}

/// The whole body, never more than `limit` bytes of it in memory.
async fn read(mut body: Incoming, headers: &HeaderMap, limit: usize) -> Result<Bytes, Broken> {
    let announced = headers
        .get(http::header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|announced| announced > limit) {
        return Err(Broken::TooLarge);
    }
    let mut first: Option<Bytes> = None;
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(Broken::Body)?.into_data() else { continue };
        let read = first.as_ref().map_or(whole.len(), Bytes::len) + data.len();
        if read > limit {
            return Err(Broken::TooLarge);
        }
        if first.is_none() && whole.is_empty() {
            // Most answers come in one frame, which needs no copy.
            first = Some(data);
            continue;
        }
        if let Some(first) = first.take() {
            whole.reserve(announced.unwrap_or(read).max(read));
            whole.extend_from_slice(&first);
        }
        whole.extend_from_slice(&data);
    }
    Ok(first.unwrap_or_else(|| whole.freeze()))
}
