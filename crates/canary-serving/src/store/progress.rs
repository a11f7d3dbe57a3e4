//! The progress of a copy.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use super::listing::File;

/// The step in which a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// It is being copied.
    Copying,
    /// It was written and is about to be read back.
    ReadingBack,
    /// It is complete.
    Complete,
}

/// The progress of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The path of a file in the model.
    pub file: String,
    /// The step in which it is.
    pub phase: Phase,
    /// The bytes copied so far, with those of a copy before that was interrupted.
    pub bytes: u64,
    /// All bytes of the model.
    pub total_bytes: u64,
    /// The files that are complete.
    pub files: usize,
    /// All files of the model.
    pub total_files: usize,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, bytes, total_bytes, files, total_files, .. } = self;
        let percent = if *total_bytes == 0 { 100 } else { bytes.saturating_mul(100) / total_bytes };
        write!(f, "{percent:3} %, {files} of {total_files} files, {file}")
    }
}

/// A function that is called with the progress.
pub(super) type Listener = Arc<dyn Fn(&Progress) + Send + Sync>;

/// Counts for the listener.
pub(super) struct Meter {
    listener: Option<Listener>,
    bytes: AtomicU64,
    total_bytes: u64,
    files: AtomicUsize,
    total_files: usize,
}

impl Meter {
    pub(super) fn new(listener: Option<Listener>, files: &[File]) -> Self {
        Self {
            listener,
            bytes: AtomicU64::new(0),
            total_bytes: files.iter().map(|file| file.size).sum(),
            files: AtomicUsize::new(0),
            total_files: files.len(),
        }
    }

    pub(super) fn tell(&self, file: &str, phase: Phase, more: u64) {
        let bytes = self.bytes.fetch_add(more, Ordering::Relaxed) + more;
        let done = usize::from(phase == Phase::Complete);
        let files = self.files.fetch_add(done, Ordering::Relaxed) + done;
        if let Some(listener) = &self.listener {
            listener(&Progress {
                file: file.to_owned(),
                phase,
                bytes,
                total_bytes: self.total_bytes,
                files,
                total_files: self.total_files,
            });
        }
    }
}
