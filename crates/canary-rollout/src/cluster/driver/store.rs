//! Stores the observations of a run, for replays.

use std::io::Write;

use super::progress::Progress;
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
    fn write(
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
    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl<C> super::run::Running<C> {
    /// Stores a line, where the run stores its observations. A file that cannot be written is reported, and the run continues without it.
    pub(super) fn store(&mut self, line: impl FnOnce() -> Stored) {
        let Some(store) = &mut self.driver.store else { return };
        let stored = store.write(&line(), self.state.split(), self.state.since());
        self.check_stored(stored);
    }

    pub(super) fn flush_stored(&mut self) {
        if let Some(store) = &mut self.driver.store {
            let flushed = store.flush();
            self.check_stored(flushed);
        }
    }

    fn check_stored(&mut self, stored: std::io::Result<()>) {
        if let Err(error) = stored {
            self.driver.store = None;
            let source = "the file of observations".to_owned();
            let error = Some(format!("it cannot be written, and nothing more is stored: {error}"));
            self.reports.push_back(Progress::SourceEnded { source, error });
        }
    }
}
