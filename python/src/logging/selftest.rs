//! Events on purpose, for the tests of the bridge.

use std::{thread, time::Duration};

use pyo3::prelude::*;

/// Tells so many events from a thread that does not know the interpreter, and waits for it while holding the GIL.
#[pyfunction]
pub(super) fn _log_events(py: Python<'_>, count: u64) -> PyResult<()> {
    super::enter(py)?;
    let told = thread::spawn(move || {
        for number in 0..count {
            tracing::debug!(target: "canary", number, "event of a test");
        }
    });
    // A panic there would be a defect of a test, which misses its events.
    let _ = told.join();
    Ok(())
}

/// Emits events forever, also while the interpreter ends.
#[pyfunction]
pub(super) fn _log_for_ever(py: Python<'_>) -> PyResult<()> {
    super::enter(py)?;
    thread::spawn(|| {
        loop {
            tracing::debug!(target: "canary", "event of a test");
            thread::sleep(Duration::from_micros(50));
        }
    });
    Ok(())
}
