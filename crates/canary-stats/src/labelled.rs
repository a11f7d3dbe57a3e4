//! Accuracy of two models on the same labelled inputs.
//!
//! **Observation.** A pair of predictions with the true label. Only discordant pairs tell the models apart:
//! b pairs where only the stable model is right, c pairs where only the canary is.
//!
//! **Null.** The canary is no less accurate: given that a pair is discordant, P(only the stable model is right
//! | past) ≤ ½.
//!
//! **Construction.** The sequential counterpart of McNemar's test, with the canary's share ψ of the discordant
//! pairs uniform on (0, ½):
//!
//! E = 2 ∫₀^{1/2} ψ^c (1−ψ)^b dψ · 2^{b+c} = 2^{b+c+1}·B(b+1, c+1)·(1 − I_{1/2}(b+1, c+1)).
//!
//! **Proof sketch.** Concordant pairs multiply by 1. On a discordant pair this is the agreement test with
//! p0 = ½ (see [`agreement`](super::agreement)): a mixture of products whose factors have a mean of at most 1.
//! Source: Q. McNemar, 1947, for conditioning on discordant pairs; H. Robbins, 1970, for the mixture.
//!
//! **As a bet.** With the score s of a pair (1 where only the canary is right, −1 where only the stable model is,
//! else 0) and λ = 1 − 2ψ, the factors are 1 − λs: E is also the capital of gamblers who bet on −s, λ uniform on
//! (0, 1). So its null may as well be read as E[s | past] ≥ 0: the accuracies' difference, canary − stable, is not
//! negative.
//!
//! **Interval.** For the null E[s | past] ≥ Δ the same gamblers have the capital ∏ (1 − λs)/(1 − λΔ), of mean at
//! most 1; E_Δ = ∫₀¹ (1−λ)^c (1+λ)^b (1−λΔ)^{−n} dλ over all n pairs is E at Δ = 0 and grows with Δ. The high end
//! of the difference inverts it at α, so that it is negative exactly when E is at or above 1/α. The low end inverts,
//! at α, the betting sequence of [`EProcess::excludes_harm`], whose null is E[s | past] ≤ −margin (see
//! [`betting`](super::betting)). Each end alone is right at all times with probability 1 − α. By Jensen's inequality
//! both are at most 1 at the observed difference, which lies between the ends.

use serde::{Deserialize, Serialize};

use super::{
    agreement::Proportion,
    betting,
    cached::Cached,
    e_process::{Alpha, EProcess, Interval},
    ends,
    error::{Result, StatsError, check, max_ln_e},
    exact,
};

/// Tests that the canary is no less accurate than the stable model.
///
/// ```
/// use canary_core::stats::{Alpha, EProcess, Labelled};
///
/// let mut test = Labelled::new();
/// for _ in 0..20 {
///     test.observe(true, false); // only the stable model is right
///     test.observe(true, true);
/// }
/// assert!(test.alarm(Alpha::new(0.05)?));
/// assert!((test.estimate().unwrap() + 0.5).abs() < 1e-12);
/// # Ok::<(), canary_core::stats::StatsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Labelled {
    /// The canary is right (success) or the stable model is, on the discordant pairs.
    discordant: Proportion,
    concordant: u64,
    cached: Cached,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    only_stable: u64,
    only_canary: u64,
    concordant: u64,
    #[serde(with = "exact")]
    max_ln_e: f64,
}

impl From<Labelled> for Saved {
    fn from(test: Labelled) -> Self {
        Self {
            only_stable: test.only_stable(),
            only_canary: test.only_canary(),
            concordant: test.concordant,
            max_ln_e: test.discordant.max_ln_e,
        }
    }
}

impl TryFrom<Saved> for Labelled {
    type Error = StatsError;

    fn try_from(saved: Saved) -> Result<Self> {
        let mut test = Self { concordant: saved.concordant, ..Self::default() };
        test.discordant.successes = saved.only_canary;
        test.discordant.failures = saved.only_stable;
        test.discordant.max_ln_e = max_ln_e(saved.max_ln_e)?;
        Ok(test)
    }
}

impl Default for Labelled {
    fn default() -> Self {
        Self {
            discordant: Proportion { p0: 0.5, successes: 0, failures: 0, max_ln_e: 0.0 },
            concordant: 0,
            cached: Cached::default(),
        }
    }
}

impl Labelled {
    /// The test of the null "the canary is no less accurate", before any pair.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one labelled pair in: whether each model named the right class.
    pub fn observe(&mut self, stable_right: bool, canary_right: bool) {
        self.cached.forget();
        if stable_right == canary_right {
            self.concordant = self.concordant.saturating_add(1);
        } else {
            self.discordant.observe(canary_right);
        }
    }

    /// Takes a batch of pairs in, whose order does not matter; the evidence is evaluated at its end.
    pub fn observe_counts(&mut self, only_stable: u64, only_canary: u64, concordant: u64) {
        self.cached.forget();
        self.concordant = self.concordant.saturating_add(concordant);
        self.discordant.observe_counts(only_canary, only_stable);
    }

    /// Pairs where only the stable model was right.
    pub fn only_stable(&self) -> u64 {
        self.discordant.failures
    }

    /// Pairs where only the canary was right.
    pub fn only_canary(&self) -> u64 {
        self.discordant.successes
    }

    /// All pairs.
    pub fn pairs(&self) -> u64 {
        self.concordant.saturating_add(self.only_stable()).saturating_add(self.only_canary())
    }

    /// Pairs by the canary's score less the stable model's: −1, 0, 1.
    fn scores(&self) -> [u64; 3] {
        [self.only_stable(), self.concordant, self.only_canary()]
    }
}

impl EProcess for Labelled {
    fn ln_e(&self) -> f64 {
        self.discordant.ln_e()
    }

    fn max_ln_e(&self) -> f64 {
        self.discordant.max_ln_e
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("only stable right", self.only_stable()),
            ("only canary right", self.only_canary()),
            ("both right or both wrong", self.concordant),
        ]
    }

    /// The observed difference of the accuracies, canary − stable.
    fn estimate(&self) -> Option<f64> {
        (self.pairs() > 0)
            .then(|| (self.only_canary() as f64 - self.only_stable() as f64) / self.pairs() as f64)
    }

    /// No difference of the accuracies.
    fn bound(&self) -> f64 {
        0.0
    }

    /// The differences of the accuracies, canary − stable, that are not excluded: below the high end those that the
    /// alarm leaves, above the low end those that [`excludes_harm`](EProcess::excludes_harm) leaves.
    fn interval(&self, alpha: Alpha) -> Interval {
        let threshold = alpha.ln_threshold();
        let scores = self.scores();
        let bound = (0.0, self.ln_e() >= threshold);
        Interval {
            low: ends::first_kept(-1.0, 1.0, |mean| {
                betting::ln_e_scores_at_most(scores, mean) >= threshold
            }),
            high: ends::alarm_end(bound, (1.0, -1.0), |mean| {
                betting::ln_e_scores_at_least(scores, mean) >= threshold
            }),
        }
    }

    /// Tests whether a loss of accuracy of `margin` or more (0.01 is one percentage point) is excluded.
    fn excludes_harm(&self, margin: f64, alpha: Alpha) -> Result<bool> {
        check("margin", margin, "a number from 0 to less than 1", (0.0..1.0).contains(&margin))?;
        Ok(self.cached.or(margin, alpha, || {
            betting::ln_e_scores_at_most(self.scores(), -margin) >= alpha.ln_threshold()
        }))
    }
}
