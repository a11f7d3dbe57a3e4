//! Limits of lists, texts and numbers, as the schemas give them.

use std::{collections::HashSet, fmt::Display, hash::Hash, ops::RangeInclusive};

use crate::{path::Path, validate::sink::Sink};

/// `1 to 16`, or `16 at most`.
fn wanted<T: Display + Default + PartialEq>(range: &RangeInclusive<T>) -> String {
    if *range.start() == T::default() {
        format!("{} at most", range.end())
    } else {
        format!("{} to {}", range.start(), range.end())
    }
}

/// Checks the number of entries of a list or map.
pub(super) fn entries(
    number: usize,
    allowed: RangeInclusive<usize>,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    if !allowed.contains(&number) {
        let wanted = wanted(&allowed);
        sink.error("G201", path, format!("the list has {number} entries, must have {wanted}"))
            .help("split the list, or fill it");
    }
}

/// Checks the number of characters of a text.
pub(super) fn characters(
    text: &str,
    allowed: RangeInclusive<usize>,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) -> bool {
    let number = text.chars().count();
    let fits = allowed.contains(&number);
    if !fits {
        let wanted = wanted(&allowed);
        sink.error("G202", path, format!("the text has {number} characters, must have {wanted}"));
    }
    fits
}

/// Checks a number.
pub(super) fn number(
    number: impl Into<i64>,
    allowed: RangeInclusive<i64>,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let number = number.into();
    if allowed.contains(&number) {
        return;
    }
    let message = if *allowed.end() == i64::MAX {
        format!("the number is {number}, must be {} or more", allowed.start())
    } else {
        format!("the number is {number}, must be {} to {}", allowed.start(), allowed.end())
    };
    sink.error("G207", path, message).found(number).help("write a number within the limits");
}

/// Checks the number of a port.
pub(super) fn port(port: u32, path: &Path<'_>, sink: &mut Sink<'_>) {
    number(port, 1..=65535, path, sink);
}

/// Checks that the entries of a list differ in their keys.
pub(super) fn distinct<K: Hash + Eq + Display>(
    keys: impl IntoIterator<Item = K>,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    let mut seen = HashSet::new();
    for (index, key) in keys.into_iter().enumerate() {
        let message = format!("`{key}` stands in the list already");
        if !seen.insert(key) {
            sink.error("G208", &path.index(index), message).help("remove one of them");
        }
    }
}
