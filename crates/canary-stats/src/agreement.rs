//! Agreement of two models on the same inputs.
//!
//! **Observation.** A pair of predictions for one input: *same* when both models name the same top class,
//! *different* otherwise. A repeated input is one observation: the caller counts distinct inputs.
//!
//! **Null.** The canary agrees with the stable model with probability at least p0, given the past: P(same | past) ≥ p0.
//! Pairs need not be identically distributed.
//!
//! **Construction.** *Different* is an observation of 1, whose probability the null bounds by q0 = 1 − p0. The evidence
//! is the mixture over factors between 1.03 and 24.5 by which the odds of it are larger (see `kernel.rs`): E = Σ w ∏
//! e^{dy}/(1 + q0(e^d − 1)). For each d a pair multiplies by a factor of mean at most 1, so each product is a
//! supermartingale, and so is their mixture; Ville's inequality bounds the false alarms. Source: A. Wald, "Sequential
//! tests of statistical hypotheses", 1945; H. Robbins, 1970; S. Howard, A. Ramdas, J. McAuliffe, J. Sekhon,
//! "Time-uniform Chernoff bounds via nonnegative supermartingales", 2020.
//!
//! **Proof.** [`EProcess::excludes_harm`] tests the null that the agreement is at most the margin, with its greatest
//! power where the canary differs about as often as p0 permits: with odds of 0.5, 0.75, 1 and 1.15 times those at p0.
//!
//! **Interval.** The high end inverts the alarm at α, the low end the proof at α. Each end alone holds at all times
//! with probability 1 − α. After an alarm the high end is the lower of two: the present one, and the one at the
//! greatest evidence. So p0 stays beyond it, as the alarm stays. An agreement beyond the high end is then not proven
//! either, and the low end never exceeds the high end. At the observed agreement both tests have an evidence of at most
//! 1, so without an alarm it lies between the ends.

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

/// Tests that two models agree on at least a proportion `p0` of the inputs.
///
/// ```
/// use canary_core::stats::{Agreement, Alpha, EProcess};
///
/// let mut test = Agreement::new(0.95)?;
/// let alpha = Alpha::new(0.05)?;
/// for pair in 0..1000 {
///     test.observe(pair % 5 != 0); // every fifth pair differs
///     if test.alarm(alpha) {
///         break;
///     }
/// }
/// assert!(test.alarm(alpha) && test.pairs() < 200);
/// # Ok::<(), canary_core::stats::StatsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Agreement {
    p0: f64,
    /// A pair that differs is a 1.
    differences: OneSided,
    cached: Cached,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    #[serde(with = "exact")]
    p0: f64,
    same: u64,
    different: u64,
    /// The pairs that agree and that differ, at the greatest evidence.
    peak: [u64; 2],
}

impl From<Agreement> for Saved {
    fn from(test: Agreement) -> Self {
        let (now, peak) = (test.differences.now(), test.differences.peak());
        Self { p0: test.p0, same: now.zeros, different: now.ones, peak: [peak.zeros, peak.ones] }
    }
}

impl TryFrom<Saved> for Agreement {
    type Error = StatsError;

    fn try_from(saved: Saved) -> Result<Self> {
        let p0 = open_unit("p0", saved.p0)?;
        let now = Counts { ones: saved.different, zeros: saved.same };
        let peak = Counts { ones: saved.peak[1], zeros: saved.peak[0] };
        let differences = OneSided::restore(1.0 - p0, now, peak)?;
        Ok(Self { p0, differences, cached: Cached::default() })
    }
}

impl Agreement {
    /// The test of the null "the agreement is at least `p0`".
    ///
    /// # Errors
    /// When `p0` is not strictly between 0 and 1.
    pub fn new(p0: f64) -> Result<Self> {
        let p0 = open_unit("p0", p0)?;
        Ok(Self { p0, differences: OneSided::new(1.0 - p0), cached: Cached::default() })
    }

    /// The agreement of the null hypothesis.
    pub fn p0(&self) -> f64 {
        self.p0
    }

    /// The number of pairs seen.
    pub fn pairs(&self) -> u64 {
        let Counts { ones, zeros } = self.differences.now();
        ones.saturating_add(zeros)
    }

    /// Adds one pair.
    #[inline]
    pub fn observe(&mut self, same: bool) {
        self.cached.forget();
        self.differences.observe(!same);
    }

    /// Adds a batch of pairs in any order; the evidence is evaluated after the batch.
    pub fn observe_counts(&mut self, same: u64, different: u64) {
        self.cached.forget();
        self.differences.observe_counts(different, same);
    }

    /// ln E of the null that the agreement is at most `p`.
    fn ln_e_at_most(&self, p: f64) -> f64 {
        Mirror::new(1.0 - self.p0).ln_e_at_least(self.differences.now(), 1.0 - p)
    }
}

impl EProcess for Agreement {
    fn ln_e(&self) -> f64 {
        self.differences.ln_e()
    }

    fn max_ln_e(&self) -> f64 {
        self.differences.max_ln_e()
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        let Counts { ones, zeros } = self.differences.now();
        vec![("same", zeros), ("different", ones)]
    }

    /// The observed agreement.
    fn estimate(&self) -> Option<f64> {
        let Counts { ones, zeros } = self.differences.now();
        Counts { ones: zeros, zeros: ones }.proportion()
    }

    /// The agreement of the null hypothesis.
    fn bound(&self) -> f64 {
        self.p0
    }

    /// The agreements that are not excluded. The high end inverts the alarm, the low end inverts
    /// [`excludes_harm`](EProcess::excludes_harm). After an alarm, `p0` stays beyond the high end.
    fn interval(&self, alpha: Alpha) -> Interval {
        let threshold = alpha.ln_threshold();
        let bound = (self.p0, self.differences.alarmed(threshold));
        let high =
            ends::alarm_end(bound, (1.0, 0.0), |p| self.differences.excludes(1.0 - p, threshold));
        let low = ends::first_kept(0.0, 1.0, |p| self.ln_e_at_most(p) >= threshold);
        Interval { low: low.min(high), high }
    }

    /// Tests whether an agreement of `margin` or less is excluded. An alarm that excludes an agreement of `margin` or
    /// more makes it false.
    fn excludes_harm(&self, margin: f64, alpha: Alpha) -> Result<bool> {
        let p = open_unit("margin", margin)?;
        let threshold = alpha.ln_threshold();
        Ok(self.cached.or(margin, alpha, || {
            self.ln_e_at_most(p) >= threshold && !self.differences.excludes(1.0 - p, threshold)
        }))
    }
}
