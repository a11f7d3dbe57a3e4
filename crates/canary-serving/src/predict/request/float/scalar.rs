//! The text of a 32-bit float: fixed decimals, chosen so that it reads back to the same float.
//!
//! A float with unit in the last place `ulp` is rounded to the nearest multiple of 10⁻ᵏ, where k is the least number
//! with 10⁻ᵏ < ulp. The text is then off by at most half of that, less than half an ulp, so that the nearest float
//! of the text is the float itself. Below a power of two the gap is half as wide: those written with an exponent get one
//! digit more, and for those written plainly the tests show that it is not needed. The example `prove_floats` tries
//! all 2³² floats. The digits come eight at a time and zeros at the end are dropped: no division by a variable and no
//! search for the shortest text.
//!
//! Numbers from 2⁻¹³ up to 2²⁴ are written plainly (`0.0625`, `255.0`), others as digits with an exponent (`1e-9`).
//! NaN and the infinities are the tokens that TensorFlow Serving reads: `NaN`, `Infinity`, `-Infinity`.

// The casts of this file are of digits, exponents and indexes that are small by construction: each says so where it
// stands, and every exponent is tried by the tests.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]

/// The bytes that [`write`] needs: the longest text has 18, and it writes eight at a time.
pub(in crate::predict::request) const SLOT: usize = 32;

/// The least biased exponent that is written without an exponent: 2⁻¹³.
const PLAIN: usize = 127 - 13;
/// The biased exponent of 1.0.
const ONE: usize = 127;
/// The biased exponent of 2²³, from which every float is whole.
const WHOLE: usize = 150;

/// 10ᵏ for k from −31 to 45, each the nearest double.
#[rustfmt::skip]
const POWERS: [f64; 77] = [
    1e-31, 1e-30, 1e-29, 1e-28, 1e-27, 1e-26, 1e-25, 1e-24, 1e-23, 1e-22, 1e-21, 1e-20, 1e-19, 1e-18, 1e-17, 1e-16,
    1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1,
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
    1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27, 1e28, 1e29, 1e30, 1e31, 1e32, 1e33, 1e34, 1e35, 1e36, 1e37, 1e38,
    1e39, 1e40, 1e41, 1e42, 1e43, 1e44, 1e45,
];

/// k for a biased exponent: the least number with 10⁻ᵏ < ulp.
const fn decimals(exponent: usize) -> i32 {
    let exponent = if exponent == 0 { 1 } else { exponent as i32 };
    // ulp = 2^(exponent − 150); 78913 / 2¹⁸ is log10(2) to 8 digits, enough for the 254 exponents.
    (((150 - exponent) * 78_913) >> 18) + 1
}

/// The constants that depend on the exponent of a float.
#[derive(Clone, Copy)]
struct Scale {
    /// 10ᵏ.
    power: f64,
    /// k.
    decimals: i32,
    /// 10⁸⁻ᵏ for numbers from 1 up to 2²³: makes k digits eight.
    fill: u32,
}

const SCALES: [Scale; 255] = {
    let mut scales = [Scale { power: 0.0, decimals: 0, fill: 1 }; 255];
    let mut exponent = 0;
    while exponent < 255 {
        let k = decimals(exponent);
        scales[exponent].decimals = k;
        scales[exponent].power = POWERS[(k + 31) as usize];
        if exponent >= ONE && exponent <= WHOLE {
            scales[exponent].fill = 10_u32.pow((8 - k) as u32);
        }
        exponent += 1;
    }
    scales
};

const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The eight decimal digits of a number below 10⁸, one a byte (0 to 9), the first digit in the lowest byte.
#[inline]
fn digits(number: u32) -> u64 {
    let number = u64::from(number);
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let twos = hundreds | ((fours - hundreds * 100) << 16);
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((twos - tens * 10) << 8)
}

/// The nearest integer of a number from 0 up to 2³¹.
#[inline]
fn nearest(number: f64) -> u32 {
    // Adding 2⁵² leaves the integer in the low bits of the double.
    (number + 4_503_599_627_370_496.0).to_bits() as u32
}

/// Writes eight digits; `at` is at most 15, which the mask tells the compiler, so that it checks nothing.
#[inline]
fn put(slot: &mut [u8; SLOT], at: usize, digits: u64) {
    debug_assert!(at <= 15, "the longest text has its last eight digits from byte 10");
    let at = at & 15;
    slot[at..at + 8].copy_from_slice(&digits.to_le_bytes());
}

/// The number of zeros at the end of eight digits.
#[inline]
fn zeros_at_end(digits: u64) -> usize {
    digits.leading_zeros() as usize / 8
}

/// Writes the text of a float to the beginning of the slot and gives its length.
#[inline]
pub(in crate::predict::request) fn write(float: f32, slot: &mut [u8; SLOT]) -> usize {
    let bits = float.to_bits();
    let exponent = ((bits >> 23) & 0xff) as usize;
    slot[0] = b'-';
    let sign = (bits >> 31) as usize;
    let magnitude = bits & 0x7fff_ffff;
    if (PLAIN..ONE).contains(&exponent) {
        below_one(magnitude, exponent, sign, slot)
    } else if (ONE..=WHOLE).contains(&exponent) {
        from_one(magnitude, exponent, sign, slot)
    } else {
        rare(magnitude, exponent, sign, slot)
    }
}

