//! The mean of a bounded score.
//!
//! **Observation.** A value x of any score that lies in a known range [low, high].
//!
//! **Null.** Each value has a conditional mean of at least μ0, whatever came before. The values need be neither
//! independent nor identically distributed.
//!
//! **Construction.** With u = (high − x)/(high − low) in [0, 1] the null is that u has a conditional mean of at
//! most ν = (high − μ0)/(high − low). E is the average capital of gamblers who stake fixed fractions f on u:
//! E = mean over f of ∏ (1 − f + f·u/ν); proof and source in [`betting`](super::betting).
//!
//! **Mirror.** [`EProcess::excludes_harm`] rests on an empirical-Bernstein e-process, which needs only three sums.
//! With X = (x − low)/(high − low), X̂ the mean of the values before it started at ½, and
//! ψ(λ) = −ln(1 − λ) − λ,
//!
//! M(μ) = mean over λ of exp(λ Σ(X − μ) − ψ(λ) Σ(X − X̂)²)
//!
//! is bounded by a supermartingale when the conditional means are at most μ: since e^{λy − ψ(λ)y²} ≤ 1 + λy for
//! y ≥ −1, taking y = X − X̂ gives a mean factor of at most e^{−λ(μ − X̂)}(1 + λ(μ − X̂)) ≤ 1. Source: X. Fan,
//! I. Grama, Q. Liu, "Exponential inequalities for martingales with applications", 2015; S. Howard, A. Ramdas,
//! J. McAuliffe, J. Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of
//! Statistics 49(2), 2021, theorem 4.
//!
//! **Interval.** For another mean μ in place of μ0, so (high − μ)/(high − low) = rν in place of ν, the factor
//! (1 − f + f·u/ν)/(1 − f + f·r) has a conditional mean of at most 1: it is that of a gambler who stakes the fraction
//! fr/(1 − f + fr) against rν. So after n values E_μ = mean over f of C_f (1 − f + f·r)^{−n}, C_f the capital of the
//! gambler f, is an e-process of the null "at least μ", follows from the capitals, is E at μ0, and grows with μ. The
//! high end inverts it at α; the low end inverts the mirror at α, where λΣ(X − μ) falls as μ grows. Each end alone is
//! right at all times with probability 1 − α. By Jensen's inequality both are at most 1 at the observed mean, which
//! lies between the ends.

use serde::{Deserialize, Serialize};

use super::{
    betting::{FRACTIONS, GAMBLERS},
    cached::Cached,
    capitals::Capitals,
    e_process::{Alpha, EProcess, Interval},
    ends,
    error::{Result, StatsError, check, max_ln_e},
    exact,
    portable::{ln, ln_1p, ln_sum_exp},
};

/// Tests that the mean of a bounded score is at least a given value.
///
/// ```
/// use canary_core::stats::{Alpha, BoundedMean, EProcess};
///
/// let mut sure = BoundedMean::new(0.8, 0.0, 1.0)?; // the mean confidence should be at least 0.8
/// for i in 0..300 {
///     sure.observe(if i % 2 == 0 { 0.9 } else { 0.5 })?; // 0.7 on average
/// }
/// let alpha = Alpha::new(0.05)?;
/// assert!(sure.alarm(alpha));
/// assert!(sure.interval(alpha).contains(0.7));
/// # Ok::<(), canary_core::stats::StatsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct BoundedMean {
    at_least: f64,
    low: f64,
    high: f64,
    capitals: Capitals,
    /// The sum of the capitals at which E has its maximum up to now, on their scale.
    max_sum: f64,
    max_ln_e: f64,
    values: u64,
    /// Σ X, with X = (x − low)/(high − low).
    sum: f64,
    /// Σ (X − X̂)².
    variation: f64,
    cached: Cached,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    #[serde(with = "exact")]
    at_least: f64,
    #[serde(with = "exact")]
    low: f64,
    #[serde(with = "exact")]
    high: f64,
    #[serde(with = "exact::list")]
    capitals: Vec<f64>,
    scale: i32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    below: Vec<i32>,
    #[serde(with = "exact")]
    max_ln_e: f64,
    values: u64,
    #[serde(with = "exact")]
    sum: f64,
    #[serde(with = "exact")]
    variation: f64,
}

impl From<BoundedMean> for Saved {
    fn from(test: BoundedMean) -> Self {
        let BoundedMean { at_least, low, high, max_ln_e, values, sum, variation, .. } = test;
        let (capitals, scale, below) = test.capitals.saved();
        Self { at_least, low, high, capitals, scale, below, max_ln_e, values, sum, variation }
    }
}

impl TryFrom<Saved> for BoundedMean {
    type Error = StatsError;

