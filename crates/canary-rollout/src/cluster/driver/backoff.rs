//! Waiting for a cluster that does not answer: longer after each failure, and without an end.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;

use super::clock::Clock;

/// The wait after the first failure; doubled up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(15);

/// The number of failures of the cluster in a row, and the wait that they cause.
#[derive(Default)]
pub(super) struct Backoff {
    failures: u32,
    wait: Option<BoxFuture<'static, ()>>,
}

impl Backoff {
    /// Returns `true` while no request is to be sent to the cluster.
    pub(super) fn is_waiting(&self) -> bool {
        self.wait.is_some()
    }

    /// The number of failures in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Begins a wait. Returns the number of failures in a row and the length of the wait.
    pub(super) fn failed(&mut self, clock: &dyn Clock) -> (u32, Duration) {
        let wait = (FIRST * 2_u32.saturating_pow(self.failures.min(16))).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.wait = Some(clock.sleep(wait));
        (self.failures, wait)
    }

    /// The cluster has answered.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// Ready once the wait is over; pending forever when there is none.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(wait) = self.wait.as_mut() else { return Poll::Pending };
        std::task::ready!(wait.as_mut().poll(context));
        self.wait = None;
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::clock::SystemClock, *};

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew_after_a_success() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..9).map(|_| backoff.failed(&SystemClock).1.as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 15_000, 15_000]);
        assert!(backoff.is_waiting());
        for _ in 0..100 {
            backoff.failed(&SystemClock);
        }
        backoff.succeeded();
        assert!(!backoff.is_waiting());
        assert_eq!(backoff.failed(&SystemClock), (1, FIRST));
    }
}
