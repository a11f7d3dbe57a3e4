//! The queue between the thread that iterates over a caller's inputs and the run that sends them.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Instant,
};

use canary_core::evidence::Sample;
use pyo3::prelude::*;

use super::raised::lock;

/// Inputs that are read ahead.
const AHEAD: usize = 3;

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
    /// The task that waits for an input.
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
        lock(&self.inner)
    }

    /// The next input; at the end what the iterable raised, once, and then nothing.
    ///
    /// A closed queue stays pending, even at its end: a run that is being suspended must not take that for the end of
    /// its inputs.
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

    /// Ends the receiving: a thread that waits for room returns, and later calls return at once.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        let items = std::mem::take(&mut inner.items);
        drop(inner);
        drop(items);
        self.changed.notify_all();
    }

    /// Waits until the thread is outside, so long at most.
    pub(super) fn wait_until_left(&self, until: Instant) {
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
    pub(super) fn enter(&self) -> Option<Inside<'_>> {
        let mut inner = self.lock();
        if inner.closed {
            return None;
        }
        inner.inside += 1;
        Some(Inside(self))
    }

    /// Waits for room; `false` when the receiver is gone.
    pub(super) fn wait_for_room(&self) -> bool {
        let mut inner = self.lock();
        while !inner.closed && inner.items.len() >= AHEAD {
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        !inner.closed
    }

    /// Puts an input at the end; `false` when the receiver is gone.
    pub(super) fn put(&self, sample: Sample) -> bool {
        let mut inner = self.lock();
        if inner.closed {
            return false;
        }
        inner.items.push_back(sample);
        Self::wake(inner);
        true
    }

    /// No input follows.
    pub(crate) fn end(&self, error: Option<PyErr>) {
        let mut inner = self.lock();
        (inner.ended, inner.error) = (true, error);
        Self::wake(inner);
    }

    /// Wakes the task that waits for an input.
    fn wake(mut inner: MutexGuard<'_, Inner>) {
        let waiting = inner.waiting.take();
        drop(inner);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}

/// A call of the thread that is in progress.
pub(super) struct Inside<'a>(&'a Queue);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.lock().inside -= 1;
        self.0.changed.notify_all();
    }
}
