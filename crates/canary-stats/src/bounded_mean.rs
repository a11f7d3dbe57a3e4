//! The mean of a bounded score.
//!
//! **Observation.** A value x of any score that lies in a known range [low, high].
//!
//! **Null.** Each value has a conditional mean of at least μ0, given the past. The values need be neither independent
//! nor identically distributed.
//!
//! **Construction.** With u = (high − x)/(high − low) in [0, 1] the null is that u has a conditional mean of at
//! most ν = (high − μ0)/(high − low). Half of E is ∏ (1 + λ(u − ν)) with
//!
//! λ = (μ̂ − ν)/(σ̂² + (μ̂ − ν)²), not below 0 nor above 0.99/ν,
//!
//! which nearly maximises the growth of ln E at the mean μ̂ and the variance σ̂² of the values *before* this one (n of
//! them):
//!
//! μ̂ = (Σu + ½)/(n + 1), σ̂² = (Σ(u − ū)² + 0.05)/(n + 1), at least 10⁻⁶, ū the mean up to and with that u.
//!
//! The other half is the mean, over six fixed f = 0.9·2^{−j}, of ∏ (1 + f(u/ν − 1)). The fixed ones are not misled where
//! rare large values dominate the mean, and an estimate of it from few values is far off.
//!
//! **Proof.** Each factor is at least 0 and, since its λ or f depends on the past alone, has a conditional mean of at
//! most 1 under the null; so has the evidence, a mean of the products with fixed weights. Source: I. Waudby-Smith and
//! A. Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86(1), 2024: section 4 (products), the
//! aGRAPA rule of appendix B (λ), section 5.3 (means over fixed f).
//!
//! **Mirror.** [`EProcess::excludes_harm`] is the same test of 1 − u, whose null is that the mean is at most the margin.
//! It holds only while its present evidence is at least 1/α.
//!
//! **Interval.** Both tests are kept for 33 means, the *nodes*, μ0 always one of them: at a node with ν_j in place of
//! ν, λ_j is the λ of μ0, at most 0.99/ν_j. For one u every factor then falls as ν_j grows, and so does the evidence:
//! the means excluded at α are those from one node upward. The high end of the interval is just below that node, by the
//! running maximum of each node's evidence; so the interval excludes μ0 from the first alarm on, and never without one.
//! The low end is the mirror's, by its present evidence. Each end alone holds at all times with probability 1 − α.

use serde::{Deserialize, Serialize};

use super::{
    capitals::{self, Capitals},
    e_process::{Alpha, EProcess, Interval},
    error::{Result, StatsError, check},
    exact, nodes,
};

/// The fixed fractions: 0.9, 0.45, … 0.9/2⁵.
const STAKES: [f64; 6] = [0.9, 0.45, 0.225, 0.1125, 0.056_25, 0.028_125];
/// The largest λν.
const MOST: f64 = 0.99;
/// The bound and a margin keep at least this part of the range between them and its end.
const LEAST: f64 = 1e-9;

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
    margin: Option<f64>,
    values: u64,
    /// Σ X, with X = (x − low)/(high − low).
    sum: f64,
    /// Σ (X − X̄)², X̄ the mean up to and with that X.
    variation: f64,
    /// The evidence against the null "at least this mean", and against the null "at most this mean".
    alarm: Side,
    proof: Side,
}

/// The evidence of one direction at each of its nodes.
#[derive(Debug, Clone, PartialEq)]
struct Side {
    /// The means, ascending, and the node whose λ is used at all.
    means: Vec<f64>,
    aim: usize,
    /// The largest conditional mean of u under each null.
    nu: Vec<f64>,
    capitals: Capitals<7>,
}

impl Side {
    fn new(means: Vec<f64>, aim: usize, nu: impl Fn(f64) -> f64) -> Self {
        let nu: Vec<f64> = means.iter().map(|mean| nu(*mean)).collect();
        Self { aim, capitals: Capitals::new(nu.len()), means, nu }
    }

    /// Adds u; the mean and variance are those of the values of u before it.
    #[inline]
    fn observe(&mut self, u: f64, (mean, variance): (f64, f64)) {
        let excess = mean - self.nu[self.aim];
        let lambda = (excess / (variance + excess * excess)).max(0.0);
        for (row, &nu) in self.capitals.rows_mut().zip(&self.nu) {
            let ratio = u / nu;
            let adaptive = if lambda * nu < MOST {
                1.0 + lambda * (u - nu)
            } else {
                1.0 - MOST + MOST * ratio
            };
            let mut factors = [adaptive; 7];
            for (factor, f) in factors[1..].iter_mut().zip(STAKES) {
                *factor = 1.0 - f + f * ratio;
            }
            row.play(factors);
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Saved {
    #[serde(with = "exact")]
    at_least: f64,
    #[serde(with = "exact")]
    low: f64,
    #[serde(with = "exact")]
    high: f64,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "exact::option")]
    margin: Option<f64>,
    values: u64,
    #[serde(with = "exact")]
    sum: f64,
    #[serde(with = "exact")]
    variation: f64,
    alarm: capitals::Saved,
    proof: capitals::Saved,
}

impl From<BoundedMean> for Saved {
    fn from(test: BoundedMean) -> Self {
        let BoundedMean { at_least, low, high, margin, values, sum, variation, .. } = test;
        let (alarm, proof) = ((&test.alarm.capitals).into(), (&test.proof.capitals).into());
        Self { at_least, low, high, margin, values, sum, variation, alarm, proof }
    }
}

impl TryFrom<Saved> for BoundedMean {
    type Error = StatsError;

