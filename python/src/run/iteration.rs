//! The iterators of loops over a run.

use std::{sync::Arc, time::Duration};

use pyo3::prelude::*;

use super::drive::{AT_ONCE, Drive};
use crate::macros::pymethods;

/// The iterator of one `for` loop. It is dropped when the loop is left, also by `break`, an exception or Ctrl-C in its
/// body: the state is stored then, and the lock given back.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Iteration {
    pub(super) run: Py<PyAny>,
    pub(super) drive: Arc<Drive>,
}

pymethods! {
    Iteration [iterator]
    methods {
        fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            self.run.bind(py).call_method0("__next__")
        }
    }
}

impl Drop for Iteration {
    fn drop(&mut self) {
        self.drive.left(AT_ONCE);
    }
}

/// The same for one `async for` loop. The event loop keeps running while the state is stored.
#[pyclass(frozen, module = "canary")]
pub(crate) struct AsyncIteration {
    pub(super) run: Py<PyAny>,
    pub(super) drive: Arc<Drive>,
}

pymethods! {
    AsyncIteration [async_iterator]
    methods {
        fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            self.run.bind(py).call_method0("__anext__")
        }
    }
}

impl Drop for AsyncIteration {
    fn drop(&mut self) {
        self.drive.left(Duration::ZERO);
    }
}
