//! The settings of a client.

use std::time::Duration;

use crate::Proxy;
#[cfg(feature = "tls")]
use crate::Tls;

/// The settings of a client: how connections are established and how long they last.
///
/// ```
/// use std::time::Duration;
///
/// use canary_http::{Proxy, Settings};
///
/// let settings = Settings::default()
///     .connect_timeout(Duration::from_secs(2))
///     .proxy(Proxy::direct());
/// assert_eq!(settings.pool_timeout, Duration::from_secs(50));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The time in which a connection must be established, including the TLS handshake. Default 5 s.
    pub connect_timeout: Duration,
    /// The time after which a response that makes no progress is given up. Default: none except the request's own.
    pub read_timeout: Option<Duration>,
    /// The time for which a connection without a request is kept. Default 50 s: servers commonly close theirs after
    /// 60 s or more.
    pub pool_timeout: Duration,
    /// The time after which a connection is given up if its peer acknowledges nothing: a machine that has gone does not
    /// close its connections. The kernel watches this, and probes idle connections three times within it. Default 30 s.
    pub silence: Duration,
    /// The proxy; by default the environment's.
    pub proxy: Proxy,
    /// The trust in servers, and the client's own certificate.
    #[cfg(feature = "tls")]
    pub tls: Tls,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            read_timeout: None,
            pool_timeout: Duration::from_secs(50),
            silence: Duration::from_secs(30),
            proxy: Proxy::default(),
            #[cfg(feature = "tls")]
            tls: Tls::default(),
        }
    }
}

impl Settings {
    /// Sets [`Settings::connect_timeout`].
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets [`Settings::read_timeout`].
    #[must_use]
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = Some(timeout);
        self
    }

    /// Sets [`Settings::pool_timeout`].
    #[must_use]
    pub fn pool_timeout(mut self, timeout: Duration) -> Self {
        self.pool_timeout = timeout;
        self
    }

    /// Sets [`Settings::silence`].
    #[must_use]
    pub fn silence(mut self, timeout: Duration) -> Self {
        self.silence = timeout;
        self
    }

    /// Sets [`Settings::proxy`].
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = proxy;
        self
    }

    /// Sets [`Settings::tls`].
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }
}
