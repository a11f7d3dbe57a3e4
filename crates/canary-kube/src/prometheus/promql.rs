//! The text of queries.

use std::{fmt::Write as _, time::Duration};

use super::metrics::{Matcher, Relation};

/// The samples of a metric's series over a time, as PromQL's range selector.
///
/// The name is written as a matcher, because TensorFlow Serving's begin with a colon.
pub(super) fn range(
    metric: &str,
    matchers: &[Matcher],
    bucket: Option<&str>,
    time: Duration,
) -> String {
    let mut text = selector(metric, matchers, bucket);
    // Writing to memory cannot fail.
    let _ = write!(text, "[{}ms]", time.as_millis().max(1));
    text
}

/// The series of a metric; `bucket` is a regular expression for `le`.
pub(super) fn selector(metric: &str, matchers: &[Matcher], bucket: Option<&str>) -> String {
    let mut text = format!("{{__name__={}", quoted(metric));
    for Matcher { label, relation, value } in matchers {
        let sign = match relation {
            Relation::Equal => "=",
            Relation::NotEqual => "!=",
            Relation::Regex => "=~",
            Relation::NotRegex => "!~",
        };
        let _ = write!(text, ",{label}{sign}{}", quoted(value));
    }
    if let Some(edges) = bucket {
        let _ = write!(text, ",le=~{}", quoted(edges));
    }
    text.push('}');
    text
}

/// A regular expression that matches exactly these texts.
pub(super) fn one_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let escaped: Vec<String> = texts.into_iter().map(regex::escape).collect();
    escaped.join("|")
}

/// A string literal of PromQL: double quotes, with Go's escapes.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
