//! The client: exchanges of a request for a response, over connections that are reused.

#[cfg(feature = "tls")]
use std::sync::OnceLock;
use std::{fmt, future::Future, sync::Arc, time::Instant};

use bytes::{Bytes, BytesMut};
use http::{StatusCode, Uri, header};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use reqwest::{ClientBuilder, Url, redirect::Policy};
use tracing::{Instrument, Span};

use crate::{
    BoxError, Error, Limits, Phase, Request, Response, Settings,
    message::{MAX_TIMEOUT, SECRET_PATH, milliseconds},
    pieces::Pieces,
    root_cause,
};

/// The most memory that is allocated for a body before any of it has arrived, whatever its header announces.
const FIRST_ROOM: usize = 64 << 10;

/// A client of HTTP. Clones share its connections.
///
/// It must be used within a tokio runtime with I/O and time enabled.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    settings: Settings,
    /// For `http://`.
    plain: reqwest::Client,
    /// `true` when the connection to the proxy itself uses TLS.
    #[cfg(feature = "tls")]
    proxy_over_tls: bool,
    /// For `https://`; built when it is first needed, because that reads the system's authorities.
    #[cfg(feature = "tls")]
    secure: OnceLock<Result<Secure, String>>,
}

/// Clients that share one configuration of TLS.
#[cfg(feature = "tls")]
struct Secure {
    /// Offers HTTP/2 and HTTP/1.1.
    any: reqwest::Client,
    /// Offers HTTP/1.1 alone: HTTP/2 has no way to name another host than the address's.
    http1: reqwest::Client,
}

impl Client {
    /// A client with these settings. No connection is opened yet.
    ///
    /// The environment's proxies are read here, and the system's certificate authorities at the first request that
    /// needs them.
    ///
    /// # Errors
    /// [`Error::Input`] when a certificate, a key, or a proxy of the environment cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let settings = settings.clone();
        let (rules, over_tls) = settings.proxy.rules()?;
        #[cfg(feature = "tls")]
        let builder = {
            settings.tls.check()?;
            let no_authorities = crate::Tls::default().without_system_authorities().config()?;
            builder(&settings, &rules).tls_backend_preconfigured(no_authorities)
        };
        #[cfg(not(feature = "tls"))]
        let builder = {
            if over_tls {
                return Err(without_tls());
            }
            builder(&settings, &rules)
        };
        let plain = builder.build().map_err(unusable)?;
        Ok(Self(Arc::new(Inner {
            settings,
            plain,
            #[cfg(feature = "tls")]
            proxy_over_tls: over_tls,
            #[cfg(feature = "tls")]
            secure: OnceLock::new(),
        })))
    }

    /// Sends a request and reads its response whole. A status that is an error's is a response like any other.
    ///
    /// The request goes out once, with two exceptions, both before the server has seen it: a reused connection turned
    /// out to be closed, or an HTTP/2 server declared that it did not process the request.
    ///
    /// # Errors
    /// Every variant of [`Error`]; each says what a caller can do.
    pub async fn send(&self, request: &Request, limits: Limits) -> Result<Response, Error> {
        let path = if request.path_is_secret { SECRET_PATH } else { request.uri.path() };
        let span = span(&request.method, &request.uri, path);
        logged(self.exchange(request, limits), |response| response.status).instrument(span).await
    }

    async fn exchange(&self, request: &Request, limits: Limits) -> Result<Response, Error> {
        let start = Instant::now();
        let timed_out = |phase| Error::Timeout {
            phase,
            after: limits.deadline.map(|deadline| deadline.saturating_duration_since(start)),
        };
        let head = self.execute(
            request.method.clone(),
            &request.uri,
            request.headers.clone(),
            Pieces::body(request.body.clone()),
        );
        let mut response =
            before(limits.deadline, head).await.unwrap_or_else(|| Err(timed_out(Phase::Head)))?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        check_framing(&headers)?;
        let body = read(response, limits.max_body);
        let body =
            before(limits.deadline, body).await.unwrap_or_else(|| Err(timed_out(Phase::Body)))?;
        Ok(Response { status, headers, body })
    }

    /// Sends a request whose body is produced while it is sent, and gives the response as soon as its head is there.
    ///
    /// Only [`Settings::connect_timeout`] and [`Settings::read_timeout`] bound its time, and the caller has to bound
    /// the size of its body.
    ///
    /// # Errors
    /// As [`Client::send`], without [`Error::TooLarge`].
    pub async fn stream<B>(
        &self,
        request: http::Request<B>,
    ) -> Result<http::Response<impl HttpBody<Data = Bytes, Error = Error> + use<B>>, Error>
    where
        B: HttpBody + Send + Sync + 'static,
        B::Data: Into<Bytes>,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        let body = reqwest::Body::wrap(body);
        let span = span(&parts.method, &parts.uri, parts.uri.path());
        let head = self.execute(parts.method, &parts.uri, parts.headers, body);
        let response = logged(head, reqwest::Response::status).instrument(span).await?;
        let response = http::Response::<reqwest::Body>::from(response);
        Ok(response.map(|body| body.map_err(Error::in_body)))
    }

    async fn execute(
        &self,
        method: http::Method,
        uri: &Uri,
        headers: http::HeaderMap,
        body: reqwest::Body,
    ) -> Result<reqwest::Response, Error> {
        let client = self.0.client(uri, headers.contains_key(header::HOST))?;
        let mut request = reqwest::Request::new(method, url(uri)?);
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body);
        let timeout = self.0.settings.connect_timeout;
        client.execute(request).await.map_err(|cause| Error::before_head(cause, timeout))
    }
}

