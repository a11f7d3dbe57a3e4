//! Calls that can be waited for or awaited.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::FutureExt;
use pyo3::{
    IntoPyObjectExt, exceptions::PyRuntimeError, prelude::*, sync::PyOnceLock, types::PyCFunction,
};
use tokio::task::{AbortHandle, block_in_place};

use super::{
    compute::abandon,
    failure::{Failure, caught, joined, panicked},
    runtime::{Driver, Workers, runtime},
    signals::{INTERVAL, look},
};
use crate::logging;

/// Work that needs no interpreter. Both ways out of it release the GIL and turn errors and panics into exceptions.
pub(crate) trait Call {
    /// Waits for the result; Ctrl-C ends the work and raises `KeyboardInterrupt`.
    fn wait(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>>;

    /// A coroutine of the result; cancelling the task that awaits it ends the work.
    fn awaitable(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>>;
}

/// A future as a call.
pub(crate) struct Task<F> {
    future: F,
    /// `true` when it computes long between two waits: it is driven by another thread, and is left to end at its next
    /// wait after Ctrl-C.
    apart: bool,
}

impl<F> Task<F> {
    pub(crate) fn new(future: F) -> Self {
        Self { future, apart: false }
    }

    /// The same on another thread where it is `large`.
    pub(crate) fn apart(self, large: bool) -> Self {
        Self { apart: large, ..self }
    }
}

impl<T, E, F> Call for Task<F>
where
    T: for<'a> IntoPyObject<'a> + Send + 'static,
    E: Failure + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
{
    fn wait(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let done = if self.apart { wait_for(py, self.future) } else { block_on(py, self.future) };
        done?.into_bound_py_any(py)
    }

    fn awaitable(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        // After a fork the threads are missing: an error here prevents an endless wait.
        let _threads = runtime()?;
        coroutine(py, move |py| {
            logging::enter(py)?;
            begin(py, self.future)
        })
    }
}

/// Begins a future on the runtime, and gives an `asyncio.Future` of its result.
fn begin<T, E, F>(py: Python<'_>, future: F) -> PyResult<Bound<'_, PyAny>>
where
    T: for<'a> IntoPyObject<'a> + Send + 'static,
    E: Failure + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
{
    let runtime = runtime()?;
    let _here = runtime.enter();
    let guarded = AssertUnwindSafe(future).catch_unwind();
    pyo3_async_runtimes::generic::future_into_py::<Workers, _, _>(py, async move {
        match guarded.await {
            Ok(done) => done.map_err(Failure::exception),
            Err(panic) => Err(panicked(&*panic)),
        }
    })
}

/// A coroutine, as `async def` makes them: what it does begins when it is awaited, or with its task.
fn coroutine<'py, B>(py: Python<'py>, begin: B) -> PyResult<Bound<'py, PyAny>>
where
    B: for<'a> FnOnce(Python<'a>) -> PyResult<Bound<'a, PyAny>> + Send + 'static,
{
    static AWAITING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let begin = Mutex::new(Some(begin));
    let begin = PyCFunction::new_closure(py, None, None, move |arguments, _| {
        // Python runs a coroutine once.
        let begin = begin.lock().unwrap_or_else(PoisonError::into_inner).take();
        let begin = begin.ok_or_else(|| PyRuntimeError::new_err("it has begun already"))?;
        begin(arguments.py()).map(Bound::unbind)
    })?;
    AWAITING.import(py, "canary._coroutine", "awaiting")?.call1((begin,))
}

/// Work that blocks a thread as a call. It is notified when its caller no longer waits.
pub(crate) struct Blocking<W>(W);

impl<W> Blocking<W> {
    pub(crate) fn new<T>(work: W) -> Self
    where
        W: FnOnce(&AtomicBool) -> PyResult<T>,
    {
        Self(work)
    }
}

/// Tells the work to stop when it is dropped.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<T, W> Call for Blocking<W>
where
    T: for<'a> IntoPyObject<'a> + Send + 'static,
    W: FnOnce(&AtomicBool) -> PyResult<T> + Send + 'static,
{
    fn wait(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let stop = Stop(Arc::default());
        let stopped = Arc::clone(&stop.0);
        abandon(py, move || (self.0)(&stopped))?.into_bound_py_any(py)
    }

    fn awaitable(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let blocked = async move {
            let stop = Stop(Arc::default());
            let stopped = Arc::clone(&stop.0);
            tokio::task::spawn_blocking(move || (self.0)(&stopped)).await.map_err(joined)?
        };
        Task::new(blocked).awaitable(py)
    }
}

/// Drives a future to its end on this thread; Ctrl-C drops it.
pub(crate) fn block_on<T, E, F>(py: Python<'_>, future: F) -> PyResult<T>
where
    T: Send,
    E: Failure,
    F: Future<Output = Result<T, E>> + Send,
{
    let runtime = runtime()?;
    let mut future = pin!(future);
    logging::around(py, || {
        loop {
            let turn = py.detach(|| {
                let _driver = Driver::new();
                let turn = async { tokio::time::timeout(INTERVAL, future.as_mut()).await };
                // A caller's callback may wait in its turn, on a thread that drives the runtime already.
                caught(|| block_in_place(|| runtime.block_on(turn)))
            });
            match turn? {
                Ok(done) => return done.map_err(Failure::exception),
                Err(_elapsed) => look(py)?,
            }
        }
    })
}

/// As [`block_on`], with the future on a thread of the runtime.
pub(crate) fn wait_for<T, E, F>(py: Python<'_>, future: F) -> PyResult<T>
where
    T: Send + 'static,
    E: Failure + 'static,
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
    block_on(py, async move { task.await.map_err(joined) })?.map_err(Failure::exception)
}
