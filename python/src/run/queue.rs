//! The queue between what iterates over a caller's inputs or observations and the run that takes them.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Instant,
};

use pyo3::prelude::*;

use super::raised::lock;

/// A bounded queue of items with a thread at one end and a task at the other.
pub(crate) struct Queue<T> {
    /// The items that are read ahead.
    ahead: usize,
    inner: Mutex<Inner<T>>,
    /// Notified when there is room, when the receiver is gone, and when the thread ends.
    changed: Condvar,
}

struct Inner<T> {
    items: VecDeque<T>,
    /// The task that waits for an item.
    waiting: Option<Waker>,
    /// `true` when no input follows, with the exception of the iterable if it did not end by itself.
    ended: bool,
    error: Option<PyErr>,
    /// `true` when the receiver is gone.
    closed: bool,
    /// Calls of the thread that are in here.
    inside: usize,
}

impl<T> Queue<T> {
    /// A queue with room for so many items.
    pub(crate) fn new(ahead: usize) -> Self {
        let inner = Inner {
            items: VecDeque::new(),
            waiting: None,
            ended: false,
            error: None,
            closed: false,
            inside: 0,
        };
        Self { ahead, inner: Mutex::new(inner), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        lock(&self.inner)
    }

    /// The next item; at the end what the iterable raised, once, and then nothing.
    ///
    /// A closed queue stays pending, even at its end: a run that is being suspended must not take that for the end of
    /// its inputs.
    pub(crate) fn next(&self, context: &mut Context<'_>) -> Poll<Option<Result<T, PyErr>>> {
        let mut inner = self.lock();
        if let Some(item) = inner.items.pop_front() {
            drop(inner);
            self.changed.notify_all();
            return Poll::Ready(Some(Ok(item)));
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
    pub(super) fn enter(&self) -> Option<Inside<'_, T>> {
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
        while !inner.closed && inner.items.len() >= self.ahead {
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        !inner.closed
    }

    /// Returns `true` when an item would have to wait for room.
    pub(super) fn is_full(&self) -> bool {
        self.lock().items.len() >= self.ahead
    }

    /// Puts an item at the end; `false` when the receiver is gone.
    pub(super) fn put(&self, item: T) -> bool {
        let mut inner = self.lock();
        if inner.closed {
            return false;
        }
        inner.items.push_back(item);
        Self::wake(inner);
        true
    }

    /// No input follows.
    pub(crate) fn end(&self, error: Option<PyErr>) {
        let mut inner = self.lock();
        (inner.ended, inner.error) = (true, error);
        Self::wake(inner);
    }

    /// Wakes the task that waits for an item.
    fn wake(mut inner: MutexGuard<'_, Inner<T>>) {
        let waiting = inner.waiting.take();
        drop(inner);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}

/// A call of the thread that is in progress.
pub(super) struct Inside<'a, T>(&'a Queue<T>);

impl<T> Drop for Inside<'_, T> {
    fn drop(&mut self) {
        self.0.lock().inside -= 1;
        self.0.changed.notify_all();
    }
}