impl Inner {
    /// The client for an address, and for a request that may name another host.
    #[cfg(feature = "tls")]
    fn client(&self, uri: &Uri, names_host: bool) -> Result<&reqwest::Client, Error> {
        if !self.proxy_over_tls && uri.scheme() != Some(&http::uri::Scheme::HTTPS) {
            return Ok(&self.plain);
        }
        let secure = self.secure.get_or_init(|| self.secure().map_err(|error| error.to_string()));
        match secure {
            Ok(secure) => Ok(if names_host { &secure.http1 } else { &secure.any }),
            Err(reason) => Err(Error::input(reason)),
        }
    }

    #[cfg(not(feature = "tls"))]
    fn client(&self, uri: &Uri, _: bool) -> Result<&reqwest::Client, Error> {
        if uri.scheme() == Some(&http::uri::Scheme::HTTPS) {
            return Err(without_tls());
        }
        Ok(&self.plain)
    }

    #[cfg(feature = "tls")]
    fn secure(&self) -> Result<Secure, Error> {
        let config = self.settings.tls.config()?;
        let (rules, _) = self.settings.proxy.rules()?;
        let offering = |protocols: &[&str]| {
            let mut config = config.clone();
            config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
            let builder = builder(&self.settings, &rules).tls_backend_preconfigured(config);
            builder.build().map_err(unusable)
        };
        Ok(Secure { any: offering(&["h2", "http/1.1"])?, http1: offering(&["http/1.1"])? })
    }
}

/// The span of a request: neither the query nor a user name or password is in it.
fn span(method: &http::Method, uri: &Uri, path: &str) -> Span {
    tracing::debug_span!(
        "request",
        %method,
        host = uri.authority().and_then(|named| named.as_str().rsplit('@').next()),
        path,
    )
}

/// Tells the outcome of a request in its span.
async fn logged<T>(
    exchange: impl Future<Output = Result<T, Error>>,
    status: impl Fn(&T) -> StatusCode,
) -> Result<T, Error> {
    let start = Instant::now();
    let outcome = exchange.await;
    match &outcome {
        Ok(response) => tracing::debug!(
            status = status(response).as_u16(),
            duration_ms = milliseconds(start.elapsed()),
            "response"
        ),
        Err(error @ (Error::Connect { .. } | Error::Tls { .. })) => tracing::debug!(
            %error,
            cause = root_cause(error),
            duration_ms = milliseconds(start.elapsed()),
            "connection failed"
        ),
        Err(error) => tracing::debug!(
            %error,
            cause = root_cause(error),
            duration_ms = milliseconds(start.elapsed()),
            "request failed"
        ),
    }
    outcome
}

