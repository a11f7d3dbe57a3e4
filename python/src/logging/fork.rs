//! Forks: the child starts with an empty queue and a thread of its own.

use pyo3::{prelude::*, types::PyDict};

use super::{delivery, queue};

/// Resets the queue and the thread in the child of a fork, where the system has forks.
pub(super) fn register(py: Python<'_>) -> PyResult<()> {
    let Some(register) = py.import("os")?.getattr_opt("register_at_fork")? else { return Ok(()) };
    let hooks = PyDict::new(py);
    hooks.set_item("after_in_child", pyo3::wrap_pyfunction!(after_in_child, py)?)?;
    register.call((), Some(&hooks)).map(drop)
}

#[pyfunction]
fn after_in_child() {
    queue::begin_anew();
    delivery::begin_anew();
}
