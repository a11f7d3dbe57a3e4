//! The factor by which one request multiplies the evidence.
//!
//! ρ is the canary's share, θ a guess of the stable version's rate of bad requests that depends only on the past, r the
//! ratio of the null, θ_k the canary's rate under the alternative.
//!
//! **All requests (θ > 0).** With
//!
//! C = ρθ_k + (1−ρ)θ,  B = ρ(θ_k + r) + (1−ρ)(1 + rθ),  p* = 2C / (B + √(B² − 4rC))
//!
//! the factors are θ_k/(r p*) for a bad request of the canary, (1−θ_k)/(1−r p*) for a good one, θ/p* for a bad request
//! of the stable version and (1−θ)/(1−p*) for a good one.
//!
//! **Proof.** p* maximises the alternative's expected log-likelihood over the boundary p_c = r p_s of the null: it is the
//! reverse information projection (P. Grünwald, R. de Heide, W. Koolen, "Safe testing", JRSS B 86, 2024, theorem 1; for
//! r = 1, p* = C: R. Turner, A. Ly, P. Grünwald, JSPI 2024). At a point (r p, p) of the boundary the factor's mean is
//! linear in p. At p* it is 1 and its derivative is 0, so it is 1 for every p. For an alternative of harm θ ≤ p* ≤
//! θ_k/r, so the mean grows with the canary's rate and falls with the stable one: it is at most 1 in the null. For an
//! alternative of less than the margin both inequalities are reversed, and so is the null. A wrong guess θ costs power
//! and not validity.
//!
//! **Bad requests only (θ = 0).** The limit of θ → 0: with q0 = ρr/(ρr + 1 − ρ), the probability that a bad request is
//! the canary's at the boundary, the factors are e^d/(1 + q0(e^d − 1)) and 1/(1 + q0(e^d − 1)), and 1 for good requests
//! (A. Wald, "Sequential tests of statistical hypotheses", 1945). The unknown rate cancels.

use crate::{
    portable::{ln, ln_1p},
    stream::Window,
};

/// The largest guess of the stable rate, times max(r, 1): alternatives need room below 1.
const MOST_RATE: f64 = 0.95;

/// An alternative to the boundary p_c = r p_s.
#[derive(Debug, Clone, Copy)]
pub(super) enum Alternative {
    /// The odds of a bad request at the canary are e^d times those at the boundary.
    LnOdds(f64),
    /// The ratio of the rates is this one.
    Ratio(f64),
}

/// ln of the factor of each kind of request.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Factors {
    canary_bad: f64,
    canary_good: f64,
    stable_bad: f64,
    stable_good: f64,
}

/// The conditions under which requests were sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Conditions {
    /// ρ, between 0 and 1.
    pub(super) share: f64,
    /// θ; 0 where only bad requests count.
    pub(super) rate: f64,
}

impl Factors {
    /// The factors of an alternative to the null that the ratio is `ratio`.
    pub(super) fn new(conditions: Conditions, ratio: f64, alternative: Alternative) -> Self {
        let Conditions { share, rate } = conditions;
        let rate = rate.min(MOST_RATE / ratio.max(1.0));
        if rate <= 0.0 {
            let d = match alternative {
                Alternative::LnOdds(d) => d,
                Alternative::Ratio(other) => ln(other / ratio),
            };
            let mean = ln_1p(null_probability(share, ratio) * libm::expm1(d));
            return Self { canary_bad: d - mean, stable_bad: -mean, ..Self::default() };
        }
        let other = match alternative {
            Alternative::LnOdds(d) => {
                let odds = ratio * rate / (1.0 - ratio * rate) * crate::portable::exp(d);
                odds / (1.0 + odds)
            }
            Alternative::Ratio(other) => other * rate,
        };
        let c = share * other + (1.0 - share) * rate;
        let b = share * (other + ratio) + (1.0 - share) * (1.0 + ratio * rate);
        let nearest = 2.0 * c / (b + (b * b - 4.0 * ratio * c).max(0.0).sqrt());
        Self {
            canary_bad: ln(other / (ratio * nearest)),
            canary_good: ln_1p(-other) - ln_1p(-ratio * nearest),
            stable_bad: ln(rate / nearest),
            stable_good: ln_1p(-rate) - ln_1p(-nearest),
        }
    }

    /// ln of the product over these requests.
    #[inline]
    pub(super) fn ln_product(&self, counts: &Window) -> f64 {
        let good = |all: u64, bad: u64| all.saturating_sub(bad) as f64;
        counts.canary_bad as f64 * self.canary_bad
            + good(counts.canary, counts.canary_bad) * self.canary_good
            + counts.stable_bad as f64 * self.stable_bad
            + good(counts.stable, counts.stable_bad) * self.stable_good
    }
}

/// The probability that the canary served a bad request when its rate is `ratio` times the stable version's.
pub(super) fn null_probability(share: f64, ratio: f64) -> f64 {
    let odds = share * ratio;
    odds / (odds + (1.0 - share))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Random, portable::exp};

    /// The mean of the factor at the rates (canary, stable).
    fn mean(factors: &Factors, share: f64, canary: f64, stable: f64) -> f64 {
        share * (canary * exp(factors.canary_bad) + (1.0 - canary) * exp(factors.canary_good))
            + (1.0 - share)
                * (stable * exp(factors.stable_bad) + (1.0 - stable) * exp(factors.stable_good))
    }

    #[test]
    fn the_mean_is_one_on_the_boundary_and_at_most_one_in_the_null() {
        let mut random = Random::new(301);
        for _ in 0..20_000 {
            let share = 0.001 + 0.998 * random.uniform();
            let ratio = exp(4.0 * random.uniform() - 2.0);
            let rate = random.uniform();
            let harm = random.bernoulli(0.5);
            let alternative = if random.bernoulli(0.5) {
                let d = 0.01 + 3.0 * random.uniform();
                Alternative::LnOdds(if harm { d } else { -d })
            } else {
                let part = 0.2 + 0.7 * random.uniform();
                // The rate under harm must stay below 1.
                Alternative::Ratio(if harm {
                    ratio + (ratio.max(1.0) / 0.96 - ratio) * part
                } else {
                    ratio * part
                })
            };
            let factors = Factors::new(Conditions { share, rate }, ratio, alternative);
            let stable = random.uniform() * (1.0 / ratio).min(1.0);
            let at = mean(&factors, share, ratio * stable, stable);
            assert!((at - 1.0).abs() < 1e-9, "{share} {ratio} {rate} {alternative:?}: {at}");
            // Deeper in the null: a better canary for a test of harm, a worse one for a test of its absence.
            let inside = if harm {
                ratio * stable * random.uniform()
            } else {
                ratio * stable + (1.0 - ratio * stable) * random.uniform()
            };
            let within = mean(&factors, share, inside, stable);
            assert!(within <= 1.0 + 1e-9, "{share} {ratio} {rate} {alternative:?}: {within}");
        }
    }

    #[test]
    fn bad_requests_alone_are_the_limit_of_a_small_rate() {
        let at = |rate| {
            let conditions = Conditions { share: 0.2, rate };
            Factors::new(conditions, 1.5, Alternative::LnOdds(0.7))
        };
        let (limit, small) = (at(0.0), at(1e-9));
        assert!((limit.canary_bad - small.canary_bad).abs() < 1e-6);
        assert!((limit.stable_bad - small.stable_bad).abs() < 1e-6);
        assert_eq!((limit.canary_good, limit.stable_good), (0.0, 0.0));
    }
}
