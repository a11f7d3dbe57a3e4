//! Accuracy of two models on the same labelled inputs, or successes of two versions on the same requests.
//!
//! **Observation.** A pair of predictions with the true label. Only discordant pairs tell the models apart:
//! b pairs where only the stable model is right, c pairs where only the canary is. The same test compares failures, if
//! "right" is read as "answered".
//!
//! **Null.** The canary alone is wrong at most r times as often as the stable model alone (r = 1 by default): given
//! that a pair is discordant, P(only the stable model is right | past) ≤ q0 = r/(1 + r).
//!
//! **Construction.** The sequential counterpart of McNemar's test: "only the stable model is right" is a 1 among the
//! discordant pairs, and the evidence is the mixture over factors between 1.03 and 24.5 by which its odds are larger (see
//! `kernel.rs`), E = Σ w ∏ e^{dy}/(1 + q0(e^d − 1)). Concordant pairs multiply by 1. Source: Q. McNemar, 1947, for
//! conditioning on discordant pairs; A. Wald, 1945, and H. Robbins, 1970, for the mixture.
//!
//! **As a bet.** With the score s of a pair (r where only the canary is right, −1 where only the stable model is, else 0)
//! and λ = (e^d − 1)/(1 + re^d), the factors are 1 − λs. So the null may as well be read as E[s | past] ≥ 0; for r = 1
//! that says that the accuracies' difference, canary − stable, is not negative. For the null E[s | past] ≥ Δ the factors
//! (1 − λs)/(1 − λΔ) have a mean of at most 1; E_Δ = Σ w (1 − λr)^c (1 + λ)^b (1 − λΔ)^{−n} over all n pairs is E at
//! Δ = 0 and grows with Δ. In the same way the factors (1 + μs)/(1 + μΔ), μ = (e^d − 1)/(e^d + r), test the null
//! E[s | past] ≤ Δ. (I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86(1),
//! 2024.)
//!
//! **Interval.** The high end of the mean of s inverts E_Δ at α, so that it is negative exactly after an alarm: then it
//! is the lower of the present end and the one at the greatest evidence. The low end inverts, at α, the test of
//! [`EProcess::excludes_harm`], whose null is E[s | past] ≤ −margin, and never exceeds the high end. Each end alone
//! holds at all times with probability 1 − α. By Jensen's inequality both tests have an evidence of at most 1 at the
//! observed mean, which without an alarm lies between the ends.

use serde::{Deserialize, Serialize};

use super::{
    cached::Cached,
    e_process::{Alpha, EProcess, Interval},
    ends,
    error::{Result, StatsError, check, positive},
    exact,
    kernel::{Counts, RISE},
    one_sided::OneSided,
    portable::{ln_1p, ln_sum_exp},
    prior::{PRIOR, SIZES},
};

/// Tests that the canary is no less accurate than the stable model, or fails alone no more often.
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
    ratio: f64,
    /// The discordant pairs: one in which only the stable model is right is a 1.
    discordant: OneSided,
    concordant: u64,
    /// The concordant pairs at the greatest evidence.
    concordant_at_peak: u64,
    cached: Cached,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    #[serde(with = "exact")]
    ratio: f64,
    only_stable: u64,
    only_canary: u64,
    concordant: u64,
    /// The three counts at the greatest evidence.
    peak: [u64; 3],
}

impl From<Labelled> for Saved {
    fn from(test: Labelled) -> Self {
        let (now, peak) = (test.discordant.now(), test.discordant.peak());
        Self {
            ratio: test.ratio,
            only_stable: now.ones,
            only_canary: now.zeros,
            concordant: test.concordant,
            peak: [peak.ones, peak.zeros, test.concordant_at_peak],
        }
    }
}

impl TryFrom<Saved> for Labelled {
    type Error = StatsError;

    fn try_from(saved: Saved) -> Result<Self> {
        let ratio = positive("ratio", saved.ratio)?;
        let now = Counts { ones: saved.only_stable, zeros: saved.only_canary };
        let [ones, zeros, concordant_at_peak] = saved.peak;
        let holds = concordant_at_peak <= saved.concordant;
        check("peak", concordant_at_peak as f64, "counts of at most the present ones", holds)?;
        let discordant = OneSided::restore(null_share(ratio), now, Counts { ones, zeros })?;
        let concordant = saved.concordant;
        Ok(Self { ratio, discordant, concordant, concordant_at_peak, cached: Cached::default() })
    }
}

impl Default for Labelled {
    fn default() -> Self {
        Self::of_ratio(1.0)
    }
}

/// The largest share of the discordant pairs in which only the stable model is right.
fn null_share(ratio: f64) -> f64 {
    ratio / (1.0 + ratio)
}

/// Numbers of pairs by their score: −1, 0 and the ratio.
#[derive(Clone, Copy)]
struct Scores {
    minus: f64,
    all: f64,
    plus: f64,
}

impl Labelled {
    /// The test of the null "the canary is no less accurate", before any pair.
    pub fn new() -> Self {
        Self::default()
    }

