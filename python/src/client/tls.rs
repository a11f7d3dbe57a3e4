//! The authorities that a client trusts, and its own identity, on `https://` and `grpcs://`.

use std::path::PathBuf;

use canary_core::{predict, serving::Error};
use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    types::{PyBytes, PyDict},
};

use super::pem::{AS_BYTES, Pem, pair};
use crate::{
    error::{IntoPy, to_py},
    input,
};

/// The settings of TLS. It has no `Debug`: it may hold a key.
#[derive(Clone, PartialEq)]
pub(crate) struct Settings {
    authorities: Option<Authorities>,
    /// The certificate and its key.
    identity: Option<(Pem, Pem)>,
    system_authorities: bool,
}

/// Certificates in PEM.
#[derive(Clone)]
struct Authorities {
    pem: Vec<u8>,
    /// Where they are from, for messages.
    name: String,
}

impl PartialEq for Authorities {
    fn eq(&self, other: &Self) -> bool {
        self.pem == other.pem
    }
}

impl Settings {
    pub(crate) fn new(
        ca_certificate: Option<&Bound<'_, PyAny>>,
        identity: Option<&Bound<'_, PyAny>>,
        system_authorities: bool,
    ) -> PyResult<Self> {
        let authorities = match ca_certificate {
            Some(given) => {
                let pem = input::file(given)?.ok_or_else(|| {
                    PyValueError::new_err(
                        "ca_certificate is a path, or the bytes of certificates in PEM",
                    )
                })?;
                let path = given.extract::<PathBuf>();
                let name =
                    path.map_or_else(|_| AS_BYTES.to_owned(), |path| path.display().to_string());
                Some(Authorities { pem, name })
            }
            None => None,
        };
        if authorities.is_none() && !system_authorities {
            return Err(PyValueError::new_err(
                "system_authorities=False leaves no authority to trust; give yours with ca_certificate=",
            ));
        }
        let identity = identity.map(pair).transpose()?;
        Ok(Self { authorities, identity, system_authorities })
    }

    /// The client with these settings; the files of the identity are read here.
    pub(crate) fn apply(&self, client: predict::Client) -> PyResult<predict::Client> {
        if self.authorities.is_none() && self.identity.is_none() {
            return Ok(client);
        }
        let alone = || predict::Tls::default().without_system_authorities();
        let mut tls = predict::Tls::default();
        if let Some(Authorities { pem, name }) = &self.authorities {
            // Alone first, so that its error names its file.
            if let Err(error) = client.clone().tls(alone().ca_certificate(pem)) {
                return Err(error_of(
                    error,
                    format!("check the authorities' certificates ({name})"),
                ));
            }
            tls = tls.ca_certificate(pem);
        }
        if !self.system_authorities {
            tls = tls.without_system_authorities();
        }
        let Some((certificate, key)) = &self.identity else { return client.tls(tls).py() };
        let (certificate_pem, key_pem) = (certificate.read()?, key.read()?);
        if let Err(error) = client.clone().tls(alone().identity(&certificate_pem, &key_pem)) {
            let (certificate, key) = (certificate.name(), key.name());
            let help = format!("check the certificate ({certificate}) and the key ({key})");
            return Err(error_of(error, help));
        }
        client.tls(tls.identity(certificate_pem, key_pem)).py()
    }

    /// Returns `true` when the bytes of a key are held, which must not be stored.
    pub(crate) fn holds_key(&self) -> bool {
        matches!(self.identity, Some((_, Pem::Bytes(_))))
    }

    /// Adds the arguments of which these settings were made.
    pub(crate) fn arguments(&self, arguments: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = arguments.py();
        let ca_certificate = self.authorities.as_ref().map(|one| PyBytes::new(py, &one.pem));
        arguments.set_item("ca_certificate", ca_certificate)?;
        let identity = match &self.identity {
            Some((certificate, key)) => Some((certificate.to_python(py)?, key.to_python(py)?)),
            None => None,
        };
        arguments.set_item("identity", identity)?;
        arguments.set_item("system_authorities", self.system_authorities)
    }
}

/// The error with the help that names its files.
fn error_of(mut error: Error, help: String) -> PyErr {
    if let Error::Predict(error) = &mut error {
        error.help = help;
    }
    to_py(error)
}
