//! Gamma, beta and incomplete beta functions, and the normal distribution.
//!
//! Accuracy against values computed with 60 digits (`scripts/special_values.py`): an error below
//! 1e-12·max(1, |value|) for every logarithm, and below 1e-12 relative for probabilities, for arguments from
//! 1e-3 to 1e9. Every function is built on [`portable`](super::portable) and gives the same bits everywhere.

use super::portable::{exp, ln, ln_1p};

/// ½ ln 2π.
const HALF_LN_2_PI: f64 = 0.918_938_533_204_672_7;

/// lnΓ(x) − [(x − ½) ln x − x + ½ ln 2π], the remainder of Stirling's formula, for x ≥ 10.
///
/// Bernoulli's series; the first term left out is below 4e-17 (DLMF 5.11.1).
fn stirling_remainder(x: f64) -> f64 {
    let z = 1.0 / (x * x);
    let series = 1.0 / 12.0
        - z * (1.0 / 360.0
            - z * (1.0 / 1260.0
                - z * (1.0 / 1680.0
                    - z * (1.0 / 1188.0 - z * (691.0 / 360_360.0 - z * (1.0 / 156.0))))));
    series / x
}

/// [`stirling_remainder`] for x ≥ 1.
pub(super) fn stirling_remainder_from_one(x: f64) -> f64 {
    if x >= 10.0 {
        stirling_remainder(x)
    } else {
        ln_gamma(x) - ((x - 0.5) * ln(x) - x + HALF_LN_2_PI)
    }
}

/// lnΓ(x), the logarithm of the gamma function, for x > 0.
///
/// Stirling's formula above 10, the recurrence Γ(x + 1) = x·Γ(x) below. NaN for x ≤ 0.
pub fn ln_gamma(x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return f64::NAN;
    }
    if x == 1.0 || x == 2.0 {
        return 0.0;
    }
    let mut raised = x;
    let mut product = 1.0;
    while raised < 10.0 {
        product *= raised;
        raised += 1.0;
    }
    let stirling = (raised - 0.5) * ln(raised) - raised + HALF_LN_2_PI + stirling_remainder(raised);
    if raised > x { stirling - ln(product) } else { stirling }
}

/// ln B(a, b) = lnΓ(a) + lnΓ(b) − lnΓ(a + b), for a, b > 0.
///
/// The large parts of the three terms cancel in the formula, not in the arithmetic: the result keeps its digits
/// for arguments of 10^9.
pub fn ln_beta(a: f64, b: f64) -> f64 {
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    let sum = small + large;
    if small >= 10.0 {
        HALF_LN_2_PI
            + (stirling_remainder(small) + (stirling_remainder(large) - stirling_remainder(sum)))
            + (small - 0.5) * ln(small / sum)
            + large * ln_1p(-small / sum)
            - 0.5 * ln(large)
    } else if large >= 10.0 {
        ln_gamma(small) - (large - 0.5) * ln_1p(small / large) - small * ln(sum)
            + small
            + (stirling_remainder(large) - stirling_remainder(sum))
    } else {
        ln_gamma(small) + ln_gamma(large) - ln_gamma(sum)
    }
}

/// a·ln(a/m) − (a − m) ≥ 0 for a given `difference` = a − m, without cancellation when a is near m.
///
/// The deviance of C. Loader, "Fast and accurate computation of binomial probabilities" (2000).
fn deviance(a: f64, m: f64, difference: f64) -> f64 {
    if difference.abs() < 0.1 * (a + m) {
        let v = difference / (a + m);
        let mut sum = difference * v;
        let mut term = 2.0 * a * v;
        let square = v * v;
        let mut odd = 3.0;
        loop {
            term *= square;
            let next = sum + term / odd;
            if next == sum {
                return sum;
            }
            sum = next;
            odd += 2.0;
        }
    }
    a * ln(a / m) - difference
}

/// ln [B(a, b) / (x^a y^b)] for x in (0, 1) and y = 1 − x.
///
/// The quantity that mixtures of Bernoulli likelihoods are made of. Given as a sum of deviances it keeps its
/// digits where `ln_beta(a, b) − a ln x − b ln y` would lose them; the smaller of x and y is taken as exact.
pub fn ln_beta_over_power(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if a >= 10.0 && b >= 10.0 {
        let sum = a + b;
        let difference = below_mean(a, b, x, y);
        deviance(a, sum * x, difference)
            + deviance(b, sum * y, -difference)
            + 0.5 * ln(sum / a / b)
            + HALF_LN_2_PI
            + (stirling_remainder(a) + stirling_remainder(b) - stirling_remainder(sum))
    } else {
        let (ln_x, ln_y) = if x <= y { (ln(x), ln_1p(-x)) } else { (ln_1p(-y), ln(y)) };
        ln_beta(a, b) - a * ln_x - b * ln_y
    }
}

