//! Durations, which keep their original text.

use std::{str::FromStr, time};

use crate::duration_text::as_text;

/// A duration in Go's syntax, such as `5s`, `1h30m`, `1.5s` or `100ms`, kept in its own text.
///
/// Istio reads every duration with Go's `time.ParseDuration`: decimal numbers, each with a unit
/// (`ns`, `us`, `µs`, `ms`, `s`, `m`, `h`), one after the other, with an optional sign in front;
/// `0` alone needs no unit. There is no unit for days. Values go up to about 292 years.
///
/// Two durations are equal when their texts are: `60s` and `1m` differ. Compare
/// [`nanos`](Self::nanos) to compare lengths.
///
/// ```
/// use canary_core::istio::Duration;
///
/// let timeout: Duration = "1m30s".parse()?;
/// assert_eq!(timeout.as_std(), Some(std::time::Duration::from_secs(90)));
/// assert_eq!(timeout.to_string(), "1m30s");
/// assert_eq!(Duration::from(std::time::Duration::from_millis(1500)).to_string(), "1.500s");
/// assert!("5".parse::<Duration>().is_err());
/// # Ok::<(), canary_core::istio::DurationError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Duration {
    text: Box<str>,
    nanos: i64,
}

/// The reason why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a duration: {reason}")]
pub struct DurationError {
    text: String,
    reason: &'static str,
}

impl Duration {
    /// This many seconds.
    pub fn from_secs(seconds: u32) -> Self {
        time::Duration::from_secs(seconds.into()).into()
    }

    /// This many milliseconds.
    pub fn from_millis(milliseconds: u32) -> Self {
        time::Duration::from_millis(milliseconds.into()).into()
    }

    /// The text, as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The length in nanoseconds; durations may be negative.
    pub fn nanos(&self) -> i64 {
        self.nanos
    }

    /// The length as the standard library has it; `None` when it is negative.
    pub fn as_std(&self) -> Option<time::Duration> {
        u64::try_from(self.nanos).ok().map(time::Duration::from_nanos)
    }
}

impl Default for Duration {
    /// `0s`.
    fn default() -> Self {
        Self { text: "0s".into(), nanos: 0 }
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        match parse(text) {
            Ok(nanos) => Ok(Self { text: text.into(), nanos }),
            Err(reason) => Err(DurationError { text: text.to_owned(), reason }),
        }
    }
}

impl From<time::Duration> for Duration {
    /// Seconds with none, three, six or nine decimals, as protobuf's JSON has them; anything above
    /// the 292 years that a duration can hold becomes that.
    fn from(duration: time::Duration) -> Self {
        let nanos = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        let (seconds, rest) = (nanos / NANOS_PER_SECOND, nanos % NANOS_PER_SECOND);
        let text = if rest == 0 {
            format!("{seconds}s")
        } else if rest % 1_000_000 == 0 {
            format!("{seconds}.{:03}s", rest / 1_000_000)
        } else if rest % 1_000 == 0 {
            format!("{seconds}.{:06}s", rest / 1_000)
        } else {
            format!("{seconds}.{rest:09}s")
        };
        Self { text: text.into(), nanos }
    }
}

as_text!(Duration);

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const TOO_LONG: &str = "it is longer than 292 years";

/// The nanoseconds of a text in Go's syntax, rounded as `time.ParseDuration` rounds them.
fn parse(text: &str) -> Result<i64, &'static str> {
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err("it is empty; write a number with a unit, such as `5s`");
    }
    // Go adds up in 64 bits without sign, so that -2^63 can be reached.
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (nanos, after) = component(rest)?;
        total = total.checked_add(nanos).filter(|sum| *sum <= 1 << 63).ok_or(TOO_LONG)?;
        rest = after;
    }
    if negative {
        Ok(0_i64.wrapping_sub_unsigned(total))
    } else {
        i64::try_from(total).map_err(|_| TOO_LONG)
    }
}

