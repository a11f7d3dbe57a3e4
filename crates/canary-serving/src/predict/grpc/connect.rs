//! The connections of gRPC: HTTP/2 to the client's own address, with TLS when the scheme says so.

use std::task::{Context, Poll};

use canary_http::{Error, MAX_TIMEOUT, Settings};
use http::Uri;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tonic::body::Body;
use tower_service::Service;

use crate::predict::address::{Address, Scheme};

/// Connects to one address, whatever host a request names: a gateway is reached at its address and routes by the host.
#[derive(Clone, Debug)]
pub(super) struct Fixed {
    inner: HttpConnector,
    to: Uri,
}

impl Fixed {
    fn new(to: Uri, settings: &Settings) -> Self {
        // HTTP/2 has pings for a peer that is gone, but TensorFlow Serving's gRPC ends connections on which they come more
        // often than every five minutes (`too_many_pings`).
        let silence = settings.silence.min(MAX_TIMEOUT);
        let mut inner = HttpConnector::new();
        inner.set_nodelay(true);
        inner.enforce_http(false);
        inner.set_connect_timeout(Some(settings.connect_timeout.min(MAX_TIMEOUT)));
        // An idle connection is probed too, three times within the same time.
        inner.set_keepalive(Some(silence));
        inner.set_keepalive_interval(Some(silence / 3));
        inner.set_keepalive_retries(Some(3));
        #[cfg(target_os = "linux")]
        inner.set_tcp_user_timeout(Some(silence));
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

/// The connections to an address; none is opened yet.
///
/// # Errors
/// [`Error::Input`] when the address or the settings of TLS are not valid.
pub(super) fn pool(
    address: &Address,
    settings: &Settings,
) -> Result<Client<Connector, Body>, Error> {
    let secure = address.scheme == Scheme::Grpcs;
    let to = format!("http://{}", address.authority);
    let to: Uri = to.parse().map_err(|_| refused("this is not a valid address"))?;
    let port = to.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let to = format!("http://{}:{port}", to.host().unwrap_or_default());
    let to = to.parse().map_err(|_| refused("this is not a valid address"))?;
    let connector = connector(secure, Fixed::new(to, settings), settings)?;
    Ok(Client::builder(TokioExecutor::new())
        .http2_only(true)
        // Responses of many images pass the 64 KiB that HTTP/2 begins with.
        .http2_initial_stream_window_size(4 << 20)
        .http2_initial_connection_window_size(16 << 20)
        // The pool has no limit: one smaller than the number of requests in flight would close and open connections all
        // the time.
        .pool_max_idle_per_host(usize::MAX)
        .pool_idle_timeout(settings.pool_timeout.min(MAX_TIMEOUT))
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .build(connector))
}

fn refused(reason: &str) -> Error {
    Error::Input { reason: reason.to_owned(), source: None }
}

#[cfg(feature = "tls")]
fn connector(secure: bool, fixed: Fixed, settings: &Settings) -> Result<Connector, Error> {
    let builder = hyper_rustls::HttpsConnectorBuilder::new();
    let builder = if secure {
        builder.with_tls_config(settings.tls.config()?).https_only()
    } else {
        // Never used, and building it must not read the system's certificates.
        let unused = canary_http::Tls::default().without_system_authorities();
        builder.with_tls_config(unused.config()?).https_or_http()
    };
    Ok(builder.enable_http2().wrap_connector(fixed))
}

#[cfg(not(feature = "tls"))]
fn connector(secure: bool, fixed: Fixed, _: &Settings) -> Result<Connector, Error> {
    if secure {
        return Err(refused(
            "this build does not speak TLS; switch on the feature `tls` of canary-core",
        ));
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
        let silence = Settings::default().silence;
        let mut fixed = Fixed::new(to.clone(), &Settings::default());
        let stream = fixed.call(to).await.unwrap().into_inner();
        let socket = socket2::SockRef::from(&stream);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(silence));
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), silence);
        assert_eq!(socket.tcp_keepalive_interval().unwrap() * 3, silence);
    }
}
