//! Betting on the mean of bounded observations.
//!
//! **Setting.** Observations u in [0, 1]; the null is that each has a conditional mean of at most ν, whatever
//! came before.
//!
//! **Construction.** A gambler with capital 1 stakes a fixed fraction f of it on every observation: the capital
//! is multiplied by 1 − f + f·u/ν ≥ 0, whose conditional mean under the null is at most 1. The capital is a
//! nonnegative supermartingale for each f, and so is the average over the twelve gamblers with
//! f = 0.9, 0.45, 0.225, … 0.9/2^11. One of them is close to the best fraction for any alternative; the mixture costs at most
//! ln(number of gamblers).
//!
//! Source: I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by betting", JRSS B
//! 86(1), 2024, section 4 (capital processes; with λ = f/ν theirs is 1 + λ(u − ν)) and section 5.3 (mixtures of
//! constant bets).

use super::{
    e_process::{Alpha, Interval},
    portable::{ln, ln_sum_exp},
    special::bisect,
};

/// The number of gamblers.
pub(super) const GAMBLERS: usize = 12;

/// The fractions staked: 0.9, 0.45, 0.225, … 0.9/2^11.
pub(super) const FRACTIONS: [f64; GAMBLERS] = {
    let mut fractions = [0.9; GAMBLERS];
    let mut i = 1;
    while i < GAMBLERS {
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
    ln_sum_exp(&capitals) - ln(GAMBLERS as f64)
}

/// The mean scores that neither side excludes, each side with α/2.
pub(super) fn score_interval(counts: [u64; 3], alpha: Alpha) -> Interval {
    let threshold = alpha.half().ln_threshold();
    let [minus, zero, plus] = counts;
    // The evidence against "at most μ" falls with μ; "at least μ" is "at most −μ" of the negated scores.
    let low = bisect(-1.0, 1.0, |mean| ln_e_scores_at_most(counts, mean) >= threshold);
    let high =
        -bisect(-1.0, 1.0, |mean| ln_e_scores_at_most([plus, zero, minus], mean) >= threshold);
    let known = minus.saturating_add(zero).saturating_add(plus) > 0;
    if known { Interval { low, high } } else { Interval { low: -1.0, high: 1.0 } }
}
