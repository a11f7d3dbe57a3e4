//! Numbers: the nearest 32-bit float of a text, eight digits at a time, and integers exactly.
//!
//! A text with at most 19 digits is w · 10ᵉ with an integer w below 2⁶⁴. The product of the double next to w and the
//! double next to 10ᵉ is off by less than 4 units in its last place: three roundings of at most half a unit each,
//! and their products. When no boundary between two 32-bit floats lies within 8 units of the product, rounding it
//! gives the float nearest to the text. Otherwise, and outside the plain range, the text goes to `str::parse`, which
//! is exact.

use super::reader::{ParseError, Parsed, Reader};

/// A number, in the widest form that holds it exactly, or as a float when it is written as one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Uint(u64),
    Float(f32),
}

/// 10ᵉ for e from −40 to 40, each the nearest double.
#[rustfmt::skip]
const POWERS: [f64; 81] = [
    1e-40, 1e-39, 1e-38, 1e-37, 1e-36, 1e-35, 1e-34, 1e-33, 1e-32, 1e-31,
    1e-30, 1e-29, 1e-28, 1e-27, 1e-26, 1e-25, 1e-24, 1e-23, 1e-22, 1e-21,
    1e-20, 1e-19, 1e-18, 1e-17, 1e-16, 1e-15, 1e-14, 1e-13, 1e-12, 1e-11,
    1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1,
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
    1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27, 1e28, 1e29,
    1e30, 1e31, 1e32, 1e33, 1e34, 1e35, 1e36, 1e37, 1e38, 1e39, 1e40,
];

const TENS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The number of decimal digits at the front of eight bytes (the first in the lowest byte), and their value.
#[inline]
fn leading_digits(bytes: u64) -> (usize, u64) {
    let digits = bytes ^ 0x3030_3030_3030_3030;
    // The high bit of a byte is set where it is not 0 to 9; a carry can only reach bytes after the first such byte.
    let others = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080;
    let count = (others.trailing_zeros() / 8) as usize;
    if count == 0 {
        return (0, 0);
    }
    // The digits to the end, zeros in front of them.
    let digits = digits << (64 - 8 * count);
    let twos = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (twos * 100 + (twos >> 16)) & 0x0000_ffff_0000_ffff;
    (count, (fours * 10_000 + (fours >> 32)) & 0xffff_ffff)
}

/// The 32-bit float nearest to mantissa · 10ᵉ, when the product of two doubles determines it.
#[inline]
pub(super) fn rounded(mantissa: u64, exponent: i64) -> Option<f32> {
    if !(-40..=40).contains(&exponent) {
        return None;
    }
    if mantissa == 0 {
        return Some(0.0);
    }
    // In range: the exponent is between −40 and 40.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let power = POWERS[(exponent + 40) as usize];
    #[allow(clippy::cast_precision_loss)]
    let product = mantissa as f64 * power;
    // The bits below a 32-bit float's mantissa: half of them is a boundary between two floats.
    let below = product.to_bits() & 0x1fff_ffff;
    let from_boundary = below.wrapping_sub(0x1000_0000 - 8);
    #[allow(clippy::cast_possible_truncation)]
    let float = product as f32;
    (from_boundary > 16 && (1.2e-38..3.4e38).contains(&product)).then_some(float)
}

/// The parts of a number's text.
struct Token {
    start: usize,
    negative: bool,
    /// All digits as one integer; wrong when there are more than 19.
    mantissa: u64,
    digits: usize,
    /// The power of ten by which the mantissa is multiplied.
    exponent: i64,
    /// True when it has a point or an exponent.
    is_float: bool,
}

