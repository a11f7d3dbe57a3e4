//! One type for all tests, so that a plan can hold tests of different kinds.

use serde::{Deserialize, Serialize};

use super::{
    Agreement, BoundedMean, Drift, ErrorRate, Labelled, MeanDifference, QuantileRatio, RateRatio,
    Split,
    e_process::{Alpha, EProcess, Interval},
    error::Result,
};

/// Any of the sequential tests; in JSON the field `test` names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "test", rename_all = "snake_case")]
pub enum AnyTest {
    /// Errors or slow requests of the canary against the stable version's.
    RateRatio(RateRatio),
    /// A quantile of the canary's latency against the stable version's.
    QuantileRatio(QuantileRatio),
    /// Errors of the canary against an absolute limit.
    ErrorRate(ErrorRate),
    /// The agreement of the top classes on the same input.
    Agreement(Agreement),
    /// Accuracy on labelled inputs.
    Labelled(Labelled),
    /// The observed split against the configured weight.
    Split(Split),
    /// The mean difference of a bounded score.
    Drift(Drift),
    /// The mean of a bounded score.
    BoundedMean(BoundedMean),
    /// The means of a bounded value in the two versions.
    MeanDifference(MeanDifference),
}

impl AnyTest {
    fn inner(&self) -> &dyn EProcess {
        match self {
            Self::RateRatio(test) => test,
            Self::QuantileRatio(test) => test,
            Self::ErrorRate(test) => test,
            Self::Agreement(test) => test,
            Self::Labelled(test) => test,
            Self::Split(test) => test,
            Self::Drift(test) => test,
            Self::BoundedMean(test) => test,
            Self::MeanDifference(test) => test,
        }
    }

    /// The name of the quantity that [`EProcess::estimate`] and [`EProcess::interval`] are about.
    pub fn quantity(&self) -> &'static str {
        match self {
            Self::RateRatio(_) => "rate ratio, canary / stable",
            Self::QuantileRatio(_) => "ratio of the latency's quantiles, canary / stable",
            Self::ErrorRate(_) => "error rate of the canary",
            Self::Agreement(_) => "agreement",
            Self::Labelled(test) if test.ratio() != 1.0 => {
                "ratio x share of pairs only the canary has right - share only stable has right"
            }
            Self::Labelled(_) => "difference of the accuracies, canary - stable",
            Self::Split(_) => "share of the canary",
            Self::Drift(_) => "mean difference of the score, canary - stable",
            Self::BoundedMean(_) => "mean of the score",
            Self::MeanDifference(_) => "difference of the means, canary - stable",
        }
    }
}

impl EProcess for AnyTest {
    fn ln_e(&self) -> f64 {
        self.inner().ln_e()
    }

    fn max_ln_e(&self) -> f64 {
        self.inner().max_ln_e()
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        self.inner().counts()
    }

    fn estimate(&self) -> Option<f64> {
        self.inner().estimate()
    }

    fn bound(&self) -> f64 {
        self.inner().bound()
    }

    fn interval(&self, alpha: Alpha) -> Interval {
        self.inner().interval(alpha)
    }

    fn excludes_harm(&self, margin: f64, alpha: Alpha) -> Result<bool> {
        self.inner().excludes_harm(margin, alpha)
    }
}

macro_rules! from_test {
    ($($test:ident),*) => {$(
        impl From<$test> for AnyTest {
            fn from(test: $test) -> Self {
                Self::$test(test)
            }
        }
    )*};
}
from_test!(
    RateRatio,
    QuantileRatio,
    ErrorRate,
    Agreement,
    Labelled,
    Split,
    Drift,
    BoundedMean,
    MeanDifference
);
