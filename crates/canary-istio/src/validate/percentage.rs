//! Shares in percent.

#![allow(
    clippy::manual_range_contains,
    reason = "a value that is not a number has to fail both comparisons, as it does for Istio"
)]

use super::sink::Sink;
use crate::networking::Percent;
use crate::path::Path;

/// The value of a share, with a warning when it is not a number, which Istio accepts.
fn value(share: Option<&Percent>, path: &Path<'_>, sink: &mut Sink<'_>) -> Option<f64> {
    let value = share?.value.map_or(0.0, crate::networking::Double::get);
    if value.is_nan() {
        sink.warning(
            "C001",
            &path.field("value"),
            "a percentage is not a number, which Istio does not notice",
        )
        .help("give a number from 0 to 100");
    }
    Some(value)
}

/// Checks the share of requests of a fault.
pub(super) fn check_fault_share(share: Option<&Percent>, path: &Path<'_>, sink: &mut Sink<'_>) {
    if let Some(value) = value(share, path, sink)
        && (value < 0.0 || value > 100.0 || (value > 0.0 && value < 0.0001))
    {
        sink.error(
            "V066",
            &path.field("value"),
            "the percentage of a fault must be 0 or in 0.0001..100",
        )
        .found(value);
    }
}

/// Checks the share of requests that is mirrored.
pub(super) fn check_mirror_share(share: Option<&Percent>, path: &Path<'_>, sink: &mut Sink<'_>) {
    if let Some(value) = value(share, path, sink)
        && (value < 0.0 || value > 100.0)
    {
        sink.error(
            "V067",
            &path.field("value"),
            "the percentage of mirrored requests must be in 0..100",
        )
        .found(value);
    }
}
