//! The counts between two looks of a group-sequential test.

use serde::{Deserialize, Serialize};

use super::{
    error::{Result, check, open_unit},
    exact,
};

/// The most values of q0 that are distinguished between two looks.
const MOST_SHARES: usize = 8;

/// Counts of a stretch of traffic.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stage {
    pub(super) requests: u64,
    pub(super) canary_bad: u64,
    pub(super) stable_bad: u64,
    /// The bad requests by the probability that the null assigns to the canary; in a total they are not distinguished.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) bad: Vec<Bad>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bad {
    #[serde(with = "exact")]
    pub(super) q0: f64,
    pub(super) count: u64,
}

impl Stage {
    pub(super) fn add(&mut self, requests: u64, canary_bad: u64, stable_bad: u64) {
        self.requests = self.requests.saturating_add(requests);
        self.canary_bad = self.canary_bad.saturating_add(canary_bad);
        self.stable_bad = self.stable_bad.saturating_add(stable_bad);
    }

    /// Counts bad requests of which the canary's are at most a part `q0` in expectation.
    ///
    /// Where there would be too many values of q0 the nearest one is taken, and the larger of both for all their bad
    /// requests: false alarms become fewer.
    pub(super) fn add_bad(&mut self, q0: f64, count: u64) {
        let full = self.bad.len() >= MOST_SHARES;
        let distance = |bad: &&mut Bad| (bad.q0 - q0).abs();
        let nearest = self.bad.iter_mut().min_by(|a, b| distance(a).total_cmp(&distance(b)));
        match nearest {
            Some(bad) if full || bad.q0 == q0 => {
                bad.q0 = bad.q0.max(q0);
                bad.count = bad.count.saturating_add(count);
            }
            _ => self.bad.push(Bad { q0, count }),
        }
    }
    /// Rejects contradictory counts, and more requests than `most`.
    ///
    /// # Errors
    /// When the counts contradict each other, or a probability is not strictly between 0 and 1.
    pub(super) fn check(&self, most: u64) -> Result<()> {
        let requests = self.requests as f64;
        check("requests", requests, "at most twice the planned ones", self.requests <= most)?;
        let bad = self.canary_bad.saturating_add(self.stable_bad);
        check("canary_bad + stable_bad", bad as f64, "at most the requests", bad <= self.requests)?;
        let values = self.bad.len();
        check("bad", values as f64, "at most 8 probabilities", values <= MOST_SHARES)?;
        let mut sum: u64 = 0;
        for Bad { q0, count } in &self.bad {
            open_unit("q0", *q0)?;
            sum = sum.saturating_add(*count);
        }
        check("bad", sum as f64, "the sum of both versions' bad requests", sum == bad)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survivors::Survivors;

    /// More shares between two looks than are distinguished make false alarms fewer.
    #[test]
    fn shares_of_every_window_are_brought_together_on_the_safe_side() {
        let mut exact = Survivors::new();
        let mut stage = Stage::default();
        for window in 0..40 {
            let q0 = 0.1 + 0.005 * f64::from(window * 7 % 40);
            exact.add(5, q0);
            stage.add_bad(q0, 5);
        }
        assert!(stage.bad.len() == MOST_SHARES);
        assert_eq!(stage.bad.iter().map(|bad| bad.count).sum::<u64>(), 200);
        let mut merged = Survivors::new();
        for bad in &stage.bad {
            merged.add(bad.count, bad.q0);
        }
        let (apart, together) = (exact.stop(0.05).0, merged.stop(0.05).0);
        assert!((apart..apart + 8).contains(&together), "{apart} {together}");
    }
}
