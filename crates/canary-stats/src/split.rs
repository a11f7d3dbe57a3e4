//! The observed split of the traffic against the weight that is configured.
//!
//! **Observation.** Every request: whether it went to the canary. Requests that a header routes to a subset are not
//! part of the split and must be left out.
//!
//! **Null.** Each request goes to the canary with probability w, the configured weight, given the past.
//!
//! **Construction.** With k of n requests at the canary and the prior Beta(100w, 100(1−w)) around the weight,
//!
//! E = B(k + 100w, n − k + 100(1−w)) / (B(100w, 100(1−w))·w^k (1−w)^{n−k}).
//!
//! **Proof sketch.** For each share θ the likelihood ratio (θ/w)^x((1−θ)/(1−w))^{1−x} has mean 1 under the
//! null; the mixture over the prior is a martingale started at 1 (H. Robbins, 1970).
//!
//! **Interval.** The shares p for which E with p^k (1−p)^{n−k} in place of w^k (1−w)^{n−k}, with the same prior, stays
//! below 1/α: both ends together hold at all times with probability 1 − α. E is convex in p and at most 1 at the
//! observed share; w lies outside exactly when E of the test is at or above 1/α.
//!
//! At a weight of 0 or 1 the null allows no request on the other side: E stays 1 until there is one and is
//! infinite from then on.
//!
//! **Restart.** A new weight is a new null: counts and evidence begin again. The bound α holds for each weight
//! separately, so over a plan of s steps the probability of any false alarm is at most s·α.

use serde::{Deserialize, Serialize};

use super::{
    bernoulli,
    e_process::{Alpha, EProcess, Interval},
    error::{Result, closed_unit, max_ln_e, positive},
    exact,
    portable::exp,
};

/// The prior counts for as much as this many requests.
const PRIOR_REQUESTS: f64 = 100.0;
/// The largest distance of the running product from the closed form, with room to spare.
const SLACK: f64 = 1e-6;
/// The least value of the running product.
const LEAST: f64 = 1e-200;

/// Tests that the traffic is split as configured.
///
/// ```
/// use canary_core::stats::{Alpha, EProcess, Split};
///
/// let mut test = Split::new(0.3)?;
/// test.observe_counts(200, 800); // 200 of 1000 requests reached the canary
/// assert!(test.alarm(Alpha::new(0.01)?));
/// test.set_weight(0.5)?; // a new weight is a new test
/// assert!(!test.alarm(Alpha::new(0.01)?));
/// # Ok::<(), canary_core::stats::StatsError>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Split {
    weight: f64,
    canary: u64,
    stable: u64,
    max_ln_e: f64,
    /// E over its maximum, or a little more: kept by multiplication, so that the closed form is evaluated only
    /// where a new maximum is possible.
    relative: f64,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    #[serde(with = "exact")]
    weight: f64,
    canary: u64,
    stable: u64,
    #[serde(with = "exact")]
    max_ln_e: f64,
}

impl From<Split> for Saved {
    fn from(split: Split) -> Self {
        let Split { weight, canary, stable, max_ln_e, .. } = split;
        Self { weight, canary, stable, max_ln_e }
    }
}

impl TryFrom<Saved> for Split {
    type Error = super::StatsError;

    fn try_from(saved: Saved) -> Result<Self> {
        let Saved { weight, canary, stable, max_ln_e: maximum } = saved;
        let mut split = Self { canary, stable, max_ln_e: max_ln_e(maximum)?, ..Self::new(weight)? };
        split.refresh();
        Ok(split)
    }
}

/// Two tests are equal when their weight, counts and maximum are.
impl PartialEq for Split {
    fn eq(&self, other: &Self) -> bool {
        (self.weight, self.canary, self.stable, self.max_ln_e)
            == (other.weight, other.canary, other.stable, other.max_ln_e)
    }
}

impl Split {
    /// The test of the null "the canary gets the share `weight`", 0.05 for a weight of 5.
    ///
    /// # Errors
    /// When `weight` is not from 0 to 1.
    pub fn new(weight: f64) -> Result<Self> {
        let weight = closed_unit("weight", weight)?;
        Ok(Self { weight, canary: 0, stable: 0, max_ln_e: 0.0, relative: 1.0 })
    }

