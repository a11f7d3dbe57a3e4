//! A defect on purpose, for the tests of the door.

use pyo3::{exceptions::PyValueError, prelude::*};

use super::{Blocking, Call, Task, abandon, compute, compute_apart};

/// Panics behind the part of the door that is named.
#[pyfunction]
#[expect(clippy::panic, reason = "a test needs a defect")]
pub(crate) fn _panic<'py>(py: Python<'py>, part: &str) -> PyResult<Bound<'py, PyAny>> {
    fn defect() -> PyResult<()> {
        panic!("a defect on purpose")
    }
    let task = Task::new(async { defect() });
    let none = |()| py.None().into_bound(py);
    match part {
        "task" => task.wait(py),
        "task apart" => task.apart(true).wait(py),
        "awaitable" => task.awaitable(py),
        "blocking" => Blocking::new(|_| defect()).wait(py),
        "blocking awaitable" => Blocking::new(|_| defect()).awaitable(py),
        "compute" => compute(py, |_| defect())?.map(none),
        "compute apart" => compute_apart(py, |_| defect())?.map(none),
        "abandon" => abandon(py, defect).map(none),
        other => Err(PyValueError::new_err(format!("the door has no part {other:?}"))),
    }
}
