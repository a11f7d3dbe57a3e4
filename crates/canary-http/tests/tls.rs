//! TLS: verified by default, HTTP/2 where it is offered, tunnels through proxies.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use canary_http::{Client, Error, Limits, Proxy, Request, Settings, Tls, TlsFailure};
use http::{HeaderValue, header};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{RootCertStore, ServerConfig, server::WebPkiClientVerifier};

use crate::support::{get, proxy};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    fn settings(&self) -> Settings {
        Settings::default().tls(Tls::default().ca_certificate(self.0.pem()))
    }
}

/// Says the version and the host of each request.
async fn echo(request: http::Request<Incoming>) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let host = request.headers().get(header::HOST).map(|host| host.to_str().unwrap().to_owned());
    let host = host.or_else(|| request.uri().host().map(str::to_owned)).unwrap_or_default();
    Ok(http::Response::new(Full::from(format!("{:?} {host}", request.version()))))
}

async fn serve(authority: &Authority, name: &str, protocols: &[&str], mutual: bool) -> SocketAddr {
    let (certificate, key) = authority.issue(name);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if mutual {
        let mut roots = RootCertStore::empty();
        roots.add(authority.0.der().clone()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        builder.with_client_cert_verifier(verifier.unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let stream = TokioIo::new(stream);
            tokio::spawn(async move {
                if is_h2 {
                    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(stream, service_fn(echo)).await;
                } else {
                    let builder = hyper::server::conn::http1::Builder::new();
                    let _ = builder.serve_connection(stream, service_fn(echo)).await;
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn http2_where_the_server_offers_it() {
    let authority = Authority::new();
    let client = Client::new(&authority.settings()).unwrap();
    for (protocols, version) in
        [(&["h2", "http/1.1"][..], "HTTP/2.0"), (&["http/1.1"], "HTTP/1.1"), (&[], "HTTP/1.1")]
    {
        let address = serve(&authority, "localhost", protocols, false).await;
        let url = format!("https://localhost:{}/", address.port());
        for _ in 0..3 {
            let response = get(&client, &url, Limits::default()).await.unwrap();
            let text = String::from_utf8(response.body.to_vec()).unwrap();
            assert!(text.starts_with(version), "{protocols:?}: {text}");
        }
    }
}

#[tokio::test]
async fn another_host_is_named_over_http1() {
    let authority = Authority::new();
    let address = serve(&authority, "localhost", &["h2", "http/1.1"], false).await;
    let url = format!("https://localhost:{}/", address.port());
    let mut request = Request::get(url.parse().unwrap());
    request.headers.insert(header::HOST, HeaderValue::from_static("models.example"));
    let client = Client::new(&authority.settings()).unwrap();
    let response = client.send(&request, Limits::default()).await.unwrap();
    assert_eq!(response.body, "HTTP/1.1 models.example");
}

#[tokio::test]
async fn servers_are_verified() {
    let authority = Authority::new();
    let address = serve(&authority, "localhost", &[], false).await;
    let port = address.port();
    let named = format!("https://localhost:{port}/");
    let stranger = Settings::default().tls(Tls::default().ca_certificate(Authority::new().0.pem()));
    for (settings, url) in [
        (Settings::default(), named.clone()),
        (stranger, named),
        // The certificate is for another name.
        (authority.settings(), format!("https://127.0.0.1:{port}/")),
    ] {
        let client = Client::new(&settings).unwrap();
        let error = get(&client, &url, Limits::default()).await.unwrap_err();
        assert!(matches!(error, Error::Tls { failure: TlsFailure::Untrusted, .. }), "{error:?}");
        assert!(!error.was_sent() && !error.is_retryable());
    }
}

#[tokio::test]
async fn an_identity_is_shown() {
    let authority = Authority::new();
    let address = serve(&authority, "localhost", &[], true).await;
    let url = format!("https://localhost:{}/", address.port());
    let client = Client::new(&authority.settings()).unwrap();
    let error = get(&client, &url, Limits::default()).await.unwrap_err();
    assert!(matches!(error, Error::Tls { failure: TlsFailure::Refused, .. }), "{error:?}");
    let (certificate, key) = authority.issue("me");
    let tls = authority.settings().tls.identity(certificate.pem(), key.serialize_pem());
    let client = Client::new(&Settings::default().tls(tls)).unwrap();
    get(&client, &url, Limits::default()).await.unwrap();
}

#[tokio::test]
async fn tunnels_lead_through_a_proxy() {
    let authority = Authority::new();
    let address = serve(&authority, "models.example", &["h2", "http/1.1"], false).await;
    let proxy = proxy(address);
    let at = Proxy::at(&format!("http://me:hunter2@{}", proxy.address)).unwrap();
    let client = Client::new(&authority.settings().proxy(at)).unwrap();
    let response = get(&client, "https://models.example/", Limits::default()).await.unwrap();
    assert_eq!(response.body, "HTTP/2.0 models.example");
    let head = proxy.heads().remove(0);
    assert!(head.starts_with("CONNECT models.example:443 HTTP/1.1\r\n"), "{head}");
    // "me:hunter2" in base64.
    assert!(head.contains("Basic bWU6aHVudGVyMg=="), "{head}");
}

#[test]
fn what_is_no_certificate_is_refused_and_not_repeated() {
    for tls in
        [Tls::default().ca_certificate("hunter2"), Tls::default().identity("hunter2", "hunter2")]
    {
        let error = Client::new(&Settings::default().tls(tls)).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains("PEM") && !text.contains("hunter2"), "{text}");
    }
}
