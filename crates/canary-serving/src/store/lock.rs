//! The lock of a folder: a file that the system unlocks when the process ends, even if it is killed.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
};

use super::errors::{broken, under_way};
use crate::Result;

/// A file that this process has locked, until the lock is dropped.
#[derive(Debug)]
pub(super) struct FileLock {
    file: File,
    path: PathBuf,
}

impl FileLock {
    /// Locks the file at `path`, and creates it when there is none.
    ///
    /// # Errors
    /// [`crate::Error::Store`] when another copy has locked it, or the folder cannot be written.
    pub(super) fn acquire(path: PathBuf, target: &str, action: &str) -> Result<Self> {
        let fails = |cause| broken(action, "cannot lock its folder", cause);
        loop {
            let mut options = OpenOptions::new();
            options.create(true).truncate(false).write(true);
            let file = options.open(&path).map_err(fails)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(under_way(action, target, " on this machine"));
                }
                Err(TryLockError::Error(cause)) => return Err(fails(cause)),
            }
            // Its last owner may have removed the file between the two steps.
            if is_at(&file, &path) {
                return Ok(Self { file, path });
            }
        }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // While it is locked: otherwise another process could lock a file that is about to be removed.
        if cfg!(unix) {
            let _ = std::fs::remove_file(&self.path);
        }
        let _ = self.file.unlock();
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let found = std::fs::metadata(path).map(identity);
    file.metadata().map(identity).is_ok_and(|own| found.is_ok_and(|found| found == own))
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    // The file is never removed.
    true
}
