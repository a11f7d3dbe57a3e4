//! The crates' events as records of Python's `logging`.
//!
//! An event may come from any thread, with or without the GIL. So it is compared with a level that is cached, and put into
//! a queue; neither takes the GIL. Records are made of the queue where the GIL is held anyway: at the door, before a call
//! returns and while it waits, and by a thread of Python's for what happens between calls.

mod delivery;
mod event;
mod fork;
mod layer;
mod levels;
mod queue;
mod selftest;

use std::sync::OnceLock;

use canary_cli::LogLayer;
use pyo3::{exceptions::PyRuntimeError, prelude::*, types::PyTuple};
use tracing_subscriber::{Registry, layer::SubscriberExt, reload, util::SubscriberInitExt};

pub(crate) use delivery::{Busy, around, enter, look};
use layer::Bridge;

/// Replaces the bridge, for the command.
static BRIDGE: OnceLock<reload::Handle<LogLayer, Registry>> = OnceLock::new();

/// Adds what `canary._logging`, the coroutines and the tests call.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // Not by `add`, which would list them in `__all__`.
    module.setattr("_log_to", pyo3::wrap_pyfunction!(_log_to, module)?)?;
    module.setattr("_next_event", pyo3::wrap_pyfunction!(_next_event, module)?)?;
    module.setattr("_deliver_events", pyo3::wrap_pyfunction!(_deliver_events, module)?)?;
    module.setattr("_log_events", pyo3::wrap_pyfunction!(selftest::_log_events, module)?)?;
    module.setattr("_log_for_ever", pyo3::wrap_pyfunction!(selftest::_log_for_ever, module)?)
}

/// Begins to pass events on. `loggers` are those of [`levels::LOGGERS`], `deliver` makes a record of an event, and `start`
/// starts the thread that delivers what happens between calls.
#[pyfunction]
fn _log_to(
    py: Python<'_>,
    loggers: Vec<Py<PyAny>>,
    manager: Py<PyAny>,
    deliver: Py<PyAny>,
    start: Py<PyAny>,
) -> PyResult<()> {
    let layer: LogLayer = Box::new(Bridge);
    let (layer, handle) = reload::Layer::new(layer);
    if BRIDGE.set(handle).is_err() {
        return Ok(());
    }
    levels::watch(py, loggers, manager)?;
    delivery::begin(py, deliver, start)?;
    fork::register(py)?;
    levels::refresh(py)?;
    tracing_subscriber::registry().with(layer).try_init().map_err(|error| {
        PyRuntimeError::new_err(format!("cannot pass events on to logging: {error}"))
    })
}

/// Waits for the next event, for the thread that delivers; `None` when the interpreter ends.
#[pyfunction]
fn _next_event(py: Python<'_>) -> PyResult<Option<Bound<'_, PyTuple>>> {
    delivery::next(py)
}

/// Delivers the events that wait, before a coroutine gives its result.
#[pyfunction]
fn _deliver_events(py: Python<'_>) -> PyResult<()> {
    delivery::flush(py)
}

/// Puts the log of the command in the place of the bridge.
pub(crate) fn write_instead(layer: LogLayer) -> bool {
    BRIDGE.get().is_some_and(|bridge| bridge.reload(layer).is_ok())
}
