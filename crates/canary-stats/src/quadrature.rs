//! Integrals of functions with one peak, by their logarithms.

use super::portable::{exp, ln};

/// Nodes above 0 and weights of the Gauss–Legendre rule of 16 points on (−1, 1).
const RULE: [(f64, f64); 8] = [
    (0.095_012_509_837_637_44, 0.189_450_610_455_068_5),
    (0.281_603_550_779_258_9, 0.182_603_415_044_923_58),
    (0.458_016_777_657_227_37, 0.169_156_519_395_002_54),
    (0.617_876_244_402_643_8, 0.149_595_988_816_576_74),
    (0.755_404_408_355_003, 0.124_628_971_255_533_88),
    (0.865_631_202_387_831_8, 0.095_158_511_682_492_79),
    (0.944_575_023_073_232_6, 0.062_253_523_938_647_894),
    (0.989_400_934_991_649_9, 0.027_152_459_411_754_096),
];

/// The logarithm of the part of the peak beyond which nothing is added that is not lost in rounding.
const LOST: f64 = -45.0;

/// ln ∫₀¹ e^{ln_f(x)} dx for a function with one peak, given where it is and roughly how wide.
///
/// From the peak to either side in panels that double in width, until the function is lost beside its peak. Within
/// 1e-12 of the integral for products of powers with a width that is right to a factor of a few.
pub(super) fn ln_integral(ln_f: impl Fn(f64) -> f64, peak: f64, width: f64) -> f64 {
    let top = ln_f(peak);
    let side = |length: f64, sign: f64| {
        let (mut sum, mut from, mut size) = (0.0, 0.0, width);
        while from < length && size > 0.0 {
            let to = length.min(from + size);
            let (middle, half) = (0.5 * (from + to), 0.5 * (to - from));
            for (node, weight) in RULE {
                for node in [-node, node] {
                    let x = peak + sign * (middle + half * node);
                    sum += half * weight * exp(ln_f(x) - top);
                }
            }
            if ln_f(peak + sign * to) - top < LOST {
                break;
            }
            (from, size) = (to, to);
        }
        sum
    };
    top + ln(side(peak, -1.0) + side(1.0 - peak, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::special::ln_beta;

    #[test]
    fn powers_have_the_integrals_of_the_beta_function() {
        for (a, b) in [
            (0.0_f64, 0.0_f64),
            (1.0, 0.0),
            (0.0, 7.0),
            (3.0, 2.0),
            (900.0, 4.0),
            (20_000.0, 30_000.0),
            (1e8, 1e3),
        ] {
            let power = |n: f64, x: f64| if n > 0.0 { n * ln(x) } else { 0.0 };
            let peak = if a + b > 0.0 { a / (a + b) } else { 0.5 };
            let curve =
                if a > 0.0 && b > 0.0 { ((a + b) / peak / (1.0 - peak)).sqrt() } else { a + b };
            for rough in [0.4, 1.0, 3.0] {
                let width = rough / curve.max(1.0);
                let found = ln_integral(|x| power(a, x) + power(b, 1.0 - x), peak, width);
                let wanted = ln_beta(a + 1.0, b + 1.0);
                let error = (found - wanted).abs() / wanted.abs().max(1.0);
                assert!(error < 1e-12, "{a} {b} {rough}: {found} {wanted}");
            }
        }
    }
}
