//! The connections to the clouds: the HTTP client of predictions, as `object_store` takes one.

use std::{future::Future, pin::Pin, time::Duration};

use canary_http::{Client, Error as HttpFailure, Settings};
use http_body_util::BodyExt;
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
        HttpResponseBody, HttpService,
    },
};

use crate::{Error, Result};

/// The longest time without progress: until the head of a response, and between two pieces of its body. The total time
/// of a file is not limited while its transfer makes progress.
const PATIENCE: Duration = Duration::from_secs(60);

/// Connects to object stores with TLS by rustls, verified against the system's authorities. For stores that are built
/// with your own settings: `AmazonS3Builder::new().with_http_connector(http_connector()?)`.
///
/// The proxy comes from the environment; see [`canary_http::Proxy`].
///
/// # Errors
/// [`Error::Store`] when TLS cannot be set up, or a proxy of the environment cannot be used.
pub fn http_connector() -> Result<impl HttpConnector> {
    http_connector_with(&Settings::default())
}

/// Connects to object stores as [`http_connector`], with settings for proxies, TLS and times.
///
/// # Errors
/// As [`http_connector`].
pub fn http_connector_with(settings: &Settings) -> Result<impl HttpConnector + use<>> {
    let mut settings = settings.clone();
    settings.read_timeout.get_or_insert(PATIENCE);
    match Client::new(&settings) {
        Ok(client) => Ok(Connector(client)),
        Err(error) => Err(Error::Store {
            action: "connecting to an object store".to_owned(),
            reason: error.to_string(),
            retryable: false,
            source: Some(Box::new(error)),
        }),
    }
}

#[derive(Debug)]
struct Connector(Client);

impl HttpConnector for Connector {
    /// The options are those of `reqwest`'s own connector; this one has its settings already.
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Service(self.0.clone())))
    }
}

#[derive(Debug)]
struct Service(Client);

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
            let response = self.0.stream(request).await.map_err(failed)?;
            Ok(response.map(|body| HttpResponseBody::new(body.map_err(failed))))
        })
    }
}

/// The kind decides whether `object_store` sends the request again.
fn failed(error: HttpFailure) -> HttpError {
    let kind = match &error {
        HttpFailure::Connect { .. } => HttpErrorKind::Connect,
        HttpFailure::Timeout { .. } => HttpErrorKind::Timeout,
        HttpFailure::Broken { .. } => HttpErrorKind::Interrupted,
        HttpFailure::Input { .. } | HttpFailure::Tls { .. } => HttpErrorKind::Request,
        _ => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, error)
}
