//! HTTP/1.1 over a pool of connections.

use std::error::Error;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;

use super::{
    connect::Connector,
    pool::{Connection, Pool},
};

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why no connection could be made.
pub(crate) type Cause = Box<dyn Error + Send + Sync>;

/// Why there is no whole answer.
#[derive(Debug)]
pub(crate) enum Broken {
    /// No connection could be made: nothing was sent.
    Connect(Cause),
    /// The connection broke before the end of the headers.
    Exchange(hyper::Error),
    /// The connection broke within the body.
    Body(hyper::Error),
    /// The body is larger than the limit, so it was not read on.
    TooLarge,
}

/// The connections to one server.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    pool: Pool,
}

impl Http {
    pub(super) fn new(connector: Connector) -> Self {
        Self { pool: Pool::new(connector) }
    }

    /// Sends a request for an address and reads its answer whole. The header `host` is added unless it is given.
    pub(crate) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        limit: usize,
    ) -> Result<Reply, Broken> {
        let to = request.uri().clone();
        name_host(&mut request);
        let (mut connection, response) = self.pool.send(&to, request).await?;
        let (parts, body) = response.into_parts();
        let body = read(&mut connection, body, &parts.headers, limit).await?;
        self.pool.keep(connection);
        Ok(Reply { status: parts.status, headers: parts.headers, body })
    }
}

/// Moves the host from the address to its header, where HTTP/1.1 wants it; RFC 9112, sections 3.2 and 3.2.1.
fn name_host(request: &mut Request<Full<Bytes>>) {
    let uri = request.uri();
    let path = uri.path_and_query().cloned();
    let usual = match uri.scheme_str() {
        Some("https") => 443,
        _ => 80,
    };
    let host = uri.authority().and_then(|authority| {
        let usual = authority.port_u16() == Some(usual);
        HeaderValue::from_str(if usual { authority.host() } else { authority.as_str() }).ok()
    });
    if let Some(host) = host {
        request.headers_mut().entry(header::HOST).or_insert(host);
    }
    *request.uri_mut() = path.map_or_else(Uri::default, Uri::from);
}

/// The whole body, never more than `limit` bytes of it in memory.
async fn read(
    connection: &mut Connection,
    mut body: Incoming,
    headers: &HeaderMap,
    limit: usize,
) -> Result<Bytes, Broken> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|announced| announced > limit) {
        return Err(Broken::TooLarge);
    }
    let mut first: Option<Bytes> = None;
    let mut whole = BytesMut::new();
    while let Some(frame) = connection.frame(&mut body).await {
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
