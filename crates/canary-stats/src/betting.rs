//! Evidence about the mean of scores that are −1, 0 or 1, from their counts.
//!
//! **Null "at most".** Each score has a conditional mean of at most μ, whatever came before. With u = (1 + s)/2 and
//! ν = (1 + μ)/2, the product of 1 − f + f·u/ν ≥ 0 is a supermartingale for each fixed f, and so is the mean over the
//! twelve f = 0.9, 0.45, 0.225, … 0.9/2^11. One of them is close to the best for any alternative; the mean costs at most
//! ln 12 of evidence.
//!
//! Source: I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by betting", JRSS B
//! 86(1), 2024, section 4 (with λ = f/ν the factors there are 1 + λ(u − ν)) and section 5.3 (means over fixed λ).
//!
//! **Null "at least".** Each score has a conditional mean of at least μ: the product of (1 − λs)/(1 − λμ), averaged over
//! λ uniform on (0, 1).

use super::{
    portable::{ln, ln_sum_exp},
    quadrature,
};

/// The number of fractions.
const SIZES: usize = 12;

/// The fractions: 0.9, 0.45, 0.225, … 0.9/2^11.
const FRACTIONS: [f64; SIZES] = {
    let mut fractions = [0.9; SIZES];
    let mut i = 1;
    while i < SIZES {
        fractions[i] = 0.5 * fractions[i - 1];
        i += 1;
    }
    fractions
};

/// ln E of the null "the mean score is at most `mean`", for counts of the scores −1, 0 and 1.
pub(super) fn ln_e_scores_at_most(counts: [u64; 3], mean: f64) -> f64 {
    // Scores −1, 0, 1 are u = 0, ½, 1; the mean likewise.
    let nu = 0.5 * (1.0 + mean);
    if nu <= 0.0 {
        // Only the score −1 has a mean of −1.
        return if counts[1] == 0 && counts[2] == 0 { 0.0 } else { f64::INFINITY };
    }
    let capitals = FRACTIONS.map(|fraction| {
        let mut capital = 0.0;
        for (count, u) in counts.into_iter().zip([0.0, 0.5, 1.0]) {
            capital += count as f64 * ln(1.0 - fraction + fraction * u / nu);
        }
        capital
    });
    ln_sum_exp(&capitals) - ln(SIZES as f64)
}

