//! The lines that a run stores for replays.

use super::{progress::Progress, run::Running};
use crate::evidence::Stored;

impl<C> Running<C> {
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
