//! The one door out of the interpreter: releases the GIL, answers Ctrl-C, works inside a running loop.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use tokio::{
    runtime::{Builder, Runtime},
    task::{AbortHandle, JoinError},
};

use crate::error::to_py;

/// The longest time that Ctrl-C waits for an answer.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(25);

/// The process's runtime; created at the first call that needs it.
pub(crate) fn runtime() -> PyResult<&'static Runtime> {
    static RUNTIME: OnceLock<(u32, Runtime)> = OnceLock::new();
    let process = std::process::id();
    if let Some((owner, runtime)) = RUNTIME.get() {
        if *owner != process {
            return Err(PyRuntimeError::new_err(
                "canary was used before this process was forked, and its threads live in the parent only; use the \
                 start method \"spawn\" of multiprocessing",
            ));
        }
        return Ok(runtime);
    }
    let runtime = Builder::new_multi_thread().thread_name("canary").enable_all().build().map_err(
        |error| PyRuntimeError::new_err(format!("cannot start worker threads: {error}")),
    )?;
    let runtime = &RUNTIME.get_or_init(|| (process, runtime)).1;
    // Awaitables run on the same threads; whoever came second finds it done.
    let _ = pyo3_async_runtimes::tokio::init_with_runtime(runtime);
    Ok(runtime)
}

/// The awaitable twin of [`block_on`]; cancelling the task that awaits it drops the future.
pub(crate) fn later<'py, T, E, F>(py: Python<'py>, future: F) -> PyResult<Bound<'py, PyAny>>
where
    T: for<'a> IntoPyObject<'a> + Send + 'static,
    E: Into<canary_core::Error> + Send + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
{
    later_py(py, async move { future.await.map_err(to_py) })
}

/// An awaitable whose errors are Python's.
pub(crate) fn later_py<'py, T, F>(py: Python<'py>, future: F) -> PyResult<Bound<'py, PyAny>>
where
    T: for<'a> IntoPyObject<'a> + Send + 'static,
    F: Future<Output = PyResult<T>> + Send + 'static,
{
    // After a fork the threads are missing: an error here prevents an endless wait.
    runtime()?;
    pyo3_async_runtimes::tokio::future_into_py(py, future)
}

/// An awaitable of work that blocks a thread. The work is stopped when nobody awaits it any more.
pub(crate) fn later_apart<'py, T, F>(py: Python<'py>, work: F) -> PyResult<Bound<'py, PyAny>>
where
    T: for<'a> IntoPyObject<'a> + Send + 'static,
    F: FnOnce(&Arc<AtomicBool>) -> PyResult<T> + Send + 'static,
{
    struct Stop(Arc<AtomicBool>);
    impl Drop for Stop {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    later_py(py, async move {
        let stop = Stop(Arc::default());
        let seen = Arc::clone(&stop.0);
        tokio::task::spawn_blocking(move || work(&seen)).await.map_err(ended_early)?
    })
}

/// Runs a future to its end with the GIL released; Ctrl-C drops it and raises `KeyboardInterrupt`.
pub(crate) fn block_on<T, E, F>(py: Python<'_>, future: F) -> PyResult<T>
where
    T: Send,
    E: Into<canary_core::Error> + Send,
    F: Future<Output = Result<T, E>> + Send,
{
    let runtime = runtime()?;
    let mut future = pin!(future);
    loop {
        let turn = py.detach(|| {
            runtime.block_on(async { tokio::time::timeout(SIGNAL_INTERVAL, future.as_mut()).await })
        });
        match turn {
            Ok(done) => return done.map_err(to_py),
            Err(_elapsed) => py.check_signals()?,
        }
    }
}

/// As [`block_on`], with the future on a thread of the runtime: for one that computes long between two waits. After
/// Ctrl-C it is left to end at its next wait.
pub(crate) fn block_on_apart<T, E, F>(py: Python<'_>, future: F) -> PyResult<T>
where
    T: Send + 'static,
    E: Into<canary_core::Error> + Send + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
{
    struct Abort(AbortHandle);
    impl Drop for Abort {
        fn drop(&mut self) {
            self.0.abort();
        }
    }
    let task = runtime()?.spawn(future);
    let _abort = Abort(task.abort_handle());
    block_on(py, async move { Ok::<_, canary_core::Error>(task.await) })?
        .map_err(ended_early)?
        .map_err(to_py)
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
fn ended_early(error: JoinError) -> PyErr {
    PyRuntimeError::new_err(format!("a computation ended early: {error}"))
}

/// Raises the exceptions of signals that came meanwhile: Ctrl-C above all.
fn look(py: Python<'_>) -> PyResult<()> {
    py.check_signals()
}

/// Computes with the GIL released. The work checks, as often as it can stop, whether to continue; after Ctrl-C it
/// stops, and `KeyboardInterrupt` is raised.
pub(crate) fn compute<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&dyn Fn() -> bool) -> T + Send,
) -> PyResult<T> {
    let (done, raised) = py.detach(move || {
        let raised = RefCell::new(None);
        let looked = Cell::new(Instant::now());
        let done = work(&|| {
            if looked.get().elapsed() < SIGNAL_INTERVAL {
                return true;
            }
            looked.set(Instant::now());
            match Python::attach(look) {
                Ok(()) => true,
                Err(error) => {
                    raised.replace(Some(error));
                    false
                }
            }
        });
        (done, raised.into_inner())
    });
    raised.map_or(Ok(done), Err)
}

/// Works on a thread of its own with the GIL released; after Ctrl-C the work is left to end by itself, and
/// `KeyboardInterrupt` is raised at once.
pub(crate) fn abandon<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> PyResult<T> + Send + 'static,
) -> PyResult<T> {
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().name("canary".to_owned()).spawn(move || sender.send(work())).map_err(
        |error| PyRuntimeError::new_err(format!("cannot start a worker thread: {error}")),
    )?;
    py.detach(move || result(&receiver))?
}

/// Computes on a thread of its own with the GIL released; after Ctrl-C `stop` is set, and `KeyboardInterrupt` is raised
/// when the work has seen it.
pub(crate) fn compute_apart<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&Arc<AtomicBool>) -> T + Send,
) -> PyResult<T> {
    let stop = Arc::<AtomicBool>::default();
    py.detach(|| {
        thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            let stopped = &stop;
            scope.spawn(move || sender.send(work(stopped)));
            result(&receiver).inspect_err(|_| stop.store(true, Ordering::Relaxed))
        })
    })
}

/// Receives a thread's result, unless Ctrl-C comes first. The GIL is not held.
fn result<T>(receiver: &mpsc::Receiver<T>) -> PyResult<T> {
    loop {
        match receiver.recv_timeout(SIGNAL_INTERVAL) {
            Ok(done) => return Ok(done),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err("a computation ended early"));
            }
            Err(RecvTimeoutError::Timeout) => Python::attach(look)?,
        }
    }
}
