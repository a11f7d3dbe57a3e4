//! Exceptions of the caller's own code.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;

/// A lock that survives a panic of another holder: nothing in here is left half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first exception that the caller's own code raised while the run was polled.
#[derive(Clone, Default)]
pub(crate) struct Raised(Arc<Mutex<Option<PyErr>>>);

impl Raised {
    /// Keeps the exception, unless there was one before.
    pub(super) fn keep(&self, error: PyErr) {
        lock(&self.0).get_or_insert(error);
    }

    /// Raises the exception, once.
    pub(crate) fn check(&self) -> PyResult<()> {
        lock(&self.0).take().map_or(Ok(()), Err)
    }
}
