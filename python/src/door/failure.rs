//! Errors and panics as exceptions.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use pyo3::{exceptions::PyRuntimeError, prelude::*, types::PyDict};
use tokio::task::JoinError;

use crate::error::{self, to_py};

/// An error that can be raised.
pub(crate) trait Failure: Send {
    /// The exception.
    fn exception(self) -> PyErr;
}

impl Failure for PyErr {
    fn exception(self) -> PyErr {
        self
    }
}

macro_rules! failures {
    ($($error:ty),*) => {
        $(impl Failure for $error {
            fn exception(self) -> PyErr {
                to_py(self)
            }
        })*
    };
}

failures!(canary_core::Error, canary_core::rollout::Error, canary_core::serving::Error);

/// The exception for a panic: it is a defect of this package, whatever the caller did.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> PyErr {
    let what = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let message = format!(
        "a defect of canary {}, not of your code: {what}; please report it, with what was called and the lines about \
         the panic on stderr",
        env!("CARGO_PKG_VERSION")
    );
    Python::attach(|py| error::raise(py, "CanaryError", &message, &PyDict::new(py)))
}

/// Works, and turns a panic into an exception.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| panicked(&*panic))
}

/// The exception for a task that has no result.
pub(crate) fn joined(error: JoinError) -> PyErr {
    match error.try_into_panic() {
        Ok(panic) => panicked(&*panic),
        Err(error) => PyRuntimeError::new_err(format!("a computation ended early: {error}")),
    }
}
