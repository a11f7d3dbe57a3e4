//! What solving conditions costs, counted so that questions without end can be left open.

use std::cell::Cell;

thread_local! {
    static SPENT: Cell<u64> = const { Cell::new(0) };
}

/// Counts steps, of about ten nanoseconds each.
pub(super) fn spend(steps: usize) {
    SPENT.set(SPENT.get().wrapping_add(steps as u64));
}

/// How much work may still be done.
///
/// Counted, not timed: the same question always gets the same answer.
#[derive(Debug)]
pub(crate) struct Work {
    left: u64,
    /// What this thread had spent when it was last looked at.
    seen: u64,
}

impl Default for Work {
    /// A second or two.
    fn default() -> Self {
        Self { left: 50_000_000, seen: SPENT.get() }
    }
}

impl Work {
    /// Takes away some steps, and those that solving took in this thread since the last time; whether any are left.
    pub(crate) fn spend(&mut self, steps: usize) -> bool {
        let spent = SPENT.get();
        let cost = spent.wrapping_sub(self.seen).saturating_add(steps as u64);
        self.seen = spent;
        self.left = self.left.saturating_sub(cost);
        self.left > 0
    }

    /// Does something that may take a quarter of what is left at most, so that one hard question leaves room for
    /// those after it.
    pub(crate) fn quarter<T>(&mut self, ask: impl FnOnce(&mut Self) -> T) -> T {
        self.spend(0);
        let kept = self.left - self.left / 4;
        self.left /= 4;
        let answer = ask(self);
        self.spend(0);
        self.left += kept;
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_taken_elsewhere_in_the_thread_count() {
        let mut work = Work { left: 100, seen: SPENT.get() };
        spend(40);
        assert!(work.spend(50));
        assert!(!work.spend(10));
    }

    #[test]
    fn a_part_leaves_the_rest() {
        let mut work = Work { left: 100, seen: SPENT.get() };
        assert!(!work.quarter(|part| part.spend(1000)));
        assert!(work.spend(74));
        assert!(!work.spend(1));
    }
}
