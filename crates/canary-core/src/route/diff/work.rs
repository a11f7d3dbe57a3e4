//! How much work one comparison may be.

use crate::analyze::overlap::effort;

/// What a comparison may still cost, in steps of about ten nanoseconds.
///
/// Counted, not timed: the same two meshes always get the same answer.
#[derive(Debug)]
pub(in super::super) struct Work {
    left: u64,
    /// What solving conditions had cost in this thread when it was last looked at.
    solved: u64,
}

/// Some seconds at most.
const LIMIT: u64 = 100_000_000;

impl Default for Work {
    fn default() -> Self {
        Self { left: LIMIT, solved: effort::spent() }
    }
}

impl Work {
    /// Takes the cost of some steps, and of the conditions solved since the last time, away; whether anything is left.
    pub(in super::super) fn spend(&mut self, steps: usize) -> bool {
        let solved = effort::spent();
        let cost = solved.wrapping_sub(self.solved).saturating_add(steps as u64);
        self.solved = solved;
        self.left = self.left.saturating_sub(cost);
        self.left > 0
    }
}
