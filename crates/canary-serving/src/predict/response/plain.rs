//! Lists of numbers that are written plainly, such as `-12.3456` and `1.5e-07`: sixteen characters at a time.
//!
//! Everything else (whole numbers, `NaN`, more than fourteen digits, the end of the text, and all mistakes) is left to
//! [`super::number`], number by number. The tests compare the two.
//!
//! Invariants, which each `unsafe` here names. *Detected*: a value of `Available` exists only on a CPU with the features that
//! the reader is compiled for. *Bounds*: each pointer comes from an array of exactly the 16 bytes that are read; loads need no
//! alignment.

use super::reader::Reader;

/// Reads numbers and the commas between them as long as they are plain.
///
/// Returns true when something else than a comma and a number follows the last of them, and false when the next number,
/// at which the reader stands, is not plain.
#[inline]
pub(super) fn read_floats(reader: &mut Reader<'_>, values: &mut Vec<f32>) -> bool {
    #[cfg(target_arch = "x86_64")]
    if let Some(available) = avx2::Available::detect() {
        return available.read(reader.bytes, &mut reader.at, values);
    }
    _ = (reader, values);
    false
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    // The measured hot path of a response: most of it is such lists.
    #![allow(unsafe_code)]

    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_cvtsi128_si64, _mm_loadu_si128, _mm_madd_epi16,
        _mm_maddubs_epi16, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_packus_epi32,
        _mm_set1_epi8, _mm_set1_epi16, _mm_set1_epi32, _mm_shuffle_epi8, _mm_sub_epi8,
    };

    use super::super::number::rounded;

    /// For a text of `length` characters with its point at `point`: the order in which its digits stand at the end of
    /// sixteen bytes, with zeros (0x80) before them.
    const ORDERS: [[[u8; 16]; 16]; 16] = {
        let mut orders = [[[0x80; 16]; 16]; 16];
        let mut length = 1;
        while length < 16 {
            let mut point = 0;
            while point < length {
                let mut digit = 0;
                while digit < length - 1 {
                    let from = if digit < point { digit } else { digit + 1 };
                    #[allow(clippy::cast_possible_truncation)] // Below 16.
                    let from = from as u8;
                    orders[length][point][16 - (length - 1) + digit] = from;
                    digit += 1;
                }
                point += 1;
            }
            length += 1;
        }
        orders
    };

    /// Proof that the CPU has the features of `read_plain`: only [`Available::detect`] constructs it.
    pub(super) struct Available(());

    impl Available {
        #[inline]
        pub(super) fn detect() -> Option<Self> {
            (is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2"))
            .then_some(Self(()))
        }

        /// See [`super::read_floats`].
        #[inline]
        #[allow(clippy::unused_self)] // Its existence proves the features.
        pub(super) fn read(self, bytes: &[u8], at: &mut usize, values: &mut Vec<f32>) -> bool {
            // SAFETY: *detected*.
            unsafe { read_plain(bytes, at, values) }
        }
    }

    #[target_feature(enable = "avx2,bmi1,bmi2")]
    fn read_plain(bytes: &[u8], place: &mut usize, values: &mut Vec<f32>) -> bool {
        let mut at = *place;
        loop {
            *place = at;
            // A minus, fifteen characters, an exponent of at most four, and three characters behind them.
            let Some(text) = bytes.get(at..).and_then(<[u8]>::first_chunk::<24>) else {
                return false;
            };
            let minus = usize::from(text[0] == b'-');
            let Some(plain) = text[minus..].first_chunk() else { return false };
            let Some((mantissa, length, decimals)) = mantissa(plain) else { return false };
            let mut end = minus + length;
            let mut exponent = -decimals;
            if text[end] | 0x20 == b'e' {
                let Some((more, behind)) = short_exponent(text, end + 1) else { return false };
                exponent += more;
                end = behind;
            }
            let Some(float) = rounded(mantissa, exponent) else { return false };
            values.push(f32::from_bits(float.to_bits() | (u32::from(minus == 1) << 31)));
            match text[end..] {
                [b',', b' ', b'0'..=b'9' | b'-', ..] => at += end + 2,
                [b',', b'0'..=b'9' | b'-', ..] => at += end + 1,
                _ => {
                    *place = at + end;
                    return true;
                }
            }
        }
    }

    /// The digits of a number with a point as an integer, the length of its text, and how many digits follow the point.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2")]
    fn mantissa(text: &[u8; 16]) -> Option<(u64, usize, i64)> {
        let characters = load(text);
        let digits = _mm_sub_epi8(characters, _mm_set1_epi8(b'0'.cast_signed()));
        let is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digits, _mm_set1_epi8(9)), digits);
        let is_point = _mm_cmpeq_epi8(characters, _mm_set1_epi8(b'.'.cast_signed()));
        let bits = |mask: __m128i| _mm_movemask_epi8(mask).cast_unsigned();
        let length = (!bits(_mm_or_si128(is_digit, is_point))).trailing_zeros();
        if length > 15 {
            return None;
        }
        let points = bits(is_point) & ((1 << length) - 1);
        let point = points.trailing_zeros();
        // One point, with digits on both sides, and no needless zero at the beginning.
        if points & points.wrapping_sub(1) != 0
            || point == 0
            || point + 1 >= length
            || (text[0] == b'0' && point != 1)
        {
            return None;
        }
        let (length, point) = (length as usize, point as usize);
        let order = load(&ORDERS[length & 15][point & 15]);
        let digits = _mm_shuffle_epi8(digits, order);
        let twos = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010a));
        let fours = _mm_madd_epi16(twos, _mm_set1_epi32(0x0001_0064));
        let fours = _mm_packus_epi32(fours, fours);
        let eights = _mm_madd_epi16(fours, _mm_set1_epi32(0x0001_2710));
        let eights = _mm_cvtsi128_si64(eights).cast_unsigned();
        let mantissa = (eights & 0xffff_ffff) * 100_000_000 + (eights >> 32);
        #[allow(clippy::cast_possible_wrap)] // At most 14.
        let decimals = (length - point - 1) as i64;
        Some((mantissa, length, decimals))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(bytes: &[u8; 16]) -> __m128i {
        // SAFETY: *bounds*.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    /// An exponent of one or two digits that begins at `at`, and where it ends.
    #[inline]
    fn short_exponent(text: &[u8; 24], mut at: usize) -> Option<(i64, usize)> {
        let digit = |at: usize| text.get(at).map(|byte| byte.wrapping_sub(b'0'));
        let negative = text.get(at) == Some(&b'-');
        at += usize::from(negative || text.get(at) == Some(&b'+'));
        let mut value = i64::from(digit(at).filter(|digit| *digit <= 9)?);
        at += 1;
        if let Some(second @ 0..=9) = digit(at) {
            value = value * 10 + i64::from(second);
            at += 1;
            if digit(at).is_none_or(|third| third <= 9) {
                return None;
            }
        }
        Some((if negative { -value } else { value }, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares the results of the two readers for a list without brackets; the plain one leaves the rest to the other.
    #[track_caller]
    fn both_agree(list: &str) {
        let text = format!("{list}]");
        let mut reference = Reader::new(text.as_bytes());
        let mut wanted = Vec::new();
        let failed = loop {
            match reference.float() {
                Ok(float) => wanted.push(float.to_bits()),
                Err(error) => break Some(error),
            }
            if !reference.take(b',') {
                break None;
            }
        };
        let mut reader = Reader::new(text.as_bytes());
        let mut values = Vec::new();
        let found = loop {
            if read_floats(&mut reader, &mut values) {
                if !reader.take(b',') {
                    break None;
                }
                continue;
            }
            match reader.float() {
                Ok(float) => values.push(float),
                Err(error) => break Some(error),
            }
            if !reader.take(b',') {
                break None;
            }
            reader.peek();
        };
        let values: Vec<_> = values.iter().map(|value| value.to_bits()).collect();
        assert_eq!((values, found, reader.at), (wanted, failed, reference.at), "{list}");
    }

    #[test]
    fn plain_numbers_are_read_as_the_others() {
        for list in [
            "1.5",
            "-1.5, 2.25,3.125, -4.0",
            "0.0, -0.0, 0.00",
            "00.5, 1",
            "1.5, 01.5",
            "1., 2.5",
            ".5, 1.5",
            "1.2.3, 1",
            "-.5",
            "--1.5",
            "1.5e, 1",
            "1.5e+, 1",
            "1.5e-07, 1.5E+3, 2.5e5, 1.0e100, 1.0e400",
            "1.5e-45",
            "1.5e123, 1.0",
            "1.25e-7x",
            "12345678901234.5, 1.0",
            "1234567890123.5, 1.0",
            "1.12345678901234, 2.0",
            "123456.12345678, 0.1",
            "3.4028235e38, 1.0",
            "9.9e39, 1.0",
            "1.0 , 2.0",
            "1.0 ,2.0",
            "1.0,  2.0",
            "NaN, 1.5",
            "1.5, NaN, -Infinity, 2.5",
            "1.5, [2.5]",
            "1.5, 2, 3.5",
            "16777217.0, 16777217.1, 16777216.9",
            "1.5:",
            "1.5, \"a\"",
            "1/5, 1.0",
            "1.5;2.5",
            "1.00000005960464, 1.0",
            "0.1, 1e5",
        ] {
            both_agree(list);
            // With enough behind it that the vector code takes the last one too.
            both_agree(&format!("{list}, 1.0, 123456.789, 7.5, 8.5, 9.5, 10.5"));
        }
    }

    #[test]
    fn a_sample_of_lists_is_read_as_by_the_others() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 32
        };
        for _ in 0..20_000 {
            let texts: Vec<_> = (0..12)
                .map(|_| {
                    #[allow(clippy::cast_possible_truncation)]
                    let float = f32::from_bits(next() as u32);
                    #[allow(clippy::cast_precision_loss)]
                    let small = (next() as f32 - 2e9) / 1e8;
                    match next() % 6 {
                        0 => format!("{:e}", if float.is_finite() { float } else { 1.5 }),
                        1 => format!(
                            "{:?}",
                            f64::from(small) + f64::from(small) * 2_f64.powi(-24) / 2.0
                        ),
                        2 => format!("{:.3e}", small / 1e7),
                        _ => format!("{small:?}"),
                    }
                })
                .collect();
            let separator = if next() % 2 == 0 { ", " } else { "," };
            let mut list = texts.join(separator).into_bytes();
            both_agree(std::str::from_utf8(&list).unwrap());
            // The same with one character changed.
            let mut below = |bound: usize| usize::try_from(next() % bound as u64).unwrap();
            let place = below(list.len());
            list[place] = b"0123456789.,-+eE ]NI"[below(20)];
            both_agree(std::str::from_utf8(&list).unwrap());
        }
    }
}