/// a − (a + b)x, from the side on which less is rounded away.
fn below_mean(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let sum = a + b;
    if x <= y { a - sum * x } else { sum * y - b }
}

/// I_x(a, b)·B(a, b)/(x^a y^b) for x at or below the mean a/(a + b), with `excess` = a − (a + b)x ≥ 0, to within a
/// relative error of `tolerance`.
///
/// The continued fraction 1/(β₀ + α₁/(β₁ + α₂/(β₂ + …))) of A. DiDonato and A. Morris, "Significant digit
/// computation of the incomplete beta function ratios", ACM TOMS 18(3), 1992, equation 9, whose terms do not
/// cancel. Evaluated from the front (modified Lentz) until it no longer changes, which takes a number of steps
/// that grows like the square root of the arguments at worst; if they were many, it is evaluated again from the back,
/// where rounding errors do not accumulate.
fn continued_fraction(a: f64, b: f64, (x, y): (f64, f64), excess: f64, tolerance: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    // 1/(a + 2n − 1): the n-th terms need it and the next one.
    let inverse = |n: f64| 1.0 / (a + 2.0 * n - 1.0);
    let alpha = |n: f64, inverse: f64| {
        ((a + n - 1.0) * inverse) * ((a + b + n - 1.0) * inverse) * (n * (b - n) * x * x)
    };
    let beta = |n: f64, (inverse, next): (f64, f64)| {
        n + n * (b - n) * x * inverse + (a + n) * next * (excess + 1.0 + n * (1.0 + y))
    };
    let first = beta_zero(a, excess);
    let (mut c, mut d) = (first, 0.0);
    let mut value = first;
    let mut n = 1.0;
    let mut inverses = (inverse(1.0), inverse(2.0));
    while n < 1e7 {
        let (numerator, denominator) = (alpha(n, inverses.0), beta(n, inverses));
        d = 1.0 / away(denominator + numerator * d);
        c = away(denominator + numerator / c);
        let change = c * d;
        value *= change;
        if (change - 1.0).abs() < tolerance {
            break;
        }
        n += 1.0;
        inverses = (inverses.1, inverse(n + 1.0));
    }
    if n > 100.0 {
        let terms = |n: f64| beta(n, (inverse(n), inverse(n + 1.0)));
        let mut rest = terms(n);
        while n > 1.0 {
            rest = terms(n - 1.0) + alpha(n, inverse(n)) / away(rest);
            n -= 1.0;
        }
        value = first + alpha(1.0, inverse(1.0)) / away(rest);
    }
    1.0 / value
}

/// β₀ of [`continued_fraction`]: nothing that follows makes the fraction larger than 1/β₀.
fn beta_zero(a: f64, excess: f64) -> f64 {
    a / (a + 1.0) * (excess + 1.0)
}

/// As exact as a number of 53 bits.
const EXACT: f64 = 3e-16;

/// ln [1 − I_y(b, a)] for y above the mean of its distribution, with `excess` as [`continued_fraction`] has it and
/// `whole` = ln [B(a, b)/(x^a y^b)].
///
/// I_y(b, a) is computed only to the digits that change the result.
fn ln_of_complement(b: f64, a: f64, yx: (f64, f64), excess: f64, whole: f64) -> f64 {
    let scale = exp(-whole);
    let at_most = scale / beta_zero(b, excess);
    let tolerance = (0.01 * EXACT / at_most).max(EXACT);
    ln_1p(-scale * continued_fraction(b, a, yx, excess, tolerance))
}

/// ln [I_x(a, b)·B(a, b)/(x^a y^b)]: the lower incomplete beta integral, scaled by its integrand's size at x.
///
/// Far in the tail this is a number near −ln a although I_x itself underflows.
pub fn ln_inc_beta_scaled(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let excess = below_mean(a, b, x, y);
    if excess >= 0.0 {
        ln(continued_fraction(a, b, (x, y), excess, EXACT))
    } else {
        let whole = ln_beta_over_power(a, b, x, y);
        // Where the integrand falls from x on, the tail is at most 1/x on this scale: nothing beside e^45.
        if whole + ln(x) > 45.0 && (a - 1.0) * y <= (b - 1.0) * x {
            return whole;
        }
        whole + ln_of_complement(b, a, (y, x), -excess, whole)
    }
}

/// I_x(a, b), the regularised incomplete beta function: P(Beta(a, b) ≤ x), for a, b > 0.
///
/// 0 at x ≤ 0 and 1 at x ≥ 1.
pub fn reg_inc_beta(a: f64, b: f64, x: f64) -> f64 {
    exp(ln_reg_inc_beta(a, b, x))
}