    /// The test of the null "the canary alone is wrong at most `ratio` times as often as the stable model alone".
    ///
    /// Estimate, interval and margin are then about the mean of a score of a pair: `ratio` where only the canary is
    /// right, −1 where only the stable model is, else 0. With a ratio of 1 that is the difference of the accuracies.
    ///
    /// ```
    /// use canary_core::stats::{Alpha, EProcess, Labelled};
    ///
    /// let alpha = Alpha::new(0.05)?;
    /// let (mut equal, mut twice) = (Labelled::new(), Labelled::with_ratio(2.0)?);
    /// for test in [&mut equal, &mut twice] {
    ///     test.observe_counts(60, 20, 1_000);
    /// }
    /// assert!(equal.alarm(alpha) && !twice.alarm(alpha));
    /// # Ok::<(), canary_core::stats::StatsError>(())
    /// ```
    ///
    /// # Errors
    /// When `ratio` is not a finite number greater than 0.
    pub fn with_ratio(ratio: f64) -> Result<Self> {
        Ok(Self::of_ratio(positive("ratio", ratio)?))
    }

    fn of_ratio(ratio: f64) -> Self {
        Self {
            ratio,
            discordant: OneSided::new(null_share(ratio)),
            concordant: 0,
            concordant_at_peak: 0,
            cached: Cached::default(),
        }
    }

    /// The number of times that the canary alone may be wrong for each time that the stable model alone is.
    pub fn ratio(&self) -> f64 {
        self.ratio
    }

    /// Adds one labelled pair: whether each model named the right class.
    pub fn observe(&mut self, stable_right: bool, canary_right: bool) {
        self.cached.forget();
        if stable_right == canary_right {
            self.concordant = self.concordant.saturating_add(1);
        } else if self.discordant.observe(stable_right) {
            self.concordant_at_peak = self.concordant;
        }
    }

    /// Adds a batch of pairs in any order; the evidence is evaluated after the batch.
    pub fn observe_counts(&mut self, only_stable: u64, only_canary: u64, concordant: u64) {
        self.cached.forget();
        self.concordant = self.concordant.saturating_add(concordant);
        if self.discordant.observe_counts(only_stable, only_canary) {
            self.concordant_at_peak = self.concordant;
        }
    }

    /// Pairs where only the stable model was right.
    pub fn only_stable(&self) -> u64 {
        self.discordant.now().ones
    }

    /// Pairs where only the canary was right.
    pub fn only_canary(&self) -> u64 {
        self.discordant.now().zeros
    }

    /// All pairs.
    pub fn pairs(&self) -> u64 {
        self.concordant.saturating_add(self.only_stable()).saturating_add(self.only_canary())
    }

    fn scores(discordant: Counts, concordant: u64) -> Scores {
        let (minus, plus) = (discordant.ones as f64, discordant.zeros as f64);
        Scores { minus, all: minus + plus + concordant as f64, plus }
    }

    /// ln E of the null that the mean score is at least `mean`, which is from −1 to the ratio.
    fn ln_e_at_least(&self, scores: Scores, mean: f64) -> f64 {
        let bet = |rise: f64| rise / (1.0 + self.ratio + self.ratio * rise);
        self.ln_mixture(scores, mean, |k| -bet(RISE[k]))
    }

    /// ln E of the null that the mean score is at most `mean`, which is from −1 to the ratio.
    fn ln_e_at_most(&self, scores: Scores, mean: f64) -> f64 {
        let bet = |rise: f64| rise / (1.0 + self.ratio + rise);
        self.ln_mixture(scores, mean, |k| bet(RISE[k]))
    }

    /// ln Σ w ∏ (1 + μs)/(1 + μ·mean) with the k-th μ.
    fn ln_mixture(&self, scores: Scores, mean: f64, bet: impl Fn(usize) -> f64) -> f64 {
        if scores.all == 0.0 {
            return 0.0;
        }
        let Scores { minus, all, plus } = scores;
        let terms: [f64; SIZES] = std::array::from_fn(|k| {
            let bet = bet(k);
            PRIOR.ln_weight[k] + plus * ln_1p(bet * self.ratio) + minus * ln_1p(-bet)
                - all * ln_1p(bet * mean)
        });
        ln_sum_exp(&terms)
    }

    /// Returns true when a mean score of at least `mean` is excluded, now or, after an alarm, at the greatest evidence.
    fn excludes(&self, mean: f64, ln_threshold: f64) -> bool {
        let excludes = |discordant, concordant| {
            self.ln_e_at_least(Self::scores(discordant, concordant), mean) >= ln_threshold
        };
        excludes(self.discordant.now(), self.concordant)
            || (self.discordant.alarmed(ln_threshold)
                && excludes(self.discordant.peak(), self.concordant_at_peak))
    }

    /// Returns true when a mean score of at most `mean` is excluded now.
    fn proves_more(&self, mean: f64, ln_threshold: f64) -> bool {
        let scores = Self::scores(self.discordant.now(), self.concordant);
        self.ln_e_at_most(scores, mean) >= ln_threshold
    }
}

