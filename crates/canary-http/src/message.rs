//! Requests and responses whose bodies are whole, and the limits of one exchange.

use std::{
    fmt,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri};

/// The longest timeout, a year: a longer one is shortened to it, as no clock adds more without an overflow.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);

/// The text that replaces a secret path in messages and events.
pub(crate) const SECRET_PATH: &str = "[redacted]";

/// A time in milliseconds, to the microsecond, as events state it.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(canary_http::milliseconds(Duration::from_nanos(1_234_567)), 1.235);
/// ```
pub fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// A request; sending it again costs no copy of its body.
///
/// ```
/// use canary_http::Request;
/// use http::{HeaderValue, header::AUTHORIZATION};
///
/// let mut request = Request::get("https://prometheus.example/api/v1/query?token=hunter2".parse()?);
/// request.headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer hunter2"));
/// assert!(!format!("{request:?}").contains("hunter2"));
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The whole address, without a user name or a password.
    pub uri: Uri,
    /// The headers. One named `host` is sent in place of the address's host, over HTTP/1.1: a gateway routes by it.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// `true` when the address's path is a secret, as that of a webhook can be: neither `Debug` nor an event shows it.
    pub path_is_secret: bool,
}

impl Request {
    /// A request with a method for an address.
    pub fn new(method: Method, uri: Uri) -> Self {
        Self { method, uri, headers: HeaderMap::new(), body: Bytes::new(), path_is_secret: false }
    }

    /// A `GET` of an address.
    pub fn get(uri: Uri) -> Self {
        Self::new(Method::GET, uri)
    }

    /// A `POST` to an address.
    pub fn post(uri: Uri) -> Self {
        Self::new(Method::POST, uri)
    }

    /// Sets [`Request::headers`].
    #[must_use]
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// Sets [`Request::body`].
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets [`Request::path_is_secret`].
    #[must_use]
    pub fn secret_path(mut self) -> Self {
        self.path_is_secret = true;
        self
    }
}

impl fmt::Debug for Request {
    /// Without the query, the values of headers and the body, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.keys().map(HeaderName::as_str).collect();
        let path = if self.path_is_secret { SECRET_PATH } else { self.uri.path() };
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("scheme", &self.uri.scheme_str())
            .field("host", &self.uri.host())
            .field("port", &self.uri.port_u16())
            .field("path", &path)
            .field("headers", &headers)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

/// A response, read whole. Its status may be an error's.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl fmt::Debug for Response {
    /// Without the body, which may be large.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

/// The limits of one exchange. The default bounds the body at 64 MiB, and not the time.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use canary_http::Limits;
///
/// // A time that no clock reaches is not an error.
/// let limits = Limits::default().timeout(Duration::MAX).max_body(1 << 20);
/// assert!(limits.deadline.is_some_and(|deadline| deadline > Instant::now()));
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// The moment at which the exchange is given up: connecting, sending, waiting and reading together.
    pub deadline: Option<Instant>,
    /// The largest body of a response, in bytes.
    pub max_body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { deadline: None, max_body: 64 << 20 }
    }
}

impl Limits {
    /// Sets [`Limits::deadline`] to this time from now, at most a year.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.deadline(Instant::now() + timeout.min(MAX_TIMEOUT))
    }

    /// Sets [`Limits::deadline`].
    #[must_use]
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets [`Limits::max_body`].
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }
}
