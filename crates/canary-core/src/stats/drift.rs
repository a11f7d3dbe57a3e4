//! Drift of a bounded score between two models, on the same inputs.
//!
//! **Observation.** The paired difference d = canary − stable of a score in [0, 1] (the probability of the top
//! class), so that d lies in [−1, 1].
//!
//! **Null.** Each difference has a conditional mean of at least −m, the margin, whatever came before.
//!
//! **Construction.** With u = (1 − d)/2 in [0, 1] the null is that u has a conditional mean of at most
//! ν = (1 + m)/2. The e-process is the average capital of gamblers who stake fixed fractions f on u:
//! E = mean over f of ∏ (1 − f + f·u/ν); proof and source in [`betting`](super::betting).
//!
//! **Mirror.** The confidence sequence of the mean difference rests on an empirical-Bernstein e-process, which
//! needs only three sums. With X = (1 + d)/2, X̂ the mean of the values before it started at ½, and
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
    portable::{ln, ln_1p, ln_sum_exp},
    special::bisect,
};

/// 2^±512: the common factor by which capitals are brought back into range.
const RESCALE: f64 = f64::from_bits((1023 + 512) << 52);
const LN_RESCALE: f64 = 512.0 * std::f64::consts::LN_2;

/// Tests that a bounded score does not fall by more than a margin on average.
///
/// ```
/// use canary_core::stats::{Alpha, Drift, EProcess};
///
/// let mut test = Drift::new(0.02)?;
/// for i in 0..400 {
///     test.observe(if i % 2 == 0 { -0.25 } else { 0.05 })?; // −0.1 on average
/// }
/// let alpha = Alpha::new(0.05)?;
/// assert!(test.alarm(alpha));
/// assert!(test.interval(alpha).high < 0.0);
/// # Ok::<(), canary_core::stats::StatsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Drift {
    margin: f64,
    /// The gamblers' capitals, over RESCALE^scale.
    capitals: [f64; GAMBLERS],
    scale: i32,
    /// The sum of the capitals at which E has its maximum up to now, on the same scale.
    max_sum: f64,
    max_ln_e: f64,
    pairs: u64,
    /// Σ X, with X = (1 + d)/2.
    sum: f64,
    /// Σ (X − X̂)².
    variation: f64,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    #[serde(with = "exact")]
    margin: f64,
    #[serde(with = "exact::list")]
    capitals: Vec<f64>,
    scale: i32,
    #[serde(with = "exact")]
    max_ln_e: f64,
    pairs: u64,
    #[serde(with = "exact")]
    sum: f64,
    #[serde(with = "exact")]
    variation: f64,
}

impl From<Drift> for Saved {
    fn from(drift: Drift) -> Self {
        let Drift { margin, capitals, scale, max_ln_e, pairs, sum, variation, .. } = drift;
        Self { margin, capitals: capitals.to_vec(), scale, max_ln_e, pairs, sum, variation }
    }
}

impl TryFrom<Saved> for Drift {
    type Error = StatsError;

    fn try_from(saved: Saved) -> Result<Self> {
        let Saved { margin, capitals, scale, max_ln_e: maximum, pairs, sum, variation } = saved;
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
        // One observation changes a capital by less than a factor of 2.
        let count = pairs as f64;
        let holds = f64::from(scale).abs() <= 1.0 + count / 256.0;
        check("scale", f64::from(scale), "at most 1 + pairs/256 in size", holds)?;
        check("sum", sum, "a number from 0 to `pairs`", (0.0..=count).contains(&sum))?;
        let holds = (0.0..=count).contains(&variation);
        check("variation", variation, "a number from 0 to `pairs`", holds)?;
        let max_ln_e = max_ln_e(maximum)?;
        let mut drift =
            Self { capitals, scale, max_ln_e, pairs, sum, variation, ..Self::new(margin)? };
        drift.refresh_max_sum();
        Ok(drift)
    }
}

impl Drift {
    /// The test of the null "the mean of canary − stable is at least −`margin`".
    ///
    /// # Errors
    /// When `margin` is not from 0 to less than 1.
    pub fn new(margin: f64) -> Result<Self> {
        check("margin", margin, "a number from 0 to less than 1", (0.0..1.0).contains(&margin))?;
        let mut drift = Self {
            margin,
            capitals: [1.0; GAMBLERS],
            scale: 0,
            max_sum: 0.0,
            max_ln_e: 0.0,
            pairs: 0,
            sum: 0.0,
            variation: 0.0,
        };
        drift.refresh_max_sum();
        Ok(drift)
    }

