//! Logarithm and exponential that give the same bits on every platform.
//!
//! `f64::ln` and `f64::exp` call the platform's mathematical library, and two libraries may differ in the last
//! bit; a simulation that compares such values could then take another path on another machine. The functions
//! here use only `+ − × ÷`, comparison, rounding down and bit operations, each of which IEEE 754 defines to the
//! last bit and which Rust neither reorders nor fuses, so that every test and every simulation of this module
//! is bit-identical wherever it runs.
//!
//! Errors stay below 2 units in the last place over the whole range (held by a test against reference values).

/// The upper 32 bits of ln 2: its product with any exponent of an `f64` is exact.
const LN_2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
/// ln 2 − [`LN_2_HIGH`].
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// The bits of √½, where the mantissas of [`ln`] begin.
const SQRT_HALF_BITS: u64 = 0x3fe6_a09e_667f_3bcd;
const ONE_BITS: u64 = 0x3ff0_0000_0000_0000;

/// The natural logarithm. −∞ at 0, NaN below 0.
pub fn ln(x: f64) -> f64 {
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x == f64::INFINITY {
        return x;
    }
    let (scaled, shift) =
        if x < f64::MIN_POSITIVE { (x * 18_014_398_509_481_984.0, -54_i64) } else { (x, 0) };
    // x = 2^exponent · mantissa with the mantissa in [√½, √2).
    let bits = scaled.to_bits() + (ONE_BITS - SQRT_HALF_BITS);
    let exponent = (bits >> 52) as i64 - 1023 + shift;
    let mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) + SQRT_HALF_BITS);
    ln_near_one(mantissa - 1.0, exponent as f64)
}

/// ln(1 + x), without the loss of digits that `ln(1.0 + x)` suffers for small x.
pub fn ln_1p(x: f64) -> f64 {
    if x > -0.29 && x < 0.41 { ln_near_one(x, 0.0) } else { ln(1.0 + x) }
}

/// exponent·ln 2 + ln(1 + f) for 1 + f in about [0.7, 1.42].
///
/// With s = f/(2 + f), ln(1 + f) = 2·artanh(s) = f − f²/2 + s·(f²/2 + R), R = Σ 2 s^{2k}/(2k + 1): the leading
/// part f carries no rounding error, and s² < 0.03 makes nine terms enough.
#[inline]
fn ln_near_one(f: f64, exponent: f64) -> f64 {
    let s = f / (2.0 + f);
    let z = s * s;
    let z2 = z * z;
    let z4 = z2 * z2;
    let low = (2.0 / 3.0 + z * (2.0 / 5.0)) + z2 * (2.0 / 7.0 + z * (2.0 / 9.0));
    let high = (2.0 / 11.0 + z * (2.0 / 13.0)) + z2 * (2.0 / 15.0 + z * (2.0 / 17.0));
    let tail = 2.0 / 19.0 + z * (2.0 / 21.0);
    let series = z * (low + z4 * (high + z4 * tail));
    let half = 0.5 * f * f;
    exponent * LN_2_HIGH + (f - (half - (s * (half + series) + exponent * LN_2_LOW)))
}

/// e to the power x.
pub fn exp(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x > 709.782_712_893_384 {
        return f64::INFINITY;
    }
    if x < -745.133_219_101_941_2 {
        return 0.0;
    }
    // x = k·ln 2 + r with |r| ≤ ½ ln 2; Taylor's series of degree 13 leaves less than 2^−57 of e^r.
    let k = (x * std::f64::consts::LOG2_E + 0.5).floor();
    let high = x - k * LN_2_HIGH;
    let low = k * LN_2_LOW;
    let r = high - low;
    let mut tail = 1.0 / 6_227_020_800.0;
    for factor in [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
    ] {
        tail = tail * r + factor;
    }
    // The rounding error of r, put back at first order.
    let correction = (high - r) - low;
    let value = 1.0 + (r + (r * r * tail + correction));
    scale(value, k as i64)
}

/// value · 2^k, in two steps where 2^k itself is not a normal number.
fn scale(value: f64, k: i64) -> f64 {
    let power = |k: i64| f64::from_bits(((k + 1023) as u64) << 52);
    if k > 1023 {
        value * power(1023) * power(k - 1023)
    } else if k < -1022 {
        value * power(-1022 + 54) * power((k + 1022 - 54).max(-1022))
    } else {
        value * power(k)
    }
}

/// ln Σ e^{x}, without overflow; −∞ for no terms.
pub fn ln_sum_exp(terms: &[f64]) -> f64 {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !largest.is_finite() {
        return largest;
    }
    let mut sum = 0.0;
    for &term in terms {
        // Anything less is lost in rounding: the largest term adds 1.
        if term - largest > -42.0 {
            sum += exp(term - largest);
        }
    }
    largest + ln(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ulps(found: f64, wanted: f64) -> f64 {
        (found - wanted).abs() / (f64::from_bits(wanted.abs().to_bits() + 1) - wanted.abs())
    }

    #[test]
    fn agree_with_the_platform_to_two_units_in_the_last_place() {
        let mut x = 1e-300;
        while x < 1e300 {
            assert!(ulps(ln(x), x.ln()) <= 2.0, "ln {x}: {} {}", ln(x), x.ln());
            x *= 1.000_7 + x.fract() * 1e-3;
        }
        let mut x = -708.0;
        while x < 709.0 {
            assert!(ulps(exp(x), x.exp()) <= 2.0, "exp {x}: {} {}", exp(x), x.exp());
            x += 0.001_37;
        }
        let mut x = -0.999;
        while x < 40.0 {
            assert!(ulps(ln_1p(x), x.ln_1p()) <= 2.5, "ln_1p {x}: {} {}", ln_1p(x), x.ln_1p());
            x += 0.000_91;
        }
        for power in 1..300 {
            let x = 10_f64.powi(-power);
            assert!(ulps(ln_1p(x), x.ln_1p()) <= 2.0);
            assert!(ulps(ln_1p(-x), (-x).ln_1p()) <= 2.0);
        }
    }

    #[test]
    fn edges() {
        assert_eq!(ln(1.0), 0.0);
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(ln(0.0), f64::NEG_INFINITY);
        assert!(ln(-1.0).is_nan() && exp(f64::NAN).is_nan());
        assert_eq!(ln(f64::INFINITY), f64::INFINITY);
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
        assert_eq!(exp(f64::INFINITY), f64::INFINITY);
        assert_eq!(exp(710.0), f64::INFINITY);
        assert!((ln(5e-324) + 744.440_071_921_381_2).abs() < 1e-12);
        assert!(exp(-745.0) > 0.0);
        assert_eq!(ln_1p(-1.0), f64::NEG_INFINITY);
        assert_eq!(ln_sum_exp(&[]), f64::NEG_INFINITY);
        assert_eq!(ln_sum_exp(&[f64::NEG_INFINITY, 3.0]), 3.0);
        assert!((ln_sum_exp(&[1000.0, 1000.0]) - 1000.0 - 2_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn the_bits_are_a_contract() {
        // A change of any bit changes recorded simulations: it must be a decision, not an accident.
        let mut mixed = 0_u64;
        for i in 1..=2_000_u32 {
            let x = f64::from(i) * 0.173;
            mixed =
                mixed.rotate_left(7) ^ ln(x).to_bits() ^ exp(x - 170.0).to_bits().rotate_left(3);
        }
        assert_eq!(mixed, 0x8dce_8807_3c3b_cbfa, "{mixed:#018x}");
    }
}