/// The nanoseconds of the first number and unit, and the text after them.
fn component(text: &str) -> Result<(u64, &str), &'static str> {
    let whole_end = digits_end(text);
    let (whole_digits, mut rest) = text.split_at(whole_end);
    let mut fraction_digits = "";
    if let Some(after) = rest.strip_prefix('.') {
        (fraction_digits, rest) = after.split_at(digits_end(after));
    }
    if whole_digits.is_empty() && fraction_digits.is_empty() {
        return Err("a number is missing; write a number with a unit, such as `5s`");
    }
    let unit_end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, after) = rest.split_at(unit_end);
    let unit = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "" => return Err("a unit is missing; write `s` for seconds, as in `5s`"),
        _ => return Err("its unit is unknown; the units are ns, us, ms, s, m and h"),
    };
    let mut whole: u64 = 0;
    for digit in whole_digits.bytes() {
        whole = whole
            .checked_mul(10)
            .and_then(|tens| tens.checked_add((digit - b'0').into()))
            .filter(|value| *value <= 1 << 63)
            .ok_or(TOO_LONG)?;
    }
    let nanos = whole.checked_mul(unit).filter(|nanos| *nanos <= 1 << 63).ok_or(TOO_LONG)?;
    let nanos = nanos.checked_add(fraction(fraction_digits, unit)).ok_or(TOO_LONG)?;
    if nanos > 1 << 63 { Err(TOO_LONG) } else { Ok((nanos, after)) }
}

/// The nanoseconds of the digits after the point, computed as Go does: in floating point, cut off.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is below one unit, 3.6e12, and Go's own rounding is what is wanted"
)]
fn fraction(digits: &str, unit: u64) -> u64 {
    let mut value: i64 = 0;
    let mut scale = 1.0;
    for digit in digits.bytes() {
        let Some(next) =
            value.checked_mul(10).and_then(|tens| tens.checked_add((digit - b'0').into()))
        else {
            break;
        };
        value = next;
        scale *= 10.0;
    }
    if value == 0 { 0 } else { (value as f64 * (unit as f64 / scale)) as u64 }
}

fn digits_end(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        // Values of Go's own documentation and of its rules for signs, fractions and bounds.
        for (text, nanos) in [
            ("0", 0),
            ("-0", 0),
            ("+0", 0),
            ("0s", 0),
            ("5s", 5_000_000_000),
            ("+5s", 5_000_000_000),
            ("-5s", -5_000_000_000),
            (".5s", 500_000_000),
            ("5.s", 5_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1.5s", 1_500_000_000),
            ("100ms", 100_000_000),
            ("2us3ns", 2_003),
            ("2µs", 2_000),
            ("2μs", 2_000),
            ("1m1m", 120_000_000_000),
            ("0.100000000000000000000h", 360_000_000_000),
            ("9223372036854775807ns", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
        ] {
            let duration: Duration = text.parse().unwrap();
            assert_eq!(duration.nanos(), nanos, "{text}");
            assert_eq!(duration.as_str(), text);
        }
    }

    #[test]
    fn refuses_what_go_refuses() {
        for text in [
            "",
            "5",
            "1d",
            "s",
            "-",
            "+-5s",
            ".s",
            ".",
            "5 s",
            " 5s",
            "5s ",
            "1e3s",
            "9223372036854775808ns",
            "3000000h",
            "99999999999999999999s",
            "5S",
        ] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }

    #[test]
    fn writes_seconds_with_as_many_decimals_as_protobuf() {
        for (nanos, text) in [
            (0, "0s"),
            (900_000_000_000, "900s"),
            (100_000_000, "0.100s"),
            (1_000_001_000, "1.000001s"),
            (1, "0.000000001s"),
        ] {
            let duration = Duration::from(time::Duration::from_nanos(nanos));
            assert_eq!(duration.to_string(), text);
            assert_eq!(duration, text.parse().unwrap());
        }
        assert_eq!(Duration::from(time::Duration::MAX).nanos(), i64::MAX);
    }

    #[test]
    fn negative_durations_have_no_standard_form() {
        assert_eq!("-1ms".parse::<Duration>().unwrap().as_std(), None);
    }
}
