//! HTTP/1.1 over a pool of connections.

use std::{error::Error, io};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::{connect::Connector, pool::Pool};

pub(crate) use super::exchange::Asked;

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
    Exchange(io::Error),
    /// The connection broke within the body.
    Body(io::Error),
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

    /// Sends a request for an address and reads its answer whole, whose body is at most `limit` bytes.
    pub(crate) async fn send(&self, asked: Asked<'_>, limit: usize) -> Result<Reply, Broken> {
        self.pool.send(asked, limit).await
    }
}
