//! Traffic that follows the weights in the store, and a clock that jumps to the end of each wait.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use futures_util::{
    StreamExt,
    future::{BoxFuture, poll_immediate},
};

use super::{
    super::{Clock, Driver, Progress, Run},
    store::Store,
};
use crate::{
    Plan, Result, Verdict,
    evidence::{
        Answer, Arm, Kind, Observation, Observations, Pair, Request, Seen, Source, Timestamp,
    },
};

/// Time passes only by waiting, and not at all once the process is dead.
#[derive(Clone, Default)]
pub(super) struct Jumping(pub(super) Arc<AtomicU64>, Arc<AtomicBool>);

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000 + self.0.load(Ordering::Relaxed))
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let Self(clock, dead) = self.clone();
        let millis = u64::try_from(time.as_millis()).unwrap();
        Box::pin(async move {
            if dead.load(Ordering::Relaxed) {
                return std::future::pending().await;
            }
            clock.fetch_add(millis, Ordering::Relaxed);
        })
    }
}

/// A clock that jumps only when it was asked for long enough, so that the driver reports its ticks while it waits.
#[derive(Clone, Default)]
pub(super) struct Patient(Jumping);

impl Patient {
    /// The number of polls before a wait is over: more than the number of reads of a source between two ticks.
    const POLLS: u32 = 200;
    /// The driver's tick is not a wait for the cluster.
    const TICK: Duration = Duration::from_millis(500);
}

impl Clock for Patient {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let sleep = self.0.sleep(time);
        let mut left = if time == Self::TICK { 0 } else { Self::POLLS };
        Box::pin(async move {
            std::future::poll_fn(|context| {
                left = left.saturating_sub(1);
                context.waker().wake_by_ref();
                if left == 0 { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            sleep.await;
        })
    }
}

impl Jumping {
    /// The milliseconds that have passed.
    pub(super) fn passed(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The quality of the canary.
#[derive(Clone, Copy, Debug)]
pub(super) struct Canary {
    /// The number of failures of the canary in 1000 requests; the stable subset has 10.
    pub(super) failures: u64,
    /// The number of pairs that agree in 1000.
    pub(super) agrees: u64,
    /// Observations before the source has nothing more to say.
    pub(super) observations: u64,
}

pub(super) const GOOD: Canary = Canary { failures: 10, agrees: 990, observations: u64::MAX };
pub(super) const FAILING: Canary = Canary { failures: 200, ..GOOD };
pub(super) const WRONG: Canary = Canary { agrees: 700, ..GOOD };

/// Every observation is a function of its number and of the weight in force, so a repeated one is the same.
pub(super) struct Traffic {
    pub(super) store: Store,
    pub(super) canary: Canary,
    /// The stream hangs at this observation, as when the process is killed there.
    pub(super) hangs_at: u64,
    pub(super) next: u64,
    /// Set when it hangs.
    pub(super) dead: Arc<AtomicBool>,
}

/// A pseudo-random number from 0 to 999.
fn dice(number: u64, salt: u64) -> u64 {
    Pair::digest(&(number ^ (salt << 40)).to_le_bytes()) % 1000
}

impl Source for Traffic {
    fn name(&self) -> &'static str {
        "traffic"
    }

    fn provides(&self) -> Vec<Kind> {
        vec![Kind::Requests, Kind::Pairs]
    }

    fn observations(mut self: Box<Self>, after: Option<u64>) -> Observations {
        self.next = after.map_or(0, |after| after + 1);
        Box::pin(*self)
    }
}

impl Stream for Traffic {
    type Item = Result<Observation>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let number = self.next;
        if number >= self.hangs_at {
            self.dead.store(true, Ordering::Relaxed);
            return Poll::Pending;
        }
        if number >= self.canary.observations {
            return Poll::Ready(None);
        }
        self.next += 1;
        let per_mille = self.store.canary_weight().thousandths() / 100;
        let what = if number.is_multiple_of(4) {
            let class = if dice(number, 1) < self.canary.agrees { "cat" } else { "dog" };
            let (stable, canary) = (Answer::new("cat", None), Answer::new(class, None));
            Seen::Pair(Pair { input: Some(number / 8), name: None, stable, canary, label: None })
        } else {
            let by_canary = dice(number, 2) < per_mille;
            let failures = if by_canary { self.canary.failures } else { 10 };
            let arm = if by_canary { Arm::Canary } else { Arm::Stable };
            let failed = dice(number, 3) < failures;
            Seen::Request(Request { failed, ..Request::served(arm, None) })
        };
        let (source, at) = ("traffic".into(), Timestamp(u64::MAX));
        Poll::Ready(Some(Ok(Observation { source, sequence: Some(number), at, what })))
    }
}

pub(super) fn driver(plan: &Plan, store: &Store, canary: Canary, hangs_at: u64) -> Driver<Store> {
    let clock = Jumping::default();
    let dead = Arc::clone(&clock.1);
    Driver::new(store.clone(), plan.clone())
        .unwrap()
        .source(Traffic { store: store.clone(), canary, hangs_at, next: 0, dead })
        .probe(|| async { Ok(()) })
        .clock(clock)
        .holder("test")
        .save_every(Duration::from_secs(2))
}

/// The same with its clock, which a long wait crosses in few ticks.
pub(super) fn keeping(plan: &Plan, store: &Store, canary: Canary) -> (Driver<Store>, Jumping) {
    let clock = Jumping::default();
    let driver = driver(plan, store, canary, u64::MAX).tick(Duration::from_secs(10));
    (driver.clock(clock.clone()), clock)
}

/// Runs to the end; `None` when the driver hangs and is killed.
pub(super) async fn finish(driver: Driver<Store>) -> Option<Result<Verdict>> {
    let mut start = Box::pin(driver.start());
    let (mut run, _control) = match poll_immediate(&mut start).await {
        Some(Ok(started)) => started,
        Some(Err(error)) => return Some(Err(error)),
        None => return None,
    };
    to_the_end(&mut run).await
}

pub(super) async fn to_the_end(run: &mut Run) -> Option<Result<Verdict>> {
    loop {
        // The driver yields from time to time; it is killed only when it hangs.
        let mut next = run.next();
        let mut polled = poll_immediate(&mut next).await;
        for _ in 0..1_000 {
            if polled.is_some() {
                break;
            }
            polled = poll_immediate(&mut next).await;
        }
        match polled {
            Some(Some(Ok(Progress::Finished { verdict, .. }))) => return Some(Ok(verdict)),
            Some(Some(Ok(_))) => {}
            Some(Some(Err(error))) => return Some(Err(error)),
            Some(None) => panic!("the stream ended without a verdict"),
            None => return None,
        }
    }
}
