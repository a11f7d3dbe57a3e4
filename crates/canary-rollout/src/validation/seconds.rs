//! Durations as findings show them.

use std::time::Duration;

pub(super) fn seconds(time: Duration) -> String {
    format!("{}s", time.as_secs_f64())
}
