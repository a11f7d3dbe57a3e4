//! Results in the order in which the requests were sent, independently of the order in which they ended.
//!
//! A slow request ends after a quick one that was sent later. If results were judged as they end, the quick responses
//! of a new weight would come first while the timeouts are still missing, so a canary that times out would look healthy
//! until its timeouts expire. Here no result is released before every request that was sent earlier has ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::Timestamp;

/// When the request was sent, and its number among those sent at that moment.
type Key = (Timestamp, u64);

/// The queue in which results wait for earlier requests. Clones share it.
#[derive(Debug)]
pub(super) struct Order<T>(Arc<Mutex<Queue<T>>>);

#[derive(Debug)]
struct Queue<T> {
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
        Self(Arc::new(Mutex::new(Queue { under_way, ended, next: 0, over: false, waker: None })))
    }
}

impl<T> Order<T> {
    /// A request that was sent at that moment; nothing sent later is released before it has ended.
    pub(super) fn begin(&self, at: Timestamp) -> Place<T> {
        let mut queue = self.lock();
        self.place(&mut queue, at)
    }

    /// A request that is sent now. No other request can get an earlier place in the meantime.
    pub(super) fn begin_now(&self) -> Place<T> {
        let mut queue = self.lock();
        let now = Timestamp::now();
        self.place(&mut queue, now)
    }

    /// Adds the result of a request that has ended already.
    pub(super) fn add(&self, at: Timestamp, seen: T) {
        self.begin(at).end(seen);
    }

    /// Ends the queue: nothing more is sent.
    pub(super) fn finish(&self) {
        self.change(|queue| queue.over = true);
    }

    /// The number of results that wait for earlier ones.
    pub(super) fn waiting(&self) -> usize {
        self.lock().ended.len()
    }

    /// Drops the waiting results that `kept` refuses.
    pub(super) fn retain(&self, mut kept: impl FnMut(&T) -> bool) {
        let mut forgotten = BTreeMap::new();
        self.change(|queue| {
            let all = std::mem::take(&mut queue.ended).into_iter();
            (queue.ended, forgotten) = all.partition(|(_, seen)| kept(seen));
        });
        // Outside the lock: dropping results may wake others.
        drop(forgotten);
    }

    /// The earliest result, once everything sent before it has ended; the end when nothing can follow.
    pub(super) fn poll_next(&self, context: &Context<'_>) -> Poll<Option<(Timestamp, T)>> {
        let mut queue = self.lock();
        let first = queue.ended.first_key_value().map(|(key, _)| *key);
        let earlier = queue.under_way.first().copied();
        if first.is_some_and(|first| earlier.is_none_or(|earlier| first < earlier)) {
            return Poll::Ready(queue.ended.pop_first().map(|((at, _), seen)| (at, seen)));
        }
        if queue.over && earlier.is_none() {
            return Poll::Ready(None);
        }
        queue.waker = Some(context.waker().clone());
        Poll::Pending
    }

    fn place(&self, queue: &mut Queue<T>, at: Timestamp) -> Place<T> {
        let key = (at, queue.next);
        queue.next += 1;
        queue.under_way.insert(key);
        Place { order: self.clone(), key, open: true }
    }

    /// Changes the queue and wakes its reader, once it is unlocked.
    fn change(&self, change: impl FnOnce(&mut Queue<T>)) {
        let mut queue = self.lock();
        change(&mut queue);
        let waker = queue.waker.take();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a request that is under way. Dropping it withdraws the request, and others no longer wait for it.
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

    /// Gives the result of the request.
    pub(super) fn end(mut self, seen: T) {
        self.open = false;
        let key = self.key;
        self.order.change(|queue| {
            queue.under_way.remove(&key);
            queue.ended.insert(key, seen);
        });
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        if self.open {
            let key = self.key;
            self.order.change(|queue| {
                queue.under_way.remove(&key);
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