fn builder(settings: &Settings, rules: &[reqwest::Proxy]) -> ClientBuilder {
    let silence = settings.silence.min(MAX_TIMEOUT);
    let builder = ClientBuilder::new()
        // The environment's proxies are among the rules, with this crate's exception for the loopback.
        .no_proxy()
        .redirect(Policy::none())
        .connect_timeout(settings.connect_timeout.min(MAX_TIMEOUT))
        .pool_idle_timeout(settings.pool_timeout.min(MAX_TIMEOUT))
        .tcp_keepalive(silence)
        .tcp_keepalive_interval(silence / 3)
        .tcp_keepalive_retries(3);
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let builder = builder.tcp_user_timeout(silence);
    // Responses of many images exceed the 64 KiB with which HTTP/2 starts.
    #[cfg(feature = "tls")]
    let builder = builder
        .http2_initial_stream_window_size(4 << 20)
        .http2_initial_connection_window_size(16 << 20)
        .http2_max_header_list_size(64 << 10);
    let builder = match settings.read_timeout {
        Some(timeout) => builder.read_timeout(timeout.min(MAX_TIMEOUT)),
        None => builder,
    };
    rules.iter().cloned().fold(builder, ClientBuilder::proxy)
}

/// The address as `reqwest` takes it.
fn url(uri: &Uri) -> Result<Url, Error> {
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(Error::input(
            "the address carries a user name or a password; send them in the header `authorization`",
        ));
    }
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(Error::input("the address does not begin with http:// or https://"));
    }
    // The cause is left out: it could quote the address with its query.
    let url: Url =
        uri.to_string().parse().map_err(|_| Error::input("the address is not a valid URL"))?;
    // `Url` removes such segments, and the request would reach another path.
    if url.path().split('/').count() != uri.path().split('/').count() {
        return Err(Error::input("the address's path has a segment `.` or `..`"));
    }
    Ok(url)
}

/// The output of a future that is ready before the deadline.
async fn before<T>(deadline: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline.into(), future).await.ok(),
        None => Some(future.await),
    }
}

/// The body, as long as it is no larger than the limit.
async fn read(mut response: reqwest::Response, limit: usize) -> Result<Bytes, Error> {
    let too_large = || Error::TooLarge { limit };
    let announced = response.content_length().unwrap_or(0);
    if usize::try_from(announced).is_ok_and(|size| size > limit) || announced > usize::MAX as u64 {
        return Err(too_large());
    }
    let room = usize::try_from(announced).unwrap_or(usize::MAX).min(FIRST_ROOM);
    let mut body = BytesMut::with_capacity(room);
    while let Some(piece) = response.chunk().await.map_err(Error::in_body)? {
        if piece.len() > limit - body.len() {
            return Err(too_large());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// Refuses a body that a proxy may have read differently (RFC 9112, section 6.3): its length is stated in two ways, or
/// it has a coding that this client does not decode.
fn check_framing(headers: &http::HeaderMap) -> Result<(), Error> {
    let Some(coding) = headers.get(header::TRANSFER_ENCODING) else { return Ok(()) };
    let cause = if headers.contains_key(header::CONTENT_LENGTH) {
        "the response has both a content-length and a transfer-encoding".to_owned()
    } else if coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    } else {
        format!("the response has the transfer-encoding {coding:?}; only chunked is known")
    };
    Err(Error::Broken { phase: Phase::Head, sent: true, source: cause.into() })
}

fn unusable(cause: reqwest::Error) -> Error {
    let source: Option<BoxError> = Some(Box::new(cause.without_url()));
    Error::Input { reason: "the settings cannot be used".to_owned(), source }
}

#[cfg(not(feature = "tls"))]
fn without_tls() -> Error {
    Error::input("this build does not speak TLS; switch on the feature `tls`")
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}
