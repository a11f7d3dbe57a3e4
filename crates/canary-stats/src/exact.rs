//! Floating-point numbers as text that reads back to the same bits.
//!
//! Some JSON readers round the last digit, and JSON has no infinity. `str::parse` reads the shortest decimal text that
//! Rust prints back exactly, so a state kept in an annotation continues with exactly the same numbers.

use std::fmt;

use serde::{Deserialize, Deserializer, Serializer, de};

/// Writes the shortest text that reads back to the same number.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Text(*value))
}

/// Reads the text written by [`serialize`].
///
/// # Errors
/// Those of the deserializer, and when the text is not a number.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    text.parse().map_err(|_| de::Error::custom(format!("{text:?} is not a number")))
}

struct Text(f64);

impl fmt::Display for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = format!("{:?}", self.0);
        let long = format!("{:e}", self.0);
        formatter.write_str(if long.len() < short.len() { &long } else { &short })
    }
}

/// The format of a number that may be absent.
pub(super) mod option {
    use super::{Deserialize, Deserializer, Serializer, Text, de};

    pub(in super::super) fn serialize<S: Serializer>(
        value: &Option<f64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(&Text(*value)),
            None => serializer.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<f64>, D::Error> {
        let text = Option::<std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.map(|text| {
            text.parse().map_err(|_| de::Error::custom(format!("{text:?} is not a number")))
        })
        .transpose()
    }
}
