//! The mixture test of 0/1 observations, in closed form from their counts.
//!
//! **Null.** Each observation is 1 with probability at most q0, given the past.
//!
//! **Construction.** For every d of the [`prior`](super::prior), with weight w, the odds of a 1 are multiplied by e^d:
//!
//! E = Σ w ∏ e^{dy} / (1 + q0(e^d − 1)).
//!
//! **Proof sketch.** Under P(1 | past) = q the factor has mean (1 + q(e^d − 1))/(1 + q0(e^d − 1)), which is 1 at q = q0
//! and less below. Each product is a nonnegative supermartingale that starts at 1 (A. Wald, "Sequential tests of
//! statistical hypotheses", 1945), and so is their mixture (H. Robbins, "Statistical methods related to the law of the
//! iterated logarithm", 1970). Each factor falls with q0, so the q0 with E ≥ 1/α are those below one number.
//!
//! **Mirror.** The null P(1 | past) ≥ q0 is tested in the same way with alternatives below q0: one tenth of the weight
//! on the prior with −d in place of d, nine tenths on four probabilities near a stated reference (see [`Mirror`]). An
//! alternative q1 < q0 has a likelihood ratio of at most 1 where q0 is below the observed proportion and one that grows
//! with q0 above it. An alternative begins to count at a q0 a little above itself; where that lowers its capital from 1,
//! the likelihood is larger at q0 than at the alternative, by concavity also than at every lower one, and E is at most
//! 1. So the q0 with E ≥ 1/α > 1 are those above one number.

use std::sync::LazyLock;

use super::{
    portable::{exp, ln, ln_1p, ln_sum_exp},
    prior::{PRIOR, SIZES},
};

/// The numbers of ones and of zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) ones: u64,
    pub(super) zeros: u64,
}

impl Counts {
    fn total(self) -> f64 {
        self.ones as f64 + self.zeros as f64
    }

    fn is_empty(self) -> bool {
        self.ones == 0 && self.zeros == 0
    }

    /// The observed proportion of ones, when there are observations.
    pub(super) fn proportion(self) -> Option<f64> {
        (!self.is_empty()).then(|| self.ones as f64 / self.total())
    }
}

/// e^d − 1 for each d of the prior.
pub(super) static RISE: LazyLock<[f64; SIZES]> = LazyLock::new(|| PRIOR.d.map(|d| exp(d) - 1.0));
/// e^{−d} − 1 for each d of the prior.
static FALL: LazyLock<[f64; SIZES]> = LazyLock::new(|| PRIOR.d.map(|d| exp(-d) - 1.0));

/// The test of the null P(1 | past) ≤ q0.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kernel {
    /// ln(1 + q0(e^d − 1)) for each d of the prior.
    ln_mean: [f64; SIZES],
}

impl Kernel {
    /// For a q0 from 0 to 1.
    pub(super) fn new(q0: f64) -> Self {
        Self { ln_mean: RISE.map(|rise| ln_1p(q0 * rise)) }
    }

    /// ln of the likelihood ratio of each alternative.
    fn ln_ratios(&self, counts: Counts) -> [f64; SIZES] {
        let (ones, total) = (counts.ones as f64, counts.total());
        std::array::from_fn(|k| ones * PRIOR.d[k] - total * self.ln_mean[k])
    }

    /// ln E.
    pub(super) fn ln_e(&self, counts: Counts) -> f64 {
        if counts.is_empty() {
            return 0.0;
        }
        let mut terms = self.ln_ratios(counts);
        for (term, ln_weight) in terms.iter_mut().zip(PRIOR.ln_weight) {
            *term += ln_weight;
        }
        ln_sum_exp(&terms)
    }

    /// ln E if it is above `floor`; otherwise it may be `None`. A mean is at most its largest term, and that comparison
    /// needs no exponential.
    #[inline]
    pub(super) fn ln_e_above(&self, floor: f64, counts: Counts) -> Option<f64> {
        let largest = self.ln_ratios(counts).into_iter().fold(f64::NEG_INFINITY, f64::max);
        // More than rounding makes of the sum.
        let bound = largest + 1e-9 * (1.0 + largest.abs());
        (bound > floor).then(|| self.ln_e(counts)).filter(|ln_e| *ln_e > floor)
    }
}

