//! The numbers that each test of a guardrail is given in a plan.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The canary's rate of failed requests is at most `at_most` times the stable rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ErrorRatio {
    /// The largest ratio that is not harm.
    pub at_most: f64,
    /// When stated, promotion waits until a ratio of this or more is excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_below: Option<f64>,
    /// When stated, the ratio that the test is tuned to find: harm near it takes fewer requests, other harm a few more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harm: Option<f64>,
}

/// The canary's rate of requests over a latency threshold is at most `at_most` times the stable rate.
///
/// A request that failed counts as slow, however soon: no user had a response within the threshold. Counts from a
/// histogram do not say which slow requests failed; for these, [`ErrorRatio`] detects failures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SlowRatio {
    /// The largest ratio that is not harm.
    pub at_most: f64,
    /// When stated, promotion waits until a ratio of this or more is excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_below: Option<f64>,
    /// When stated, the ratio that the test is tuned to find: harm near it takes fewer requests, other harm a few more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harm: Option<f64>,
    /// A request that takes longer is slow. Without it, the threshold is the [`SlowRatio::quantile`] of the first
    /// [`SlowRatio::warmup`] latencies of the stable subset, and is frozen then.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::unsigned_duration::friendly::compact::optional"
    )]
    pub threshold: Option<Duration>,
    /// The quantile that the threshold is learned at.
    #[serde(default = "default_quantile")]
    pub quantile: f64,
    /// The number of latencies of the stable subset from which the threshold is learned.
    #[serde(default = "default_warmup")]
    pub warmup: u64,
}

/// A quantile of the canary's latency is at most `at_most` times the same quantile of the stable version.
///
/// The threshold x is the quantile of the first [`QuantileRatio::warmup`] latencies of the stable version, and is frozen
/// then. After that, a request of the stable version is bad above x and one of the canary above `at_most` times x; the
/// canary's requests must not be bad more often. A request that failed counts as slower than any latency. Traffic that
/// becomes slower in both versions is not harm, also while the weight changes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuantileRatio {
    /// The largest ratio of the quantiles that is not harm, such as 1.1 for 10 % slower.
    pub at_most: f64,
    /// The quantile, between 0 and 1.
    #[serde(default = "default_quantile")]
    pub quantile: f64,
    /// The number of latencies of the stable version from which the threshold is learned.
    #[serde(default = "default_warmup")]
    pub warmup: u64,
    /// When stated, promotion waits until a ratio of this or more is excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_below: Option<f64>,
}

/// Both models give the same top class for at least `at_least` of the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Agreement {
    /// The smallest agreement that is not harm, between 0 and 1.
    pub at_least: f64,
    /// When stated, promotion waits until an agreement of this or less is excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_above: Option<f64>,
}

/// At most the share `at_most` of the canary's requests fails.
///
/// It does not compare with the stable version, so an outage of both versions raises its alarm too; unless another
/// action is stated, the alarm pauses the rollout. With [`ErrorRate::and_worse`] it alarms only where the canary is
/// also worse than the stable version, and rolls back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ErrorRate {
    /// The largest rate that is not harm, between 0 and 1.
    pub at_most: f64,
    /// When stated, the canary's rate must also be more than this factor times the stable rate for an alarm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub and_worse: Option<f64>,
    /// When stated, promotion waits until a rate of this or more is excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_below: Option<f64>,
}

/// The mean of a number of each request, or user, is no worse at the canary than at the stable version.
///
/// The number is the observation's value ([`Request::value`](crate::evidence::Request::value)), or that of the score with
/// the guardrail's name: revenue, clicks, tokens, a rating. Nothing is paired, so no input is sent twice.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mean {
    /// The least and the largest value that is possible; a value outside it is an error of its source.
    pub range: [f64; 2],
    /// The largest fall of the mean that is not harm, in the unit of the values; a rise where lower is better.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub margin: f64,
    /// `true` where low values are the good ones, such as tokens spent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lower_is_better: bool,
    /// `true` where the value is the label of the request's id, which comes later; see
    /// [`Labels`](crate::Labels).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub labelled: bool,
    /// The value of a request whose label has not come in time, such as 0 for "no purchase"; without it, such a request
    /// is not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlabelled: Option<f64>,
    /// When stated, promotion waits until a mean that is worse by this or more is excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_within: Option<f64>,
}

/// On inputs with a known label the canary is right no less often than the stable model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Accuracy {
    /// When stated, promotion waits until a difference of the accuracies, canary less stable, of this or less is
    /// excluded; `-0.02` excludes a loss of two percentage points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_above: Option<f64>,
}

/// The canary receives the share of the traffic that its weight says.
///
/// While it alarms, the rates are not valid: the verdict is Inconclusive, never Rollback. It spends its own α.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObservedSplit {
    /// The bound on the probability of a false alarm at one weight.
    #[serde(default = "default_split_alpha")]
    pub alpha: f64,
}

/// The mean of canary score minus stable score is no lower than `-margin`.
///
/// The score is the probability of the top class, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NumericDrift {
    /// The largest fall of the mean that is not harm, from 0 to 1.
    pub margin: f64,
    /// When stated, promotion waits until a mean difference of this or less is excluded; such as `-0.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_above: Option<f64>,
}

/// The mean of a score that the caller computes from observations is at least `at_least`.
///
/// The score is a number from 0 to 1 for each observation that it applies to; see
/// [`crate::evidence::Score`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Custom {
    /// The smallest mean that is not harm, between 0 and 1.
    pub at_least: f64,
    /// When stated, promotion waits until a mean of this or less is excluded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_above: Option<f64>,
}

/// In pairs of the same input the canary fails no more often than the stable version.
///
/// Pairs in which both halves fail, or none, are not used. If the canary is no worse, at least half of the other
/// failures are the stable version's. The same harm takes about a fifth of the observations that [`ErrorRatio`] needs
/// at a small weight, because each pair includes the canary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PairErrors {
    /// When stated, promotion waits until a difference of the success rates, canary less stable, of this or less is
    /// excluded; `-0.02` excludes a loss of two percentage points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_above: Option<f64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(margin: &f64) -> bool {
    *margin == 0.0
}

pub(super) fn default_quantile() -> f64 {
    0.95
}

pub(super) fn default_warmup() -> u64 {
    500
}

pub(super) fn default_split_alpha() -> f64 {
    0.01
}
