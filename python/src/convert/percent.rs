//! Shares in percent: integers where they are whole, and floats otherwise.

use std::fmt;

use canary_core::rollout::Percent;
use pyo3::{prelude::*, types::PyFloat};

/// A share as Python has it.
#[derive(Clone, Copy)]
pub(crate) struct Number(pub(crate) Percent);

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'py> IntoPyObject<'py> for Number {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.0.whole() {
            Some(whole) => Ok(whole.into_pyobject(py)?.into_any()),
            None => Ok(PyFloat::new(py, self.0.into()).into_any()),
        }
    }
}

/// The share that a number states; `None` for another value, a negative number, or more than three decimals.
pub(crate) fn read(value: &Bound<'_, PyAny>) -> Option<Percent> {
    if let Ok(whole) = value.extract::<u32>() {
        return Some(whole.into());
    }
    Percent::new(value.extract().ok()?).ok()
}
