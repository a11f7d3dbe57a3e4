//! Durations in the grammar of the Gateway API, which keep their original text.

use std::{str::FromStr, time};

use crate::duration_text::as_text;

/// A duration such as `5s`, `1h30m` or `500ms`, kept in its own text.
///
/// The Gateway API's [`Duration`](https://gateway-api.sigs.k8s.io/geps/gep-2257/) has one to four numbers of one to five
/// digits, each with a unit (`h`, `m`, `s`, `ms`): no sign, no fraction, and no number without a unit. Istio's own kinds
/// have [another grammar](crate::networking::Duration).
///
/// Two durations are equal when their texts are: `60s` and `1m` differ. Compare [`as_std`](Self::as_std) to compare
/// lengths.
///
/// ```
/// use canary_core::gateway_api::Duration;
///
/// let timeout: Duration = "1m30s".parse()?;
/// assert_eq!(timeout.as_std(), std::time::Duration::from_secs(90));
/// assert_eq!(Duration::try_from(std::time::Duration::from_millis(1500))?.to_string(), "1s500ms");
/// assert!("1.5s".parse::<Duration>().is_err());
/// # Ok::<(), canary_core::gateway_api::DurationError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Duration {
    text: Box<str>,
    length: time::Duration,
}

/// The reason why a text or a length is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a duration of the Gateway API: {reason}")]
pub struct DurationError {
    text: String,
    reason: &'static str,
}

/// The largest number that one unit can have.
const LARGEST: u64 = 99_999;

impl Duration {
    /// This many seconds.
    ///
    /// # Errors
    /// [`DurationError`] above 99999 hours.
    pub fn from_secs(seconds: u32) -> Result<Self, DurationError> {
        time::Duration::from_secs(seconds.into()).try_into()
    }

    /// The text, as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The length.
    pub fn as_std(&self) -> time::Duration {
        self.length
    }
}

impl TryFrom<time::Duration> for Duration {
    type Error = DurationError;

    /// Hours, minutes, seconds and milliseconds, without those that are zero.
    ///
    /// # Errors
    /// [`DurationError`] for a length above 99999 hours, or with a part of a millisecond.
    fn try_from(length: time::Duration) -> Result<Self, DurationError> {
        let error = |reason| DurationError { text: format!("{length:?}"), reason };
        if !length.subsec_nanos().is_multiple_of(1_000_000) {
            return Err(error("it must be whole milliseconds"));
        }
        let seconds = length.as_secs();
        let hours = seconds / 3600;
        if hours > LARGEST {
            return Err(error("it is longer than 99999 hours"));
        }
        let parts = [
            (hours, "h"),
            (seconds / 60 % 60, "m"),
            (seconds % 60, "s"),
            (length.subsec_millis().into(), "ms"),
        ];
        let written = parts.iter().filter(|(number, _)| *number > 0);
        let text =
            written.fold(String::new(), |text, (number, unit)| text + &number.to_string() + unit);
        let text = if text.is_empty() { "0s".to_owned() } else { text };
        Ok(Self { text: text.into(), length })
    }
}

impl Default for Duration {
    /// `0s`.
    fn default() -> Self {
        Self { text: "0s".into(), length: time::Duration::ZERO }
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        match parse(text) {
            Ok(length) => Ok(Self { text: text.into(), length }),
            Err(reason) => Err(DurationError { text: text.to_owned(), reason }),
        }
    }
}

/// The length of a text.
fn parse(text: &str) -> Result<time::Duration, &'static str> {
    if text.is_empty() {
        return Err("it is empty; write a number with a unit, such as `5s`");
    }
    let mut length = time::Duration::ZERO;
    let mut rest = text;
    for _ in 0..4 {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let number = match (number.len(), number.parse::<u64>()) {
            (1..=5, Ok(number)) => number,
            (0, _) => {
                return Err("a number of digits is missing; write one such as `5s`, without sign");
            }
            _ => return Err("a number has more than five digits; use a larger unit"),
        };
        let (unit, after) = if let Some(after) = after.strip_prefix("ms") {
            (time::Duration::from_millis(number), after)
        } else if let Some(after) = after.strip_prefix('s') {
            (time::Duration::from_secs(number), after)
        } else if let Some(after) = after.strip_prefix('m') {
            (time::Duration::from_secs(number * 60), after)
        } else if let Some(after) = after.strip_prefix('h') {
            (time::Duration::from_secs(number * 3600), after)
        } else if after.starts_with('.') {
            return Err("it has a fraction; write a smaller unit, as in `1s500ms`");
        } else {
            return Err("a unit is missing or unknown; the units are h, m, s and ms");
        };
        length += unit;
        rest = after;
        if rest.is_empty() {
            return Ok(length);
        }
    }
    Err("it has more than four numbers")
}

as_text!(Duration);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_api_server_admits() {
        for (text, milliseconds) in [
            ("0s", 0),
            ("00000h", 0),
            ("5s", 5_000),
            ("1h30m", 5_400_000),
            ("1m1m1m1m", 240_000),
            ("500ms", 500),
            ("1s500ms", 1_500),
            ("1ms1m", 60_001),
            ("99999h99999h99999h99999h", 4 * 99_999 * 3_600_000),
        ] {
            let duration: Duration = text.parse().unwrap();
            assert_eq!(duration.as_std(), time::Duration::from_millis(milliseconds), "{text}");
            assert_eq!(duration.as_str(), text);
        }
    }

    #[test]
    fn refuses_what_the_api_server_refuses() {
        for text in [
            "",
            "5",
            "-5s",
            "+5s",
            "1.5s",
            "5us",
            "5ns",
            "1d",
            "s",
            "100000s",
            "1s1s1s1s1s",
            " 5s",
            "5s ",
            "5S",
            "5 s",
            "0",
            "1hm",
            "١s",
        ] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_length_is_written_in_the_largest_units() {
        for (milliseconds, text) in [(0, "0s"), (90_000, "1m30s"), (3_600_001, "1h1ms")] {
            let duration = Duration::try_from(time::Duration::from_millis(milliseconds)).unwrap();
            assert_eq!(duration.as_str(), text);
            assert_eq!(Ok(duration), text.parse());
        }
        assert!(Duration::try_from(time::Duration::from_micros(1)).is_err());
        assert!(Duration::try_from(time::Duration::MAX).is_err());
        assert_eq!(Duration::from_secs(300).unwrap().as_str(), "5m");
    }
}
