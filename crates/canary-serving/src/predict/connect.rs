//! The connections of gRPC: always to the client's own address, with TLS when the scheme says so.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use canary_http::Settings;
use http::Uri;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tower_service::Service;

use super::{
    address::{Address, Scheme},
    grpc::{Corking, Grpc},
};
use crate::error::{Origin, PredictError, Result};

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

/// The connections of gRPC to one server.
pub(crate) fn grpc(address: &Address, settings: &Settings) -> Result<Grpc> {
    let refuse = |message: String| {
        crate::Error::from(PredictError::new(Origin::Request, address.text(), message))
    };
    let has_port =
        address.authority.rfind(':').is_some_and(|colon| !address.authority[colon..].contains(']'));
    let authority = match (has_port, address.scheme) {
        (true, _) => address.authority.clone(),
        (false, Scheme::Grpcs | Scheme::Https) => format!("{}:443", address.authority),
        (false, _) => format!("{}:80", address.authority),
    };
    let to: Uri = format!("http://{authority}")
        .parse()
        .map_err(|_| refuse("this is not a valid address".to_owned()))?;
    let dial = Dial::new(to, settings.connect_timeout);
    let connector = connector(address.scheme, dial, settings).map_err(refuse)?;
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        // Without a bound: a pool smaller than the number in flight closes and opens connections all the time.
        .pool_max_idle_per_host(usize::MAX)
        .pool_idle_timeout(settings.pool_timeout)
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http2_only(true)
        // Answers of many images pass the 64 KiB that HTTP/2 begins with.
        .http2_initial_stream_window_size(4 << 20)
        .http2_initial_connection_window_size(16 << 20);
    Ok(Grpc::new(builder.build(Corking(connector))))
}

#[cfg(feature = "tls")]
fn connector(scheme: Scheme, dial: Dial, settings: &Settings) -> Result<Connector, String> {
    let secure = scheme == Scheme::Grpcs;
    // Without TLS the configuration is never used, and building it must not read the system's certificates.
    let none = canary_http::Tls::default().without_system_authorities();
    let config = if secure { settings.tls.config() } else { none.config() };
    let config = config.map_err(|error| error.to_string())?;
    let builder = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(config);
    let builder = if secure { builder.https_only() } else { builder.https_or_http() };
    Ok(builder.enable_http2().wrap_connector(dial))
}

#[cfg(not(feature = "tls"))]
fn connector(scheme: Scheme, dial: Dial, _: &Settings) -> Result<Connector, String> {
    match scheme {
        Scheme::Grpcs => {
            Err("this build does not speak TLS; switch on the feature `tls` of canary-core"
                .to_owned())
        }
        _ => Ok(dial),
    }
}

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
