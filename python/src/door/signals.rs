//! Signals: Ctrl-C above all.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use pyo3::prelude::*;

use crate::logging;

/// The longest time that Ctrl-C waits for an answer.
pub(super) const INTERVAL: Duration = Duration::from_millis(25);

/// Raises the exceptions of the signals that came meanwhile, after delivering what is to be logged.
pub(super) fn look(py: Python<'_>) -> PyResult<()> {
    logging::look(py)?;
    py.check_signals()
}

/// Looks for signals now and then during a computation, which does not hold the GIL.
pub(super) struct Watch {
    raised: RefCell<Option<PyErr>>,
    looked: Cell<Instant>,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self { raised: RefCell::default(), looked: Cell::new(Instant::now()) }
    }

    /// Returns `true` when the computation shall continue.
    pub(super) fn go_on(&self) -> bool {
        if self.looked.get().elapsed() < INTERVAL {
            return true;
        }
        self.looked.set(Instant::now());
        match Python::attach(look) {
            Ok(()) => true,
            Err(error) => {
                self.raised.replace(Some(error));
                false
            }
        }
    }

    /// The exception that ended the computation.
    pub(super) fn into_result(self) -> PyResult<()> {
        self.raised.into_inner().map_or(Ok(()), Err)
    }
}
