//! Durations and ports: the numbers with bounds that many fields share.

use super::sink::Sink;
use crate::networking::Duration;
use crate::path::Path;

/// One millisecond, the shortest duration and the finest step.
const MILLISECOND: i64 = 1_000_000;

/// Checks a duration: one millisecond at least, in whole milliseconds.
pub(super) fn check(duration: Option<&Duration>, path: &Path<'_>, sink: &mut Sink<'_>) {
    let Some(duration) = duration else { return };
    if duration.nanos() < MILLISECOND {
        sink.error("V006", path, "a duration must be 1ms or more")
            .found(duration)
            .help("leave the field out to have no limit");
    } else if duration.nanos() % MILLISECOND != 0 {
        sink.error("V006", path, "a duration must be a whole number of milliseconds")
            .found(duration);
    }
}

/// Checks a duration that only the API server looks at.
pub(super) fn check_schema(duration: Option<&Duration>, path: &Path<'_>, sink: &mut Sink<'_>) {
    if let Some(duration) = duration
        && duration.nanos() < MILLISECOND
    {
        sink.error("S002", path, "a duration must be 1ms or more").found(duration);
    }
}

/// Checks the number of a port.
pub(super) fn check_port(number: u32, path: &Path<'_>, sink: &mut Sink<'_>) {
    if !(1..=65535).contains(&number) {
        sink.error("V005", path, "the number of a port must be in 1..65535").found(number);
    }
}
