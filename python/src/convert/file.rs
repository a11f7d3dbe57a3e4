//! Files of this machine as arguments: anything that `os.fspath` takes.

use std::path::{Path, PathBuf};

use canary_core::rollout::{Error, Result};
use pyo3::prelude::*;

/// The path of a file.
#[derive(FromPyObject)]
pub(crate) struct File(PathBuf);

impl File {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Reads the file; `otherwise` makes the error of one that cannot be read, a missing one is [`Error::NotFound`].
    pub(crate) fn read(&self, otherwise: impl FnOnce(String, String) -> Error) -> Result<Vec<u8>> {
        std::fs::read(&self.0).map_err(|cause| {
            let what = self.0.display().to_string();
            if cause.kind() == std::io::ErrorKind::NotFound {
                let (object, help) = (format!("file {what}"), "check the path".to_owned());
                return Error::NotFound { object, help };
            }
            otherwise(what, format!("cannot be read: {cause}"))
        })
    }

    /// Writes a text in its place.
    pub(crate) fn write(self, text: &str) -> Result<()> {
        std::fs::write(&self.0, text).map_err(|cause| Error::NotFound {
            object: format!("a place for {}", self.0.display()),
            help: format!("it cannot be written ({cause}); make the folder, or choose another"),
        })
    }
}
