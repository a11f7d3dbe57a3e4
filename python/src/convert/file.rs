//! Files of this machine as arguments: anything that `os.fspath` takes.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
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
        replace(&self.0, text).map_err(|cause| {
            let number = cause
                .raw_os_error()
                .or((cause.kind() == io::ErrorKind::IsADirectory).then_some(21));
            let message = format!("cannot write; what was there is unchanged: {cause}");
            // `OSError` takes the class that fits the number, such as `PermissionError`.
            PyOSError::new_err((number, message, self.0.clone().into_os_string()))
        })
    }
}

/// Replaces a file by one with this text; a pipe or a device is written to.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // The file that a link names, not the link.
    let path = match fs::canonicalize(path) {
        Ok(path) => path,
        // Nothing is there that could be lost.
        Err(_) if path.is_symlink() => return fs::write(path, text),
        Err(_) => path.to_owned(),
    };
    let there = fs::metadata(&path).ok();
    match &there {
        Some(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Some(found) if !found.is_file() => return fs::write(&path, text),
        _ => {}
    }
    let (mut file, beside) = create_beside(&path)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| there.map_or(Ok(()), |found| file.set_permissions(found.permissions())))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, &path));
    written.inspect_err(|_| {
        // What is left of it is of no use; the error that matters is the first.
        let _ = fs::remove_file(&beside);
    })
}

/// A new file in the same folder, under a name of its own.
fn create_beside(path: &Path) -> io::Result<(fs::File, PathBuf)> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let beside = path.with_file_name(format!(".{name}.{}-{number}", std::process::id()));
        match fs::File::create_new(&beside) {
            // Of another process of that number, which ended before it could rename it.
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (file, beside)),
        }
    }
}
