//! Mixtures of Bernoulli likelihood ratios: the e-processes of a proportion, in closed form.
//!
//! For s successes and f failures and a null proportion p, each function is
//! ln ∫ θ^s (1 − θ)^f π(dθ) / (p^s (1 − p)^f) for a prior π. Whatever the prior, the integrand is for each θ a
//! product of factors (θ/p)^x ((1 − θ)/(1 − p))^{1−x} whose mean under p is 1, so the mixture is a martingale
//! started at 1 (H. Robbins, "Statistical methods related to the law of the iterated logarithm", 1970). With a
//! prior on θ < p the factors have a mean of at most 1 under every proportion above p as well: the mixture is
//! then a test supermartingale for the one-sided null. Being functions of the counts alone, they may be
//! evaluated after a batch as well as after every observation.

use super::{
    e_process::{Alpha, Interval},
    ends,
    portable::ln,
    special::{ln_beta_over_power, ln_inc_beta_scaled},
};

/// ln E of the null "the proportion is at least p", with q = 1 − p; uniform prior on (0, p).
pub(super) fn ln_e_at_least(successes: u64, failures: u64, p: f64, q: f64) -> f64 {
    if successes == 0 && failures == 0 {
        return 0.0;
    }
    if q == 0.0 {
        return if failures > 0 { f64::INFINITY } else { -ln(successes as f64 + 1.0) };
    }
    ln_inc_beta_scaled(successes as f64 + 1.0, failures as f64 + 1.0, p, q) + ln(q)
}

/// ln E of the null "the proportion is at most p", with q = 1 − p; uniform prior on (p, 1).
pub(super) fn ln_e_at_most(successes: u64, failures: u64, p: f64, q: f64) -> f64 {
    ln_e_at_least(failures, successes, q, p)
}

/// ln E of the null "the proportion is p", with q = 1 − p; prior Beta(a, b).
pub(super) fn ln_e_equal(
    successes: u64,
    failures: u64,
    (a, b): (f64, f64),
    (p, q): (f64, f64),
) -> f64 {
    if successes == 0 && failures == 0 {
        return 0.0;
    }
    ln_beta_over_power(successes as f64 + a, failures as f64 + b, p, q)
        - ln_beta_over_power(a, b, p, q)
}

/// Returns true when the proportion p is excluded: [`ln_e_equal`] is at least ln(1/α).
///
/// As a function of p the evidence is C − s ln p − f ln(1 − p), convex and least at the observed proportion, where
/// it is at most 0; it is infinite where p makes an outcome impossible that was seen.
pub(super) fn excludes(
    (successes, failures): (u64, u64),
    prior: (f64, f64),
    p: f64,
    alpha: Alpha,
) -> bool {
    if p <= 0.0 {
        return p < 0.0 || successes > 0;
    }
    if p >= 1.0 {
        return p > 1.0 || failures > 0;
    }
    ln_e_equal(successes, failures, prior, (p, 1.0 - p)) >= alpha.ln_threshold()
}

/// The proportions that are not excluded, both ends together at α.
///
/// `bound` is the tested proportion and whether the test excludes it; it is placed first, so that it lies outside the
/// interval exactly when the test excludes it.
pub(super) fn interval(
    (successes, failures): (u64, u64),
    prior: (f64, f64),
    bound: (f64, bool),
    alpha: Alpha,
) -> Interval {
    let total = successes as f64 + failures as f64;
    if total == 0.0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let observed = successes as f64 / total;
    let excluded = |p: f64| excludes((successes, failures), prior, p, alpha);
    let end = |null: f64, has_bound: bool| {
        if has_bound {
            ends::alarm_end(bound, (null, observed), excluded)
        } else {
            ends::first_kept(null, observed, excluded)
        }
    };
    let below = bound.0 <= observed;
    Interval { low: end(0.0, below), high: end(1.0, !below) }
}
