//! Deliveries: before a call of the door returns, while it waits, and by a thread between calls.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use pyo3::{exceptions::PyException, prelude::*, sync::PyOnceLock, types::PyTuple};

use super::{
    levels,
    queue::{Next, queue},
};
use crate::door;

/// The longest time that a call waits for another thread's handler, so that its own records come before its result. A
/// handler that waits for the caller itself delays it by this much.
const PATIENCE: Duration = Duration::from_millis(500);
/// The time between two looks at the levels while something is under way that no call waits for.
const PULSE: Duration = Duration::from_millis(200);
/// The longest time that the end of the interpreter waits for the thread of deliveries.
const AT_EXIT: Duration = Duration::from_secs(2);

/// The functions of Python that make a record of an event and hand it to its logger, and that start the thread.
static PYTHON: PyOnceLock<(Py<PyAny>, Py<PyAny>)> = PyOnceLock::new();

/// `true` once the thread of deliveries was started in this process.
static STARTED: AtomicBool = AtomicBool::new(false);

/// The tasks that run without a call that waits for them.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// A task that runs without a call that waits for it.
pub(crate) struct Busy(());

impl Busy {
    pub(crate) fn new() -> Self {
        if UNDER_WAY.fetch_add(1, Ordering::SeqCst) == 0 {
            queue().wake();
        }
        Self(())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        // After a fork a task of the parent may end here.
        let _ =
            UNDER_WAY.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    }
}

/// Begins to deliver, and registers the end.
pub(super) fn begin(py: Python<'_>, deliver: Py<PyAny>, start: Py<PyAny>) -> PyResult<()> {
    // A second time there is nothing to do.
    let _ = PYTHON.set(py, (deliver, start));
    door::at_exit(py, &pyo3::wrap_pyfunction!(stop, py)?)
}

/// Delivers what waits, and ends the thread before the interpreter ends: a thread that enters it afterwards would abort the
/// process.
#[pyfunction]
fn stop(py: Python<'_>) -> PyResult<()> {
    let delivered = flush(py);
    py.detach(|| queue().close(AT_EXIT));
    delivered
}

/// The child of a fork has neither the thread nor the tasks of its parent.
pub(super) fn begin_anew() {
    STARTED.store(false, Ordering::SeqCst);
    UNDER_WAY.store(0, Ordering::SeqCst);
}

/// Looks at the levels before work begins, and starts the thread of deliveries where it is missing.
///
/// # Errors
/// The exception that a signal raises meanwhile, such as `KeyboardInterrupt`.
pub(crate) fn enter(py: Python<'_>) -> PyResult<()> {
    let Some(_visit) = queue().visit() else { return Ok(()) };
    levels::refresh(py)?;
    if let Some((_, start)) = PYTHON.get(py)
        && !STARTED.swap(true, Ordering::SeqCst)
        && let Err(error) = start.call0(py)
    {
        // Without the thread, records are made when calls return.
        STARTED.store(false, Ordering::SeqCst);
        if !error.is_instance_of::<PyException>(py) {
            return Err(error);
        }
    }
    Ok(())
}

/// Looks at the levels and delivers what has come, while a call waits.
pub(crate) fn look(py: Python<'_>) -> PyResult<()> {
    let Some(_visit) = queue().visit() else { return Ok(()) };
    levels::refresh(py)?;
    deliver(py, Duration::ZERO)
}

/// Does work of the door; its records are there when it returns.
pub(crate) fn around<T>(py: Python<'_>, work: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    enter(py)?;
    let attended = queue().attend();
    let done = work();
    let delivered = flush(py);
    drop(attended);
    let done = done?;
    delivered.map(|()| done)
}

/// Delivers the events that wait.
///
/// # Errors
/// The exception of a handler that is no `Exception`, such as `KeyboardInterrupt`.
pub(super) fn flush(py: Python<'_>) -> PyResult<()> {
    let Some(_visit) = queue().visit() else { return Ok(()) };
    deliver(py, PATIENCE)
}

fn deliver(py: Python<'_>, within: Duration) -> PyResult<()> {
    let Some((deliver, _)) = PYTHON.get(py) else { return Ok(()) };
    let queue = queue();
    if queue.is_idle() {
        return Ok(());
    }
    let delivery = queue.begin(Duration::ZERO);
    let delivery = delivery.or_else(|| py.detach(|| queue.begin(within)));
    let Some(mut delivery) = delivery else { return Ok(()) };
    while let Some(event) = delivery.next() {
        deliver.bind(py).call1((event.arguments(py)?,))?;
    }
    Ok(())
}

/// Waits for the next event, for the thread of deliveries; `None` at the end.
pub(super) fn next(py: Python<'_>) -> PyResult<Option<Bound<'_, PyTuple>>> {
    let pulse = || (UNDER_WAY.load(Ordering::SeqCst) > 0).then_some(PULSE);
    let queue = queue();
    let next = loop {
        match py.detach(|| queue.next(pulse)) {
            // Signals are raised in the main thread alone.
            Next::Pulse => levels::refresh(py)?,
            Next::Event(event) => break Some(event),
            Next::Closed => break None,
        }
    };
    let arguments = next.map(|event| event.arguments(py)).transpose();
    queue.leave();
    arguments
}
