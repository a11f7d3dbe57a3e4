//! The connections to the clouds: this crate's own HTTP and TLS in place of another stack of them.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use http_body_util::BodyExt;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector as TcpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
        HttpResponse, HttpResponseBody, HttpService,
    },
};

use crate::{Error, Result};

/// The longest time until the head of an answer. The body may take as long as it flows.
const PATIENCE: Duration = Duration::from_secs(60);

/// Connects to object stores with TLS by rustls, verified against the system's authorities. For stores that are built
/// with settings of one's own: `AmazonS3Builder::new().with_http_connector(http_connector()?)`.
///
/// # Errors
/// [`Error::Store`] when TLS cannot be set up.
pub fn http_connector() -> Result<impl HttpConnector> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Store {
            action: "connecting to an object store".to_owned(),
            reason: "TLS cannot be set up".to_owned(),
            retryable: false,
            source: Some(Box::new(error)),
        })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Connector { config })
}

#[derive(Debug)]
struct Connector {
    config: rustls::ClientConfig,
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let mut tcp = TcpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(Duration::from_secs(5)));
        // Whether http:// may be asked is the store's own setting.
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(self.config.clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(50))
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(HttpClient::new(Service(client)))
    }
}

#[derive(Debug)]
struct Service(Client<HttpsConnector<TcpConnector>, HttpRequestBody>);

impl HttpService for Service {
    fn call<'service, 'future>(
        &'service self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'future>>
    where
        'service: 'future,
        Self: 'future,
    {
        Box::pin(async move {
            let asked = tokio::time::timeout(PATIENCE, self.0.request(request)).await;
            let response = asked
                .map_err(|elapsed| HttpError::new(HttpErrorKind::Timeout, elapsed))?
                .map_err(|error| {
                    let kind = if error.is_connect() {
                        HttpErrorKind::Connect
                    } else {
                        HttpErrorKind::Interrupted
                    };
                    HttpError::new(kind, error)
                })?;
            Ok(response.map(|body| {
                let broken = |error| HttpError::new(HttpErrorKind::Interrupted, error);
                HttpResponseBody::new(body.map_err(broken))
            }))
        })
    }
}
