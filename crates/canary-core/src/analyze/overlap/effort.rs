//! What solving conditions has cost so far, so that those who ask many questions can stop.

use std::cell::Cell;

thread_local! {
    static SPENT: Cell<u64> = const { Cell::new(0) };
}

/// The steps taken in this thread, of about ten nanoseconds each; only differences mean something.
pub(crate) fn spent() -> u64 {
    SPENT.get()
}

/// Counts steps.
pub(super) fn spend(steps: usize) {
    SPENT.set(SPENT.get().wrapping_add(steps as u64));
}
