//! A test of a latency's quantile as it is stored: everything, to the bit; of the threshold its bucket.

use serde::{Deserialize, Serialize};

use super::{Frozen, Latencies, QuantileRatio, Threshold};
use crate::{
    e_process::EProcess,
    error::{Result, StatsError, check, open_unit, positive},
    exact,
    quantile::{Quantiles, SlowThreshold, check_bucket},
    rate_ratio,
};

/// The stored form.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Saved {
    #[serde(with = "exact")]
    quantile: f64,
    #[serde(with = "exact")]
    at_most: f64,
    warmup: u64,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "exact::option")]
    margin: Option<f64>,
    threshold: SavedThreshold,
    canary: Latencies,
    stable: Latencies,
    ratio: rate_ratio::Saved,
}

/// The latencies that choose the threshold, or the bucket whose upper edge it is.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum SavedThreshold {
    Learning(Quantiles),
    Frozen {
        bucket: i16,
        #[serde(with = "exact")]
        aim: f64,
    },
}

impl From<QuantileRatio> for Saved {
    fn from(test: QuantileRatio) -> Self {
        let QuantileRatio { quantile, at_most, warmup, margin, threshold, test, canary, stable } =
            test;
        let threshold = match threshold {
            Threshold::Learning(learned) => SavedThreshold::Learning(learned.seen().clone()),
            Threshold::Frozen(frozen) => {
                SavedThreshold::Frozen { bucket: frozen.bucket, aim: frozen.aim }
            }
        };
        let ratio = test.into();
        Self { quantile, at_most, warmup, margin, threshold, canary, stable, ratio }
    }
}

impl TryFrom<Saved> for QuantileRatio {
    type Error = StatsError;

    fn try_from(saved: Saved) -> Result<Self> {
        let at_most = positive("at_most", saved.at_most)?;
        let mut test = Self::with_warmup(saved.quantile, at_most, saved.warmup)?;
        if let Some(margin) = saved.margin {
            test = test.margin(margin)?;
        }
        test.test = saved.ratio.restore(test.test)?;
        (test.canary, test.stable) = (saved.canary, saved.stable);
        test.threshold = match saved.threshold {
            SavedThreshold::Learning(seen) => {
                let judged: u64 = test
                    .test
                    .counts()
                    .iter()
                    .fold(0, |sum, (_, count)| u64::saturating_add(sum, *count));
                check("judged", judged as f64, "0 before the threshold is frozen", judged == 0)?;
                let learned = SlowThreshold::new(saved.quantile, saved.warmup)?;
                Threshold::Learning(learned.with_seen(seen)?)
            }
            SavedThreshold::Frozen { bucket, aim } => {
                let (bucket, aim) = (check_bucket(bucket)?, open_unit("aim", aim)?);
                Threshold::Frozen(Box::new(Frozen::new(bucket, aim, test.margin, at_most)))
            }
        };
        Ok(test)
    }
}