/// ln E of the null P(1 | past) ≤ q0, for a q0 from 0 to 1.
pub(super) fn ln_e_at_most(counts: Counts, q0: f64) -> f64 {
    Kernel::new(q0).ln_e(counts)
}

/// The number of alternatives near the reference.
const TARGETS: usize = 4;
/// Their odds, in those of the reference, and their weights.
const ODDS: [f64; TARGETS] = [0.5, 0.75, 1.0, 1.15];
const WEIGHTS: [f64; TARGETS] = [0.9 * 0.15, 0.9 * 0.2, 0.9 * 0.5, 0.9 * 0.15];
/// The weight of the mirrored prior.
const REST: f64 = 0.1;
/// An alternative whose odds are above this part of the null's keeps a capital of 1, because it would hardly
/// distinguish them.
const NEAREST: f64 = 1.0 / 1.03;

/// The test of the null P(1 | past) ≥ q0, with its greatest power where the probability is about a stated reference.
///
/// The reference is the bound of the plan: the test has to prove quickly that a canary which meets this bound is above
/// a lower one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mirror {
    /// The reference's odds.
    odds: f64,
}

impl Mirror {
    /// For a reference strictly between 0 and 1.
    pub(super) fn new(reference: f64) -> Self {
        Self { odds: reference / (1.0 - reference) }
    }

