//! A webhook: its address, its format, and the limits of sending to it.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::{Error, Result, body::Format, secret};

/// An address to which notices are posted, and how.
///
/// The address itself may be a secret, as Slack's are: neither `Debug` nor any message shows more of it than its host.
///
/// ```
/// use canary_notify::Webhook;
///
/// let webhook = Webhook::slack("https://hooks.slack.com/services/T0/B0/hunter2")?;
/// assert_eq!(webhook.host(), "hooks.slack.com");
/// assert!(!format!("{webhook:?}").contains("hunter2"));
/// # Ok::<(), canary_notify::Error>(())
/// ```
#[derive(Clone)]
pub struct Webhook {
    pub(crate) format: Format,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) bearer_file: Option<PathBuf>,
    pub(crate) cleartext: bool,
    pub(crate) timeout: Duration,
    pub(crate) attempts: u32,
    pub(crate) first_pause: Duration,
}

impl Webhook {
    /// Posts each notice as a CloudEvent 1.0 in structured JSON (`application/cloudevents+json`).
    ///
    /// # Errors
    /// [`Error::Address`] when it is not an `http://` or `https://` address, or holds a user name or a password.
    pub fn cloud_events(url: &str) -> Result<Self> {
        Self::new(Format::CloudEvents, url)
    }

    /// Posts each notice as `{"text": …}`, which Slack's incoming webhooks accept, and compatible ones of other chats.
    ///
    /// # Errors
    /// As [`Webhook::cloud_events`].
    pub fn slack(url: &str) -> Result<Self> {
        Self::new(Format::Slack, url)
    }

    /// Reads `URL`, `slack:URL`, `env:NAME`, `file:PATH`, `slack:env:NAME` or `slack:file:PATH`.
    ///
    /// The environment variable or the file holds `URL` or `slack:URL`. It is read here, once.
    ///
    /// ```
    /// use canary_notify::Webhook;
    ///
    /// assert_eq!(Webhook::parse("slack:https://chat.example/hook")?.host(), "chat.example");
    /// let error = Webhook::parse("env:NO_SUCH_VARIABLE").unwrap_err();
    /// assert_eq!(error.to_string(), "the environment variable NO_SUCH_VARIABLE is not set, or not text");
    /// # Ok::<(), canary_notify::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Environment`] and [`Error::File`] when the address cannot be read, otherwise as
    /// [`Webhook::cloud_events`].
    pub fn parse(text: &str) -> Result<Self> {
        let (slack, place) = match text.strip_prefix("slack:") {
            Some(place) => (true, place),
            None => (false, text),
        };
        let found = if let Some(name) = place.strip_prefix("env:") {
            // The text may be a secret address, so no message shows it.
            if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err(Error::Address { reason: "names no environment variable after env:" });
            }
            secret::from_env(name)?
        } else if let Some(path) = place.strip_prefix("file:") {
            secret::from_file(Path::new(path))?
        } else {
            place.to_owned()
        };
        match found.strip_prefix("slack:") {
            Some(url) => Self::slack(url),
            None if slack => Self::slack(&found),
            None => Self::cloud_events(&found),
        }
    }

    fn new(format: Format, url: &str) -> Result<Self> {
        let wrong = |reason| Error::Address { reason };
        let uri: Uri = url.parse().map_err(|_| wrong("is not a URL"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(wrong("does not begin with http:// or https://"));
        }
        match uri.authority() {
            None => return Err(wrong("names no host")),
            Some(authority) if authority.as_str().contains('@') => {
                return Err(wrong(
                    "holds a user name or a password; give credentials as a header or a bearer token",
                ));
            }
            Some(_) => {}
        }
        Ok(Self {
            format,
            uri,
            headers: HeaderMap::new(),
            bearer_file: None,
            cleartext: false,
            timeout: Duration::from_secs(10),
            attempts: 5,
            first_pause: Duration::from_millis(500),
        })
    }

    /// Sends a header with each notice.
    ///
    /// # Errors
    /// [`Error::Header`] when HTTP does not allow the name or the value.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self> {
        let wrong = |part| Error::Header { name: name.to_owned(), part };
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("a name"))?;
        let mut value = HeaderValue::from_str(value).map_err(|_| wrong("a value"))?;
        value.set_sensitive(true);
        self.headers.insert(key, value);
        Ok(self)
    }

    /// Sends a header whose value is in an environment variable, which is read here.
    ///
    /// # Errors
    /// [`Error::Environment`] when the variable is not set, otherwise as [`Webhook::header`].
    pub fn header_from_env(self, name: &str, variable: &str) -> Result<Self> {
        let value = secret::from_env(variable)?;
        self.header(name, &value)
    }

    /// Sends `Authorization: Bearer …` with the token in a file. The file is read for every attempt, because tokens are
    /// replaced while a rollout runs.
    #[must_use]
    pub fn bearer_from_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.bearer_file = Some(path.into());
        self
    }

    /// Sends credentials by `http://` to other machines too, for networks that are encrypted themselves. Without it
    /// [`Notifier::spawn`](crate::Notifier::spawn) refuses such a webhook.
    #[must_use]
    pub fn allow_cleartext(mut self, allow: bool) -> Self {
        self.cleartext = allow;
        self
    }

    /// Checks that nothing secret is sent without encryption: a header with credentials, a bearer token, or the address of
    /// Slack's webhook, which is a secret itself.
    pub(crate) fn check_cleartext(&self) -> Result<()> {
        let secret = self.bearer_file.is_some()
            || self.is_slack()
            || canary_http::credential_in(&self.headers).is_some();
        if secret && !self.cleartext && canary_http::is_cleartext(&self.uri) {
            return Err(Error::Cleartext { host: self.host().to_owned() });
        }
        Ok(())
    }

    /// The longest time of one attempt: connecting, sending and reading the response. Default 10 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The number of attempts at one notice, at least 1. Default 5.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// The pause before the second attempt; each further one is twice as long, up to 30 s. Default 500 ms.
    #[must_use]
    pub fn first_pause(mut self, pause: Duration) -> Self {
        self.first_pause = pause;
        self
    }

    /// Returns `true` when it gets messages for Slack.
    pub fn is_slack(&self) -> bool {
        self.format == Format::Slack
    }

    /// The host of the address, with its port where it states one.
    pub fn host(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }
}

impl fmt::Debug for Webhook {
    /// Without the path and the query of the address, and without the values of headers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.keys().map(HeaderName::as_str).collect();
        f.debug_struct("Webhook")
            .field("format", &self.format)
            .field("host", &self.host())
            .field("headers", &headers)
            .field("bearer_file", &self.bearer_file)
            .field("timeout", &self.timeout)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
