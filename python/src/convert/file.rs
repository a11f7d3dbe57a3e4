//! Files of this machine as arguments: anything that `os.fspath` takes.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use canary_core::rollout::{Error, Result};
use pyo3::{exceptions::PyOSError, prelude::*};

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

    /// Writes a text in its place: beside it first, so that what was there stays until all of it is written.
    pub(crate) fn write(self, text: &str) -> PyResult<()> {
        replace(&self.0, text).map_err(|cause| {
            let what = self.0.display();
            let help = "what was there is unchanged";
            match cause.raw_os_error() {
                // The class of `OSError` that fits the number, such as `PermissionError`.
                Some(number) => {
                    let message = format!("cannot write: {cause}; {help}");
                    PyOSError::new_err((number, message, self.0.clone()))
                }
                None => PyOSError::new_err(format!("cannot write {what}: {cause}; {help}")),
            }
        })
    }
}

/// Replaces a file by one with this text; a pipe or a device is written to.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // The file that a link names, not the link.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if std::fs::metadata(&path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return std::fs::write(&path, text);
    }
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(permissions(&path));
    let mut file = builder.prefix(".canary-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}

/// Those of the file that is there, or what the process' mask leaves of reading and writing for all.
#[cfg(unix)]
fn permissions(path: &Path) -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    match std::fs::metadata(path) {
        Ok(found) => found.permissions(),
        Err(_) => std::fs::Permissions::from_mode(0o666),
    }
}
