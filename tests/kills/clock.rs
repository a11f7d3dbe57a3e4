//! A clock that jumps to the next moment at which something happens, so that hours of a rollout take seconds.

use std::{
    collections::BTreeSet,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
    time::Duration,
};

use canary_core::{cluster::Clock, evidence::Timestamp};
use futures_util::future::BoxFuture;

/// Time that passes by [`Jumping::advance`] alone, and not at all for a process that is dead.
#[derive(Clone, Debug)]
pub(crate) struct Jumping(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    now: u64,
    /// When somebody who waits continues.
    wakes: BTreeSet<u64>,
    /// The waiting tasks; all are polled again at each jump.
    wakers: Vec<Waker>,
    dies_at: u64,
    dead: bool,
}

impl Jumping {
    pub(crate) fn new() -> Self {
        let (now, wakes) = (1_700_000_000_000, BTreeSet::new());
        Self(Arc::new(Mutex::new(Inner {
            now,
            wakes,
            wakers: Vec::new(),
            dies_at: u64::MAX,
            dead: false,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub(crate) fn millis(&self) -> u64 {
        self.lock().now
    }

    /// The process dies at a moment, if it lives until then.
    pub(crate) fn dies_at(&self, moment: u64) {
        let mut inner = self.lock();
        inner.dies_at = moment;
        inner.wakes.insert(moment);
    }

    /// Wakes the tasks that wait for that moment.
    pub(crate) fn wake_at(&self, moment: u64, context: &Context<'_>) {
        let mut inner = self.lock();
        inner.wakes.insert(moment);
        inner.wakers.push(context.waker().clone());
    }

    /// Jumps to the next moment at which something happens; `false` when nothing ever does.
    pub(crate) fn advance(&self) -> bool {
        let mut inner = self.lock();
        while let Some(moment) = inner.wakes.pop_first() {
            if moment > inner.now {
                inner.now = moment;
                inner.dead |= moment >= inner.dies_at;
                let wakers = std::mem::take(&mut inner.wakers);
                drop(inner);
                wakers.into_iter().for_each(Waker::wake);
                return true;
            }
        }
        false
    }

    /// The process dies: nothing of it continues.
    pub(crate) fn kill(&self) {
        self.lock().dead = true;
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.lock().dead
    }

    /// Another process begins, some time later.
    pub(crate) fn revive(&self, after: Duration) {
        let mut inner = self.lock();
        (inner.dead, inner.dies_at) = (false, u64::MAX);
        inner.wakes.clear();
        inner.wakers.clear();
        inner.now += u64::try_from(after.as_millis()).unwrap();
    }
}

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        Timestamp(self.millis())
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let until = self.millis() + u64::try_from(time.as_millis()).unwrap().max(1);
        Box::pin(Sleep { clock: self.clone(), until })
    }
}

struct Sleep {
    clock: Jumping,
    until: u64,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.clock.is_dead() {
            return Poll::Pending;
        }
        if self.clock.millis() >= self.until {
            return Poll::Ready(());
        }
        self.clock.wake_at(self.until, context);
        Poll::Pending
    }
}
