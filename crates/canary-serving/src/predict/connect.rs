//! How a connection comes about: always to the client's own address, with TLS when the scheme says so.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use tower_service::Service;

/// How long a peer may leave what was sent without a word before the connection is given up: a machine that is gone
/// closes nothing. The kernel looks at this. HTTP/2 has pings for it, but TensorFlow Serving's gRPC ends connections on
/// which they come more often than every five minutes (`too_many_pings`).
const SILENCE: Duration = Duration::from_secs(30);

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
        // An idle connection is looked at too, three times within the same time.
        inner.set_keepalive(Some(SILENCE));
        inner.set_keepalive_interval(Some(SILENCE / 3));
        inner.set_keepalive_retries(Some(3));
        #[cfg(target_os = "linux")]
        inner.set_tcp_user_timeout(Some(SILENCE));
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_kernel_gives_up_a_peer_that_is_gone() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let to: Uri = address.parse().unwrap();
        let mut dial = Dial::new(to.clone(), Duration::from_secs(5));
        let stream = dial.call(to).await.unwrap().into_inner();
        let socket = socket2::SockRef::from(&stream);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(SILENCE));
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), SILENCE);
        assert_eq!(socket.tcp_keepalive_interval().unwrap() * 3, SILENCE);
    }
}
