//! A clock that runs twenty times as fast.

use std::time::{Duration, Instant};

use canary_core::{cluster::Clock, evidence::Timestamp};
use futures_util::future::BoxFuture;

/// The speed of the clock.
const SPEED: u32 = 20;

/// A clock that runs fast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fast {
    began: Instant,
    base: u64,
}

impl Fast {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), base: Timestamp::now().0 }
    }
}

impl Clock for Fast {
    fn now(&self) -> Timestamp {
        let passed = self.began.elapsed() * SPEED;
        Timestamp(self.base + u64::try_from(passed.as_millis()).unwrap())
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async move { tokio::time::sleep(time / SPEED).await })
    }
}
