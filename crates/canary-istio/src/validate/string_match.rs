//! Conditions on text.

use super::{re2, sink::Sink};
use crate::networking::StringMatch;
use crate::path::Path;

/// Checks a pattern that must not be empty.
pub(super) fn check_regex(pattern: &str, path: &Path<'_>, sink: &mut Sink<'_>) {
    if pattern.is_empty() {
        sink.error("V014", path, "a regular expression must not be empty")
            .help("write `.*` to match any text, or leave the condition out");
    } else if let Err(reason) = re2::check(pattern) {
        let note =
            sink.error("V014", path, format!("not a regular expression in RE2 syntax: {reason}"));
        note.found(pattern).help("see https://github.com/google/re2/wiki/Syntax");
    } else if let Some(group) = re2::repeated_group(pattern) {
        sink.warning(
            "C022",
            path,
            format!(
                "two groups are called {group}: Istio admits them, and Envoy refuses the routes"
            ),
        )
        .found(pattern)
        .help("give each group a name of its own");
    }
}

/// Checks a condition on the path of a request: only its pattern can be wrong.
pub(super) fn check_uri(condition: Option<&StringMatch>, path: &Path<'_>, sink: &mut Sink<'_>) {
    if let Some(StringMatch::Regex(pattern)) = condition {
        check_regex(pattern, &path.field("regex"), sink);
    }
}

/// Checks a condition on anything else.
pub(super) fn check(condition: Option<&StringMatch>, path: &Path<'_>, sink: &mut Sink<'_>) {
    match condition {
        Some(StringMatch::Prefix(prefix)) if prefix.is_empty() => {
            sink.error("V014", &path.field("prefix"), "a prefix must not be empty")
                .help("write `{}` to match any value that is present");
        }
        Some(StringMatch::Regex(pattern)) => check_regex(pattern, &path.field("regex"), sink),
        _ => {}
    }
}

/// Checks a condition on a header that must not be there: the pattern `*` stands for any value.
pub(super) fn check_without(condition: &StringMatch, path: &Path<'_>, sink: &mut Sink<'_>) {
    if !matches!(condition, StringMatch::Regex(pattern) if pattern == "*") {
        check(Some(condition), path, sink);
    }
}
