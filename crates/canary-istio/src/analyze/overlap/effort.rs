//! The cost of solving conditions, counted so that questions that would take too long can be left open.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

thread_local! {
    static SPENT: Cell<u64> = const { Cell::new(0) };
}

/// Counts steps, of about ten nanoseconds each.
pub(super) fn spend(steps: usize) {
    SPENT.set(SPENT.get().wrapping_add(steps as u64));
}

/// The work that may still be done.
///
/// Counted, not timed: the same question always gets the same answer.
#[derive(Debug)]
pub(crate) struct Work {
    left: u64,
    /// The steps that this thread had spent at the last look.
    seen: u64,
    /// The caller sets this to stop the search.
    stop: Option<Arc<AtomicBool>>,
}

impl Default for Work {
    /// A second or two.
    fn default() -> Self {
        Self { left: 50_000_000, seen: SPENT.get(), stop: None }
    }
}

impl Work {
    /// The usual amount of work, which drops to zero as soon as `stop` is set.
    pub(crate) fn until(stop: Option<&Arc<AtomicBool>>) -> Self {
        Self { stop: stop.cloned(), ..Self::default() }
    }

    /// Returns true when the answer is no longer wanted.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Subtracts these steps and the ones that solving took in this thread since the last call. Returns true when some
    /// are left.
    pub(crate) fn spend(&mut self, steps: usize) -> bool {
        let spent = SPENT.get();
        let cost = spent.wrapping_sub(self.seen).saturating_add(steps as u64);
        self.seen = spent;
        self.left = self.left.saturating_sub(cost);
        self.left > 0 && !self.is_stopped()
    }

    /// Runs a task with at most a quarter of the remaining work, so that one hard question leaves enough for later
    /// ones.
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
        let mut work = Work { left: 100, ..Work::default() };
        spend(40);
        assert!(work.spend(50));
        assert!(!work.spend(10));
    }

    #[test]
    fn a_part_leaves_the_rest() {
        let mut work = Work { left: 100, ..Work::default() };
        assert!(!work.quarter(|part| part.spend(1000)));
        assert!(work.spend(74));
        assert!(!work.spend(1));
    }

    #[test]
    fn nothing_is_left_of_work_that_was_stopped() {
        let stop = Arc::new(AtomicBool::new(false));
        let mut work = Work::until(Some(&stop));
        assert!(work.spend(1));
        stop.store(true, Ordering::Relaxed);
        assert!(!work.spend(1) && work.is_stopped());
    }
}
