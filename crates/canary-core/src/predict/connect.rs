//! How a connection comes about: always to the client's own address, with TLS when the scheme says so.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use tower_service::Service;

/// Dials one address, whatever host a request names: a gateway is asked by the host that it routes.
#[derive(Clone, Debug)]
pub(crate) struct Dial {
    inner: HttpConnector,
    to: Uri,
}

impl Dial {
    pub(crate) fn new(to: Uri, timeout: Duration) -> Self {
        let mut inner = HttpConnector::new();
        inner.set_nodelay(true);
        inner.enforce_http(false);
        inner.set_connect_timeout(Some(timeout));
        inner.set_keepalive(Some(Duration::from_secs(60)));
        Self { inner, to }
    }
}

impl Service<Uri> for Dial {
    type Response = <HttpConnector as Service<Uri>>::Response;
    type Error = <HttpConnector as Service<Uri>>::Error;
    type Future = <HttpConnector as Service<Uri>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::poll_ready(&mut self.inner, context)
    }

    fn call(&mut self, _asked: Uri) -> Self::Future {
        self.inner.call(self.to.clone())
    }
}

/// What the pools of connections connect with.
#[cfg(not(feature = "tls"))]
pub(crate) type Connector = Dial;

/// What the pools of connections connect with.
#[cfg(feature = "tls")]
pub(crate) type Connector = hyper_rustls::HttpsConnector<Dial>;
