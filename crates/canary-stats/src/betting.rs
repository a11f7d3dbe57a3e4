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