    /// The share configured for the canary.
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// Starts again when `weight` differs from the present one; otherwise does nothing.
    ///
    /// # Errors
    /// When `weight` is not from 0 to 1.
    pub fn set_weight(&mut self, weight: f64) -> Result<()> {
        if weight.to_bits() != self.weight.to_bits() {
            *self = Self::new(weight)?;
        }
        Ok(())
    }

    /// The number of requests since the weight was set.
    pub fn requests(&self) -> u64 {
        self.canary.saturating_add(self.stable)
    }

    /// Adds one request.
    #[inline]
    pub fn observe(&mut self, canary: bool) {
        let total = self.canary as f64 + self.stable as f64 + PRIOR_REQUESTS;
        let (seen, share) = if canary {
            let seen = self.canary as f64;
            self.canary = self.canary.saturating_add(1);
            (seen, self.weight)
        } else {
            let seen = self.stable as f64;
            self.stable = self.stable.saturating_add(1);
            (seen, 1.0 - self.weight)
        };
        // The probability of this request under the mixture so far, over its probability under the null; 0/0 for
        // a request that the null excludes.
        let relative = self.relative * ((seen + PRIOR_REQUESTS * share) / (total * share));
        if relative < 1.0 - SLACK && self.requests() & 0xf_ffff != 0 {
            // The floor keeps the product from losing its digits; it only causes some unnecessary evaluations.
            self.relative = relative.max(LEAST);
        } else {
            self.refresh();
        }
    }

    /// Adds a batch of requests in any order; the evidence is evaluated after the batch.
    pub fn observe_counts(&mut self, canary: u64, stable: u64) {
        self.canary = self.canary.saturating_add(canary);
        self.stable = self.stable.saturating_add(stable);
        self.refresh();
    }

    /// Returns true when the evidence is at or above 1/α now, not only at some moment since the weight was set.
    pub fn alarming_now(&self, alpha: Alpha) -> bool {
        self.ln_e() >= alpha.ln_threshold()
    }

    fn refresh(&mut self) {
        let ln_e = self.ln_e();
        self.max_ln_e = self.max_ln_e.max(ln_e);
        self.relative = exp(ln_e - self.max_ln_e).max(LEAST);
    }

    fn prior(&self) -> (f64, f64) {
        (PRIOR_REQUESTS * self.weight, PRIOR_REQUESTS * (1.0 - self.weight))
    }

    /// The prior of the interval: at the ends the one around the weight has no width, and a flat one takes its place.
    fn interval_prior(&self) -> (f64, f64) {
        if self.weight > 0.0 && self.weight < 1.0 { self.prior() } else { (1.0, 1.0) }
    }
}

impl EProcess for Split {
    fn ln_e(&self) -> f64 {
        let impossible = if self.weight == 0.0 {
            self.canary
        } else if self.weight == 1.0 {
            self.stable
        } else {
            let odds = (self.weight, 1.0 - self.weight);
            return bernoulli::ln_e_equal(self.canary, self.stable, self.prior(), odds);
        };
        if impossible == 0 { 0.0 } else { f64::INFINITY }
    }

    fn max_ln_e(&self) -> f64 {
        self.max_ln_e
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        vec![("canary requests", self.canary), ("stable requests", self.stable)]
    }

    /// The observed share of the canary.
    fn estimate(&self) -> Option<f64> {
        (self.requests() > 0).then(|| self.canary as f64 / self.requests() as f64)
    }

    /// The share configured for the canary.
    fn bound(&self) -> f64 {
        self.weight
    }

    /// The shares that are not excluded, since the weight was set; both ends together at `alpha`.
    fn interval(&self, alpha: Alpha) -> Interval {
        let bound = (self.weight, self.alarming_now(alpha));
        bernoulli::interval((self.canary, self.stable), self.interval_prior(), bound, alpha)
    }

    /// Tests whether a share `margin` or more away from the weight is excluded.
    fn excludes_harm(&self, margin: f64, alpha: Alpha) -> Result<bool> {
        let margin = positive("margin", margin)?;
        let (below, above) = (self.weight - margin, self.weight + margin);
        let between = self.estimate().is_none_or(|share| below < share && share < above);
        let counts = (self.canary, self.stable);
        let excluded = |p| bernoulli::excludes(counts, self.interval_prior(), p, alpha);
        Ok(between && excluded(below) && excluded(above))
    }
}
