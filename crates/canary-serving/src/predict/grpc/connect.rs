//! The connections of gRPC: HTTP/2 to the client's own address, with TLS when the scheme says so.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tonic::body::Body;
use tower_service::Service;

use crate::predict::{
    address::{Address, Scheme},
    transport::Setup,
};

/// How long a peer may leave what was sent without a word before the connection is given up: a machine that is gone
/// closes nothing. The kernel looks at this. HTTP/2 has pings for it, but TensorFlow Serving's gRPC ends connections on
/// which they come more often than every five minutes (`too_many_pings`).
const SILENCE: Duration = Duration::from_secs(30);

/// Connects to one address, whatever host a request names: a gateway is reached at its address and routes by the host.
#[derive(Clone, Debug)]
pub(super) struct Fixed {
    inner: HttpConnector,
    to: Uri,
}

impl Fixed {
    fn new(to: Uri, timeout: Duration) -> Self {
        let mut inner = HttpConnector::new();
        inner.set_nodelay(true);
        inner.enforce_http(false);
        inner.set_connect_timeout(Some(timeout));
        // An idle connection is probed too, three times within the same time.
        inner.set_keepalive(Some(SILENCE));
        inner.set_keepalive_interval(Some(SILENCE / 3));
        inner.set_keepalive_retries(Some(3));
        #[cfg(target_os = "linux")]
        inner.set_tcp_user_timeout(Some(SILENCE));
        Self { inner, to }
    }
}

impl Service<Uri> for Fixed {
    type Response = <HttpConnector as Service<Uri>>::Response;
    type Error = <HttpConnector as Service<Uri>>::Error;
    type Future = <HttpConnector as Service<Uri>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::poll_ready(&mut self.inner, context)
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        self.inner.call(self.to.clone())
    }
}

#[cfg(not(feature = "tls"))]
pub(super) type Connector = Fixed;

#[cfg(feature = "tls")]
pub(super) type Connector = hyper_rustls::HttpsConnector<Fixed>;

/// The connections to this address; none is made yet.
///
/// # Errors
/// When the address or the settings of TLS are not valid; the text says why.
pub(super) fn pool(address: &Address, setup: &Setup) -> Result<Client<Connector, Body>, String> {
    let secure = address.scheme == Scheme::Grpcs;
    let to = format!("http://{}", address.authority);
    let to: Uri = to.parse().map_err(|_| "this is not a valid address".to_owned())?;
    let port = to.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let to = format!("http://{}:{port}", to.host().unwrap_or_default());
    let to = to.parse().map_err(|_| "this is not a valid address".to_owned())?;
    let connector = connector(secure, Fixed::new(to, setup.connect_timeout), setup)?;
    Ok(Client::builder(TokioExecutor::new())
        .http2_only(true)
        // Responses of many images pass the 64 KiB that HTTP/2 begins with.
        .http2_initial_stream_window_size(4 << 20)
        .http2_initial_connection_window_size(16 << 20)
        // Without a bound: a pool smaller than the number in flight closes and opens connections all the time.
        .pool_max_idle_per_host(usize::MAX)
        .pool_idle_timeout(Duration::from_secs(50))
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .build(connector))
}

#[cfg(feature = "tls")]
fn connector(secure: bool, fixed: Fixed, setup: &Setup) -> Result<Connector, String> {
    let builder = hyper_rustls::HttpsConnectorBuilder::new();
    let builder = if secure {
        builder.with_tls_config(setup.tls.config()?).https_only()
    } else {
        // Never used, and building it must not read the system's certificates.
        let unused = crate::predict::tls::Tls::default().without_system_authorities();
        builder.with_tls_config(unused.config()?).https_or_http()
    };
    Ok(builder.enable_http2().wrap_connector(fixed))
}

#[cfg(not(feature = "tls"))]
fn connector(secure: bool, fixed: Fixed, _: &Setup) -> Result<Connector, String> {
    if secure {
        return Err(
            "this build does not speak TLS; switch on the feature `tls` of canary-core".to_owned()
        );
    }
    Ok(fixed)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_kernel_gives_up_a_peer_that_is_gone() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let to: Uri = address.parse().unwrap();
        let mut fixed = Fixed::new(to.clone(), Duration::from_secs(5));
        let stream = fixed.call(to).await.unwrap().into_inner();
        let socket = socket2::SockRef::from(&stream);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(SILENCE));
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), SILENCE);
        assert_eq!(socket.tcp_keepalive_interval().unwrap() * 3, SILENCE);
    }
}
