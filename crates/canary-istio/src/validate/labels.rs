//! Labels as Istio reads them.

use std::collections::BTreeMap;

use super::sink::Sink;
use crate::names::is_unbounded_label;
use crate::path::Path;

/// The longest prefix of a key, without its slash.
const MAX_PREFIX: usize = 253;
/// The longest name of a key.
const MAX_NAME: usize = 63;

fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// Checks the key of a label: a name of 63 characters at most, after a DNS name and `/` if there is one.
///
/// # Errors
/// The problem.
pub(crate) fn check_key(key: &str) -> Result<(), &'static str> {
    let (prefix, name) =
        key.rsplit_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if let Some(prefix) = prefix {
        if !prefix.split('.').all(is_unbounded_label) {
            return Err("the part of a label key before `/` must be a DNS name");
        }
        if prefix.len() > MAX_PREFIX {
            return Err("the part of a label key before `/` must have 253 characters at most");
        }
    }
    if !is_name(name) {
        return Err(
            "a label key must begin and end with a letter or digit, with `-`, `_` or `.` between",
        );
    }
    if name.len() > MAX_NAME {
        return Err("a label key must have 63 characters at most");
    }
    Ok(())
}

/// Returns true when `value` can be the value of a label; its length is not Istio's concern.
pub(crate) fn is_value(value: &str) -> bool {
    value.is_empty() || is_name(value)
}

/// Checks every label.
pub(crate) fn check(
    labels: Option<&BTreeMap<String, String>>,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    for (key, value) in labels.into_iter().flatten() {
        if let Err(reason) = check_key(key) {
            sink.error("V008", &path.key(key), reason).found(key);
        }
        if !is_value(value) {
            sink.error(
                "V008",
                &path.key(key),
                "a label value must be empty or begin and end with a letter or digit, with `-`, `_` or `.` between",
            )
            .found(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let long_prefix = format!("{}/a", "a".repeat(253));
        for key in
            ["a", "app.kubernetes.io/name", "a_b", "A.b-c_d", "1", &"a".repeat(63), &long_prefix]
        {
            assert_eq!(check_key(key), Ok(()), "{key}");
        }
        let too_long_prefix = format!("{}/a", "a".repeat(254));
        for key in [
            "",
            "/a",
            "a/",
            "-a",
            "a-",
            "a b",
            "a//b",
            "a/b/c",
            ".a/b",
            "é",
            &"a".repeat(64),
            &too_long_prefix,
        ] {
            assert!(check_key(key).is_err(), "{key}");
        }
    }

    #[test]
    fn values() {
        assert!(["", "v1", "a_b.c-d", &"a".repeat(100)].iter().all(|value| is_value(value)));
        assert!(!["-", "v1 ", "a/b", "é", "_a"].iter().any(|value| is_value(value)));
    }
}
