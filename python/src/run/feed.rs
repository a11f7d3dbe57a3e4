//! The threads and tasks that iterate over callers' inputs and observations.
//!
//! Such a thread is Python's own and daemonic (`canary/_inputs.py`): whatever the iterable waits for, the interpreter
//! can end. A thread that the interpreter ends must have no frame of Rust on its stack. So it calls Rust only to hand
//! over an item that has been read, and [`close_all`] ends these calls.

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

/// The queues whose threads may still run.
static OPEN: Mutex<Vec<Weak<dyn End>>> = Mutex::new(Vec::new());

/// `true` when the interpreter is exiting, and no thread may begin.
static EXITING: AtomicBool = AtomicBool::new(false);

/// The end of a queue that a thread may wait at.
trait End: Send + Sync {
    fn close(&self);
    fn wait_until_left(&self, until: Instant);
}

impl<T: Send> End for Queue<T> {
    fn close(&self) {
        Self::close(self);
    }

    fn wait_until_left(&self, until: Instant) {
        Self::wait_until_left(self, until);
    }
}

/// The receiver of the items of an iterable.
trait Sink: Send + Sync {
    /// Takes an item in, as soon as there is room where it may `wait`. `false` when no more are wanted, and `None` when
    /// there is no room.
    fn take(&self, item: &Bound<'_, PyAny>, wait: bool) -> PyResult<Option<bool>>;

    /// No item follows; `error` is what the iterable raised, if it did.
    fn end(&self, error: Option<PyErr>);
}

/// A queue, and how an item of the caller's becomes one of its own.
struct Converted<T, F> {
    queue: Arc<Queue<T>>,
    convert: F,
    /// The number of the next item.
    number: AtomicUsize,
}

impl<T, F> Sink for Converted<T, F>
where
    T: Send,
    F: Fn(&Bound<'_, PyAny>, usize) -> PyResult<T> + Send + Sync,
{
    fn take(&self, item: &Bound<'_, PyAny>, wait: bool) -> PyResult<Option<bool>> {
        let Some(_inside) = self.queue.enter() else { return Ok(Some(false)) };
        if !wait && self.queue.is_full() {
            return Ok(None);
        }
        if wait && !item.py().detach(|| self.queue.wait_for_room()) {
            return Ok(Some(false));
        }
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        Ok(Some(self.queue.put((self.convert)(item, number)?)))
    }

    fn end(&self, error: Option<PyErr>) {
        self.queue.end(error);
    }
}

/// The iterating end of a queue.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Feed(Box<dyn Sink>);

impl Feed {
    /// The feed of a queue. The items are numbered from `number`, for `convert`.
    fn new<T, F>(queue: &Arc<Queue<T>>, number: usize, convert: F) -> PyResult<Self>
    where
        T: Send + 'static,
        F: Fn(&Bound<'_, PyAny>, usize) -> PyResult<T> + Send + Sync + 'static,
    {
        let mut open = lock(&OPEN);
        if EXITING.load(Ordering::Relaxed) {
            return Err(PyRuntimeError::new_err("the interpreter ends"));
        }
        open.retain(|queue| queue.strong_count() > 0);
        let end: Arc<dyn End> = Arc::<Queue<T>>::clone(queue);
        open.push(Arc::downgrade(&end));
        drop(open);
        let queue = Arc::clone(queue);
        Ok(Self(Box::new(Converted { queue, convert, number: AtomicUsize::new(number) })))
    }

    /// Begins to iterate in a thread.
    pub(crate) fn start<T, F>(
        items: &Bound<'_, PyAny>,
        queue: &Arc<Queue<T>>,
        number: usize,
        convert: F,
    ) -> PyResult<()>
    where
        T: Send + 'static,
        F: Fn(&Bound<'_, PyAny>, usize) -> PyResult<T> + Send + Sync + 'static,
    {
        let feed = Self::new(queue, number, convert)?;
        items.py().import("canary._inputs")?.call_method1("start", (items, feed)).map(drop)
    }

    /// Begins to iterate over an async iterator: on that event loop, or on one of its own in a thread. Gives the
    /// function that cancels it.
    pub(crate) fn start_async<T, F>(
        items: &Bound<'_, PyAny>,
        queue: &Arc<Queue<T>>,
        event_loop: Option<&Py<PyAny>>,
        convert: F,
    ) -> PyResult<Py<PyAny>>
    where
        T: Send + 'static,
        F: Fn(&Bound<'_, PyAny>, usize) -> PyResult<T> + Send + Sync + 'static,
    {
        let feed = Self::new(queue, 0, convert)?;
        let module = items.py().import("canary._inputs")?;
        module.call_method1("start_async", (items, feed, event_loop)).map(Bound::unbind)
    }
}

#[pymethods]
impl Feed {
    /// Takes an item in as soon as there is room; `false` when no more are wanted.
    fn push(&self, item: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.0.take(item, true)?.unwrap_or(false))
    }

    /// Takes an item in; `false` when no more are wanted, and `None` when there is no room.
    fn offer(&self, item: &Bound<'_, PyAny>) -> PyResult<Option<bool>> {
        self.0.take(item, false)
    }

    /// No item follows; `error` is what the iterable raised, if it did.
    fn end(&self, error: Option<Bound<'_, PyBaseException>>) {
        self.0.end(error.map(|error| PyErr::from_value(error.into_any())));
    }
}

/// Ends the reading of inputs when the interpreter ends, and waits for the threads no longer than that.
pub(crate) fn close_all(py: Python<'_>, time: Duration) {
    let mut open = lock(&OPEN);
    EXITING.store(true, Ordering::Relaxed);
    let queues: Vec<Arc<dyn End>> = open.drain(..).filter_map(|queue| queue.upgrade()).collect();
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
