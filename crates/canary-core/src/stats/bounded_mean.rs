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
//! **Mirror.** The confidence sequence of the mean rests on an empirical-Bernstein e-process, which needs only
//! three sums. With X = (x − low)/(high − low), X̂ the mean of the values before it started at ½, and
//! ψ(λ) = −ln(1 − λ) − λ,
//!
//! M(μ) = mean over λ of exp(λ Σ(X − μ) − ψ(λ) Σ(X − X̂)²)
//!
//! is bounded by a supermartingale when the conditional means are at most μ: since e^{λy − ψ(λ)y²} ≤ 1 + λy for
//! y ≥ −1, taking y = X − X̂ gives a mean factor of at most e^{−λ(μ − X̂)}(1 + λ(μ − X̂)) ≤ 1. Source: X. Fan,
//! I. Grama, Q. Liu, "Exponential inequalities for martingales with applications", 2015; S. Howard, A. Ramdas,
//! J. McAuliffe, J. Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of
//! Statistics 49(2), 2021, theorem 4. The upper end uses the same with 1 − X.

use serde::{Deserialize, Serialize};

use super::{
    betting::{FRACTIONS, GAMBLERS},
    e_process::{Alpha, EProcess, Interval},
    error::{Result, StatsError, check, max_ln_e},
    exact,
    portable::{exp, ln, ln_1p, ln_sum_exp},
    special::bisect,
};

/// 2^±512: the common factor by which capitals are brought back into range.
const RESCALE: f64 = f64::from_bits((1023 + 512) << 52);
const LN_RESCALE: f64 = 512.0 * std::f64::consts::LN_2;

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
    /// The gamblers' capitals, over RESCALE^scale.
    capitals: [f64; GAMBLERS],
    scale: i32,
    /// The sum of the capitals at which E has its maximum up to now, on the same scale.
    max_sum: f64,
    max_ln_e: f64,
    values: u64,
    /// Σ X, with X = (x − low)/(high − low).
    sum: f64,
    /// Σ (X − X̂)².
    variation: f64,
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
        let BoundedMean { at_least, low, high, scale, max_ln_e, values, sum, variation, .. } = test;
        let capitals = test.capitals.to_vec();
        Self { at_least, low, high, capitals, scale, max_ln_e, values, sum, variation }
    }
}

impl TryFrom<Saved> for BoundedMean {
    type Error = StatsError;

    fn try_from(saved: Saved) -> Result<Self> {
        let Saved { capitals, scale, values, sum, variation, .. } = saved;
        let found = capitals.len() as f64;
        let capitals: [f64; GAMBLERS] = capitals.try_into().map_err(|_| StatsError {
            name: "capitals",
            value: found,
            expected: "a list of 12 numbers",
        })?;
        for capital in capitals {
            let holds = capital >= 0.0 && capital.is_finite();
            check("capitals", capital, "finite numbers of at least 0", holds)?;
        }
        // One observation changes a capital by less than a factor of 2^32.
        let count = values as f64;
        let holds = f64::from(scale).abs() <= 1.0 + count / 16.0;
        check("scale", f64::from(scale), "at most 1 + values/16 in size", holds)?;
        check("sum", sum, "a number from 0 to `values`", (0.0..=count).contains(&sum))?;
        let holds = (0.0..=count).contains(&variation);
        check("variation", variation, "a number from 0 to `values`", holds)?;
        let max_ln_e = max_ln_e(saved.max_ln_e)?;
        let fresh = Self::new(saved.at_least, saved.low, saved.high)?;
        let mut test = Self { capitals, scale, max_ln_e, values, sum, variation, ..fresh };
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
            capitals: [1.0; GAMBLERS],
            scale: 0,
            max_sum: 0.0,
            max_ln_e: 0.0,
            values: 0,
            sum: 0.0,
            variation: 0.0,
        };
        test.refresh_max_sum();
        Ok(test)
    }

    /// The mean that is asked for.
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
        let bet = (self.high - value) / (self.high - self.at_least);
        let mut total = 0.0;
        for (capital, fraction) in self.capitals.iter_mut().zip(FRACTIONS) {
            *capital *= 1.0 - fraction + fraction * bet;
            total += *capital;
        }
        let x = (value - self.low) / (self.high - self.low);
        let mean = (0.5 + self.sum) / (1.0 + self.values as f64);
        self.variation += (x - mean) * (x - mean);
        self.sum += x;
        self.values = self.values.saturating_add(1);
        if total > self.max_sum {
            self.max_ln_e = self.max_ln_e.max(self.ln_e());
            self.refresh_max_sum();
        }
        if !(1.0 / RESCALE..RESCALE).contains(&total) {
            self.rescale(total);
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

    #[cold]
    fn rescale(&mut self, total: f64) {
        if total == 0.0 {
            return;
        }
        let (factor, change) = if total < 1.0 { (RESCALE, -1) } else { (1.0 / RESCALE, 1) };
        for capital in &mut self.capitals {
            *capital *= factor;
        }
        self.scale = self.scale.saturating_add(change);
        self.refresh_max_sum();
    }

    /// The sum that stands for `max_ln_e`, a little less so that rounding cannot hide a maximum.
    fn refresh_max_sum(&mut self) {
        let relative = self.max_ln_e - f64::from(self.scale) * LN_RESCALE;
        self.max_sum = exp(relative) * GAMBLERS as f64 * (1.0 - 1e-9);
    }

    /// ln M of the null "the mean of X is at most `mean`" (`above`) or of "at least `mean`".
    fn ln_bernstein(&self, mean: f64, above: bool) -> f64 {
        let excess = self.sum - self.values as f64 * mean;
        let excess = if above { excess } else { -excess };
        let terms =
            FRACTIONS.map(|lambda| lambda * excess - (-ln_1p(-lambda) - lambda) * self.variation);
        ln_sum_exp(&terms) - ln(GAMBLERS as f64)
    }
}

impl EProcess for BoundedMean {
    fn ln_e(&self) -> f64 {
        let total: f64 = self.capitals.iter().sum();
        ln(total / GAMBLERS as f64) + f64::from(self.scale) * LN_RESCALE
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

    /// The means that are not excluded.
    fn interval(&self, alpha: Alpha) -> Interval {
        let threshold = alpha.half().ln_threshold();
        if self.values == 0 {
            return Interval { low: self.low, high: self.high };
        }
        let low = bisect(0.0, 1.0, |mean| self.ln_bernstein(mean, true) >= threshold);
        let high = bisect(0.0, 1.0, |mean| self.ln_bernstein(mean, false) < threshold);
        let range = self.high - self.low;
        Interval { low: self.low + range * low, high: self.low + range * high }
    }

    /// Whether a mean of `margin` or less is excluded.
    fn excludes_harm(&self, margin: f64, alpha: Alpha) -> Result<bool> {
        let holds = self.low <= margin && margin < self.high;
        check(
            "margin",
            margin,
            "a number in the range of the score, its upper end excluded",
            holds,
        )?;
        let mean = (margin - self.low) / (self.high - self.low);
        Ok(self.ln_bernstein(mean, true) >= alpha.ln_threshold())
    }
}