/// ln I_x(a, b), which keeps its digits where I_x underflows.
///
/// For the upper tail 1 − I_x(a, b) = I_{1−x}(b, a).
pub fn ln_reg_inc_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if x >= 1.0 {
        return 0.0;
    }
    let y = 1.0 - x;
    let whole = ln_beta_over_power(a, b, x, y);
    let excess = below_mean(a, b, x, y);
    if excess >= 0.0 {
        ln(continued_fraction(a, b, (x, y), excess, EXACT)) - whole
    } else {
        ln_of_complement(b, a, (y, x), -excess, whole)
    }
}

/// P(Z > z) for a standard normal Z.
///
/// Below 3 the series of the density's integral (DLMF 7.6.2), above it Laplace's continued fraction
/// (DLMF 7.9.2).
pub fn normal_upper(z: f64) -> f64 {
    if z < 0.0 {
        return 1.0 - normal_upper(-z);
    }
    let density = exp(-0.5 * z * z - HALF_LN_2_PI);
    if z < 3.0 {
        let mut term = z;
        let mut sum = z;
        let mut odd = 3.0;
        while term > 1e-18 * sum {
            term *= z * z / odd;
            sum += term;
            odd += 2.0;
        }
        0.5 - density * sum
    } else {
        let mut fraction = 0.0;
        for k in (1..=100_u32).rev() {
            fraction = f64::from(k) / (z + fraction);
        }
        density / (z + fraction)
    }
}

/// The z with P(Z > z) = p for a standard normal Z, for p in (0, 1); infinite at the ends.
pub fn normal_upper_quantile(p: f64) -> f64 {
    if p.is_nan() || !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p > 0.5 {
        return -normal_upper_quantile(1.0 - p);
    }
    if p == 0.0 {
        return f64::INFINITY;
    }
    bisect(0.0, 40.0, |z| normal_upper(z) > p)
}

/// The point of [low, high] where `left` changes from true to false, to the last bit.
pub(super) fn bisect(mut low: f64, mut high: f64, left: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if left(middle) { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agree_with_values_of_sixty_digits() {
        let mut worst = Vec::new();
        for line in include_str!("special_values.csv").lines() {
            let (function, numbers) = line.split_once(',').unwrap();
            let numbers: Vec<f64> = numbers.split(',').map(|text| text.parse().unwrap()).collect();
            let [a, b, x, wanted] = numbers[..] else { panic!("{line}") };
            let (found, scale) = match function {
                "ln_gamma" => (ln_gamma(a), wanted.abs().max(1.0)),
                "ln_beta" => (ln_beta(a, b), wanted.abs().max(1.0)),
                "ln_inc_beta" => (ln_reg_inc_beta(a, b, x), wanted.abs().max(1.0)),
                "ln_beta_over_power" => {
                    (ln_beta_over_power(a, b, x, 1.0 - x), wanted.abs().max(1.0))
                }
                "normal_upper" => (normal_upper(x), wanted),
                "normal_upper_quantile" => (normal_upper_quantile(x), wanted.abs().max(1.0)),
                _ => panic!("{line}"),
            };
            let error = (found - wanted).abs() / scale;
            if error.is_nan() || error > 1e-12 {
                worst.push(format!("{line}: found {found:e}, error {error:e}"));
            }
        }
        assert!(worst.is_empty(), "{}", worst.join("\n"));
    }

    #[test]
    fn upper_and_lower_tails_sum_to_one() {
        for (a, b) in [(0.5, 2.0), (3.0, 3.0), (40.0, 7.0), (5_000.0, 300.0)] {
            for i in 1..40 {
                let x = f64::from(i) / 40.0;
                let sum = reg_inc_beta(a, b, x) + reg_inc_beta(b, a, 1.0 - x);
                assert!((sum - 1.0).abs() < 1e-12, "{a} {b} {x}: {sum}");
            }
        }
        assert_eq!(reg_inc_beta(2.0, 3.0, 0.0), 0.0);
        assert_eq!(reg_inc_beta(2.0, 3.0, 1.0), 1.0);
    }

    #[test]
    fn a_uniform_and_a_power_have_closed_forms() {
        for i in 1..10 {
            let x = f64::from(i) / 10.0;
            assert!((reg_inc_beta(1.0, 1.0, x) - x).abs() < 1e-15);
            assert!((reg_inc_beta(3.0, 1.0, x) - x * x * x).abs() < 1e-15);
        }
        // Far in the tail only the logarithm remains: x^a at b = 1.
        assert!((ln_reg_inc_beta(5e4, 1.0, 0.5) + 5e4 * std::f64::consts::LN_2).abs() < 1e-9);
    }

    #[test]
    fn outside_their_domain_they_are_not_numbers() {
        assert!(ln_gamma(0.0).is_nan() && ln_gamma(-3.0).is_nan() && ln_gamma(f64::NAN).is_nan());
        assert!(normal_upper_quantile(-0.1).is_nan());
        assert_eq!(normal_upper_quantile(0.0), f64::INFINITY);
        assert_eq!(normal_upper_quantile(1.0), f64::NEG_INFINITY);
    }
}
