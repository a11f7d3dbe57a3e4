//! HTTPS: verified by default, with authorities and an identity of one's own.

use std::{sync::Arc, time::Duration};

use canary_core::{
    error::Origin,
    predict::{Client, Retry, Tls},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{RootCertStore, ServerConfig, server::WebPkiClientVerifier};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::calls::predict_error;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for localhost and its key, in PEM.
    fn issue(&self) -> (String, String, rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem(), certificate, key)
    }
}

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"predictions\": [1]}";

/// Answers every connection's first request; the port.
async fn serve(authority: &Authority, clients: Option<&Authority>) -> u16 {
    serve_with(authority, clients, ANSWER, true).await
}

/// With an answer of one's own, after which the end is announced, or not.
async fn serve_with(
    authority: &Authority,
    clients: Option<&Authority>,
    answer: &'static str,
    announced: bool,
) -> u16 {
    let (_, _, certificate, key) = authority.issue();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(clients.0.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
    };
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            if announced {
                let _ = stream.shutdown().await;
            } else {
                let _ = stream.flush().await;
                let _ = stream.into_inner().0.shutdown().await;
            }
        }
    });
    port
}

fn client(port: u16) -> Client {
    Client::new(&format!("https://localhost:{port}"))
        .unwrap()
        .model("m")
        .retry(Retry::default().first_pause(Duration::from_millis(1)))
}

#[tokio::test]
async fn servers_are_verified_and_authorities_can_be_given() {
    let authority = Authority::new();
    let port = serve(&authority, None).await;
    let error = predict_error(client(port).predict(vec![1_u8]).await.unwrap_err());
    assert_eq!((error.origin, error.attempts), (Origin::Network, 1));
    assert!(error.to_string().contains("ca_certificate"), "{error}");
    let tls = Tls::default().without_system_authorities().ca_certificate(authority.0.pem());
    let answer = client(port).tls(tls).unwrap().predict(vec![1_u8]).await.unwrap();
    assert_eq!(answer.attempts(), 1);
    let other = Tls::default().ca_certificate(Authority::new().0.pem());
    client(port).tls(other).unwrap().predict(vec![1_u8]).await.unwrap_err();
}

#[tokio::test]
async fn an_identity_is_shown() {
    let authority = Authority::new();
    let port = serve(&authority, Some(&authority)).await;
    let tls = Tls::default().ca_certificate(authority.0.pem());
    client(port).tls(tls.clone()).unwrap().predict(vec![1_u8]).await.unwrap_err();
    let (certificate, key, ..) = authority.issue();
    let tls = tls.identity(certificate, key);
    client(port).tls(tls).unwrap().predict(vec![1_u8]).await.unwrap();
}

/// A body that ends with the connection is whole only when TLS says so: anyone on the way can close a connection.
#[tokio::test]
async fn an_answer_that_was_cut_off_is_not_taken_for_whole() {
    let authority = Authority::new();
    let tls = Tls::default().without_system_authorities().ca_certificate(authority.0.pem());
    let until_the_end = "HTTP/1.1 200 OK\r\n\r\n{\"predictions\": [1]}";
    let port = serve_with(&authority, None, until_the_end, true).await;
    client(port).tls(tls.clone()).unwrap().predict(vec![1_u8]).await.unwrap();
    let port = serve_with(&authority, None, until_the_end, false).await;
    let cut = client(port).tls(tls).unwrap().predict(vec![1_u8]).await;
    let error = predict_error(cut.unwrap_err());
    assert_eq!(error.origin, Origin::Network, "{error}");
}

#[test]
fn what_is_no_certificate_is_refused_and_not_repeated() {
    let client = client(1);
    for tls in
        [Tls::default().ca_certificate("hunter2"), Tls::default().identity("hunter2", "hunter2")]
    {
        let text = client.clone().tls(tls.clone()).unwrap_err().to_string();
        assert!(text.contains("PEM") && !text.contains("hunter2"), "{text}");
        assert!(!format!("{tls:?}").contains("hunter2"));
    }
}
