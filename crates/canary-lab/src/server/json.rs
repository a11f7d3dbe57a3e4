//! Reads JSON as `TensorFlow` Serving does: with the tokens `NaN`, `Infinity`, `-Infinity`, `Inf` and `-Inf`, which JSON
//! lacks.
//!
//! Such a token becomes a string that begins with a NUL character, so that `serde_json` reads the rest.

use std::{borrow::Cow, fmt::Write as _};

use serde_json::Value;

/// The first character of the string in place of a token.
const MARK: char = '\0';
const TOKENS: [&str; 5] = ["NaN", "Infinity", "-Infinity", "Inf", "-Inf"];

/// Reads a whole text.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    serde_json::from_str(&marked(text)).map_err(|error| format!("JSON Parse error: {error}"))
}

/// The number in a value, finite or not.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.strip_prefix(MARK)?.parse().ok(),
        _ => None,
    }
}

/// The kind of a value, for messages.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::String(text) if !text.starts_with(MARK) => "a string",
        Value::Number(_) | Value::String(_) => "a number",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The text with strings in place of the tokens.
fn marked(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let (mut marked, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(&byte) = bytes.get(at) {
        at += match byte {
            b'"' => string_length(&bytes[at..]),
            b'N' | b'I' | b'-' => {
                let token = TOKENS.iter().find(|token| text[at..].starts_with(**token));
                if let Some(token) = token {
                    // Writing to memory cannot fail.
                    let _ = write!(marked, "{}\"\\u0000{token}\"", &text[copied..at]);
                    copied = at + token.len();
                }
                token.map_or(1, |token| token.len())
            }
            _ => 1,
        };
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    marked.push_str(&text[copied..]);
    Cow::Owned(marked)
}

/// The length of the string at the beginning of a text, with its quotes; one without its end reaches to the end.
fn string_length(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_outside_of_strings_are_numbers() {
        let value =
            read(r#" {"a": [1, -2.5e3, NaN, -Infinity, Inf], "b": "NaN\"\\ -Inf"} "#).unwrap();
        let numbers: Vec<f64> = value["a"].as_array().unwrap().iter().filter_map(number).collect();
        assert_eq!(
            (numbers[1], numbers[3], numbers[4]),
            (-2.5e3, f64::NEG_INFINITY, f64::INFINITY)
        );
        assert!(numbers[2].is_nan());
        assert_eq!(value["b"], "NaN\"\\ -Inf");
        assert_eq!((kind(&value["a"][2]), kind(&value["b"])), ("a number", "a string"));
        assert_eq!(number(&value["b"]), None);
        assert_eq!(read("9223372036854775807").unwrap().as_i64(), Some(i64::MAX));
        assert_eq!(read(r#""x\u00e9\ud83d\ude00\n""#).unwrap(), "xé😀\n");
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        for bad in [
            "",
            "{",
            "[1,]",
            "{\"a\" 1}",
            "01",
            "1.",
            "+1",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"a",
            "\"\\",
            "tru",
            "[1] 2",
            ".5",
            "\"\\u12\"",
            "{1: 2}",
            "NaNs",
            "[1NaN]",
            "-NaN",
            "Infinit",
        ] {
            let error = read(bad).unwrap_err();
            assert!(error.starts_with("JSON Parse error"), "{bad}: {error}");
        }
        assert!(read(&"[".repeat(100_000)).unwrap_err().contains("recursion"));
    }
}
