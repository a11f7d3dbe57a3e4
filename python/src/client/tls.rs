//! Whom a client trusts, and who it is, on `https://` and `grpcs://`.

use std::path::PathBuf;

use canary_core::{predict, serving::Error};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyByteArray, PyBytes, PyDict, PyMemoryView},
};

use crate::{error::IntoPy, input};

/// What a client is told of TLS. It has no `Debug`: it may hold a key.
#[derive(Clone, PartialEq)]
pub(crate) struct Settings {
    authorities: Option<Authorities>,
    /// The certificate and its key.
    identity: Option<(Pem, Pem)>,
    system_authorities: bool,
}

const AS_BYTES: &str = "given as bytes";

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

/// A PEM, or where it is.
#[derive(Clone, PartialEq)]
enum Pem {
    File(PathBuf),
    Bytes(Vec<u8>),
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
            // Alone first, so that what is wrong with it is told with the name of its file.
            if let Err(error) = client.clone().tls(alone().ca_certificate(pem)) {
                return Err(error_of(
                    error,
                    format!("look at the authorities' certificates ({name})"),
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
            let help = format!("look at the certificate ({certificate}) and the key ({key})");
            return Err(error_of(error, help));
        }
        client.tls(tls.identity(certificate_pem, key_pem)).py()
    }

    /// Whether the bytes of a key are held, which must not be stored.
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

fn pair(given: &Bound<'_, PyAny>) -> PyResult<(Pem, Pem)> {
    let Ok((certificate, key)) = given.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>() else {
        // What was given is not repeated: it could be the key.
        return Err(PyTypeError::new_err(
            "identity is a tuple (certificate, key), each a path or the bytes of a PEM",
        ));
    };
    Ok((Pem::new(&certificate, "certificate")?, Pem::new(&key, "key")?))
}

impl Pem {
    fn new(given: &Bound<'_, PyAny>, what: &str) -> PyResult<Self> {
        let bytes = given.is_instance_of::<PyBytes>()
            || given.is_instance_of::<PyByteArray>()
            || given.is_instance_of::<PyMemoryView>();
        if bytes {
            let bytes = given.py().get_type::<PyBytes>().call1((given,))?;
            return Ok(Self::Bytes(bytes.extract()?));
        }
        let path: PathBuf = given.extract().map_err(|_| {
            PyTypeError::new_err(format!(
                "the {what} of identity is a path or the bytes of a PEM, not {}",
                given.get_type()
            ))
        })?;
        // A PEM as text would be shown as the name of a missing file.
        if path.to_string_lossy().contains("-----BEGIN") {
            return Err(PyTypeError::new_err(format!(
                "the {what} of identity is the text of a PEM; give its bytes, with .encode(), or the path of its file"
            )));
        }
        Ok(Self::File(path))
    }

    fn read(&self) -> PyResult<Vec<u8>> {
        match self {
            Self::File(path) => {
                std::fs::read(path).map_err(|cause| input::unreadable(path, &cause))
            }
            Self::Bytes(bytes) => Ok(bytes.clone()),
        }
    }

    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(match self {
            Self::File(path) => path.into_pyobject(py)?.into_any(),
            Self::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        })
    }

    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Bytes(_) => AS_BYTES.to_owned(),
        }
    }
}

/// The error with the help that names its files.
fn error_of(mut error: Error, help: String) -> PyErr {
    if let Error::Predict(error) = &mut error {
        error.help = help;
    }
    crate::error::to_py(error)
}
