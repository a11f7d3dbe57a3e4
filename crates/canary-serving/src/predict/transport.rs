//! The connections to one server, and one exchange over them.

use std::{fmt, time::Duration};

use http::Uri;
#[cfg(feature = "grpc")]
use hyper_util::{
    client::legacy::{Builder, Client},
    rt::{TokioExecutor, TokioTimer},
};

use super::{
    address::{Address, Scheme},
    connect::{Connector, Dial},
    pool::Pool,
};
use crate::error::{Origin, PredictError, Result};

/// What the connections are made with; a change of it makes new ones.
#[derive(Clone, Debug)]
pub struct Setup {
    pub connect_timeout: Duration,
    #[cfg(feature = "tls")]
    pub tls: super::tls::Tls,
}

/// The pool of connections, by the way the server is spoken to.
#[derive(Clone)]
pub enum Transport {
    Http(Pool),
    #[cfg(feature = "grpc")]
    Grpc(std::sync::Arc<super::grpc::Grpc>),
}

impl Transport {
    /// No connection is made yet.
    pub fn new(address: &Address, setup: &Setup) -> Result<Self> {
        let refuse = |message: String, help: &str| {
            let mut error = PredictError::new(Origin::Request, address.text(), message);
            help.clone_into(&mut error.help);
            crate::Error::from(error)
        };
        let port = match address.scheme {
            Scheme::Http | Scheme::Grpc => 80,
            Scheme::Https | Scheme::Grpcs => 443,
        };
        let has_port = address
            .authority
            .rfind(':')
            .is_some_and(|colon| !address.authority[colon..].contains(']'));
        let authority = if has_port {
            address.authority.clone()
        } else {
            format!("{}:{port}", address.authority)
        };
        let to: Uri = format!("http://{authority}")
            .parse()
            .map_err(|_| refuse("this is not a valid address".to_owned(), ""))?;
        let dial = Dial::new(to, setup.connect_timeout);
        let connector =
            connector(address.scheme, dial, setup).map_err(|message| refuse(message, ""))?;
        match address.scheme {
            Scheme::Http | Scheme::Https => Ok(Self::Http(Pool::new(connector))),
            #[cfg(feature = "grpc")]
            Scheme::Grpc | Scheme::Grpcs => {
                let mut builder = builder();
                builder
                    .http2_only(true)
                    // Answers of many images pass the 64 KiB that HTTP/2 begins with.
                    .http2_initial_stream_window_size(4 << 20)
                    .http2_initial_connection_window_size(16 << 20);
                Ok(Self::Grpc(
                    super::grpc::Grpc::new(builder.build(super::grpc::Corking(connector))).into(),
                ))
            }
            #[cfg(not(feature = "grpc"))]
            Scheme::Grpc | Scheme::Grpcs => Err(refuse(
                "this build does not speak gRPC".to_owned(),
                "switch on the feature `grpc` of canary-core",
            )),
        }
    }
}

#[cfg(feature = "grpc")]
fn builder() -> Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        // Without a bound: a pool smaller than the number in flight closes and opens connections all the time.
        .pool_max_idle_per_host(usize::MAX)
        .pool_idle_timeout(Duration::from_secs(50))
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new());
    builder
}

#[cfg(feature = "tls")]
fn connector(scheme: Scheme, dial: Dial, setup: &Setup) -> Result<Connector, String> {
    let builder = hyper_rustls::HttpsConnectorBuilder::new();
    let secure = matches!(scheme, Scheme::Https | Scheme::Grpcs);
    let config = if secure {
        setup.tls.config()?
    } else {
        // Never used, and building it must not read the system's certificates.
        super::tls::Tls::default().without_system_authorities().config()?
    };
    let builder = builder.with_tls_config(config);
    let builder = if secure { builder.https_only() } else { builder.https_or_http() };
    Ok(match scheme {
        #[cfg(feature = "grpc")]
        Scheme::Grpc | Scheme::Grpcs => builder.enable_http2().wrap_connector(dial),
        _ => builder.enable_http1().wrap_connector(dial),
    })
}

#[cfg(not(feature = "tls"))]
fn connector(scheme: Scheme, dial: Dial, _: &Setup) -> Result<Connector, String> {
    match scheme {
        Scheme::Http | Scheme::Grpc => Ok(dial),
        Scheme::Https | Scheme::Grpcs => {
            Err("this build does not speak TLS; switch on the feature `tls` of canary-core"
                .to_owned())
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}
