//! The clock of a driver.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::evidence::Timestamp;

/// Gives the time and waits. A test supplies its own.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Completes after `time`.
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;
}

/// The system's clock, and tokio's timer: the driver's stream must be polled inside a tokio runtime with time enabled.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        // The timer is created when the future is first polled, which is inside the runtime.
        Box::pin(async move { tokio::time::sleep(time).await })
    }
}
