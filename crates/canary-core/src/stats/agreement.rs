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
//! **Mirror.** The confidence sequence of the agreement mixes over all θ in (0, 1) and inverts.

use serde::{Deserialize, Serialize};

use super::{
    bernoulli,
    e_process::{Alpha, EProcess, Interval},
    error::{Result, open_unit},
    exact,
    portable::ln,
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
pub struct Agreement(Proportion);

impl Agreement {
    /// The test of the null "the agreement is at least `p0`".
    ///
    /// # Errors
    /// When `p0` is not strictly between 0 and 1.
    pub fn new(p0: f64) -> Result<Self> {
        Proportion::new("p0", p0).map(Self)
    }

    /// The agreement that is asked for.
    pub fn p0(&self) -> f64 {
        self.0.p0
    }

    /// The number of pairs seen.
    pub fn pairs(&self) -> u64 {
        self.0.successes.saturating_add(self.0.failures)
    }

    /// Takes one pair in.
    pub fn observe(&mut self, same: bool) {
        self.0.observe(same);
    }

    /// Takes a batch of pairs in, whose order does not matter; the evidence is evaluated at its end.
    pub fn observe_counts(&mut self, same: u64, different: u64) {
        self.0.observe_counts(same, different);
    }
}

impl EProcess for Agreement {
    fn ln_e(&self) -> f64 {
        self.0.ln_e()
    }

    fn max_ln_e(&self) -> f64 {
        self.0.max_ln_e
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        vec![("same", self.0.successes), ("different", self.0.failures)]
    }

    /// The observed agreement.
    fn estimate(&self) -> Option<f64> {
        (self.pairs() > 0).then(|| self.0.successes as f64 / self.pairs() as f64)
    }

    /// The agreements that are not excluded.
    fn interval(&self, alpha: Alpha) -> Interval {
        bernoulli::interval(self.0.successes, self.0.failures, (1.0, 1.0), alpha)
    }

    /// Whether an agreement of `margin` or less is excluded.
    fn excludes_harm(&self, margin: f64, alpha: Alpha) -> Result<bool> {
        let p = open_unit("margin", margin)?;
        let ln_e = bernoulli::ln_e_at_most(self.0.successes, self.0.failures, p, 1.0 - p);
        Ok(ln_e >= alpha.ln_threshold())
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
    ///
    /// With p̂ the observed proportion and K(p̂, θ) the Kullback–Leibler divergence, the integrand is
    /// exp(n K(p̂, p0) − n K(p̂, θ)) and K(p̂, θ) ≥ 2(θ − p̂)² (Pinsker), so that
    /// ln E ≤ n K(p̂, p0) + ln min(1, √(π/2n)/p0), and ln E ≤ 0 when p̂ ≥ p0.
    fn note_maximum(&mut self) {
        let n = self.successes as f64 + self.failures as f64;
        let observed = self.successes as f64 / n;
        if n == 0.0 || observed >= self.p0 {
            return;
        }
        let q0 = 1.0 - self.p0;
        let rest = self.failures as f64 / n;
        let mut divergence = rest * ln(rest / q0);
        if observed > 0.0 {
            divergence += observed * ln(observed / self.p0);
        }
        let spread = (std::f64::consts::FRAC_PI_2 / n).sqrt() / self.p0;
        let bound = n * divergence + ln(spread.min(1.0));
        if bound + 1e-6 * (1.0 + bound.abs()) > self.max_ln_e {
            self.max_ln_e = self.max_ln_e.max(self.ln_e());
        }
    }
}
