//! Sequential tests that may be looked at after every observation, and confidence sequences.
//!
//! Every test is an [`EProcess`]: evidence E that starts at 1, with P(E ever reaches 1/α) ≤ α while the canary
//! is no worse, over an unending run. [`AnyTest`] holds any of them:
//!
//! | test | observation | null |
//! |---|---|---|
//! | [`RateRatio`] | a request: share in force, who served it, whether it was bad | canary's rate ≤ r · stable's |
//! | [`QuantileRatio`] | a request: share in force, who served it, its latency | canary's quantile ≤ κ · stable's |
//! | [`ErrorRate`] | a request of the canary: whether it failed | canary's rate ≤ q0 |
//! | [`Agreement`] | a pair of predictions: same or different top class | agreement ≥ p0 |
//! | [`Labelled`] | a pair of predictions with the true label | canary alone wrong ≤ r · as often as stable alone |
//! | [`Split`] | a request: whether it went to the canary | share = configured weight |
//! | [`Drift`] | a paired difference of a bounded score | mean difference ≥ −margin |
//! | [`BoundedMean`] | a value of any bounded score | mean ≥ a given value |
//! | [`MeanDifference`] | a bounded value of a request to either version | canary's mean ≥ stable's − margin |
//!
//! [`GroupSequential`] is not an [`EProcess`]: it tests the ratio of rates at a few looks that are planned in advance.
//! [`Dispersion`] is not a test: it measures how strongly bad requests cluster, compared with the assumption of the
//! tests of rates.
//!
//! Each has its `observe`, and `observe_counts` for batches whose order is not known; each gives the plain
//! estimate of its quantity, the opposite test that a promotion may require ([`EProcess::excludes_harm`]), and
//! the interval whose ends invert these two tests ([`EProcess::interval`]). The state of a test serialises as
//! sufficient statistics and is restored exactly. [`UserUnits`] makes each user one observation, for traffic in which
//! users stay on a version.
//!
//! Nothing here does I/O, reads a clock or uses hidden randomness; every result is bit-identical on every platform
//! ([`portable`]).
//!
//! ```
//! use canary_core::stats::{Alpha, AnyTest, EProcess, RateRatio, Window};
//!
//! let alpha = Alpha::new(0.05)?;
//! let mut errors = RateRatio::new(1.0)?;
//! // A tenth of the traffic goes to the canary, and 20 of 50 errors are its.
//! errors.observe_counts(0, 0.1, &Window { canary: 500, canary_bad: 20, stable: 4_500, stable_bad: 30 })?;
//! let test = AnyTest::from(errors);
//! assert!(test.alarm(alpha));
//! assert!(test.p_value() < 0.001);
//! # Ok::<(), canary_core::stats::StatsError>(())
//! ```

// On docs.rs each item says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "counts become real numbers here; each function says how large they may be"
)]
#![allow(
    clippy::float_cmp,
    reason = "exact equality is meant wherever it is written in this module"
)]
#![allow(clippy::many_single_char_names, reason = "the names of the formulas in the literature")]
#![allow(clippy::doc_markdown, reason = "formulas and names of authors are not code")]
#![allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands references to `with` functions")]
#![allow(clippy::ref_option, reason = "serde hands references to `with` functions")]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod agreement;
mod any_test;
mod arm_values;
mod bernoulli;
pub mod bounded_mean;
mod cached;
mod capitals;
pub mod comparators;
pub mod dispersion;
pub mod drift;
#[cfg(test)]
mod duality;
mod e_process;
mod ends;
mod error;
pub mod error_rate;
pub mod exact;
pub mod group_sequential;
mod kernel;
#[cfg(test)]
mod kernel_figures;
pub mod known;
#[cfg(test)]
mod known_figures;
pub mod labelled;
mod matrix;
pub mod mean_difference;
mod nodes;
mod one_sided;
pub mod portable;
mod prior;
pub mod quantile;
pub mod quantile_ratio;
pub mod random;
pub mod rate_ratio;
pub mod special;
pub mod spending;
pub mod split;
mod stage;
#[cfg(test)]
mod states;
pub mod stream;
mod survivors;
pub mod users;
#[cfg(test)]
mod validity;

pub use agreement::Agreement;
pub use any_test::AnyTest;
pub use bounded_mean::BoundedMean;
pub use comparators::{FixedThreshold, RepeatedZTest};
pub use dispersion::{Dispersion, DispersionLevel};
pub use drift::Drift;
pub use e_process::{Alpha, EProcess, Interval};
pub use error::{Result, StatsError};
pub use error_rate::ErrorRate;
pub use group_sequential::GroupSequential;
pub use known::{Known, Taken};
pub use labelled::Labelled;
pub use mean_difference::MeanDifference;
pub use quantile::{Quantiles, SlowThreshold};
pub use quantile_ratio::QuantileRatio;
pub use random::Random;
pub use rate_ratio::RateRatio;
pub use spending::Spending;
pub use split::Split;
pub use stream::{BadRequest, Traffic, Window};
pub use users::{Failures, UserOutcome, UserUnits};
