//! Files of this machine as arguments: anything that `os.fspath` takes.

use std::{
    borrow::Cow,
    fs, io,
    path::{Path, PathBuf},
};

use canary_core::rollout::{Error, Result};
use pyo3::{exceptions::PyOSError, prelude::*};

use super::given::{Given, Refused};

/// The path of a file.
pub(crate) struct File(PathBuf);

impl<'py> Given<'py> for File {
    fn wanted() -> Cow<'static, str> {
        PathBuf::wanted()
    }

    fn several() -> Cow<'static, str> {
        PathBuf::several()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        PathBuf::read(value).map(Self)
    }
}

impl<'py> IntoPyObject<'py> for &File {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        Ok(self.0.as_path().into_pyobject(py)?.into_any())
    }
}

impl File {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Reads the file; `otherwise` makes the error of one that cannot be read, a missing one is [`Error::NotFound`].
    pub(crate) fn read(&self, otherwise: impl FnOnce(String, String) -> Error) -> Result<Vec<u8>> {
        fs::read(&self.0).map_err(|cause| {
            let what = self.0.display().to_string();
            if cause.kind() == io::ErrorKind::NotFound {
                let (object, help) = (format!("file {what}"), "check the path".to_owned());
                return Error::NotFound { object, help };
            }
            otherwise(what, format!("cannot be read: {cause}"))
        })
    }

    /// Writes a text in its place: beside it first, so that what was there stays until all of it is written.
    pub(crate) fn write(self, text: &str) -> PyResult<()> {
        canary_cli::write_file(&self.0, text).map_err(|cause| {
            let number = cause
                .raw_os_error()
                .or((cause.kind() == io::ErrorKind::IsADirectory).then_some(21));
            let message = format!("cannot write; what was there is unchanged: {cause}");
            // `OSError` takes the class that fits the number, such as `PermissionError`.
            PyOSError::new_err((number, message, self.0.clone().into_os_string()))
        })
    }
}
