//! HTTPS: servers are verified by default, and by authorities that are given.

use std::{sync::Arc, time::Duration};

use canary_core::{
    error::Origin,
    predict::{Client, Retry, Tls},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
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

    /// A certificate for localhost and its key.
    fn issue(&self) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }
}

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"predictions\": [1]}";

/// Sends a response to every connection's first request, and announces the end of the connection, or not; the port.
async fn serve(authority: &Authority, response: &'static str, announced: bool) -> u16 {
    let (certificate, key) = authority.issue();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth();
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
            let _ = stream.write_all(response.as_bytes()).await;
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
    let port = serve(&authority, ANSWER, true).await;
    let error = predict_error(client(port).predict(vec![1_u8]).await.unwrap_err());
    assert_eq!((error.origin, error.attempts), (Origin::Network, 1));
    assert!(error.to_string().contains("ca_certificate"), "{error}");
    let tls = Tls::default().without_system_authorities().ca_certificate(authority.0.pem());
    let answer = client(port).tls(tls).unwrap().predict(vec![1_u8]).await.unwrap();
    assert_eq!(answer.attempts(), 1);
    let other = Tls::default().ca_certificate(Authority::new().0.pem());
    client(port).tls(other).unwrap().predict(vec![1_u8]).await.unwrap_err();
}

/// A body that ends with the connection is whole only when TLS says so: anyone on the way can close a connection.
#[tokio::test]
async fn an_answer_that_was_cut_off_is_not_taken_for_whole() {
    let authority = Authority::new();
    let tls = Tls::default().without_system_authorities().ca_certificate(authority.0.pem());
    let until_the_end = "HTTP/1.1 200 OK\r\n\r\n{\"predictions\": [1]}";
    let port = serve(&authority, until_the_end, true).await;
    client(port).tls(tls.clone()).unwrap().predict(vec![1_u8]).await.unwrap();
    let port = serve(&authority, until_the_end, false).await;
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