/// ln E of the null "the mean score is at least `mean`", for counts of the scores −1, 0 and 1: the capital of
/// gamblers on −s whose fractions λ are uniform on (0, 1), ∫₀¹ (1−λ)^plus (1+λ)^minus (1−λ·mean)^{−n} dλ.
///
/// Where the observed mean is in the null E is at most 1, by Jensen's inequality, and 0 is given for ln E.
pub(super) fn ln_e_scores_at_least(counts: [u64; 3], mean: f64) -> f64 {
    let [minus, zero, plus] = counts.map(|count| count as f64);
    let n = minus + zero + plus;
    if plus - minus >= n * mean {
        return 0.0;
    }
    let rest = 1.0 - mean;
    if rest <= 0.0 {
        return f64::INFINITY;
    }
    // With κ = 1 − λ, which keeps its digits where λ is near 1. The logarithm's derivative times κ (2−κ) (rest + κ·mean)
    // is bend·κ² − middle·κ + start up to a factor; it has one root from 0 to 1, a maximum, since the mean is above
    // the one observed.
    let ln_power = |count: f64, base: f64| if count > 0.0 { count * ln(base) } else { 0.0 };
    let ln_capital = |kappa: f64| {
        ln_power(plus, kappa) + ln_power(minus, 2.0 - kappa) - n * ln(rest + kappa * mean)
    };
    let bend = zero * mean;
    let middle = 2.0 * bend + minus * (1.0 + mean) + plus * rest;
    let start = 2.0 * plus * rest;
    let root = (middle * middle - 4.0 * bend * start).max(0.0).sqrt();
    let peak =
        if middle >= 0.0 { 2.0 * start / (middle + root) } else { (middle - root) / (2.0 * bend) };
    let peak = peak.clamp(0.0, 1.0);
    let ratio = |count: f64, base: f64| if count > 0.0 { count / base } else { 0.0 };
    let (a, b, c) = (ratio(plus, peak), ratio(minus, 2.0 - peak), n * mean / (rest + peak * mean));
    let slope = a - b - c;
    let curve = ratio(a, peak) + ratio(b, 2.0 - peak) - c * mean / (rest + peak * mean);
    quadrature::ln_integral(ln_capital, peak, 1.0 / (slope.abs() + curve.abs().sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EProcess, Labelled};

    /// At a mean of 0 the uniform gamblers are the test of the discordant pairs, which has a closed form.
    #[test]
    fn uniform_gamblers_have_the_evidence_of_the_discordant_pairs() {
        for counts in [
            [1, 0, 0],
            [1, 1000, 0],
            [7, 3, 2],
            [40, 0, 38],
            [300, 20_000, 200],
            [5_000, 0, 4_600],
            [60_000, 3_000_000, 59_000],
        ] {
            let mut test = Labelled::new();
            test.observe_counts(counts[0], counts[2], counts[1]);
            let (found, wanted) = (ln_e_scores_at_least(counts, 0.0), test.ln_e());
            let error = (found - wanted).abs() / wanted.abs().max(1.0);
            assert!(error < 1e-10, "{counts:?}: {found} {wanted}");
        }
    }

    /// Simpson's rule on the gamblers' fractions.
    #[test]
    fn uniform_gamblers_have_the_mean_of_their_capitals() {
        for counts in [[0, 4, 0], [3, 10, 1], [12, 50, 9], [0, 90, 7], [80, 3, 0], [50, 0, 60]] {
            let [minus, zero, plus] = counts.map(|count: u64| count as f64);
            let n = minus + zero + plus;
            for mean in [-0.9, -0.3, -0.02, 0.01, 0.2, 0.6, 0.95] {
                if plus - minus >= n * mean {
                    assert_eq!(ln_e_scores_at_least(counts, mean), 0.0);
                    continue;
                }
                let capital = |lambda: f64| {
                    (1.0 - lambda).powf(plus) * (1.0 + lambda).powf(minus)
                        / (1.0 - lambda * mean).powf(n)
                };
                let steps = 200_000;
                let h = 1.0 / f64::from(steps);
                let mut integral = capital(0.0) + capital(1.0);
                for i in 1..steps {
                    integral += capital(f64::from(i) * h) * if i % 2 == 1 { 4.0 } else { 2.0 };
                }
                let wanted = (integral * h / 3.0).ln();
                let found = ln_e_scores_at_least(counts, mean);
                let error = (found - wanted).abs() / wanted.abs().max(1.0);
                assert!(error < 1e-9, "{counts:?} {mean}: {found} {wanted}");
            }
        }
    }

    /// Every score but 1 excludes a mean of 1, no data exclude one of −1, and between them the evidence grows.
    #[test]
    fn evidence_grows_with_the_mean() {
        for counts in [[0, 1, 0], [1, 0, 0], [5, 90, 300], [0, 1_000_000_000, 3], [9, 0, 1_000_000]]
        {
            assert_eq!(ln_e_scores_at_least(counts, 1.0), f64::INFINITY, "{counts:?}");
            let mut before: f64 = 0.0;
            for step in -200..200 {
                let mean = f64::from(step) / 200.0;
                let ln_e = ln_e_scores_at_least(counts, mean);
                // Just above the observed mean ln E may be below the 0 that stands for less.
                let grows = ln_e >= before - 1e-6 * before.abs() || before == 0.0;
                assert!(grows && !ln_e.is_nan(), "{counts:?} {mean}: {before} {ln_e}");
                before = ln_e;
            }
        }
        assert_eq!(ln_e_scores_at_least([0, 0, 7], 1.0), 0.0);
        assert_eq!(ln_e_scores_at_least([0, 0, 0], 1.0), 0.0);
    }
}
