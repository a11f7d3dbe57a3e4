//! Prometheus' HTTP API over a connection that is bounded in time, size and number.

use std::time::{Duration, Instant};

use bytes::Bytes;
use canary_http::{
    Client as Http, Error as HttpError, Limits, Phase, Proxy, Request, Response, Secrets, Settings,
    is_cleartext, milliseconds, root_cause, server_text,
};
use http::{HeaderMap, StatusCode, Uri, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use canary_rollout::evidence::{Timestamp, line};

use super::{
    answer::{self, Refusal},
    auth::Auth,
};
use crate::{Error, Result};
use canary_serving::predict::address::{Address, Scheme};

/// The client of one Prometheus server.
#[derive(Clone, Debug)]
pub(super) struct Client {
    address: Address,
    settings: Settings,
    http: Http,
    pub(super) auth: Option<Auth>,
    pub(super) cleartext: bool,
    pub(super) timeout: Duration,
    pub(super) max_bytes: usize,
}

impl Client {
    pub(super) fn new(url: &str) -> Result<Self> {
        let address = Address::parse(url).map_err(settings)?;
        if !matches!(address.scheme, Scheme::Http | Scheme::Https) {
            return Err(unusable(&address, "the address begins with http:// or https://"));
        }
        let settings = Settings::default();
        Ok(Self {
            http: connect(&address, &settings)?,
            address,
            settings,
            auth: None,
            cleartext: false,
            timeout: Duration::from_secs(10),
            max_bytes: 32 << 20,
        })
    }

    #[cfg(feature = "tls")]
    pub(super) fn tls(self, tls: canary_http::Tls) -> Result<Self> {
        self.reconnecting(|settings| settings.tls(tls))
    }

    /// Connects through the proxy at this address.
    pub(super) fn proxy(self, url: &str) -> Result<Self> {
        let proxy = Proxy::at(url).map_err(|error| unusable(&self.address, error))?;
        self.reconnecting(|settings| settings.proxy(proxy))
    }

    /// Connects directly, whatever the environment says.
    pub(super) fn no_proxy(self) -> Result<Self> {
        self.reconnecting(|settings| settings.proxy(Proxy::direct()))
    }

    fn reconnecting(mut self, change: impl FnOnce(Settings) -> Settings) -> Result<Self> {
        self.settings = change(self.settings);
        self.http = connect(&self.address, &self.settings)?;
        Ok(self)
    }

    /// The address, for messages; it holds no credentials.
    pub(super) fn url(&self) -> String {
        self.address.text()
    }

    /// Evaluates an expression at a time.
    pub(super) async fn query(&self, expression: &str, at: Timestamp) -> Result<Bytes> {
        let time = format!("{}.{:03}", at.0 / 1000, at.0 % 1000);
        let timeout = format!("{}ms", self.timeout.as_millis().max(1));
        let fields = [("query", expression), ("time", &time), ("timeout", &timeout)];
        self.logged(expression, self.get("/api/v1/query", &fields)).await
    }

    /// The values of a label of the series that a selector matches, from a time on.
    pub(super) async fn values(
        &self,
        label: &str,
        selector: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Bytes> {
        let (start, end) = ((since.0 / 1000).to_string(), until.0.div_ceil(1000).to_string());
        let fields = [("match[]", selector), ("start", &start), ("end", &end)];
        self.logged(selector, self.get(&format!("/api/v1/label/{label}/values"), &fields)).await
    }

    /// Tells the outcome of a query.
    async fn logged(
        &self,
        query: &str,
        answer: impl Future<Output = Result<Bytes>>,
    ) -> Result<Bytes> {
        let start = Instant::now();
        let answer = answer.await;
        let (server, duration_ms) = (&self.address.authority, milliseconds(start.elapsed()));
        match &answer {
            Ok(body) => {
                tracing::debug!(server, query, duration_ms, bytes = body.len(), "Prometheus query");
            }
            Err(error) => {
                tracing::debug!(server, query, duration_ms, %error, "Prometheus query failed");
            }
        }
        answer
    }

    async fn get(&self, path: &str, fields: &[(&str, &str)]) -> Result<Bytes> {
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let secure = self.address.scheme == Scheme::Https;
        let uri = Uri::builder()
            .scheme(if secure { "https" } else { "http" })
            .authority(self.address.authority.as_str())
            .path_and_query(format!("{}{path}?{}", self.address.prefix, fields.join("&")))
            .build()
            .map_err(|_| self.fails("the query is too long for a URL", false))?;
        let mut headers = HeaderMap::new();
        if let Some(auth) = &self.auth {
            if !self.cleartext && is_cleartext(&uri) {
                let what = "credentials are sent over https:// only; .allow_cleartext() allows http:// where the \
                            network itself is encrypted";
                return Err(self.fails(what, false));
            }
            let value = auth.header().await.map_err(|what| self.fails(&what, false))?;
            headers.insert(header::AUTHORIZATION, value);
        }
        let request = Request::get(uri).headers(headers);
        let limits = Limits::default().timeout(self.timeout).max_body(self.max_bytes);
        let secrets = Secrets::of(&request.headers);
        let mut response =
            self.http.send(&request, limits).await.map_err(|error| self.not_answered(&error))?;
        if secrets.appear_in(&response.body) {
            // The response of a server that repeats what it is sent: its text goes into errors and labels.
            let mut text = String::from_utf8_lossy(&response.body).into_owned();
            secrets.redact(&mut text);
            response.body = text.into();
        }
        if response.status.is_success() { Ok(response.body) } else { Err(self.refused(&response)) }
    }

    /// The error for a request without a complete response.
    fn not_answered(&self, error: &HttpError) -> Error {
        let why = line(&root_cause(error));
        let (what, retryable) = match error {
            HttpError::Input { reason, .. } => (reason.clone(), false),
            HttpError::Timeout { phase: Phase::Connect, .. } => (
                "cannot connect: timed out; check the address, and that Prometheus runs".to_owned(),
                true,
            ),
            HttpError::Connect { .. } => (
                format!("cannot connect: {why}; check the address, and that Prometheus runs"),
                true,
            ),
            HttpError::Tls { .. } => (
                format!(
                    "cannot connect: {why}; give the authority that signed its certificate, or the client's own certificate"
                ),
                false,
            ),
            HttpError::Timeout { .. } => {
                (format!("timed out: no response within {:?}", self.timeout), true)
            }
            HttpError::Broken { phase: Phase::Body, .. } => {
                (format!("the response was cut off: {why}"), true)
            }
            HttpError::TooLarge { .. } => (
                format!(
                    "the response is larger than {} MiB; select fewer series with matchers, or query at shorter intervals",
                    self.max_bytes >> 20
                ),
                false,
            ),
            // `Broken` before the answer, and what a later version of the client adds.
            _ => (format!("the connection broke: {why}"), true),
        };
        self.fails(&what, retryable)
    }

    /// The error for a status that is not a success.
    fn refused(&self, response: &Response) -> Error {
        let status = response.status;
        if let Some((kind, said)) = answer::error(&response.body) {
            return self.failed(&kind, &said, status.is_server_error() || status == 429);
        }
        let text =
            String::from_utf8_lossy(&response.body[..response.body.len().min(4096)]).into_owned();
        let page = text.trim_start().starts_with('<');
        let line: String =
            text.lines().next().unwrap_or_default().trim().chars().take(200).collect();
        let said = if page || line.is_empty() { String::new() } else { format!(" ({line})") };
        let (what, retryable) = match status {
            StatusCode::UNAUTHORIZED => ("the credentials are missing or wrong", false),
            StatusCode::FORBIDDEN => ("these credentials may not read metrics", false),
            StatusCode::NOT_FOUND => (
                "there is no API of Prometheus at this address; give the path in front of /api/v1 too, if there is one",
                false,
            ),
            StatusCode::TOO_MANY_REQUESTS => ("too many queries; query less often", true),
            status if status.is_redirection() => {
                ("it redirects elsewhere, such as to a login page; give the final address", false)
            }
            status if status.is_server_error() => {
                ("the server, or the proxy in front of it, is not available", true)
            }
            _ => ("it refused the query", false),
        };
        self.fails(&format!("HTTP {status}: {what}{said}"), retryable)
    }

    /// The error for a response that cannot be used.
    pub(super) fn unusable(&self, refusal: Refusal, body: &[u8]) -> Error {
        match refusal {
            Refusal::Failed(kind, said) => self.failed(&kind, &said, false),
            Refusal::Unreadable(_) if body.trim_ascii_start().starts_with(b"<") => self.fails(
                "the response is a web page, not one of Prometheus' API; check the address, and whether it requires a login",
                false,
            ),
            Refusal::Unreadable(why) => {
                self.fails(&format!("the response cannot be read: {why}"), false)
            }
            Refusal::Partial(warnings) => {
                let said: String = warnings.join("; ").chars().take(400).collect();
                let what = format!(
                    "the response may be incomplete, so it was not counted: {said}; .accept_warnings() counts it nevertheless"
                );
                self.fails(&what, true)
            }
            Refusal::TooMany(series) => {
                let what = format!(
                    "{series} series are more than the limit; select fewer with matchers, or raise `max_series`"
                );
                self.fails(&what, false)
            }
        }
    }

    /// Prometheus' own error.
    fn failed(&self, kind: &str, said: &str, passing: bool) -> Error {
        let said: String = said.chars().take(400).collect();
        let passing = passing || matches!(kind, "timeout" | "unavailable" | "canceled");
        self.fails(&format!("it says {kind}: {said}"), passing)
    }

    pub(super) fn fails(&self, reason: &str, retryable: bool) -> Error {
        let action = format!("querying Prometheus at {}", self.url());
        let reason = server_text(reason).into_owned();
        Error::Cluster { action, reason, retryable, source: None }
    }
}

fn connect(address: &Address, settings: &Settings) -> Result<Http> {
    Http::new(settings).map_err(|error| unusable(address, error))
}

fn unusable(address: &Address, why: impl std::fmt::Display) -> Error {
    Error::Plan(format!("evidence from Prometheus at {}: {why}", address.text()))
}

/// The error for an address: the reader of addresses words its errors for predictions.
fn settings(error: canary_serving::Error) -> Error {
    match error {
        canary_serving::Error::Predict(error) => {
            let help = if error.message.contains("no scheme") {
                "; write it as https://host:port".to_owned()
            } else {
                String::new()
            };
            let what = &error.message;
            Error::Plan(format!("evidence from Prometheus at {}: {what}{help}", error.url))
        }
        other => Error::Plan(format!("evidence from Prometheus: {other}")),
    }
}
