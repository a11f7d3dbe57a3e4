//! The prior over the size of a harm that the tests of rates are mixtures over.
//!
//! Sixteen values d of the logarithm of an odds ratio, evenly spaced in ln d from a factor e^d of 1.03 to one of 24.5,
//! with weights in proportion to the spacing times e^{−0.8 d}: small harms are common, and every harm from 1.03 upward
//! has a value near it.
//!
//! Source: H. Robbins, "Statistical methods related to the law of the iterated logarithm" (1970), for mixtures; the
//! spacing is this project's own.

use std::sync::LazyLock;

use super::portable::{exp, ln};

/// The number of values.
pub(super) const SIZES: usize = 16;

/// The smallest and the largest value of d.
const LEAST: f64 = 0.03;
const MOST: f64 = 3.2;
/// The rate at which the weight falls with d.
const DECAY: f64 = 0.8;

/// The values with their weights.
#[derive(Debug)]
pub(super) struct Prior {
    /// d, ascending.
    pub(super) d: [f64; SIZES],
    /// ln of each weight; the weights sum to 1.
    pub(super) ln_weight: [f64; SIZES],
}

/// The prior, computed once.
pub(super) static PRIOR: LazyLock<Prior> = LazyLock::new(|| {
    let step = ln(MOST / LEAST) / (SIZES - 1) as f64;
    let d: [f64; SIZES] = std::array::from_fn(|k| LEAST * exp(step * k as f64));
    let spacing = |k: usize| {
        let (below, above) = (d[k.saturating_sub(1)], d[(k + 1).min(SIZES - 1)]);
        // One-sided at the ends.
        let sides = if k == 0 || k == SIZES - 1 { 1.0 } else { 2.0 };
        (above - below) / sides
    };
    let weight: [f64; SIZES] = std::array::from_fn(|k| spacing(k) * exp(-DECAY * d[k]));
    let total: f64 = weight.iter().sum();
    Prior { d, ln_weight: weight.map(|weight| ln(weight / total)) }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_sum_to_one_and_the_factors_reach_from_1_03_to_24_5() {
        let Prior { d, ln_weight } = &*PRIOR;
        let total: f64 = ln_weight.iter().map(|weight| exp(*weight)).sum();
        assert!((total - 1.0).abs() < 1e-12, "{total}");
        assert!((exp(d[0]) - 1.03).abs() < 1e-3 && (exp(d[SIZES - 1]) - 24.5).abs() < 0.1);
        assert!(d.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