impl EProcess for Labelled {
    fn ln_e(&self) -> f64 {
        self.discordant.ln_e()
    }

    fn max_ln_e(&self) -> f64 {
        self.discordant.max_ln_e()
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("only stable right", self.only_stable()),
            ("only canary right", self.only_canary()),
            ("both right or both wrong", self.concordant),
        ]
    }

    /// The observed mean score; with a ratio of 1 the difference of the accuracies, canary − stable.
    fn estimate(&self) -> Option<f64> {
        let Scores { minus, all, plus } = Self::scores(self.discordant.now(), self.concordant);
        (all > 0.0).then(|| (self.ratio * plus - minus) / all)
    }

    /// 0; with a ratio of 1 that is no difference of the accuracies.
    fn bound(&self) -> f64 {
        0.0
    }

    /// The mean scores that are not excluded (with a ratio of 1 the differences of the accuracies, canary − stable).
    /// The high end inverts the alarm, the low end inverts [`excludes_harm`](EProcess::excludes_harm). After an alarm,
    /// 0 stays beyond the high end.
    fn interval(&self, alpha: Alpha) -> Interval {
        let threshold = alpha.ln_threshold();
        let bound = (0.0, self.discordant.alarmed(threshold));
        let high =
            ends::alarm_end(bound, (self.ratio, -1.0), |mean| self.excludes(mean, threshold));
        let low = ends::first_kept(-1.0, self.ratio, |mean| self.proves_more(mean, threshold));
        Interval { low: low.min(high), high }
    }

    /// Tests whether a loss of accuracy of `margin` or more (0.01 is one percentage point) is excluded. An alarm that
    /// excludes a loss of `margin` or less makes it false.
    fn excludes_harm(&self, margin: f64, alpha: Alpha) -> Result<bool> {
        check("margin", margin, "a number from 0 to less than 1", (0.0..1.0).contains(&margin))?;
        let threshold = alpha.ln_threshold();
        Ok(self.cached.or(margin, alpha, || {
            self.proves_more(-margin, threshold) && !self.excludes(-margin, threshold)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portable::exp;

    /// Σ P·E over the counts of seven pairs, both for the null "at least" and "at most", where the mean score is `mean`
    /// and a part `only_canary` of the pairs has the canary alone right.
    fn means(ratio: f64, mean: f64, null: f64, only_canary: f64) -> [f64; 2] {
        let test = Labelled::with_ratio(ratio).unwrap();
        let only_stable = ratio * only_canary - mean;
        let rest = 1.0 - only_stable - only_canary;
        assert!(only_stable >= 0.0 && rest >= 0.0);
        let choose =
            |n: i32, k: i32| (1..=k).fold(1.0, |c, i| c * f64::from(n + 1 - i) / f64::from(i));
        let mut means = [0.0; 2];
        for ones in 0..=7 {
            for zeros in 0..=7 - ones {
                let both = 7 - ones - zeros;
                let ways = choose(7, ones) * choose(7 - ones, zeros);
                let p = ways * only_stable.powi(ones) * only_canary.powi(zeros) * rest.powi(both);
                let discordant = Counts { ones: ones as u64, zeros: zeros as u64 };
                let scores = Labelled::scores(discordant, both as u64);
                means[0] += p * exp(test.ln_e_at_least(scores, null));
                means[1] += p * exp(test.ln_e_at_most(scores, null));
            }
        }
        means
    }

    #[test]
    fn both_tests_of_the_mean_score_are_fair_at_the_boundary_and_fall_inside() {
        for ratio in [0.5, 1.0, 2.0] {
            for null in [-0.3, -0.05, 0.0, 0.05] {
                for found in means(ratio, null, null, 0.2) {
                    assert!((found - 1.0).abs() < 1e-12, "{ratio} {null}: {found}");
                }
                assert!(means(ratio, null + 0.02, null, 0.2)[0] < 1.0, "{ratio} {null}");
                assert!(means(ratio, null - 0.02, null, 0.2)[1] < 1.0, "{ratio} {null}");
            }
        }
    }

    #[test]
    fn at_a_mean_of_zero_it_is_the_test_of_the_discordant_pairs() {
        for ratio in [0.5, 1.0, 3.0] {
            for (only_stable, only_canary, concordant) in
                [(7, 2, 0), (300, 200, 20_000), (60_000, 59_000, 3_000_000)]
            {
                let mut test = Labelled::with_ratio(ratio).unwrap();
                test.observe_counts(only_stable, only_canary, concordant);
                let scores = Labelled::scores(test.discordant.now(), concordant);
                let (found, wanted) = (test.ln_e_at_least(scores, 0.0), test.ln_e());
                let error = (found - wanted).abs() / wanted.abs().max(1.0);
                assert!(error < 1e-10, "{ratio} {only_stable}: {found} {wanted}");
            }
        }
    }
}
