//! What is asked and answered over HTTP/1.1.

use std::{error::Error, io};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};

/// A request as it is written.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub method: &'a Method,
    pub uri: &'a Uri,
    pub headers: &'a HeaderMap,
    pub body: &'a Bytes,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why no connection could be made.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why there is no whole answer.
#[derive(Debug)]
pub enum Broken {
    /// No connection could be made: nothing was sent.
    Connect(Cause),
    /// The connection broke before the end of the headers.
    Exchange(io::Error),
    /// The connection broke within the body.
    Body(io::Error),
    /// The body is larger than the limit, so it was not read on.
    TooLarge,
}
