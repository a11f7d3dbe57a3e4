//! The assumptions of a simulation: traffic, rates, answers.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A probability for each side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rates {
    /// Of the stable subset, from 0 to 1.
    pub stable: f64,
    /// Of the canary, from 0 to 1.
    pub canary: f64,
}

impl Rates {
    /// The two probabilities.
    pub const fn new(stable: f64, canary: f64) -> Self {
        Self { stable, canary }
    }
}

/// The conditions under which a plan is simulated.
///
/// ```
/// use canary_core::rollout::Scenario;
///
/// let doubled = Scenario::new(50.0).errors(0.01, 0.02);
/// assert_eq!(doubled.errors.canary, 0.02);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Scenario {
    /// Requests per second that the weights divide.
    pub rate: f64,
    /// The probability that a request fails. It is also the probability that a half of a pair fails.
    pub errors: Rates,
    /// The probability that a request is over the latency threshold. Learning the threshold is not simulated: it is
    /// taken as known from the first request.
    pub slow: Rates,
    /// The number of percentage points added to the canary's share of the traffic: the mesh's deviation from its
    /// weights.
    pub split_error: f64,
    /// Pairs of answers per second; none by default.
    pub pairs_per_second: f64,
    /// The probability that both models give the same top class, where both halves of a pair are served.
    pub agreement: f64,
    /// The probability, on a labelled input, that exactly one model is right: the stable one, or the canary.
    pub only_right: Rates,
    /// The mean of canary score minus stable score.
    pub drift: f64,
    /// The deviation of that difference, which takes the two values mean ± deviation.
    pub drift_deviation: f64,
    /// The latencies of the canary as a multiple of the stable version's, for the guardrail `quantileRatio`; they are
    /// log-normal with a deviation of 0.4 of their logarithm.
    pub latency_ratio: f64,
    /// The mean of every value of a guardrail `mean`, as a part of its range; each value is one of the ends.
    pub mean: Rates,
    /// The mean of every custom score, which is 0 or 1; one value comes with each pair whose halves are both served.
    pub custom: f64,
}

impl Default for Scenario {
    /// 100 requests per second, and everything is healthy.
    fn default() -> Self {
        Self {
            rate: 100.0,
            errors: Rates::default(),
            slow: Rates::default(),
            split_error: 0.0,
            pairs_per_second: 0.0,
            agreement: 1.0,
            only_right: Rates::default(),
            drift: 0.0,
            drift_deviation: 0.0,
            latency_ratio: 1.0,
            mean: Rates { stable: 0.5, canary: 0.5 },
            custom: 1.0,
        }
    }
}

impl Scenario {
    /// This many requests per second, and everything is healthy.
    pub fn new(rate: f64) -> Self {
        Self { rate, ..Self::default() }
    }

    /// Sets the probabilities that a request, or a half of a pair, fails.
    #[must_use]
    pub fn errors(mut self, stable: f64, canary: f64) -> Self {
        self.errors = Rates { stable, canary };
        self
    }

    /// Sets the probabilities that a request is slow.
    #[must_use]
    pub fn slow(mut self, stable: f64, canary: f64) -> Self {
        self.slow = Rates { stable, canary };
        self
    }

    /// Sets the number of pairs per second, and the probability that both models agree.
    #[must_use]
    pub fn pairs(mut self, per_second: f64, agreement: f64) -> Self {
        self.pairs_per_second = per_second;
        self.agreement = agreement;
        self
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::Plan`] that names the first field out of its range.
    pub fn check(&self) -> Result<()> {
        let unit = 0.0..=1.0;
        let fields = [
            ("rate", self.rate, 0.0..=1e9),
            ("errors.stable", self.errors.stable, unit.clone()),
            ("errors.canary", self.errors.canary, unit.clone()),
            ("slow.stable", self.slow.stable, unit.clone()),
            ("slow.canary", self.slow.canary, unit.clone()),
            ("splitError", self.split_error, -100.0..=100.0),
            ("pairsPerSecond", self.pairs_per_second, 0.0..=1e9),
            ("agreement", self.agreement, unit.clone()),
            ("onlyRight.stable", self.only_right.stable, unit.clone()),
            ("onlyRight.canary", self.only_right.canary, unit.clone()),
            ("onlyRight", self.only_right.stable + self.only_right.canary, unit.clone()),
            ("drift - driftDeviation", self.drift - self.drift_deviation.abs(), -1.0..=1.0),
            ("drift + driftDeviation", self.drift + self.drift_deviation.abs(), -1.0..=1.0),
            ("latencyRatio", self.latency_ratio, 1e-3..=1e3),
            ("mean.stable", self.mean.stable, unit.clone()),
            ("mean.canary", self.mean.canary, unit.clone()),
            ("custom", self.custom, unit),
        ];
        for (field, value, range) in fields {
            if !range.contains(&value) {
                return Err(Error::Plan(format!(
                    "the scenario's {field} is {value}, expected {} to {}",
                    range.start(),
                    range.end()
                )));
            }
        }
        Ok(())
    }
}
