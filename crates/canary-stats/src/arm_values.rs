//! The running mean and variance of the values of one arm.

use serde::{Deserialize, Serialize};

use super::{
    error::{Result, StatsError, check},
    exact,
};

/// Values from 0 to 1, started with one value of ½ and the variance ¼ as a prior.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub(super) struct ArmValues {
    count: u64,
    #[serde(with = "exact")]
    sum: f64,
    /// Σ (x − mean before)(x − mean after): the sum of squares around the mean (B. Welford, Technometrics 4(3), 1962).
    #[serde(with = "exact")]
    variation: f64,
}

#[derive(Deserialize)]
struct Saved {
    count: u64,
    #[serde(with = "exact")]
    sum: f64,
    #[serde(with = "exact")]
    variation: f64,
}

impl TryFrom<Saved> for ArmValues {
    type Error = StatsError;

    fn try_from(Saved { count, sum, variation }: Saved) -> Result<Self> {
        let possible = 0.0..=count as f64;
        check("sum", sum, "a number from 0 to `count`", possible.contains(&sum))?;
        check("variation", variation, "a number from 0 to `count`", possible.contains(&variation))?;
        Ok(Self { count, sum, variation })
    }
}

impl ArmValues {
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The mean of the values and of the prior value ½.
    pub(super) fn mean(&self) -> f64 {
        (self.sum + 0.5) / (self.count as f64 + 1.0)
    }

    /// The variance of the values and of the prior value ½, whose variance is ¼.
    pub(super) fn variance(&self) -> f64 {
        (self.variation + 0.25) / (self.count as f64 + 1.0)
    }

    pub(super) fn observe(&mut self, x: f64) {
        let before = x - self.mean();
        self.count = self.count.saturating_add(1);
        self.sum += x;
        // Rounding may give the two differences different signs.
        self.variation += (before * (x - self.mean())).max(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moments_are_those_of_the_values_and_the_first_guess() {
        let mut arm = ArmValues::default();
        assert_eq!((arm.mean(), arm.variance()), (0.5, 0.25));
        let values = [0.0, 1.0, 0.25, 0.7, 0.7];
        for x in values {
            arm.observe(x);
        }
        let mean = (0.5 + values.iter().sum::<f64>()) / 6.0;
        let squares: f64 = values.iter().chain(&[0.5]).map(|x| (x - mean) * (x - mean)).sum();
        assert!((arm.mean() - mean).abs() < 1e-15);
        assert!((arm.variance() - (squares + 0.25) / 6.0).abs() < 1e-15);
        for damaged in [
            r#"{"count":1,"sum":"1.1","variation":"0"}"#,
            r#"{"count":1,"sum":"0","variation":"-1"}"#,
            r#"{"count":1,"sum":"NaN","variation":"0"}"#,
        ] {
            assert!(serde_json::from_str::<ArmValues>(damaged).is_err(), "{damaged}");
        }
    }
}
