//! How far a copy is.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

/// What is being done with a file.
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

/// How far a copy is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The file that this is about, by its path in the model.
    pub file: String,
    /// What is being done with it.
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

/// What is told of the progress.
pub(super) type Listener = Arc<dyn Fn(&Progress) + Send + Sync>;

/// Counts for the listener.
pub(super) struct Meter {
    pub(super) listener: Option<Listener>,
    pub(super) bytes: AtomicU64,
    pub(super) total_bytes: u64,
    pub(super) files: AtomicUsize,
    pub(super) total_files: usize,
}

impl Meter {
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