    fn try_from(saved: Saved) -> Result<Self> {
        let Saved { values, sum, variation, .. } = saved;
        let mut test = Self::new(saved.at_least, saved.low, saved.high)?;
        if let Some(margin) = saved.margin {
            test = test.with_margin(margin)?;
        }
        let count = values as f64;
        check("sum", sum, "a number from 0 to `values`", (0.0..=count).contains(&sum))?;
        let holds = (0.0..=count).contains(&variation);
        check("variation", variation, "a number from 0 to `values`", holds)?;
        (test.values, test.sum, test.variation) = (values, sum, variation);
        for (side, saved) in [(&mut test.alarm, &saved.alarm), (&mut test.proof, &saved.proof)] {
            side.capitals = Capitals::restore(saved, side.nu.len(), values)?;
        }
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
        let holds = at_least > low && high - at_least >= LEAST * range;
        check("at_least", at_least, "a number between `low` and `high`", holds)?;
        let means = nodes::grid(at_least, low, high);
        let bound = means.partition_point(|mean| *mean < at_least);
        let alarm = Side::new(means, bound, |mean| (high - mean) / range);
        let proof = Self::proof_of(at_least, (at_least, low, high));
        Ok(Self {
            at_least,
            low,
            high,
            margin: None,
            values: 0,
            sum: 0.0,
            variation: 0.0,
            alarm,
            proof,
        })
    }

    /// The mirror whose λ is that of the node `aim`.
    fn proof_of(aim: f64, (at_least, low, high): (f64, f64, f64)) -> Side {
        // Of means nearer to `low` the quotient u/ν would be too large a number.
        let least = low + LEAST * (high - low);
        let mut means = nodes::grid(at_least, low, high);
        means.retain(|mean| *mean >= least);
        let aim = nodes::place(&mut means, aim.max(least));
        Side::new(means, aim, |mean| (mean - low) / (high - low))
    }

    /// Makes `margin` the mean at which [`excludes_harm`](EProcess::excludes_harm) is the strongest, and a node of it.
    ///
    /// Without this call its λ is tuned for a margin of `at_least`, and any other margin is decided at the next node
    /// above it: if that node is excluded, so is the margin.
    ///
    /// # Errors
    /// When `margin` is not from `low` to less than `high`, or a value has been added already.
    pub fn with_margin(mut self, margin: f64) -> Result<Self> {
        self.check_margin(margin)?;
        let values = self.values as f64;
        check("values", values, "0 when the margin is set", self.values == 0)?;
        self.proof = Self::proof_of(margin, (self.at_least, self.low, self.high));
        self.margin = Some(margin);
        Ok(self)
    }

    fn check_margin(&self, margin: f64) -> Result<()> {
        let holds = self.low <= margin && margin < self.high;
        let expected = "a number in the range of the score, its upper end excluded";
        check("margin", margin, expected, holds).map(|_| ())
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

    /// Adds one value.
    ///
    /// # Errors
    /// When `value` is not from `low` to `high`; then nothing is added.
    #[inline]
    pub fn observe(&mut self, value: f64) -> Result<()> {
        let holds = self.low <= value && value <= self.high;
        check("value", value, "a number in the range of the score", holds)?;
        let range = self.high - self.low;
        let (x, u) = ((value - self.low) / range, (self.high - value) / range);
        let before = self.values as f64 + 1.0;
        let mean = (self.sum + 0.5) / before;
        let variance = ((self.variation + 0.05) / before).max(1e-6);
        self.alarm.observe(u, (1.0 - mean, variance));
        self.proof.observe(x, (mean, variance));
        self.values = self.values.saturating_add(1);
        self.sum += x;
        let deviation = x - self.sum / self.values as f64;
        self.variation += deviation * deviation;
        self.alarm.capitals.settle(self.values);
        self.proof.capitals.settle(self.values);
        Ok(())
    }

    /// Adds values in order.
    ///
    /// # Errors
    /// At the first that is not in the range; those before it are added.
    pub fn observe_all(&mut self, values: &[f64]) -> Result<()> {
        values.iter().try_for_each(|&value| self.observe(value))
    }
}

impl EProcess for BoundedMean {
    fn ln_e(&self) -> f64 {
        self.alarm.capitals.row(self.alarm.aim).ln_e()
    }

    fn max_ln_e(&self) -> f64 {
        self.alarm.capitals.row(self.alarm.aim).max_ln_e()
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

    /// The means that are not excluded.
    ///
    /// The high end inverts the alarm, the low end inverts [`excludes_harm`](EProcess::excludes_harm). The high end
    /// never rises. [`bound`](EProcess::bound) lies above it exactly when [`alarm`](EProcess::alarm) is true. Where the
    /// mean has changed so much that no single value is left, both ends are the high one.
    fn interval(&self, alpha: Alpha) -> Interval {
        let threshold = alpha.ln_threshold();
        let (alarm, proof) = (&self.alarm, &self.proof);
        let lowest = nodes::lowest_excluded(alarm.means.len(), alarm.aim, |node| {
            alarm.capitals.row(node).max_ln_e() >= threshold
        });
        let highest = nodes::excluded_from_below(proof.means.len(), |node| {
            proof.capitals.row(node).ln_e() >= threshold
        });
        let high = lowest.map_or(self.high, |node| alarm.means[node].next_down());
        let low = highest.map_or(self.low, |node| proof.means[node].next_up());
        Interval { low: low.min(high), high }
    }

    /// Tests whether a mean of `margin` or less is excluded, now.
    ///
    /// The margin of [`with_margin`](BoundedMean::with_margin) is tested itself, any other at the next node above it. No
    /// margin above the interval's high end is excluded.
    fn excludes_harm(&self, margin: f64, alpha: Alpha) -> Result<bool> {
        self.check_margin(margin)?;
        Ok(margin < self.interval(alpha).low)
    }
}

#[cfg(test)]
mod tests;
