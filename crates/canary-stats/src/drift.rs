//! Drift of a bounded score between two models, on the same inputs.
//!
//! **Observation.** The paired difference d = canary − stable of a score in [0, 1] (the probability of the top
//! class), so that d lies in [−1, 1].
//!
//! **Null.** Each difference has a conditional mean of at least −m, the margin, given the past.
//!
//! **Construction, proof, mirror and interval.** The [`BoundedMean`] of the differences, with u = (1 − d)/2 and
//! ν = (1 + m)/2: see [`bounded_mean`](super::bounded_mean).

use serde::{Deserialize, Serialize};

use super::{
    bounded_mean::BoundedMean,
    e_process::{Alpha, EProcess, Interval},
    error::{Result, StatsError, check},
};

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
#[serde(try_from = "BoundedMean", into = "BoundedMean")]
pub struct Drift(BoundedMean);

impl From<Drift> for BoundedMean {
    fn from(drift: Drift) -> Self {
        drift.0
    }
}

impl TryFrom<BoundedMean> for Drift {
    type Error = StatsError;

    fn try_from(mean: BoundedMean) -> Result<Self> {
        let (low, high) = mean.range();
        check("low", low, "-1", low == -1.0)?;
        check("high", high, "1", high == 1.0)?;
        check("at_least", mean.at_least(), "at most 0", mean.at_least() <= 0.0)?;
        Ok(Self(mean))
    }
}

fn check_margin(margin: f64) -> Result<()> {
    let holds = (0.0..1.0).contains(&margin);
    check("margin", margin, "a number from 0 to less than 1", holds).map(|_| ())
}

impl Drift {
    /// The test of the null "the mean of canary − stable is at least −`margin`".
    ///
    /// # Errors
    /// When `margin` is not from 0 to less than 1.
    pub fn new(margin: f64) -> Result<Self> {
        check_margin(margin)?;
        BoundedMean::new(0.0 - margin, -1.0, 1.0).map(Self)
    }

    /// Makes `margin` the fall at which [`excludes_harm`](EProcess::excludes_harm) is the strongest, as
    /// [`BoundedMean::with_margin`] does.
    ///
    /// # Errors
    /// When `margin` is not from 0 to less than 1, or a pair has been added already.
    pub fn with_margin(self, margin: f64) -> Result<Self> {
        check_margin(margin)?;
        self.0.with_margin(0.0 - margin).map(Self)
    }

    /// The fall of the score that is allowed.
    pub fn margin(&self) -> f64 {
        0.0 - self.0.at_least()
    }

    /// The number of pairs seen.
    pub fn pairs(&self) -> u64 {
        self.0.values()
    }

    /// Adds one paired difference, canary − stable.
    ///
    /// # Errors
    /// When `difference` is not from −1 to 1; then nothing is added.
    #[inline]
    pub fn observe(&mut self, difference: f64) -> Result<()> {
        let holds = (-1.0..=1.0).contains(&difference);
        check("difference", difference, "a number from -1 to 1", holds)?;
        self.0.observe(difference)
    }

    /// Adds differences in order.
    ///
    /// # Errors
    /// At the first that is not from −1 to 1; those before it are added.
    pub fn observe_all(&mut self, differences: &[f64]) -> Result<()> {
        differences.iter().try_for_each(|&difference| self.observe(difference))
    }
}

impl EProcess for Drift {
    fn ln_e(&self) -> f64 {
        self.0.ln_e()
    }

    fn max_ln_e(&self) -> f64 {
        self.0.max_ln_e()
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        vec![("pairs", self.pairs())]
    }

    /// The observed mean difference, canary − stable.
    fn estimate(&self) -> Option<f64> {
        self.0.estimate()
    }

    /// −margin.
    fn bound(&self) -> f64 {
        self.0.bound()
    }

    /// The mean differences, canary − stable, that are not excluded, as [`BoundedMean`] has them.
    fn interval(&self, alpha: Alpha) -> Interval {
        self.0.interval(alpha)
    }

    /// Tests whether a fall of the mean score by `margin` or more is excluded.
    fn excludes_harm(&self, margin: f64, alpha: Alpha) -> Result<bool> {
        check_margin(margin)?;
        self.0.excludes_harm(0.0 - margin, alpha)
    }
}
