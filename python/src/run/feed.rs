//! The queue between the thread that iterates over a caller's inputs and the run that sends them.
//!
//! The thread is Python's own and daemonic (`canary/_inputs.py`): whatever the iterable waits for, the interpreter can
//! end. A thread that the interpreter ends must have no frame of Rust on its stack, so it is in here for no longer than
//! an input takes to be read and to find room, and [`close_all`] has it leave.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use canary_core::evidence::Sample;
use pyo3::{
    exceptions::{PyBaseException, PyRuntimeError},
    prelude::*,
};

use crate::given;

/// Inputs that are read ahead.
const AHEAD: usize = 3;

/// The queues whose threads may still run.
static OPEN: Mutex<Vec<Weak<Queue>>> = Mutex::new(Vec::new());

/// `true` when the interpreter is exiting, and no thread may begin.
static EXITING: AtomicBool = AtomicBool::new(false);

/// A bounded queue of inputs with a thread at one end and a task at the other.
#[derive(Default)]
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    /// Notified when there is room, when the receiver is gone, and when the thread ends.
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    items: VecDeque<Sample>,
    /// Whoever waits for an input.
    waiting: Option<Waker>,
    /// `true` when no input follows, with the exception of the iterable if it did not end by itself.
    ended: bool,
    error: Option<PyErr>,
    /// `true` when the receiver is gone.
    closed: bool,
    /// Calls of the thread that are in here.
    inside: usize,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next input; at the end what the iterable raised, once, and then nothing.
    ///
    /// Of a closed queue nothing is ready any more, not even the end: a run that is being suspended must not take it
    /// for the end of its inputs.
    pub(crate) fn next(&self, context: &mut Context<'_>) -> Poll<Option<Result<Sample, PyErr>>> {
        let mut inner = self.lock();
        if let Some(sample) = inner.items.pop_front() {
            drop(inner);
            self.changed.notify_all();
            return Poll::Ready(Some(Ok(sample)));
        }
        if let Some(error) = inner.error.take() {
            return Poll::Ready(Some(Err(error)));
        }
        if inner.ended {
            return Poll::Ready(None);
        }
        inner.waiting = Some(context.waker().clone());
        Poll::Pending
    }

    /// Nobody takes any more: a thread that waits for room leaves, and one that comes is sent away.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        let items = std::mem::take(&mut inner.items);
        drop(inner);
        drop(items);
        self.changed.notify_all();
    }

    /// Waits until the thread is outside, so long at most.
    fn wait_until_left(&self, until: Instant) {
        let mut inner = self.lock();
        while inner.inside > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(inner, left);
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Lets the thread in; `None` when the receiver is gone.
    fn enter(&self) -> Option<Inside<'_>> {
        let mut inner = self.lock();
        if inner.closed {
            return None;
        }
        inner.inside += 1;
        Some(Inside(self))
    }

    /// Waits for room; whether there is somebody who takes.
    fn wait_for_room(&self) -> bool {
        let mut inner = self.lock();
        while !inner.closed && inner.items.len() >= AHEAD {
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        !inner.closed
    }

    /// Puts an input at the end; whether there is somebody who takes.
    fn put(&self, sample: Sample) -> bool {
        let mut inner = self.lock();
        if inner.closed {
            return false;
        }
        inner.items.push_back(sample);
        let waiting = inner.waiting.take();
        drop(inner);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
        true
    }

    /// No input follows.
    pub(crate) fn end(&self, error: Option<PyErr>) {
        let mut inner = self.lock();
        (inner.ended, inner.error) = (true, error);
        let waiting = inner.waiting.take();
        drop(inner);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}

/// The thread is in here.
struct Inside<'a>(&'a Queue);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.lock().inside -= 1;
        self.0.changed.notify_all();
    }
}

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
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
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
    /// Takes an input in as soon as there is room; whether more are wanted.
    fn push(&self, item: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Some(_inside) = self.queue.enter() else { return Ok(false) };
        if !item.py().detach(|| self.queue.wait_for_room()) {
            return Ok(false);
        }
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        Ok(self.queue.put(given::sample(item, number, self.pairs)?))
    }

    /// No input follows; `error` is what the iterable raised, if it did.
    fn end(&self, error: Option<Bound<'_, PyBaseException>>) {
        self.queue.end(error.map(|error| PyErr::from_value(error.into_any())));
    }
}

/// Has every thread leave at the end of the interpreter, and waits for that so long at most.
pub(crate) fn close_all(py: Python<'_>, time: Duration) {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
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