/// 2⁻¹³ ≤ |float| < 1: `0.` and k digits, k from 8 to 11, of which the last nine are not always zero.
#[inline]
fn below_one(magnitude: u32, exponent: usize, sign: usize, slot: &mut [u8; SLOT]) -> usize {
    let scale = &SCALES[exponent];
    let number = nearest(f64::from(f32::from_bits(magnitude)) * scale.power);
    let first = number / 100_000_000;
    let last = digits(number - first * 100_000_000);
    let k = scale.decimals as usize;
    put(slot, sign, ZEROS);
    slot[(sign + k - 7) & 15] = b'0' + first as u8;
    put(slot, sign + k - 6, last | ZEROS);
    slot[sign..sign + 2].copy_from_slice(b"0.");
    sign + 2 + k - zeros_at_end(last)
}

/// 1 ≤ |float| < 2²⁴: the whole part, and up to seven decimals.
#[inline]
fn from_one(magnitude: u32, exponent: usize, sign: usize, slot: &mut [u8; SLOT]) -> usize {
    let scale = &SCALES[exponent];
    let whole = ((magnitude & 0x007f_ffff) | 0x0080_0000) >> (WHOLE - exponent);
    // The part is exact, and so is its product: 23 bits and at most 24. It is less than 10ᵏ − 1 by the choice of k.
    let part = f64::from(f32::from_bits(magnitude)) - f64::from(whole);
    let last = digits(nearest(part * scale.power) * scale.fill);
    let mut at = sign;
    if whole < 10 {
        slot[at] = b'0' + whole as u8;
        at += 1;
    } else {
        let first = digits(whole);
        let zeros = first.trailing_zeros() / 8;
        put(slot, at, (first | ZEROS) >> (zeros * 8));
        at += 8 - zeros as usize;
    }
    slot[at & 15] = b'.';
    put(slot, at + 1, last | ZEROS);
    // A whole number keeps one zero: every reader parses it as a float.
    at + 1 + (8 - zeros_at_end(last)).max(1)
}

/// Zero, NaN, the infinities, and what is written with an exponent.
#[cold]
fn rare(magnitude: u32, exponent: usize, sign: usize, slot: &mut [u8; SLOT]) -> usize {
    let mut text = |at: usize, bytes: &[u8]| {
        slot[at..at + bytes.len()].copy_from_slice(bytes);
        at + bytes.len()
    };
    if magnitude == 0 {
        return text(sign, b"0.0");
    }
    if magnitude > 0x7f80_0000 {
        return text(0, b"NaN");
    }
    if magnitude == 0x7f80_0000 {
        return text(sign, b"Infinity");
    }
    let scale = &SCALES[exponent];
    let mut number = f64::from(f32::from_bits(magnitude)) * scale.power;
    let mut power = -scale.decimals;
    if magnitude.trailing_zeros() >= 23 {
        number *= 10.0;
        power -= 1;
    }
    let mut number = nearest(number);
    while number.is_multiple_of(10) {
        number /= 10;
        power += 1;
    }
    let mut integers = itoa::Buffer::new();
    let at = text(sign, integers.format(number).as_bytes());
    let at = text(at, b"e");
    text(at, integers.format(power).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(float: f32) -> String {
        let mut slot = [b'?'; SLOT];
        let length = write(float, &mut slot);
        String::from_utf8(slot[..length].to_vec()).unwrap()
    }

    #[track_caller]
    fn reads_back(bits: u32) {
        let float = f32::from_bits(bits);
        let text = text(float);
        let back: f32 = text.parse().unwrap();
        assert!(
            back.to_bits() == bits || float.is_nan() && back.is_nan(),
            "{bits:#010x} is written {text}, which reads {back}"
        );
    }

    #[test]
    fn texts_are_plain_numbers() {
        for (float, wanted) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-1.5, "-1.5"),
            (0.5, "0.5"),
            (0.1, "0.100000001"),
            (0.0625, "0.0625"),
            (255.0, "255.0"),
            (103.939, "103.939003"),
            (16_777_215.0, "16777215.0"),
            (16_777_216.0, "16777216e0"),
            (1e-5, "99999997e-13"),
            (f32::MIN_POSITIVE, "117549435e-46"),
            (f32::NAN, "NaN"),
            (f32::INFINITY, "Infinity"),
            (f32::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(text(float), wanted);
        }
    }

    #[test]
    fn the_number_of_decimals_is_least() {
        for exponent in 1..255_usize {
            let ulp = 2_f64.powi(exponent as i32 - 150);
            let k = decimals(exponent);
            assert!(10_f64.powi(-k) < ulp, "{exponent}");
            assert!(10_f64.powi(1 - k) >= ulp, "{exponent}");
        }
    }

    #[test]
    fn every_exponent_reads_back() {
        for exponent in 0..=255_u32 {
            for mantissa in [0, 1, 2, 3, 0x3f_ffff, 0x40_0000, 0x40_0001, 0x7f_fffe, 0x7f_ffff] {
                for sign in [0, 1 << 31] {
                    reads_back(sign | (exponent << 23) | mantissa);
                }
            }
        }
    }

    #[test]
    fn a_sample_of_all_floats_reads_back() {
        // A stride that is prime to 2³² visits every exponent and unrelated mantissas.
        let mut bits = 0_u32;
        for _ in 0..2_000_000 {
            reads_back(bits);
            bits = bits.wrapping_add(2_654_435_761);
        }
    }
}
