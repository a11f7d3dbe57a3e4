//! The largest number of dimensions.

use pyo3::{exceptions::PyValueError, prelude::*};

/// The most dimensions of an array: those of NumPy before its version 2, and of the library that reads its arrays.
pub(crate) const DIMENSIONS: usize = 32;

/// Refuses an array that has more dimensions.
pub(crate) fn check(dimensions: usize) -> PyResult<()> {
    if dimensions <= DIMENSIONS {
        return Ok(());
    }
    Err(PyValueError::new_err(format!(
        "a tensor has {dimensions} dimensions, and an array at most {DIMENSIONS}"
    )))
}
