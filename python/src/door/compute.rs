//! Computations, which hold neither the GIL nor an event loop.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
};

use pyo3::{exceptions::PyRuntimeError, prelude::*};

use super::{
    failure::caught,
    signals::{INTERVAL, Watch, look},
};
use crate::logging;

/// Computes on this thread. The work checks, as often as it can stop, whether to continue; after Ctrl-C it stops, and
/// `KeyboardInterrupt` is raised.
pub(crate) fn compute<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&dyn Fn() -> bool) -> T + Send,
) -> PyResult<T> {
    let (done, raised) = py.detach(move || {
        let watch = Watch::new();
        let done = caught(|| work(&|| watch.go_on()));
        (done, watch.into_result())
    });
    raised.and(done)
}

/// Works on a thread of its own; after Ctrl-C the work is left to end by itself, and `KeyboardInterrupt` is raised at
/// once.
pub(crate) fn abandon<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> PyResult<T> + Send + 'static,
) -> PyResult<T> {
    let (sender, receiver) = mpsc::channel();
    let run = move || sender.send(caught(work).flatten());
    thread::Builder::new().name("canary".to_owned()).spawn(run).map_err(|error| {
        PyRuntimeError::new_err(format!("cannot start a worker thread: {error}"))
    })?;
    logging::around(py, || py.detach(move || result(&receiver))?)
}

/// Computes on a thread of its own; after Ctrl-C `stop` is set, and `KeyboardInterrupt` is raised when the work has
/// seen it.
pub(crate) fn compute_apart<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&Arc<AtomicBool>) -> T + Send,
) -> PyResult<T> {
    let stop = Arc::<AtomicBool>::default();
    py.detach(|| {
        thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            let stopped = &stop;
            scope.spawn(move || sender.send(caught(|| work(stopped))));
            result(&receiver).inspect_err(|_| stop.store(true, Ordering::Relaxed))?
        })
    })
}

/// Receives a thread's result, unless Ctrl-C comes first. The GIL is not held.
fn result<T>(receiver: &mpsc::Receiver<T>) -> PyResult<T> {
    loop {
        match receiver.recv_timeout(INTERVAL) {
            Ok(done) => return Ok(done),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err("a computation ended early"));
            }
            Err(RecvTimeoutError::Timeout) => Python::attach(look)?,
        }
    }
}
