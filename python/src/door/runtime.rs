//! The threads behind the door, and their end.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use pyo3::{exceptions::PyRuntimeError, prelude::*, types::PyCFunction};
use pyo3_async_runtimes::{TaskLocals, generic};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::{JoinError, JoinHandle},
};

use crate::logging;

/// The longest time that the end of the interpreter waits for what is being delivered to it.
const AT_EXIT: Duration = Duration::from_secs(2);

/// The process that made the threads, and the threads.
static RUNTIME: Mutex<Option<(u32, Runtime)>> = Mutex::new(None);

/// The number of Python's threads that drive the runtime at present.
static DRIVERS: AtomicUsize = AtomicUsize::new(0);

/// The thread that ends the interpreter, once it does.
static ENDING: OnceLock<ThreadId> = OnceLock::new();

fn lock() -> MutexGuard<'static, Option<(u32, Runtime)>> {
    RUNTIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The process's runtime; created at the first call that needs it.
pub(crate) fn runtime() -> PyResult<Handle> {
    let process = std::process::id();
    let mut runtime = lock();
    match &*runtime {
        Some((owner, runtime)) if *owner == process => return Ok(runtime.handle().clone()),
        Some(_) => {
            return Err(PyRuntimeError::new_err(
                "canary was used before this process was forked, and its threads live in the parent only; use the \
                 start method \"spawn\" of multiprocessing",
            ));
        }
        None => {}
    }
    let made = Builder::new_multi_thread().thread_name("canary").enable_all().build().map_err(
        |error| PyRuntimeError::new_err(format!("cannot start worker threads: {error}")),
    )?;
    let handle = made.handle().clone();
    *runtime = Some((process, made));
    drop(runtime);
    Python::attach(|py| at_exit(py, &pyo3::wrap_pyfunction!(stop, py)?))?;
    Ok(handle)
}

/// Has a function called when the interpreter ends, before those that were registered before it.
pub(crate) fn at_exit(py: Python<'_>, function: &Bound<'_, PyCFunction>) -> PyResult<()> {
    py.import("atexit")?.call_method1("register", (function,)).map(drop)
}

/// Ends the threads before the interpreter ends: a thread that enters it afterwards would abort the process.
#[pyfunction]
fn stop(py: Python<'_>) {
    let Some((owner, runtime)) = lock().take() else { return };
    if owner != std::process::id() {
        // The threads live in the parent, and nobody here could wait for them.
        std::mem::forget(runtime);
        return;
    }
    py.detach(|| {
        let _ = ENDING.set(thread::current().id());
        let until = Instant::now() + AT_EXIT;
        while DRIVERS.load(Ordering::SeqCst) > 0 && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
        runtime.shutdown_timeout(AT_EXIT);
    });
}

/// A thread of Python's that drives the runtime.
pub(super) struct Driver(());

impl Driver {
    /// Registers this thread, which does not hold the GIL. Never returns on another thread while the interpreter is
    /// ending: only daemonic ones are left then, which end with the process.
    pub(super) fn new() -> Self {
        DRIVERS.fetch_add(1, Ordering::SeqCst);
        let driver = Self(());
        if ENDING.get().is_some_and(|ending| *ending != thread::current().id()) {
            drop(driver);
            loop {
                thread::park();
            }
        }
        driver
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        DRIVERS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The runtime as awaitables need it.
pub(super) struct Workers;

impl generic::Runtime for Workers {
    type JoinError = JoinError;
    type JoinHandle = JoinHandle<()>;

    fn spawn<F: Future<Output = ()> + Send + 'static>(future: F) -> Self::JoinHandle {
        let busy = logging::Busy::new();
        Handle::current().spawn(async move {
            let _busy = busy;
            future.await;
        })
    }

    fn spawn_blocking<F: FnOnce() + Send + 'static>(work: F) -> Self::JoinHandle {
        Handle::current().spawn_blocking(work)
    }
}

impl generic::ContextExt for Workers {
    fn scope<F, R>(_locals: TaskLocals, future: F) -> Pin<Box<dyn Future<Output = R> + Send>>
    where
        F: Future<Output = R> + Send + 'static,
    {
        Box::pin(future)
    }

    fn get_task_locals() -> Option<TaskLocals> {
        None
    }
}
