//! The one door out of the interpreter: releases the GIL, answers Ctrl-C, works inside a running loop.

use std::{future::Future, pin::pin, sync::OnceLock, time::Duration};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use tokio::runtime::{Builder, Runtime};

use crate::error::to_py;

/// How long Ctrl-C waits for an answer at most.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(25);

/// The process's runtime; made at the first call that needs it.
pub(crate) fn runtime() -> PyResult<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let runtime = Builder::new_multi_thread().thread_name("canary").enable_all().build().map_err(
        |error| PyRuntimeError::new_err(format!("cannot start worker threads: {error}")),
    )?;
    Ok(RUNTIME.get_or_init(|| runtime))
}

/// Runs a future to its end with the GIL released; Ctrl-C drops it and raises `KeyboardInterrupt`.
pub(crate) fn block_on<T, F>(py: Python<'_>, future: F) -> PyResult<T>
where
    T: Send,
    F: Future<Output = canary_core::Result<T>> + Send,
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
