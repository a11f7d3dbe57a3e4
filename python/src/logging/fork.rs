//! Forks: the queue is nobody's at that moment, so that the child finds it whole.

use std::{cell::RefCell, sync::MutexGuard};

use pyo3::{prelude::*, types::PyDict};

use super::{
    delivery,
    queue::{Inner, QUEUE},
};

thread_local! {
    /// The queue, from before a fork until after it.
    static HELD: RefCell<Option<MutexGuard<'static, Inner>>> = const { RefCell::new(None) };
}

/// Has the queue held during forks, where the system has them.
pub(super) fn register(py: Python<'_>) -> PyResult<()> {
    let Some(register) = py.import("os")?.getattr_opt("register_at_fork")? else { return Ok(()) };
    let hooks = PyDict::new(py);
    hooks.set_item("before", pyo3::wrap_pyfunction!(before, py)?)?;
    hooks.set_item("after_in_parent", pyo3::wrap_pyfunction!(after_in_parent, py)?)?;
    hooks.set_item("after_in_child", pyo3::wrap_pyfunction!(after_in_child, py)?)?;
    register.call((), Some(&hooks)).map(drop)
}

#[pyfunction]
fn before() {
    HELD.set(Some(QUEUE.lock()));
}

#[pyfunction]
fn after_in_parent() {
    HELD.take();
}

/// The events that wait are the parent's, which delivers them.
#[pyfunction]
fn after_in_child() {
    if let Some(mut inner) = HELD.take() {
        inner.begin_anew();
    }
    delivery::begin_anew();
}