impl Reader<'_> {
    /// Appends the digits that are next to the token; the number of them.
    #[inline]
    fn digits(&mut self, token: &mut Token) -> usize {
        let start = self.at;
        loop {
            if let Some(chunk) = self.bytes[self.at..].first_chunk::<8>() {
                let (count, value) = leading_digits(u64::from_le_bytes(*chunk));
                token.mantissa = token.mantissa.wrapping_mul(TENS[count]).wrapping_add(value);
                self.at += count;
                if count == 8 {
                    continue;
                }
            } else {
                while let Some(digit @ b'0'..=b'9') = self.bytes.get(self.at) {
                    token.mantissa =
                        token.mantissa.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
                    self.at += 1;
                }
            }
            return self.at - start;
        }
    }

    /// Reads the text of a number as JSON has it. `None` when a word such as `NaN` is allowed here.
    #[inline]
    fn token(&mut self) -> Parsed<Option<Token>> {
        self.peek();
        let start = self.at;
        let negative = self.bytes.get(start) == Some(&b'-');
        self.at += usize::from(negative);
        let mut token =
            Token { start, negative, mantissa: 0, digits: 0, exponent: 0, is_float: false };
        let first = self.bytes.get(self.at).copied();
        let whole = match first {
            // Most numbers of a model are below 1.
            Some(b'0') => {
                self.at += 1;
                if self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
                    return self.fail("a number has a leading 0");
                }
                0
            }
            Some(b'1'..=b'9') => self.digits(&mut token),
            _ => {
                self.at = start;
                return Ok(None);
            }
        };
        token.digits = whole;
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            token.is_float = true;
            let decimals = self.digits(&mut token);
            if decimals == 0 {
                return self.fail("a digit must follow the point of a number");
            }
            token.digits += decimals;
            token.exponent = -i64::try_from(decimals).unwrap_or(i64::MAX);
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            token.is_float = true;
            token.exponent = token.exponent.saturating_add(self.exponent()?);
        }
        Ok(Some(token))
    }

    fn exponent(&mut self) -> Parsed<i64> {
        let negative = match self.bytes.get(self.at) {
            Some(b'-') => {
                self.at += 1;
                true
            }
            Some(b'+') => {
                self.at += 1;
                false
            }
            _ => false,
        };
        let start = self.at;
        let mut value = 0_i64;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(self.at) {
            value = value.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
            self.at += 1;
        }
        if self.at == start {
            return self.fail("a digit must follow the exponent of a number");
        }
        Ok(if negative { -value } else { value })
    }

    /// The text of a token, which is ASCII.
    fn text(&self, token: &Token) -> &str {
        std::str::from_utf8(&self.bytes[token.start..self.at]).unwrap_or_default()
    }

    /// `NaN`, `Infinity`, `Inf` and their negatives.
    fn named(&mut self) -> Parsed<f32> {
        let start = self.at;
        let negative = self.take(b'-');
        let value = if self.word(b"NaN") {
            f32::NAN
        } else if self.word(b"Infinity") || self.word(b"Inf") {
            f32::INFINITY
        } else {
            self.at = start;
            return match self.bytes.get(start) {
                None => self.fail("the text ends where a value is expected"),
                Some(&found) => {
                    self.fail(format!("found {:?} where a value is expected", char::from(found)))
                }
            };
        };
        Ok(if negative { -value } else { value })
    }

    /// Any number, integers exactly.
    pub(crate) fn number(&mut self) -> Parsed<Number> {
        let Some(token) = self.token()? else {
            return self.named().map(Number::Float);
        };
        if !token.is_float {
            if token.negative && token.mantissa == 0 {
                return Ok(Number::Float(-0.0));
            }
            let text = self.text(&token);
            if let Ok(value) = text.parse() {
                return Ok(Number::Int(value));
            }
            if let Ok(value) = text.parse() {
                return Ok(Number::Uint(value));
            }
        }
        // Beyond the range of 32 bits a caller that needs 64 bits parses the value again.
        Ok(Number::Float(self.nearest(&token).unwrap_or(f32::INFINITY)))
    }

    /// A number when it is whole and has at most 64 bits, exactly.
    pub(crate) fn integer(&mut self) -> Parsed<Option<i128>> {
        Ok(match self.number()? {
            Number::Int(value) => Some(value.into()),
            Number::Uint(value) => Some(value.into()),
            // −0 has no integer of its own.
            Number::Float(value) if value == 0.0 && value.is_sign_negative() => Some(0),
            Number::Float(_) => None,
        })
    }

    /// A number as the nearest 32-bit float.
    #[inline]
    pub(crate) fn float(&mut self) -> Parsed<f32> {
        match self.token()? {
            Some(token) => self.nearest(&token),
            None => self.named(),
        }
    }

    /// A number as the nearest 64-bit float.
    pub(crate) fn double(&mut self) -> Parsed<f64> {
        match self.token()? {
            Some(token) => {
                let value: f64 = self.text(&token).parse().unwrap_or(f64::INFINITY);
                if value.is_infinite() {
                    return self.fail("a number is outside the range of a 64-bit float");
                }
                Ok(value)
            }
            None => self.named().map(f64::from),
        }
    }

    #[inline]
    fn nearest(&self, token: &Token) -> Parsed<f32> {
        if token.digits <= 19
            && let Some(float) = rounded(token.mantissa, token.exponent)
        {
            return Ok(if token.negative { -float } else { float });
        }
        self.exact(token)
    }

    #[cold]
    fn exact(&self, token: &Token) -> Parsed<f32> {
        let value: f32 = self.text(token).parse().unwrap_or(f32::INFINITY);
        if value.is_infinite() {
            let reason = "a number is outside the range of a 32-bit float".to_owned();
            return Err(ParseError {
                at: token.start,
                needs_doubles: true,
                ..ParseError::new(reason)
            });
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(text: &str) -> Parsed<f32> {
        let mut reader = Reader::new(text.as_bytes());
        let float = reader.float()?;
        reader.end()?;
        Ok(float)
    }

    #[track_caller]
    fn reads_as_core_does(text: &str) {
        let wanted: f32 = text.parse().unwrap();
        // With other bytes behind it too, as in a list.
        for text in [text.to_owned(), format!("{text},1234567890]")] {
            let mut reader = Reader::new(text.as_bytes());
            match reader.float() {
                Ok(found) => assert_eq!(found.to_bits(), wanted.to_bits(), "{text}: {found}"),
                Err(error) => {
                    assert!(error.needs_doubles && wanted.is_infinite(), "{text}: {error:?}");
                }
            }
        }
    }

    #[test]
    fn floats_are_nearest() {
        for text in [
            "0",
            "-0",
            "0.0",
            "-0.0",
            "1",
            "0.1",
            "123.456",
            "1e10",
            "1E+2",
            "1e-2",
            "-2.5e-3",
            "3.4028235e38",
            "3.4028236e38",
            "1e39",
            "1.1754944e-38",
            "1e-45",
            "7e-46",
            "1e-400",
            "16777217",
            "16777217.0",
            "16777216.999999999",
            "16777217.0000000001",
            "0.000000000000000000000000000000000000001",
            "123456789012345678901234567890",
            "9007199254740993",
            "1.00000005960464477539062500000000000001",
            "1.000000059604644775390625",
            "1.00000005960464477539062499999999999999",
            "0.1234567890123456789012345678901234567890",
            "1e9999999999999999999",
            "00000000.5".trim_start_matches('0').trim_start_matches('.'),
        ] {
            reads_as_core_does(text);
        }
    }

    #[test]
    fn a_sample_of_texts_is_nearest() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..300_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let float = f32::from_bits((state >> 32) as u32);
            if float.is_finite() {
                reads_as_core_does(&format!("{float:?}"));
                // The boundary to the next float, and its neighbours among the doubles.
                let next = f32::from_bits(float.to_bits() ^ 1);
                let middle = f64::midpoint(float.into(), next.into());
                if middle.abs() > 1e-44 && middle.abs() < 3e38 {
                    for bits in [middle.to_bits() - 1, middle.to_bits(), middle.to_bits() + 1] {
                        reads_as_core_does(&format!("{:e}", f64::from_bits(bits)));
                    }
                }
            }
        }
    }

    #[test]
    fn what_json_refuses_is_refused() {
        for text in [
            "", "-", "+1", ".5", "1.", "01", "-01", "1e", "1e+", "0x1", "1.e1", "nan", "inf",
            "--1", "1..2",
        ] {
            assert!(float(text).is_err(), "{text}");
        }
    }

    #[test]
    fn named_numbers_and_integers() {
        assert!(float("NaN").unwrap().is_nan());
        assert!(matches!(float("-Infinity"), Ok(f32::NEG_INFINITY)));
        assert!(matches!(float("Inf"), Ok(f32::INFINITY)));
        let number = |text: &str| Reader::new(text.as_bytes()).number().unwrap();
        assert_eq!(number("9223372036854775807"), Number::Int(i64::MAX));
        assert_eq!(number("-9223372036854775808"), Number::Int(i64::MIN));
        assert_eq!(number("18446744073709551615"), Number::Uint(u64::MAX));
        assert_eq!(number("18446744073709551616"), Number::Float(18_446_744_073_709_551_616.0));
        assert_eq!(number("1.0"), Number::Float(1.0));
        assert!(matches!(number("-0"), Number::Float(zero) if zero.is_sign_negative()));
    }
}
