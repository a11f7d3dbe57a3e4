//! Results in the order in which the requests were sent, whatever the order in which they ended.
//!
//! A slow request ends after a quick one that was sent later. Judged as they end, the quick responses of a new weight
//! come first and the timeouts are still missing, so a canary that times out looks well for as long as a request takes.
//! Here nothing is released before every request that was sent earlier has ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::Timestamp;

/// When the request was sent, and its number among those sent at that moment.
type Key = (Timestamp, u64);

/// The line in which what was seen waits for earlier requests. Its clones are the same line.
#[derive(Debug)]
pub(super) struct Order<T>(Arc<Mutex<Line<T>>>);

#[derive(Debug)]
struct Line<T> {
    /// Requests that were sent and have not ended.
    under_way: BTreeSet<Key>,
    /// The results of those that have ended.
    ended: BTreeMap<Key, T>,
    next: u64,
    /// `true` when nothing more is sent.
    over: bool,
    waker: Option<Waker>,
}

impl<T> Clone for Order<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Order<T> {
    fn default() -> Self {
        let (under_way, ended) = (BTreeSet::new(), BTreeMap::new());
        Self(Arc::new(Mutex::new(Line { under_way, ended, next: 0, over: false, waker: None })))
    }
}

impl<T> Order<T> {
    /// A request that was sent at that moment; nothing sent later is released before it has ended.
    pub(super) fn begin(&self, at: Timestamp) -> Place<T> {
        let mut line = self.lock();
        self.place(&mut line, at)
    }

    /// A request that is sent now. No other can take a place before it meanwhile.
    pub(super) fn begin_now(&self) -> Place<T> {
        let mut line = self.lock();
        let now = Timestamp::now();
        self.place(&mut line, now)
    }

    /// Takes in what has been seen already.
    pub(super) fn add(&self, at: Timestamp, seen: T) {
        self.begin(at).end(seen);
    }

    /// Says that nothing more is sent: the line ends with what is in it.
    pub(super) fn finish(&self) {
        self.change(|line| line.over = true);
    }

    /// The number of results that wait for earlier ones.
    pub(super) fn waiting(&self) -> usize {
        self.lock().ended.len()
    }

    /// Forgets what waits, except what is to be kept.
    pub(super) fn retain(&self, mut kept: impl FnMut(&T) -> bool) {
        let mut forgotten = BTreeMap::new();
        self.change(|line| {
            let all = std::mem::take(&mut line.ended).into_iter();
            (line.ended, forgotten) = all.partition(|(_, seen)| kept(seen));
        });
        // Outside the lock: what is dropped may wake others.
        drop(forgotten);
    }

    /// The earliest of what has ended, once everything sent before it has ended too; the end when nothing can follow.
    pub(super) fn poll_next(&self, context: &Context<'_>) -> Poll<Option<(Timestamp, T)>> {
        let mut line = self.lock();
        let first = line.ended.first_key_value().map(|(key, _)| *key);
        let earlier = line.under_way.first().copied();
        if first.is_some_and(|first| earlier.is_none_or(|earlier| first < earlier)) {
            return Poll::Ready(line.ended.pop_first().map(|((at, _), seen)| (at, seen)));
        }
        if line.over && earlier.is_none() {
            return Poll::Ready(None);
        }
        line.waker = Some(context.waker().clone());
        Poll::Pending
    }

    fn place(&self, line: &mut Line<T>, at: Timestamp) -> Place<T> {
        let key = (at, line.next);
        line.next += 1;
        line.under_way.insert(key);
        Place { order: self.clone(), key, open: true }
    }

    /// Changes the line and wakes whoever waits for it, once it is unlocked.
    fn change(&self, change: impl FnOnce(&mut Line<T>)) {
        let mut line = self.lock();
        change(&mut line);
        let waker = line.waker.take();
        drop(line);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Line<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a request that is under way. Dropped, it is given up, and others wait for it no longer.
#[derive(Debug)]
pub(super) struct Place<T> {
    order: Order<T>,
    key: Key,
    open: bool,
}

impl<T> Place<T> {
    /// When the request was sent.
    pub(super) fn at(&self) -> Timestamp {
        self.key.0
    }

    /// Says what the request has shown.
    pub(super) fn end(mut self, seen: T) {
        self.open = false;
        let key = self.key;
        self.order.change(|line| {
            line.under_way.remove(&key);
            line.ended.insert(key, seen);
        });
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        if self.open {
            let key = self.key;
            self.order.change(|line| {
                line.under_way.remove(&key);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn next<T>(order: &Order<T>) -> Poll<Option<(Timestamp, T)>> {
        order.poll_next(&Context::from_waker(Waker::noop()))
    }

    #[test]
    fn nothing_is_released_before_what_was_sent_earlier_has_ended() {
        let order = Order::default();
        let slow = order.begin(Timestamp(1));
        let quick = order.begin(Timestamp(2));
        quick.end("quick");
        order.add(Timestamp(3), "known");
        assert!(next(&order).is_pending());
        // Earlier requests need not wait.
        order.add(Timestamp(0), "earliest");
        assert_eq!(next(&order), Poll::Ready(Some((Timestamp(0), "earliest"))));
        assert!(next(&order).is_pending());
        slow.end("slow");
        for (at, seen) in [(1, "slow"), (2, "quick"), (3, "known")] {
            assert_eq!(next(&order), Poll::Ready(Some((Timestamp(at), seen))));
        }
        assert!(next(&order).is_pending());
    }

    #[test]
    fn of_the_same_moment_the_first_is_the_first() {
        let order = Order::default();
        let (one, two) = (order.begin(Timestamp(7)), order.begin(Timestamp(7)));
        two.end(2);
        assert!(next(&order).is_pending());
        one.end(1);
        assert_eq!(next(&order), Poll::Ready(Some((Timestamp(7), 1))));
        assert_eq!(next(&order), Poll::Ready(Some((Timestamp(7), 2))));
    }

    #[test]
    fn a_place_that_is_given_up_holds_nothing_back_and_the_line_ends_after_the_last() {
        let order = Order::default();
        let given_up = order.begin(Timestamp(1));
        let last = order.begin(Timestamp(2));
        order.add(Timestamp(3), ());
        drop(given_up);
        assert!(next(&order).is_pending());
        order.finish();
        assert!(next(&order).is_pending(), "one is under way");
        drop(last);
        assert_eq!(next(&order), Poll::Ready(Some((Timestamp(3), ()))));
        assert_eq!(next(&order), Poll::Ready(None));
    }

    #[test]
    fn whoever_waits_is_woken() {
        struct Count(AtomicUsize);
        impl std::task::Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&count));
        let order = Order::default();
        let poll = || order.poll_next(&Context::from_waker(&waker));
        let (one, two) = (order.begin(Timestamp(1)), order.begin(Timestamp(2)));
        assert!(poll().is_pending());
        one.end(());
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        assert!(poll().is_ready() && poll().is_pending());
        drop(two);
        assert!(poll().is_pending());
        order.finish();
        assert_eq!(count.0.load(Ordering::SeqCst), 3);
    }
}