    /// ln E of the null P(1 | past) ≥ q0, for a q0 from 0 to 1.
    pub(super) fn ln_e_at_least(self, counts: Counts, q0: f64) -> f64 {
        if counts.is_empty() {
            return 0.0;
        }
        let (ones, zeros, total) = (counts.ones as f64, counts.zeros as f64, counts.total());
        let mut terms = [0.0; SIZES + TARGETS];
        let (near, rest) = terms.split_at_mut(TARGETS);
        for ((term, times), weight) in near.iter_mut().zip(ODDS).zip(WEIGHTS) {
            let odds = times * self.odds;
            *term = ln(weight);
            if odds * (1.0 - q0) <= NEAREST * q0 {
                let ln_power =
                    |count: f64, ratio: f64| if count > 0.0 { count * ln(ratio) } else { 0.0 };
                *term += ln_power(ones, odds / (1.0 + odds) / q0);
                *term += ln_power(zeros, 1.0 / (1.0 + odds) / (1.0 - q0));
            }
        }
        for (k, term) in rest.iter_mut().enumerate() {
            *term = ln(REST) + PRIOR.ln_weight[k] - ones * PRIOR.d[k] - total * ln_1p(q0 * FALL[k]);
        }
        ln_sum_exp(&terms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    const Q0: [f64; 7] = [0.001, 0.01, 0.05, 0.1, 0.3, 0.5, 0.9];

    fn counts(ones: u64, zeros: u64) -> Counts {
        Counts { ones, zeros }
    }

    /// Σ P·E over the number of ones among n, by recursion.
    fn mean(n: u64, q: f64, e: impl Fn(Counts) -> f64) -> f64 {
        let mut mass = vec![1.0];
        for _ in 0..n {
            let mut next = vec![0.0; mass.len() + 1];
            for (ones, part) in mass.into_iter().enumerate() {
                next[ones] += part * (1.0 - q);
                next[ones + 1] += part * q;
            }
            mass = next;
        }
        mass.iter()
            .enumerate()
            .map(|(ones, part)| part * e(counts(ones as u64, n - ones as u64)))
            .sum()
    }

    #[test]
    fn the_mean_of_the_evidence_is_one_at_the_bound_and_less_inside() {
        for q0 in Q0 {
            for n in [1, 2, 7, 40] {
                let upper = |c| exp(ln_e_at_most(c, q0));
                assert!((mean(n, q0, upper) - 1.0).abs() < 1e-9, "{q0} {n}");
                assert!(mean(n, 0.9 * q0, upper) < 1.0, "{q0} {n}");
                for reference in [0.5 * q0, 0.96 * q0, q0, 0.95] {
                    let mirror = Mirror::new(reference);
                    let lower = |c| exp(mirror.ln_e_at_least(c, q0));
                    assert!((mean(n, q0, lower) - 1.0).abs() < 1e-9, "{q0} {reference} {n}");
                    assert!(mean(n, q0 + 0.1 * (1.0 - q0), lower) < 1.0, "{q0} {reference} {n}");
                }
            }
        }
    }

    /// The product of the factors, one observation after the other.
    #[test]
    fn the_closed_form_is_the_product_of_the_factors() {
        let mut random = Random::new(71);
        for q0 in Q0 {
            let kernel = Kernel::new(q0);
            let mut product = PRIOR.ln_weight.map(exp);
            let mut seen = Counts::default();
            for _ in 0..300 {
                let one = random.bernoulli(1.3 * q0);
                if one {
                    seen.ones += 1;
                } else {
                    seen.zeros += 1;
                }
                for (product, d) in product.iter_mut().zip(PRIOR.d) {
                    let odds = d.exp();
                    *product *= if one { odds } else { 1.0 } / (1.0 + q0 * (odds - 1.0));
                }
                let wanted = product.iter().sum::<f64>().ln();
                let found = kernel.ln_e(seen);
                assert!((found - wanted).abs() < 1e-10 * (1.0 + wanted.abs()), "{found} {wanted}");
                for floor in [0.0, 1.0, wanted - 1e-6, wanted + 1e-6] {
                    assert_eq!(kernel.ln_e_above(floor, seen).is_some(), found > floor, "{floor}");
                }
            }
        }
    }

    /// The probabilities that are excluded are those beyond one number, whatever the counts.
    #[test]
    fn what_is_excluded_is_an_interval() {
        let mut random = Random::new(72);
        for _ in 0..300 {
            let total = 1 + random.below(600);
            let share = random.uniform();
            let ones = random.binomial(total, share * share);
            let seen = counts(ones, total - ones);
            let mirror = Mirror::new(random.open_uniform());
            let mut before = (f64::INFINITY, f64::NEG_INFINITY);
            for step in 0..=400 {
                let q0 = f64::from(step) / 400.0;
                let now = (ln_e_at_most(seen, q0), mirror.ln_e_at_least(seen, q0));
                let slack = 1e-9 * (1.0 + now.0.abs());
                assert!(now.0 <= before.0 + slack, "{seen:?} {q0}: {now:?} {before:?}");
                // Below 1 an alternative that begins to count may lower it.
                let slack = 1e-9 * (1.0 + before.1.abs());
                let grows = now.1 >= before.1 - slack || before.1 <= 1e-9;
                assert!(grows && !now.1.is_nan(), "{seen:?} {q0}: {now:?} {before:?}");
                before = now;
            }
            let observed = seen.proportion().unwrap();
            assert!(ln_e_at_most(seen, observed) <= 1e-12, "{seen:?}");
            assert!(mirror.ln_e_at_least(seen, observed) <= 1e-12, "{seen:?}");
        }
    }

    /// The formula, evaluated apart with 50 digits.
    #[test]
    fn the_mirror_has_the_values_of_its_formula() {
        for (seen, q0, reference, wanted) in [
            (counts(40, 960), 0.0625, 0.046_875, 59.954_423_256_944_7),
            (counts(3, 200), 0.031_25, 0.031_25, 1.559_234_704_581_543_3),
            (counts(10, 190), 0.050_781_25, 0.0625, 0.849_655_488_131_090_9),
        ] {
            let found = exp(Mirror::new(reference).ln_e_at_least(seen, q0));
            assert!((found / wanted - 1.0).abs() < 1e-12, "{seen:?}: {found} {wanted}");
        }
    }

    #[test]
    fn edges() {
        let mirror = Mirror::new(0.05);
        assert_eq!(ln_e_at_most(Counts::default(), 0.3), 0.0);
        assert_eq!(mirror.ln_e_at_least(Counts::default(), 0.3), 0.0);
        assert_eq!(Counts::default().proportion(), None);
        for seen in [counts(3, 5), counts(0, 9), counts(9, 0), counts(1 << 60, 1 << 60)] {
            // No data exclude that everything is a 1, or that nothing is.
            assert!(ln_e_at_most(seen, 1.0) <= 1e-12, "{seen:?}");
            assert!(mirror.ln_e_at_least(seen, 0.0) <= 1e-12, "{seen:?}");
            assert!(!ln_e_at_most(seen, 0.0).is_nan());
            // A zero excludes that everything is a 1.
            let excluded = mirror.ln_e_at_least(seen, 1.0);
            assert_eq!(excluded == f64::INFINITY, seen.zeros > 0, "{seen:?} {excluded}");
        }
    }
}
