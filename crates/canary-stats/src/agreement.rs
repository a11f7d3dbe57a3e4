//! Agreement of two models on the same inputs.
//!
//! **Observation.** A pair of predictions for one input: *same* when both models name the same top class,
//! *different* otherwise. A repeated input is one observation: the caller counts distinct inputs.
//!
//! **Null.** The canary agrees with the stable model with probability at least p0, whatever came before:
//! P(same | past) ≥ p0. Pairs need not be identically distributed.
//!
//! **Construction.** For S same and F different pairs, with θ uniform on (0, p0),
//!
//! E = (1/p0) ∫₀^{p0} θ^S (1−θ)^F dθ / (p0^S (1−p0)^F) = B(S+1, F+1)·I_{p0}(S+1, F+1) / (p0^{S+1} (1−p0)^F).
//!
//! **Proof sketch.** For θ < p0 one pair multiplies by θ/p0 < 1 (same) or (1−θ)/(1−p0) > 1 (different); under
//! P(same | past) = p ≥ p0 the mean factor is p·θ/p0 + (1−p)(1−θ)/(1−p0), which is 1 at p = p0 and falls with
//! p. Each product is a supermartingale, so is their mixture; Ville's inequality bounds the false alarms.
//! Source: H. Robbins (1970); S. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, "Time-uniform Chernoff bounds via
//! nonnegative supermartingales", 2020.
//!
//! **Mirror.** [`EProcess::excludes_harm`] is the same test with the roles of *same* and *different* exchanged:
//! the null is that the agreement is at most the margin.
//!
//! **Interval.** The high end inverts the alarm at α. With θ = tp the integrand of E is t^S ((1−tp)/(1−p))^F for t
//! uniform on (0, 1), and (1−tp)/(1−p) grows with p: so does E, and the agreements with E ≥ 1/α are those above
//! one number. The low end inverts the mirror at α. Each end alone is right at all times with probability 1 − α.
//! At the observed agreement both are at most 1, so it always lies between the ends.

use serde::{Deserialize, Serialize};

use super::{
    bernoulli,
    cached::Cached,
    e_process::{Alpha, EProcess, Interval},
    ends,
    error::{Result, open_unit},
    exact,
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
#[serde(transparent)]
pub struct Agreement {
    pairs: Proportion,
    #[serde(skip)]
    cached: Cached,
}

impl Agreement {
    /// The test of the null "the agreement is at least `p0`".
    ///
    /// # Errors
    /// When `p0` is not strictly between 0 and 1.
    pub fn new(p0: f64) -> Result<Self> {
        Ok(Self { pairs: Proportion::new("p0", p0)?, cached: Cached::default() })
    }

    /// The agreement of the null hypothesis.
    pub fn p0(&self) -> f64 {
        self.pairs.p0
    }

    /// The number of pairs seen.
    pub fn pairs(&self) -> u64 {
        self.pairs.successes.saturating_add(self.pairs.failures)
    }

    /// Takes one pair in.
    pub fn observe(&mut self, same: bool) {
        self.cached.forget();
        self.pairs.observe(same);
    }

    /// Takes a batch of pairs in, whose order does not matter; the evidence is evaluated at its end.
    pub fn observe_counts(&mut self, same: u64, different: u64) {
        self.cached.forget();
        self.pairs.observe_counts(same, different);
    }
}

impl EProcess for Agreement {
    fn ln_e(&self) -> f64 {
        self.pairs.ln_e()
    }

    fn max_ln_e(&self) -> f64 {
        self.pairs.max_ln_e
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        vec![("same", self.pairs.successes), ("different", self.pairs.failures)]
    }

    /// The observed agreement.
    fn estimate(&self) -> Option<f64> {
        (self.pairs() > 0).then(|| self.pairs.successes as f64 / self.pairs() as f64)
    }

    /// The agreement of the null hypothesis.
    fn bound(&self) -> f64 {
        self.p0()
    }

    /// The agreements that are not excluded: below the high end those that the alarm leaves, above the low end those
    /// that [`excludes_harm`](EProcess::excludes_harm) leaves.
    fn interval(&self, alpha: Alpha) -> Interval {
        let threshold = alpha.ln_threshold();
        let Proportion { successes, failures, .. } = self.pairs;
        let bound = (self.p0(), self.ln_e() >= threshold);
        Interval {
            low: ends::first_kept(0.0, 1.0, |p| {
                bernoulli::ln_e_at_most(successes, failures, p, 1.0 - p) >= threshold
            }),
            high: ends::alarm_end(bound, (1.0, 0.0), |p| {
                bernoulli::ln_e_at_least(successes, failures, p, 1.0 - p) >= threshold
            }),
        }
    }

    /// Tests whether an agreement of `margin` or less is excluded.
    fn excludes_harm(&self, margin: f64, alpha: Alpha) -> Result<bool> {
        let p = open_unit("margin", margin)?;
        let Proportion { successes, failures, .. } = self.pairs;
        Ok(self.cached.or(margin, alpha, || {
            bernoulli::reaches_at_most(successes, failures, (p, 1.0 - p), alpha.ln_threshold())
        }))
    }
}

/// The one-sided test that a proportion is at least p0, with its running maximum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub(super) struct Proportion {
    #[serde(with = "exact")]
    pub(super) p0: f64,
    pub(super) successes: u64,
    pub(super) failures: u64,
    #[serde(with = "exact")]
    pub(super) max_ln_e: f64,
}

#[derive(Deserialize)]
struct Saved {
    #[serde(with = "exact")]
    p0: f64,
    successes: u64,
    failures: u64,
    #[serde(with = "exact")]
    max_ln_e: f64,
}

impl TryFrom<Saved> for Proportion {
    type Error = super::StatsError;

    fn try_from(saved: Saved) -> Result<Self> {
        let Saved { p0, successes, failures, max_ln_e } = saved;
        let max_ln_e = super::error::max_ln_e(max_ln_e)?;
        Ok(Self { successes, failures, max_ln_e, ..Self::new("p0", p0)? })
    }
}

impl Proportion {
    pub(super) fn new(name: &'static str, p0: f64) -> Result<Self> {
        Ok(Self { p0: open_unit(name, p0)?, successes: 0, failures: 0, max_ln_e: 0.0 })
    }

    #[inline]
    pub(super) fn observe(&mut self, success: bool) {
        if success {
            // Every factor θ/p0 is below 1: the evidence falls, the maximum stays.
            self.successes = self.successes.saturating_add(1);
        } else {
            self.failures = self.failures.saturating_add(1);
            self.note_maximum();
        }
    }

    pub(super) fn observe_counts(&mut self, successes: u64, failures: u64) {
        self.successes = self.successes.saturating_add(successes);
        self.failures = self.failures.saturating_add(failures);
        self.note_maximum();
    }

    pub(super) fn ln_e(&self) -> f64 {
        bernoulli::ln_e_at_least(self.successes, self.failures, self.p0, 1.0 - self.p0)
    }

    /// Raises the maximum to the present evidence; does the costly evaluation only when a bound allows for it.
    fn note_maximum(&mut self) {
        let odds = (self.p0, 1.0 - self.p0);
        let bound = bernoulli::bound_at_least(self.successes, self.failures, odds);
        if bound > self.max_ln_e {
            self.max_ln_e = self.max_ln_e.max(self.ln_e());
        }
    }
}
