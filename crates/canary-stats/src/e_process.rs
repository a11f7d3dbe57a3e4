//! The parts of every sequential test: an e-process, its running maximum, and a confidence sequence.

use serde::{Deserialize, Serialize};

use super::{
    error::{Result, StatsError, open_unit, positive},
    portable::{exp, ln},
};

/// A bound on the probability of a false alarm, strictly between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Alpha {
    value: f64,
    ln_threshold: f64,
}

impl Alpha {
    /// α as a number strictly between 0 and 1.
    ///
    /// # Errors
    /// When `alpha` is not a number between 0 and 1, ends excluded.
    pub fn new(alpha: f64) -> Result<Self> {
        let value = open_unit("alpha", alpha)?;
        Ok(Self { value, ln_threshold: -ln(value) })
    }

    /// The number itself.
    pub fn value(self) -> f64 {
        self.value
    }

    /// ln(1/α): the logarithm of the evidence at which a test alarms.
    pub fn ln_threshold(self) -> f64 {
        self.ln_threshold
    }

    /// Half of it, for each side of a two-sided statement.
    #[must_use]
    pub fn half(self) -> Self {
        let value = 0.5 * self.value;
        Self { value, ln_threshold: self.ln_threshold + std::f64::consts::LN_2 }
    }

    /// The α shared in proportion to `weights`, one part each; the parts sum to this α.
    ///
    /// By the union bound, tests that each hold their part hold the whole together.
    ///
    /// # Errors
    /// When a weight is not a finite number greater than 0, or its part is too small for a number.
    pub fn share(self, weights: &[f64]) -> Result<Vec<Self>> {
        for &weight in weights {
            positive("weight", weight)?;
        }
        let total: f64 = weights.iter().sum();
        weights.iter().map(|weight| Self::new(self.value * (weight / total))).collect()
    }
}

impl TryFrom<f64> for Alpha {
    type Error = StatsError;

    fn try_from(alpha: f64) -> Result<Self> {
        Self::new(alpha)
    }
}

impl From<Alpha> for f64 {
    fn from(alpha: Alpha) -> Self {
        alpha.value
    }
}

/// A closed interval of values that the data do not exclude.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The smallest value not excluded.
    pub low: f64,
    /// The largest value not excluded; infinite, and `null` in JSON, when none is.
    #[serde(with = "unbounded")]
    pub high: f64,
}

/// Infinity as `null`, because JSON cannot express it.
mod unbounded {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(high: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        high.is_finite().then_some(*high).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Ok(Option::deserialize(deserializer)?.unwrap_or(f64::INFINITY))
    }
}

impl Interval {
    /// high − low.
    pub fn width(&self) -> f64 {
        self.high - self.low
    }

    /// Returns true when `value` lies between the ends, ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// The intersection with another interval; the interval itself when they have no value in common.
    ///
    /// A confidence sequence may be intersected with all earlier ones without losing its coverage.
    #[must_use]
    pub fn intersect(self, earlier: Self) -> Self {
        let both = Self { low: self.low.max(earlier.low), high: self.high.min(earlier.high) };
        if both.low <= both.high { both } else { self }
    }
}

/// A sequential test that may be looked at after every observation.
///
/// Under the null hypothesis the evidence E starts at 1 and is at every moment bounded by a nonnegative
/// supermartingale, so that by Ville's inequality P(E ever reaches 1/α) ≤ α, over an unending run and under
/// every stopping rule (J. Ville, *Étude critique de la notion de collectif*, 1939; G. Shafer, A. Shen,
/// N. Vereshchagin, V. Vovk, "Test martingales, Bayes factors and p-values", 2011; A. Ramdas, P. Grünwald,
/// V. Vovk, G. Shafer, "Game-theoretic statistics and safe anytime-valid inference", 2023).
///
/// All values are kept as logarithms; E itself may exceed the range of `f64`.
pub trait EProcess {
    /// ln E after the observations so far; 0 before the first.
    fn ln_e(&self) -> f64;

    /// The largest ln E at any moment up to now, at least 0.
    fn max_ln_e(&self) -> f64;

    /// The sample sizes, each with what was counted.
    fn counts(&self) -> Vec<(&'static str, u64)>;

    /// The plain estimate of the quantity tested, or `None` while there are no data for one.
    fn estimate(&self) -> Option<f64>;

    /// The bound of the null hypothesis, on the scale of [`estimate`](Self::estimate) and
    /// [`interval`](Self::interval).
    fn bound(&self) -> f64;

    /// The values of the quantity tested that the test does not exclude now, at its own α.
    ///
    /// One end belongs to the alarm: it inverts the same e-process over the bound, so that [`bound`](Self::bound) lies
    /// beyond it exactly when E is at or above 1/α, and therefore at the moment of an alarm. If E falls afterwards, the
    /// alarm stays. Tests that keep the counts of their greatest evidence ([`Agreement`](super::Agreement),
    /// [`Labelled`](super::Labelled), [`ErrorRate`](super::ErrorRate)) then keep the bound outside the interval too;
    /// with the others it may return into the interval. The other end belongs to
    /// [`excludes_harm`](Self::excludes_harm), which is true exactly when the margin lies beyond it.
    ///
    /// Each end alone is a confidence sequence: it lies on the right side of the true value at all times together with
    /// probability at least 1 − α. For both ends the probability is at least 1 − 2α. ([`Split`](super::Split) is tested
    /// in both directions at once: both its ends together have 1 − α.)
    fn interval(&self, alpha: Alpha) -> Interval;

    /// Tests whether the data exclude that the canary is worse by `margin` or more, which a promotion may require.
    ///
    /// P(this is ever true while the harm is `margin` or more) ≤ α, however often it is called. Each test documents the
    /// unit of its margin.
    ///
    /// # Errors
    /// When `margin` is outside the range of the test.
    fn excludes_harm(&self, margin: f64, alpha: Alpha) -> Result<bool>;

    /// E after the observations so far.
    fn e(&self) -> f64 {
        exp(self.ln_e())
    }

    /// The anytime-valid p-value min(1, 1/max E): P(it is ever ≤ α) ≤ α under the null hypothesis.
    fn p_value(&self) -> f64 {
        exp(-self.max_ln_e()).min(1.0)
    }

    /// Returns true when E has reached 1/α at any moment: once true, true forever.
    fn alarm(&self, alpha: Alpha) -> bool {
        self.max_ln_e() >= alpha.ln_threshold()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_names_what_it_refuses() {
        for bad in [0.0, 1.0, -0.1, 1.5, f64::NAN, f64::INFINITY] {
            let error = Alpha::new(bad).unwrap_err();
            assert_eq!(error.name, "alpha");
            assert!(error.to_string().starts_with(&format!("alpha is {bad}, expected")), "{error}");
        }
        assert_eq!(Alpha::new(0.05).unwrap().half().value(), 0.025);
        let json = serde_json::to_string(&Alpha::new(0.05).unwrap()).unwrap();
        assert_eq!(json, "0.05");
        assert!(serde_json::from_str::<Alpha>("0").is_err());
    }

    #[test]
    fn parts_sum_to_the_whole() {
        let alpha = Alpha::new(0.05).unwrap();
        let parts = alpha.share(&[1.0, 1.0, 2.0]).unwrap();
        assert!((parts.iter().map(|part| part.value()).sum::<f64>() - 0.05).abs() < 1e-17);
        assert!((parts[2].value() - 0.025).abs() < 1e-17);
        assert_eq!(alpha.share(&[1.0, 0.0]).unwrap_err().name, "weight");
        assert!(alpha.share(&[]).unwrap().is_empty());
    }
}
