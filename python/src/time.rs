//! Durations given as seconds or as `datetime.timedelta`.

use std::time::Duration;

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
