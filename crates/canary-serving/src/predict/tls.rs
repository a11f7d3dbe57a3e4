//! Whom to trust, and who one is, on `https://` and `grpcs://`.

use std::{fmt, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// The settings of TLS. Servers are always verified: against the system's certificate authorities, and those given
/// here.
///
/// ```
/// use canary_core::predict::Tls;
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

    /// Shows this certificate (PEM, its chain after it) with this private key (PEM) when the server asks for one.
    #[must_use]
    pub fn identity(mut self, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        self.identity = Some((certificate.as_ref().to_vec(), key.as_ref().to_vec()));
        self
    }

    /// The configuration, or what is wrong with it.
    pub(crate) fn config(&self) -> Result<ClientConfig, String> {
        let mut roots = RootCertStore::empty();
        if !self.only_given {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        for pem in &self.authorities {
            for certificate in certificates(pem, "certificate authority")? {
                roots
                    .add(certificate)
                    .map_err(|error| format!("the certificate authority is not valid: {error}"))?;
            }
        }
        // The provider is named here, so that nothing depends on which one the application installed.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS cannot be set up: {error}"))?
            .with_root_certificates(roots);
        let Some((certificate, key)) = &self.identity else {
            return Ok(builder.with_no_client_auth());
        };
        let chain = certificates(certificate, "client certificate")?;
        // The error is not repeated: it could quote the key.
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| "the client's private key is not a private key in PEM".to_owned())?;
        builder
            .with_client_auth_cert(chain, key)
            .map_err(|error| format!("the client certificate does not fit its key: {error}"))
    }
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let all = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err(format!("the {what} is not a certificate in PEM")),
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
