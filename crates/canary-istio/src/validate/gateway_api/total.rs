//! The number of matches of a whole route.

use crate::{path::Path, validate::sink::Sink};

/// The number of matches that the rules of a route may have together.
const MAX_MATCHES: usize = 128;

pub(super) fn check(number: usize, path: &Path<'_>, sink: &mut Sink<'_>) {
    if number > MAX_MATCHES {
        sink.error(
            "G103",
            path,
            format!("the rules have {number} matches together, must have {MAX_MATCHES} at most"),
        )
        .help("merge matches, or write a second route for the same hosts");
    }
}
