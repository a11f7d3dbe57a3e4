//! The threads that iterate over callers' inputs.
//!
//! Such a thread is Python's own and daemonic (`canary/_inputs.py`): whatever the iterable waits for, the interpreter
//! can end. A thread that the interpreter ends must have no frame of Rust on its stack. So it calls Rust only to hand
//! over an input that has been read, and [`close_all`] ends these calls.

use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use pyo3::{
    exceptions::{PyBaseException, PyRuntimeError},
    prelude::*,
};

use super::{queue::Queue, raised::lock};
use crate::input;

/// The queues whose threads may still run.
static OPEN: Mutex<Vec<Weak<Queue>>> = Mutex::new(Vec::new());

/// `true` when the interpreter is exiting, and no thread may begin.
static EXITING: AtomicBool = AtomicBool::new(false);

/// The thread's end of a queue.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Feed {
    queue: Arc<Queue>,
    /// `true` when answers are compared in pairs, so that an input may be no batch.
    pairs: bool,
    /// The number of the next input.
    number: AtomicUsize,
}

impl Feed {
    /// Begins to iterate in a thread; the inputs are numbered from `number`.
    pub(crate) fn start(
        items: &Bound<'_, PyAny>,
        queue: &Arc<Queue>,
        pairs: bool,
        number: usize,
    ) -> PyResult<()> {
        let py = items.py();
        let mut open = lock(&OPEN);
        if EXITING.load(Ordering::Relaxed) {
            return Err(PyRuntimeError::new_err("the interpreter ends"));
        }
        open.retain(|queue| queue.strong_count() > 0);
        open.push(Arc::downgrade(queue));
        drop(open);
        let feed = Self { queue: Arc::clone(queue), pairs, number: AtomicUsize::new(number) };
        py.import("canary._inputs")?.call_method1("start", (items, feed)).map(drop)
    }
}

#[pymethods]
impl Feed {
    /// Takes an input in as soon as there is room; `false` when no more are wanted.
    fn push(&self, item: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Some(_inside) = self.queue.enter() else { return Ok(false) };
        if !item.py().detach(|| self.queue.wait_for_room()) {
            return Ok(false);
        }
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        Ok(self.queue.put(input::sample(item, number, self.pairs)?))
    }

    /// No input follows; `error` is what the iterable raised, if it did.
    fn end(&self, error: Option<Bound<'_, PyBaseException>>) {
        self.queue.end(error.map(|error| PyErr::from_value(error.into_any())));
    }
}

/// Ends the reading of inputs when the interpreter ends, and waits for the threads no longer than that.
pub(crate) fn close_all(py: Python<'_>, time: Duration) {
    let mut open = lock(&OPEN);
    EXITING.store(true, Ordering::Relaxed);
    let queues: Vec<Arc<Queue>> = open.drain(..).filter_map(|queue| queue.upgrade()).collect();
    drop(open);
    py.detach(|| {
        let until = Instant::now() + time;
        for queue in &queues {
            queue.close();
        }
        for queue in &queues {
            queue.wait_until_left(until);
        }
    });
}
