//! Logarithm and exponential that give the same bits on every platform.
//!
//! `f64::ln` and `f64::exp` call the platform's mathematical library, and two libraries may differ in the last
//! bit; a simulation that compares such values could then take a different path on another machine. The crate `libm`
//! computes them by additions, multiplications, divisions and bit operations alone, each of which IEEE 754 defines to
//! the last bit, so that every test and every simulation is bit-identical wherever it runs.

/// The natural logarithm. −∞ at 0, NaN below 0.
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// ln(1 + x), without the loss of digits that `ln(1.0 + x)` suffers for small x.
pub fn ln_1p(x: f64) -> f64 {
    libm::log1p(x)
}

/// e to the power x.
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// ln Σ e^{x}, without overflow; −∞ for no terms.
pub fn ln_sum_exp(terms: &[f64]) -> f64 {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !largest.is_finite() {
        return largest;
    }
    let mut sum = 0.0;
    for &term in terms {
        // A smaller term is lost in rounding, because the largest term adds 1.
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
        assert_eq!(mixed, 0x48f7_4b67_3789_6b99, "{mixed:#018x}");
    }
}
