//! Counts in a window of time.

use std::time::Duration;

use canary_core::{
    evidence::{Counts, Timestamp, prometheus::Prometheus},
    rollout::Result,
};
use pyo3::{exceptions::PyValueError, prelude::*};
use serde_json::json;

use crate::convert::{plain::Plain, time::Seconds};

/// The beginning and the end of a window of that length.
pub(super) fn window(
    seconds: Option<Seconds>,
    until: Option<f64>,
) -> PyResult<(Timestamp, Timestamp)> {
    let length = seconds.map_or(Duration::from_secs(60), Into::into);
    let until = match until {
        Some(until) if (0.0..1e11).contains(&until) =>
        {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked above"
            )]
            Timestamp((until * 1e3) as u64)
        }
        Some(until) => {
            return Err(PyValueError::new_err(format!("{until} is not a time since the epoch")));
        }
        None => Timestamp::now(),
    };
    let millis = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    Ok((Timestamp(until.0.saturating_sub(millis)), until))
}

/// The bucket boundaries of the histogram of durations, in seconds.
pub(super) async fn thresholds(core: Prometheus) -> Result<Vec<f64>> {
    Ok(core.thresholds().await?.iter().map(Duration::as_secs_f64).collect())
}

/// The counts of both versions in a window.
pub(super) async fn counts(
    core: Prometheus,
    since: Timestamp,
    until: Timestamp,
) -> Result<Option<Plain>> {
    let side = |counts: Counts| json!({"requests": counts.requests, "failed": counts.failed, "slow": counts.slow});
    let found = core.window(since, until).await?;
    Ok(found.map(|window| {
        Plain(json!({
            "stable": side(window.stable),
            "canary": side(window.canary),
            "unknown": window.unknown,
        }))
    }))
}
