//! Certificates and keys in PEM.

use std::path::PathBuf;

use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyByteArray, PyBytes, PyMemoryView},
};

use crate::input;

/// The place of a PEM that has no file, for messages.
pub(super) const AS_BYTES: &str = "given as bytes";

/// A PEM, or where it is.
#[derive(Clone, PartialEq)]
pub(super) enum Pem {
    File(PathBuf),
    Bytes(Vec<u8>),
}

/// A certificate and its key.
pub(super) fn pair(given: &Bound<'_, PyAny>) -> PyResult<(Pem, Pem)> {
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

    pub(super) fn read(&self) -> PyResult<Vec<u8>> {
        match self {
            Self::File(path) => {
                std::fs::read(path).map_err(|cause| input::unreadable(path, &cause))
            }
            Self::Bytes(bytes) => Ok(bytes.clone()),
        }
    }

    pub(super) fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(match self {
            Self::File(path) => path.into_pyobject(py)?.into_any(),
            Self::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        })
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Bytes(_) => AS_BYTES.to_owned(),
        }
    }
}
