//! The reasons why there is no complete response.

use std::{error::Error as StdError, fmt, io, time::Duration};

/// A boxed cause from a library below.
pub type BoxError = Box<dyn StdError + Send + Sync + 'static>;

/// The reason why there is no complete response; each variant says what a caller can do.
///
/// A cause from a library below is in [`std::error::Error::source`], never also in the text. Neither holds user names,
/// passwords or the query of a URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting, an address or a header cannot be used: correct it. Nothing was sent.
    #[error("{reason}")]
    Input {
        /// The setting, and what is wrong with it.
        reason: String,
        /// The cause, when a library below gave one.
        #[source]
        source: Option<BoxError>,
    },
    /// There is no connection: check the address, the network and the proxy, or try again. Nothing was sent.
    #[error("no connection: {failure}")]
    Connect {
        /// The step that failed.
        failure: ConnectFailure,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// The TLS handshake failed: check the certificates and authorities. The server read no request.
    #[error("the TLS handshake failed: {failure}")]
    Tls {
        /// The side that refused.
        failure: TlsFailure,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// The time ran out: try again, or allow more time.
    #[error("timed out {phase}{}", within(*.after))]
    Timeout {
        /// The part of the exchange in which it happened.
        phase: Phase,
        /// The time that was given, where it is known.
        after: Option<Duration>,
    },
    /// The connection broke, or the peer does not speak HTTP.
    #[error("the connection broke {phase}")]
    Broken {
        /// The part of the exchange in which it happened.
        phase: Phase,
        /// `true` when the request, or a part of it, may have reached the server.
        sent: bool,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// The response's body is larger than the limit: raise the limit, or request less.
    #[error("the response is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

/// The step of connecting that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectFailure {
    /// Nothing listens at the address.
    Refused,
    /// The host's name has no address.
    Name,
    /// The host cannot be reached.
    Unreachable,
    /// Any other step, such as a proxy that refused.
    Other,
}

/// The side that ended a TLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsFailure {
    /// The server's certificate is not trusted, or is for another name.
    Untrusted,
    /// The server refused, usually because it requires a client certificate or another one.
    Refused,
    /// Anything else, such as no version in common.
    Other,
}

/// The part of an exchange that was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Connecting, TLS handshake included.
    Connect,
    /// Sending the request and waiting for the head of the response.
    Head,
    /// Reading the response's body.
    Body,
}

impl Error {
    pub(crate) fn input(reason: impl Into<String>) -> Self {
        Self::Input { reason: reason.into(), source: None }
    }

    /// Returns `true` when the request, or a part of it, may have reached the server.
    pub fn was_sent(&self) -> bool {
        match self {
            Self::Input { .. } | Self::Connect { .. } | Self::Tls { .. } => false,
            Self::Timeout { phase, .. } => *phase != Phase::Connect,
            Self::Broken { sent, .. } => *sent,
            Self::TooLarge { .. } => true,
        }
    }

    /// Returns `true` when the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Timeout { .. } | Self::Broken { .. } => true,
            Self::Input { .. } | Self::Tls { .. } | Self::TooLarge { .. } => false,
        }
    }

    /// Sorts what `reqwest` reports before the head of a response is there.
    pub(crate) fn before_head(cause: reqwest::Error, connect_timeout: Duration) -> Self {
        let cause = cause.without_url();
        if let Some(failure) = of_handshake(&cause) {
            return Self::Tls { failure, source: cause.into() };
        }
        if cause.is_connect() {
            if cause.is_timeout() {
                return Self::Timeout { phase: Phase::Connect, after: Some(connect_timeout) };
            }
            return Self::Connect { failure: ConnectFailure::of(&cause), source: cause.into() };
        }
        if cause.is_builder() {
            let reason = "the request cannot be sent".to_owned();
            return Self::Input { reason, source: Some(cause.into()) };
        }
        if cause.is_timeout() {
            return Self::Timeout { phase: Phase::Head, after: None };
        }
        let unsent = causes(&cause)
            .filter_map(|cause| cause.downcast_ref::<hyper::Error>())
            .any(|cause| cause.is_canceled() || cause.is_closed());
        Self::Broken { phase: Phase::Head, sent: !unsent, source: cause.into() }
    }

    /// Sorts what `reqwest` reports while a body is read.
    pub(crate) fn in_body(cause: reqwest::Error) -> Self {
        let cause = cause.without_url();
        if cause.is_timeout() {
            return Self::Timeout { phase: Phase::Body, after: None };
        }
        Self::Broken { phase: Phase::Body, sent: true, source: cause.into() }
    }
}

impl ConnectFailure {
    fn of(error: &reqwest::Error) -> Self {
        if error.is_dns() {
            return Self::Name;
        }
        let kinds = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
        kinds.map(io::Error::kind).fold(Self::Other, |found, kind| match kind {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Self::Unreachable,
            _ => found,
        })
    }
}

/// An error and its causes, the outermost first.
///
/// Unlike [`std::error::Error::source`] alone this also finds the error inside an [`io::Error`], which that one's own
/// `source` passes over.
pub fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> + Clone {
    std::iter::successors(Some(error), |&error: &&'a (dyn StdError + 'static)| {
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
}

/// The text of the last cause of an error, which is the most specific; `connection refused` where that is among the
/// causes.
///
/// ```
/// use std::io::{Error, ErrorKind};
///
/// let refused = Error::other(Error::from(ErrorKind::ConnectionRefused));
/// assert_eq!(canary_http::root_cause(&refused), "connection refused");
/// assert_eq!(canary_http::root_cause(&Error::other("no route")), "no route");
/// ```
pub fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let refused = causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::ConnectionRefused);
    if refused {
        return "connection refused".to_owned();
    }
    causes(error).last().map_or_else(String::new, ToString::to_string)
}

/// The side that ended a handshake. A server of TLS 1.3 refuses in an alert after the handshake, before it reads the
/// request.
#[cfg(feature = "tls")]
fn of_handshake(error: &reqwest::Error) -> Option<TlsFailure> {
    let mut found = causes(error).filter_map(|cause| cause.downcast_ref::<rustls::Error>());
    match found.next()? {
        rustls::Error::AlertReceived(_) => Some(TlsFailure::Refused),
        rustls::Error::InvalidCertificate(_) => Some(TlsFailure::Untrusted),
        _ if error.is_connect() => Some(TlsFailure::Other),
        _ => None,
    }
}

#[cfg(not(feature = "tls"))]
fn of_handshake(_: &reqwest::Error) -> Option<TlsFailure> {
    None
}

fn within(time: Option<Duration>) -> String {
    time.map_or_else(String::new, |time| format!(" after {time:?}"))
}

impl fmt::Display for ConnectFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "connection refused",
            Self::Name => "the host's name cannot be resolved",
            Self::Unreachable => "the host cannot be reached",
            Self::Other => "connecting failed",
        })
    }
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Untrusted => "the server's certificate is not trusted",
            Self::Refused => "the server refused it",
            Self::Other => "the two sides have no TLS version or cipher in common",
        })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "while connecting",
            Self::Head => "before a response came",
            Self::Body => "in the middle of the response",
        })
    }
}
