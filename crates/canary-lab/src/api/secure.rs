//! The certificate of a server on loopback, the token that it asks for, and the kubeconfig with both.

use std::{io, net::SocketAddr, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring::default_provider,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

/// A self-signed certificate for 127.0.0.1, made for one server, with its key.
pub(super) struct Identity(CertifiedKey<rcgen::KeyPair>);

impl Identity {
    pub(super) fn new() -> io::Result<Self> {
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        generate_simple_self_signed(names).map(Self).map_err(io::Error::other)
    }

    /// The field of a kubeconfig that makes clients trust the certificate.
    pub(super) fn authority(&self) -> Value {
        json!({"certificate-authority-data": STANDARD.encode(self.0.cert.pem())})
    }

    /// The server's side of the connections.
    pub(super) fn acceptor(&self) -> io::Result<TlsAcceptor> {
        let key = PrivatePkcs8KeyDer::from(self.0.signing_key.serialize_der());
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![self.0.cert.der().clone()], PrivateKeyDer::from(key))
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// A random token of 256 bits in hexadecimal.
pub(crate) fn token() -> io::Result<String> {
    let mut bytes = [0; 32];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| io::Error::other("the system gives no random numbers"))?;
    Ok(bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
}

/// A kubeconfig with one context; `authority` is the field that names the certificate to trust.
pub(crate) fn kubeconfig(name: &str, address: SocketAddr, authority: &Value, token: &str) -> Value {
    let mut cluster = authority.clone();
    cluster["server"] = format!("https://{address}").into();
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    })
}