    fn try_from(saved: Saved) -> Result<Self> {
        let Saved { values, sum, variation, .. } = saved;
        let capitals = Capitals::restore(&saved.capitals, saved.scale, &saved.below, values)?;
        let count = values as f64;
        check("sum", sum, "a number from 0 to `values`", (0.0..=count).contains(&sum))?;
        let holds = (0.0..=count).contains(&variation);
        check("variation", variation, "a number from 0 to `values`", holds)?;
        let max_ln_e = max_ln_e(saved.max_ln_e)?;
        let fresh = Self::new(saved.at_least, saved.low, saved.high)?;
        let mut test = Self { capitals, max_ln_e, values, sum, variation, ..fresh };
        test.refresh_max_sum();
        Ok(test)
    }
}

impl BoundedMean {
    /// The test of the null "the mean is at least `at_least`", for values from `low` to `high`.
    ///
    /// # Errors
    /// When `low` or `high` is not finite, or `at_least` does not lie between them, or nearer to `high` than a
    /// billionth of the range.
    pub fn new(at_least: f64, low: f64, high: f64) -> Result<Self> {
        check("low", low, "a finite number", low.is_finite())?;
        let range = high - low;
        check("high", high, "a finite number above `low`", range > 0.0 && range.is_finite())?;
        let holds = at_least > low && high - at_least >= 1e-9 * range;
        check("at_least", at_least, "a number between `low` and `high`", holds)?;
        let mut test = Self {
            at_least,
            low,
            high,
            capitals: Capitals::new(),
            max_sum: 0.0,
            max_ln_e: 0.0,
            values: 0,
            sum: 0.0,
            variation: 0.0,
            cached: Cached::default(),
        };
        test.refresh_max_sum();
        Ok(test)
    }

    /// The mean of the null hypothesis.
    pub fn at_least(&self) -> f64 {
        self.at_least
    }

    /// The least and the largest value allowed.
    pub fn range(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// The number of values seen.
    pub fn values(&self) -> u64 {
        self.values
    }

    /// Takes one value in.
    ///
    /// # Errors
    /// When `value` is not from `low` to `high`; nothing is taken in then.
    #[inline]
    pub fn observe(&mut self, value: f64) -> Result<()> {
        let holds = self.low <= value && value <= self.high;
        check("value", value, "a number in the range of the score", holds)?;
        self.cached.forget();
        let bet = (self.high - value) / (self.high - self.at_least);
        let total = self.capitals.play(bet);
        let x = (value - self.low) / (self.high - self.low);
        let mean = (0.5 + self.sum) / (1.0 + self.values as f64);
        self.variation += (x - mean) * (x - mean);
        self.sum += x;
        self.values = self.values.saturating_add(1);
        if total > self.max_sum {
            self.max_ln_e = self.max_ln_e.max(self.ln_e());
            self.refresh_max_sum();
        }
        if self.capitals.settle(total, self.values) {
            self.refresh_max_sum();
        }
        Ok(())
    }

    /// Takes values in, in order.
    ///
    /// # Errors
    /// At the first that is not in the range; those before it are taken in.
    pub fn observe_all(&mut self, values: &[f64]) -> Result<()> {
        values.iter().try_for_each(|&value| self.observe(value))
    }

    /// The sum that stands for `max_ln_e`, a little less so that rounding cannot hide a maximum.
    fn refresh_max_sum(&mut self) {
        self.max_sum = self.capitals.sum_of(self.max_ln_e) * (1.0 - 1e-9);
    }

    /// ln M of the null "the mean is at most `mean`".
    fn ln_e_at_most(&self, mean: f64) -> f64 {
        let mean = (mean - self.low) / (self.high - self.low);
        let excess = self.sum - self.values as f64 * mean;
        let terms =
            FRACTIONS.map(|lambda| lambda * excess - (-ln_1p(-lambda) - lambda) * self.variation);
        ln_sum_exp(&terms) - ln(GAMBLERS as f64)
    }

    /// ln E of the alarm, if `mean` were the mean of the null hypothesis.
    fn ln_e_at_least(&self, mean: f64) -> f64 {
        let change = (self.at_least - mean) / (self.high - self.at_least);
        self.capitals.ln_mean_beside(change, self.values)
    }
}

impl EProcess for BoundedMean {
    fn ln_e(&self) -> f64 {
        self.capitals.ln_mean()
    }

    fn max_ln_e(&self) -> f64 {
        self.max_ln_e
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        vec![("values", self.values)]
    }

    /// The observed mean.
    fn estimate(&self) -> Option<f64> {
        let range = self.high - self.low;
        (self.values > 0).then(|| self.low + range * self.sum / self.values as f64)
    }

