//! Counts of requests and of the failed ones among them.

use serde::{Deserialize, Serialize};

use canary_stats::{Agreement, EProcess};

/// The ln E, of the test that at most half of the requests fail, from which more than half count as failing.
const MOST_FAIL_LN_E: f64 = 6.907_755_278_982_137;

/// The least number of requests for that test.
pub(super) const MOST_OF_AT_LEAST: u64 = 20;

/// Requests or halves of pairs, and the failed ones of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// All of them.
    pub requests: u64,
    /// The failed ones.
    pub failed: u64,
}

impl Tally {
    pub(super) fn add(&mut self, requests: u64, failed: u64) {
        self.requests = self.requests.saturating_add(requests);
        self.failed = self.failed.saturating_add(failed);
    }

    /// Returns `true` when more than half of them failed.
    pub(super) fn mostly_fails(self) -> bool {
        self.failed.saturating_mul(2) > self.requests
    }

    /// Returns `true` when it is proven that more than half of them fail (α = 0.001).
    pub(super) fn surely_mostly_fails(self) -> bool {
        self.requests >= MOST_OF_AT_LEAST
            && self.mostly_fails()
            && Agreement::new(0.5).is_ok_and(|mut test| {
                test.observe_counts(self.requests.saturating_sub(self.failed), self.failed);
                test.ln_e() >= MOST_FAIL_LN_E
            })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.requests == 0
    }
}
