//! Stores the observations of a run, for replays.

use std::io::Write;

use crate::{
    Split,
    evidence::{Stored, Timestamp},
};

/// The file in which a run stores its observations.
pub(super) struct Store {
    file: Box<dyn Write + Send>,
    /// The split that was stored last, and the time from which it was in force.
    split: Option<(Split, Timestamp)>,
}

impl Store {
    pub(super) fn new(file: Box<dyn Write + Send>) -> Self {
        Self { file, split: None }
    }

    /// Stores a line, and before it the split where it is another one.
    pub(super) fn write(
        &mut self,
        line: &Stored,
        split: Option<Split>,
        since: Timestamp,
    ) -> std::io::Result<()> {
        let now = split.map(|split| (split, since));
        if now != self.split
            && let Some((split, at)) = now
        {
            Stored::Split { at, split }.write(&mut *self.file)?;
            self.split = now;
        }
        line.write(&mut *self.file)
    }

    /// Flushes the buffer to the file.
    pub(super) fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
