//! Durations given as seconds or as `datetime.timedelta`, and moments as text.

use std::time::Duration;

use canary_core::evidence::Timestamp;
use pyo3::{exceptions::PyValueError, prelude::*};

/// A duration of zero or more.
pub(crate) fn seconds(value: &Bound<'_, PyAny>) -> PyResult<Duration> {
    if let Ok(duration) = value.extract::<Duration>() {
        return Ok(duration);
    }
    let seconds: f64 = value.extract()?;
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        PyValueError::new_err(format!(
            "{seconds} is no duration; give seconds of 0 or more, or a timedelta"
        ))
    })
}

/// A duration of zero or more, or another one where none is given.
pub(crate) fn seconds_or(value: Option<&Bound<'_, PyAny>>, usual: Duration) -> PyResult<Duration> {
    value.map_or(Ok(usual), seconds)
}

/// A moment as JSON has it, such as `2026-11-29T01:06:09.25Z`.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    jiff_of(at).to_string()
}

fn jiff_of(Timestamp(millis): Timestamp) -> jiff::Timestamp {
    let millis = i64::try_from(millis).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX)
}
