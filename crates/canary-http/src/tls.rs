//! The trust in servers, and the client's own certificate, on `https://`.

use std::{fmt, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::Error;

/// The settings of TLS. Servers are always verified: against the system's certificate authorities, and those given
/// here.
///
/// ```
/// use canary_http::Tls;
///
/// let tls = Tls::default().identity(b"-- certificate --", b"-- private key --");
/// assert!(!format!("{tls:?}").contains("private key"));
/// ```
#[derive(Clone, Default)]
pub struct Tls {
    authorities: Vec<Vec<u8>>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
    only_given: bool,
}

impl Tls {
    /// Trusts this certificate authority too (PEM; one or several certificates).
    #[must_use]
    pub fn ca_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.authorities.push(pem.as_ref().to_vec());
        self
    }

    /// Trusts only the certificate authorities given here, not those of the system.
    #[must_use]
    pub fn without_system_authorities(mut self) -> Self {
        self.only_given = true;
        self
    }

    /// Presents this certificate (PEM, its chain after it) with this private key (PEM) to servers that request one.
    #[must_use]
    pub fn identity(mut self, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        self.identity = Some((certificate.as_ref().to_vec(), key.as_ref().to_vec()));
        self
    }

    /// Checks the certificates and the key without reading the system's authorities.
    ///
    /// # Errors
    /// [`Error::Input`] says what is wrong, and never repeats a key.
    pub fn check(&self) -> Result<(), Error> {
        self.clone().without_system_authorities().config().map(drop)
    }

    /// The configuration for rustls, without protocols of the application layer (ALPN).
    ///
    /// # Errors
    /// As [`Tls::check`].
    pub fn config(&self) -> Result<ClientConfig, Error> {
        let mut roots = RootCertStore::empty();
        if !self.only_given {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        for pem in &self.authorities {
            for certificate in certificates(pem, "certificate authority")? {
                roots.add(certificate).map_err(|cause| Error::Input {
                    reason: "the certificate authority is not valid".to_owned(),
                    source: Some(Box::new(cause)),
                })?;
            }
        }
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|cause| Error::Input {
                reason: "TLS cannot be set up".to_owned(),
                source: Some(Box::new(cause)),
            })?
            .with_root_certificates(roots);
        let Some((certificate, key)) = &self.identity else {
            return Ok(builder.with_no_client_auth());
        };
        let chain = certificates(certificate, "client certificate")?;
        // The cause is left out: it could quote the key.
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| Error::input("the client's private key is not a private key in PEM"))?;
        builder.with_client_auth_cert(chain, key).map_err(|cause| Error::Input {
            reason: "the client certificate does not fit its key".to_owned(),
            source: Some(Box::new(cause)),
        })
    }
}

/// The cryptography provider: the application's if it installed one, otherwise ring.
fn provider() -> Arc<CryptoProvider> {
    CryptoProvider::get_default()
        .cloned()
        .unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()))
}

fn certificates(pem: &[u8], name: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let all = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err(Error::input(format!("the {name} is not a certificate in PEM"))),
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("authorities", &self.authorities.len())
            .field("identity", &self.identity.is_some())
            .field("system_authorities", &!self.only_given)
            .finish()
    }
}
