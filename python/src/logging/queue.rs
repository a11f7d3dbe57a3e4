//! The queue between the threads where events happen and the one that delivers them.

use std::{
    cell::Cell,
    collections::VecDeque,
    sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;

use super::event::Event;

/// The number of events that may wait; twice as many from the level of information on.
const ROOM: usize = 8192;

/// The queue of this process.
static QUEUE: LazyLock<ArcSwap<Queue>> = LazyLock::new(|| ArcSwap::from_pointee(Queue::default()));

/// The queue of this process.
pub(super) fn queue() -> Arc<Queue> {
    QUEUE.load_full()
}

/// Gives the child of a fork a queue of its own: that of the parent may be locked by a thread that the child lacks, and its
/// events are the parent's, which delivers them.
pub(super) fn begin_anew() {
    QUEUE.store(Arc::new(Queue::default()));
    DELIVERS.set(false);
}

thread_local! {
    /// `true` while this thread is in a handler: what that causes is not told, or each record would cause another.
    static DELIVERS: Cell<bool> = const { Cell::new(false) };
}

/// Events in their order, taken out by one thread at a time.
///
/// The holder of the lock never waits for the GIL.
#[derive(Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    /// Notified when an event comes, when a delivery ends, and at the end.
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    events: VecDeque<Event>,
    /// The events for which there was no room since that was last told.
    dropped: u64,
    /// The thread that delivers.
    delivering: Option<ThreadId>,
    /// The calls that wait to deliver before they return; the thread of deliveries lets them go first.
    wanted: usize,
    /// The calls that wait for their result, and deliver now and then: the thread of deliveries leaves it to them.
    callers: usize,
    /// The calls that run Python's code for `logging`, which the end of the interpreter waits for.
    visits: usize,
    /// `true` while the thread of deliveries is in here.
    inside: bool,
    closed: bool,
}

/// The condition that the thread of deliveries waits for.
pub(super) enum Next {
    Event(Box<Event>),
    /// Nothing has come for so long.
    Pulse,
    Closed,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&'a self, inner: MutexGuard<'a, Inner>, time: Duration) -> MutexGuard<'a, Inner> {
        self.changed.wait_timeout(inner, time).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Puts an event at the end. It never waits for a handler.
    pub(super) fn put(&self, event: Event) {
        if DELIVERS.get() {
            return;
        }
        let room = if event.level <= tracing::Level::INFO { 2 * ROOM } else { ROOM };
        let mut inner = self.lock();
        if inner.closed {
            return;
        }
        if inner.events.len() >= room {
            inner.dropped += 1;
            return;
        }
        let lost = inner.take_dropped();
        inner.events.extend(lost);
        inner.events.push_back(event);
        drop(inner);
        self.changed.notify_all();
    }

    /// Returns `true` when there is nothing to deliver and nobody delivers.
    pub(super) fn is_idle(&self) -> bool {
        let inner = self.lock();
        inner.events.is_empty() && inner.dropped == 0 && inner.delivering.is_none()
    }

    /// Begins a call that delivers by itself.
    pub(super) fn attend(self: &Arc<Self>) -> Attended {
        self.lock().callers += 1;
        Attended(Arc::clone(self))
    }

    /// Begins to run Python's code for `logging`; `None` once the interpreter ends.
    pub(super) fn visit(self: &Arc<Self>) -> Option<Visit> {
        let mut inner = self.lock();
        if inner.closed {
            return None;
        }
        inner.visits += 1;
        Some(Visit(Arc::clone(self)))
    }

    /// Becomes the one that delivers, if nobody else does or stops within that time. `None` also within a handler.
    pub(super) fn begin(self: &Arc<Self>, within: Duration) -> Option<Delivery> {
        if DELIVERS.get() {
            return None;
        }
        let until = Instant::now() + within;
        let mut inner = self.lock();
        inner.wanted += 1;
        while inner.delivering.is_some() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            inner = self.wait(inner, left);
        }
        inner.wanted -= 1;
        if inner.delivering.is_some() {
            return None;
        }
        inner.delivering = Some(thread::current().id());
        DELIVERS.set(true);
        // What comes during the delivery waits for the next one, so that this one ends.
        let left = inner.events.len() + usize::from(inner.dropped > 0);
        Some(Delivery { queue: Arc::clone(self), left })
    }

    /// Ends the delivery of the event before, and waits for the next; for `pulse` at most, where that gives a time.
    pub(super) fn next(&self, pulse: impl Fn() -> Option<Duration>) -> Next {
        let me = thread::current().id();
        let mut inner = self.lock();
        if inner.delivering == Some(me) {
            inner.delivering = None;
            DELIVERS.set(false);
            self.changed.notify_all();
        }
        inner.inside = true;
        loop {
            if inner.closed {
                return Next::Closed;
            }
            if inner.delivering.is_none()
                && (inner.wanted, inner.callers) == (0, 0)
                && let Some(event) = inner.pop()
            {
                inner.delivering = Some(me);
                DELIVERS.set(true);
                return Next::Event(Box::new(event));
            }
            let Some(time) = pulse() else {
                inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let waited = self.changed.wait_timeout(inner, time);
            let (locked, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            inner = locked;
            if waited.timed_out() {
                return Next::Pulse;
            }
        }
    }

    /// The thread of deliveries goes back to Python.
    pub(super) fn leave(&self) {
        self.lock().inside = false;
        self.changed.notify_all();
    }

    /// Wakes the thread of deliveries, so that it looks at the pulse again.
    pub(super) fn wake(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }

    /// Takes no more events, and waits until no other thread runs Python's code from here, so long at most: one that is
    /// still on its way when the interpreter ends would abort the process.
    pub(super) fn close(&self, within: Duration) {
        let until = Instant::now() + within;
        let mut inner = self.lock();
        inner.closed = true;
        self.changed.notify_all();
        while inner.inside || inner.visits > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            inner = self.wait(inner, left);
        }
    }
}

impl Inner {
    /// The next event; after the last one, that some were dropped.
    fn pop(&mut self) -> Option<Event> {
        self.events.pop_front().or_else(|| self.take_dropped())
    }

    fn take_dropped(&mut self) -> Option<Event> {
        match std::mem::take(&mut self.dropped) {
            0 => None,
            dropped => Some(Event::dropped(dropped)),
        }
    }
}

/// A call that delivers by itself.
pub(super) struct Attended(Arc<Queue>);

impl Drop for Attended {
    fn drop(&mut self) {
        self.0.lock().callers -= 1;
        self.0.changed.notify_all();
    }
}

/// A call that runs Python's code for `logging`.
pub(super) struct Visit(Arc<Queue>);

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.lock().visits -= 1;
        self.0.changed.notify_all();
    }
}

/// A delivery by one thread, which ends when this is dropped.
pub(super) struct Delivery {
    queue: Arc<Queue>,
    left: usize,
}

impl Delivery {
    /// The next event of those that were there at the beginning.
    pub(super) fn next(&mut self) -> Option<Event> {
        self.left = self.left.checked_sub(1)?;
        self.queue.lock().pop()
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.queue.lock().delivering = None;
        DELIVERS.set(false);
        self.queue.changed.notify_all();
    }
}
