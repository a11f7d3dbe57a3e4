//! The canary's rate of errors against an absolute limit.
//!
//! **Observation.** A request that the canary served: failed or not. No data of the stable version is needed, so
//! mirrored requests and those routed by a header can be used, as well as those routed by weight. In return an outage
//! of both versions counts against the canary; with [`RateRatio`](super::RateRatio) it does not.
//!
//! **Null.** A request of the canary fails with probability at most q0, given the past.
//!
//! **Construction.** The mixture over factors between 1.03 and 24.5 by which the odds of a failure are larger (see
//! `kernel.rs`): E = Σ w ∏ e^{dy}/(1 + q0(e^d − 1)). For each d the factors have a mean of at most 1, so each product is a
//! supermartingale, and so is their mixture; Ville's inequality bounds the false alarms. Source: A. Wald, "Sequential
//! tests of statistical hypotheses", 1945; H. Robbins, 1970.
//!
//! **Proof.** [`EProcess::excludes_harm`] tests the null that the rate is at least the margin, with its greatest power
//! where the odds of a failure are 0.5, 0.75, 1 and 1.15 times those at q0.
//!
//! **Interval.** The low end inverts the alarm at α, the high end the proof at α; each alone holds at all times with
//! probability 1 − α. After an alarm the low end is the higher of two: the present one, and the one at the greatest
//! evidence. So q0 stays beyond it, as the alarm stays. A rate below the low end is then not proven either, and the
//! high end never falls below the low end.

use serde::{Deserialize, Serialize};

use super::{
    cached::Cached,
    e_process::{Alpha, EProcess, Interval},
    ends,
    error::{Result, StatsError, open_unit},
    exact,
    kernel::{Counts, Mirror},
    one_sided::OneSided,
};

/// Tests that the canary fails in at most a proportion `at_most` of its requests.
///
/// ```
/// use canary_core::stats::{Alpha, EProcess, ErrorRate};
///
/// let mut test = ErrorRate::new(0.02)?;
/// let alpha = Alpha::new(0.05)?;
/// test.observe_counts(10, 990); // half of what is allowed
/// assert!(!test.alarm(alpha) && test.excludes_harm(0.025, alpha)?);
/// for request in 0..500 {
///     test.observe(request % 5 == 0); // then every fifth fails
/// }
/// assert!(test.alarm(alpha) && test.interval(alpha).low > 0.02);
/// # Ok::<(), canary_core::stats::StatsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct ErrorRate {
    at_most: f64,
    /// A failed request is a 1.
    failures: OneSided,
    cached: Cached,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    #[serde(with = "exact")]
    at_most: f64,
    failed: u64,
    good: u64,
    /// The failed and the good requests at the greatest evidence.
    peak: [u64; 2],
}

impl From<ErrorRate> for Saved {
    fn from(test: ErrorRate) -> Self {
        let (now, peak) = (test.failures.now(), test.failures.peak());
        Self {
            at_most: test.at_most,
            failed: now.ones,
            good: now.zeros,
            peak: [peak.ones, peak.zeros],
        }
    }
}

impl TryFrom<Saved> for ErrorRate {
    type Error = StatsError;

    fn try_from(saved: Saved) -> Result<Self> {
        let at_most = open_unit("at_most", saved.at_most)?;
        let now = Counts { ones: saved.failed, zeros: saved.good };
        let peak = Counts { ones: saved.peak[0], zeros: saved.peak[1] };
        let failures = OneSided::restore(at_most, now, peak)?;
        Ok(Self { at_most, failures, cached: Cached::default() })
    }
}

impl ErrorRate {
    /// The test of the null "the canary's rate of errors is at most `at_most`", a proportion of its requests.
    ///
    /// # Errors
    /// When `at_most` is not strictly between 0 and 1.
    pub fn new(at_most: f64) -> Result<Self> {
        let at_most = open_unit("at_most", at_most)?;
        Ok(Self { at_most, failures: OneSided::new(at_most), cached: Cached::default() })
    }

    /// The rate of errors that the null hypothesis allows.
    pub fn at_most(&self) -> f64 {
        self.at_most
    }

    /// The number of requests seen.
    pub fn requests(&self) -> u64 {
        let Counts { ones, zeros } = self.failures.now();
        ones.saturating_add(zeros)
    }

    /// Adds one request of the canary.
    #[inline]
    pub fn observe(&mut self, failed: bool) {
        self.cached.forget();
        self.failures.observe(failed);
    }

    /// Adds a batch of the canary's requests in any order; the evidence is evaluated after the batch.
    pub fn observe_counts(&mut self, failed: u64, good: u64) {
        self.cached.forget();
        self.failures.observe_counts(failed, good);
    }

    /// ln E of the null that the rate is at least `rate`.
    fn ln_e_at_least(&self, rate: f64) -> f64 {
        Mirror::new(self.at_most).ln_e_at_least(self.failures.now(), rate)
    }
}

impl EProcess for ErrorRate {
    fn ln_e(&self) -> f64 {
        self.failures.ln_e()
    }

    fn max_ln_e(&self) -> f64 {
        self.failures.max_ln_e()
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        let Counts { ones, zeros } = self.failures.now();
        vec![("failed requests of the canary", ones), ("good requests of the canary", zeros)]
    }

    /// The observed rate of errors.
    fn estimate(&self) -> Option<f64> {
        self.failures.now().proportion()
    }

    /// The rate of errors that the null hypothesis allows.
    fn bound(&self) -> f64 {
        self.at_most
    }

    /// The rates that are not excluded. The low end inverts the alarm, the high end inverts
    /// [`excludes_harm`](EProcess::excludes_harm). After an alarm, the bound stays beyond the low end.
    fn interval(&self, alpha: Alpha) -> Interval {
        let threshold = alpha.ln_threshold();
        let bound = (self.at_most, self.failures.alarmed(threshold));
        let low =
            ends::alarm_end(bound, (0.0, 1.0), |rate| self.failures.excludes(rate, threshold));
        let high = ends::first_kept(1.0, 0.0, |rate| self.ln_e_at_least(rate) >= threshold);
        Interval { low, high: high.max(low) }
    }

    /// Tests whether a rate of `margin` or more is excluded. An alarm that excludes a rate of `margin` or less makes it
    /// false.
    fn excludes_harm(&self, margin: f64, alpha: Alpha) -> Result<bool> {
        let rate = open_unit("margin", margin)?;
        let threshold = alpha.ln_threshold();
        Ok(self.cached.or(margin, alpha, || {
            self.ln_e_at_least(rate) >= threshold && !self.failures.excludes(rate, threshold)
        }))
    }
}
