//! The rules and the budget by which requests are sent again.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

/// The rules by which a failed request is sent again.
///
/// Only what is safe is repeated: a connection that could not be opened or broke, a 503 of the mesh, and 429. An error
/// of the model server itself is never retried, and neither is a request whose time is up. Pauses double from
/// `first_pause` to `max_pause`, each shortened by a random part so that clients do not come back together; a
/// response's `retry-after` is respected when it is longer. Repeats draw from a budget that all clones of a client
/// share: `budget` repeats for each request, with a reserve of ten, so that repeats cannot multiply the load on servers
/// that are failing.
///
/// ```
/// use canary_core::predict::Retry;
/// use std::time::Duration;
///
/// let patient = Retry::default().attempts(8).max_pause(Duration::from_secs(5));
/// assert_eq!(patient.attempts, 8);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Retry {
    /// The most times that a request is sent, the first included; at least 1. Default 3.
    pub attempts: u32,
    /// The longest pause before the second attempt. Default 50 ms.
    pub first_pause: Duration,
    /// The longest pause before any attempt. Default 2 s.
    pub max_pause: Duration,
    /// Repeats allowed for each request, on average, beyond a reserve of ten. Default 0.2.
    pub budget: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 3,
            first_pause: Duration::from_millis(50),
            max_pause: Duration::from_secs(2),
            budget: 0.2,
        }
    }
}

impl Retry {
    /// Every request is sent once.
    pub fn never() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// Sets [`Retry::attempts`].
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets [`Retry::first_pause`].
    #[must_use]
    pub fn first_pause(mut self, pause: Duration) -> Self {
        self.first_pause = pause;
        self
    }

    /// Sets [`Retry::max_pause`].
    #[must_use]
    pub fn max_pause(mut self, pause: Duration) -> Self {
        self.max_pause = pause;
        self
    }

    /// Sets [`Retry::budget`].
    #[must_use]
    pub fn budget(mut self, budget: f64) -> Self {
        self.budget = budget;
        self
    }

    /// The pause after the given number of attempts: a random time from half of the full pause to all of it.
    pub(crate) fn pause(&self, attempts: u32, requested: Option<Duration>) -> Duration {
        let doubled = self.first_pause.saturating_mul(1 << attempts.saturating_sub(1).min(20));
        let full = doubled.min(self.max_pause);
        // The half is a whole number of nanoseconds: a product of the longest time and a fraction may pass it.
        let pause = full / 2 + (full / 2).mul_f64(fastrand::f64());
        pause.max(requested.unwrap_or_default())
    }
}

const TOKEN: i64 = 1000;
const RESERVE: i64 = 10 * TOKEN;

/// The repeats that are left, in thousandths; shared by the clones of a client.
#[derive(Debug)]
pub(crate) struct Budget(AtomicI64);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicI64::new(RESERVE))
    }
}

impl Budget {
    /// Adds the share of a new request, up to ten times the reserve.
    pub(crate) fn deposit(&self, share: f64) {
        // A share is a small number of thousandths; NaN and negative ones count as zero.
        #[allow(clippy::cast_possible_truncation)]
        let share = (share.clamp(0.0, 1000.0) * 1000.0) as i64;
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            (left < RESERVE * 10).then(|| (left + share).min(RESERVE * 10))
        });
    }

    /// Takes one repeat; `false` when none is left.
    pub(crate) fn withdraw(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                (left >= TOKEN).then_some(left - TOKEN)
            })
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let retry = Retry::default();
        for (attempts, longest) in [(1, 50), (2, 100), (3, 200), (7, 2000), (40, 2000)] {
            for _ in 0..50 {
                let pause = retry.pause(attempts, None);
                let longest = Duration::from_millis(longest);
                assert!(pause <= longest && pause >= longest / 2, "{attempts}: {pause:?}");
            }
        }
        assert!(retry.pause(1, Some(Duration::from_secs(1))) >= Duration::from_secs(1));
    }

    #[test]
    fn a_budget_runs_out_and_fills_with_requests() {
        let budget = Budget::default();
        assert_eq!((0..20).filter(|_| budget.withdraw()).count(), 10);
        for _ in 0..10 {
            budget.deposit(0.2);
        }
        assert_eq!((0..20).filter(|_| budget.withdraw()).count(), 2);
        budget.deposit(f64::NAN);
        assert!(!budget.withdraw());
    }
}