    /// The mean of the null hypothesis.
    fn bound(&self) -> f64 {
        self.at_least
    }

    /// The means that are not excluded: below the high end those that the alarm leaves, above the low end those that
    /// [`excludes_harm`](EProcess::excludes_harm) leaves.
    fn interval(&self, alpha: Alpha) -> Interval {
        let threshold = alpha.ln_threshold();
        let bound = (self.at_least, self.ln_e() >= threshold);
        Interval {
            low: ends::first_kept(self.low, self.high, |mean| self.ln_e_at_most(mean) >= threshold),
            high: ends::alarm_end(bound, (self.high, self.low), |mean| {
                self.ln_e_at_least(mean) >= threshold
            }),
        }
    }

    /// Tests whether a mean of `margin` or less is excluded.
    fn excludes_harm(&self, margin: f64, alpha: Alpha) -> Result<bool> {
        let holds = self.low <= margin && margin < self.high;
        check(
            "margin",
            margin,
            "a number in the range of the score, its upper end excluded",
            holds,
        )?;
        Ok(self.cached.or(margin, alpha, || self.ln_e_at_most(margin) >= alpha.ln_threshold()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    /// The capitals for another mean are those of gamblers who staked against it from the beginning.
    #[test]
    fn other_means_have_gamblers_of_their_own() {
        let mut random = Random::new(81);
        for (at_least, low, high) in [(0.8, 0.0, 1.0), (-0.02, -1.0, 1.0), (3.0, -5.0, 20.0)] {
            let mut test = BoundedMean::new(at_least, low, high).unwrap();
            let others: Vec<f64> =
                (1..10).map(|k| low + (high - low) * f64::from(k) / 10.0).collect();
            let mut capitals = vec![[1.0; GAMBLERS]; others.len()];
            for _ in 0..200 {
                let value = low + (high - low) * random.beta(2.0, 1.0);
                test.observe(value).unwrap();
                for (mean, capitals) in others.iter().zip(&mut capitals) {
                    let against = (high - mean) / (high - low);
                    let r = (high - mean) / (high - at_least);
                    for (capital, f) in capitals.iter_mut().zip(FRACTIONS) {
                        let fraction = f * r / (1.0 - f + f * r);
                        assert!((0.0..=1.0).contains(&fraction));
                        let u = (high - value) / (high - low);
                        *capital *= 1.0 - fraction + fraction * u / against;
                    }
                }
            }
            let mut before = f64::NEG_INFINITY;
            for (mean, capitals) in others.iter().zip(&capitals) {
                let wanted = (capitals.iter().sum::<f64>() / GAMBLERS as f64).ln();
                let found = test.ln_e_at_least(*mean);
                assert!((found - wanted).abs() < 1e-9 * (1.0 + wanted.abs()), "{found} {wanted}");
                assert!(found > before, "{mean}: {before} {found}");
                before = found;
            }
            assert!((test.ln_e_at_least(at_least) - test.ln_e()).abs() < 1e-12);
        }
    }

    #[test]
    fn the_ends_stay_in_the_range_of_the_score() {
        let alpha = Alpha::new(0.05).unwrap();
        for value in [-2.0, 5.0] {
            let mut test = BoundedMean::new(1.0, -2.0, 5.0).unwrap();
            for _ in 0..10_000 {
                test.observe(value).unwrap();
            }
            let Interval { low, high } = test.interval(alpha);
            assert!(-2.0 <= low && low <= high && high <= 5.0 && high - low < 0.1, "{low} {high}");
            assert_eq!(if value < 0.0 { low } else { high }, value);
        }
    }

    /// Far from the bound the gamblers that matter for the end are lost beside the others.
    #[test]
    fn the_ends_hold_far_from_the_bound() {
        let alpha = Alpha::new(0.05).unwrap();
        for (at_least, mean) in [(0.8, 0.95), (0.5, 0.99), (0.99, 0.5), (0.3, 0.25)] {
            let mut random = Random::new(82);
            let mut test = BoundedMean::new(at_least, 0.0, 1.0).unwrap();
            for n in 1..=30_000 {
                test.observe(f64::from(random.bernoulli(mean))).unwrap();
                if n % 3_000 == 0 {
                    let Interval { low, high } = test.interval(alpha);
                    let estimate = test.estimate().unwrap();
                    assert!(low < estimate && estimate < high, "{n}: {low} {estimate} {high}");
                    assert!(low <= mean && mean <= high, "{n}: {low} {mean} {high}");
                }
            }
            assert!(test.interval(alpha).width() < 0.04, "{mean}: {:?}", test.interval(alpha));
        }
    }
}