    /// The fall of the score that is allowed.
    pub fn margin(&self) -> f64 {
        self.margin
    }

    /// The number of pairs seen.
    pub fn pairs(&self) -> u64 {
        self.pairs
    }

    /// Takes one paired difference in, canary − stable.
    ///
    /// # Errors
    /// When `difference` is not from −1 to 1; nothing is taken in then.
    #[inline]
    pub fn observe(&mut self, difference: f64) -> Result<()> {
        let holds = (-1.0..=1.0).contains(&difference);
        check("difference", difference, "a number from -1 to 1", holds)?;
        let bet = (1.0 - difference) / (1.0 + self.margin);
        let mut total = 0.0;
        for (capital, fraction) in self.capitals.iter_mut().zip(FRACTIONS) {
            *capital *= 1.0 - fraction + fraction * bet;
            total += *capital;
        }
        let x = 0.5 * (1.0 + difference);
        let mean = (0.5 + self.sum) / (1.0 + self.pairs as f64);
        self.variation += (x - mean) * (x - mean);
        self.sum += x;
        self.pairs = self.pairs.saturating_add(1);
        if total > self.max_sum {
            self.max_ln_e = self.max_ln_e.max(self.ln_e());
            self.refresh_max_sum();
        }
        if !(1.0 / RESCALE..RESCALE).contains(&total) {
            self.rescale(total);
        }
        Ok(())
    }

    /// Takes differences in, in order.
    ///
    /// # Errors
    /// At the first that is not from −1 to 1; those before it are taken in.
    pub fn observe_all(&mut self, differences: &[f64]) -> Result<()> {
        differences.iter().try_for_each(|&difference| self.observe(difference))
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
        self.scale += change;
        self.refresh_max_sum();
    }

    /// The sum that stands for `max_ln_e`, a little less so that rounding cannot hide a maximum.
    fn refresh_max_sum(&mut self) {
        let relative = self.max_ln_e - f64::from(self.scale) * LN_RESCALE;
        self.max_sum = super::portable::exp(relative) * GAMBLERS as f64 * (1.0 - 1e-9);
    }

    /// ln M of the null "the mean of X is at most `mean`" (`above`) or of "at least `mean`".
    fn ln_bernstein(&self, mean: f64, above: bool) -> f64 {
        let excess = self.sum - self.pairs as f64 * mean;
        let excess = if above { excess } else { -excess };
        let terms =
            FRACTIONS.map(|lambda| lambda * excess - (-ln_1p(-lambda) - lambda) * self.variation);
        ln_sum_exp(&terms) - ln(GAMBLERS as f64)
    }
}

impl EProcess for Drift {
    fn ln_e(&self) -> f64 {
        let total: f64 = self.capitals.iter().sum();
        ln(total / GAMBLERS as f64) + f64::from(self.scale) * LN_RESCALE
    }

    fn max_ln_e(&self) -> f64 {
        self.max_ln_e
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        vec![("pairs", self.pairs)]
    }

    /// The observed mean difference, canary − stable.
    fn estimate(&self) -> Option<f64> {
        (self.pairs > 0).then(|| 2.0 * self.sum / self.pairs as f64 - 1.0)
    }

    /// The mean differences, canary − stable, that are not excluded.
    fn interval(&self, alpha: Alpha) -> Interval {
        let threshold = alpha.half().ln_threshold();
        if self.pairs == 0 {
            return Interval { low: -1.0, high: 1.0 };
        }
        let low = bisect(0.0, 1.0, |mean| self.ln_bernstein(mean, true) >= threshold);
        let high = bisect(0.0, 1.0, |mean| self.ln_bernstein(mean, false) < threshold);
        Interval { low: 2.0 * low - 1.0, high: 2.0 * high - 1.0 }
    }

    /// Whether a fall of the mean score by `margin` or more is excluded.
    fn excludes_harm(&self, margin: f64, alpha: Alpha) -> Result<bool> {
        check("margin", margin, "a number from 0 to less than 1", (0.0..1.0).contains(&margin))?;
        Ok(self.ln_bernstein(0.5 * (1.0 - margin), true) >= alpha.ln_threshold())
    }
}
