//! Numbers that are written back as they were read.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A floating-point number that remembers whether it was written as an integer: `100` stays `100`,
/// `100.0` stays `100.0`.
///
/// Two of them are equal when their values are equal, independently of their text.
///
/// ```
/// use canary_core::istio::Double;
///
/// let share: Double = serde_json::from_str("100")?;
/// assert_eq!(share.get(), 100.0);
/// assert_eq!(serde_json::to_string(&share)?, "100");
/// assert_eq!(share, Double::from(100.0));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Double(Written);

#[derive(Clone, Copy)]
enum Written {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl Double {
    /// The value.
    #[allow(clippy::cast_precision_loss, reason = "the value of the field is a double")]
    pub fn get(self) -> f64 {
        match self.0 {
            Written::Unsigned(value) => value as f64,
            Written::Signed(value) => value as f64,
            Written::Float(value) => value,
        }
    }
}

impl Default for Double {
    /// 0.
    fn default() -> Self {
        Self(Written::Unsigned(0))
    }
}

impl PartialEq for Double {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl PartialEq<f64> for Double {
    fn eq(&self, other: &f64) -> bool {
        self.get() == *other
    }
}

impl PartialOrd for Double {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        self.get().partial_cmp(&other.get())
    }
}

impl From<f64> for Double {
    fn from(value: f64) -> Self {
        Self(Written::Float(value))
    }
}

impl From<i32> for Double {
    fn from(value: i32) -> Self {
        Self(Written::Signed(value.into()))
    }
}

impl From<u32> for Double {
    fn from(value: u32) -> Self {
        Self(Written::Unsigned(value.into()))
    }
}

impl fmt::Display for Double {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Written::Unsigned(value) => value.fmt(f),
            Written::Signed(value) => value.fmt(f),
            Written::Float(value) => value.fmt(f),
        }
    }
}

impl fmt::Debug for Double {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Written::Unsigned(value) => value.fmt(f),
            Written::Signed(value) => value.fmt(f),
            Written::Float(value) => fmt::Debug::fmt(&value, f),
        }
    }
}

impl Serialize for Double {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Written::Unsigned(value) => serializer.serialize_u64(value),
            Written::Signed(value) => serializer.serialize_i64(value),
            Written::Float(value) if value.is_finite() => serializer.serialize_f64(value),
            Written::Float(value) => Err(serde::ser::Error::custom(format_args!(
                "{value} cannot be written; JSON has finite numbers only"
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Double;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a finite number")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Double, E> {
                Ok(Double(Written::Unsigned(value)))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Double, E> {
                Ok(Double(Written::Signed(value)))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Double, E> {
                if value.is_finite() {
                    Ok(Double(Written::Float(value)))
                } else {
                    Err(E::invalid_value(de::Unexpected::Float(value), &self))
                }
            }
        }

        deserializer.deserialize_f64(Visitor)
    }
}

/// Reads a 64-bit integer that may be quoted, as Go's writers of protobuf quote it.
pub(super) fn optional_u64<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u64>, D::Error> {
    Ok(Option::<QuotedOrBare>::deserialize(deserializer)?.map(|number| number.0))
}

struct QuotedOrBare(u64);

impl<'de> Deserialize<'de> for QuotedOrBare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = QuotedOrBare;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer from 0 to 18446744073709551615")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<QuotedOrBare, E> {
                Ok(QuotedOrBare(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<QuotedOrBare, E> {
                u64::try_from(value)
                    .map(QuotedOrBare)
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(value), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<QuotedOrBare, E> {
                // `parse` would take a leading plus sign, which JSON's integers have not.
                if text.starts_with('+') {
                    return Err(E::invalid_value(de::Unexpected::Str(text), &self));
                }
                text.parse()
                    .map(QuotedOrBare)
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
