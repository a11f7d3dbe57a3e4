//! A rollout as data: its target, its steps, and the quantities that must not get worse.

mod builders;
mod defaults;
mod methods;
mod on_inconclusive;
mod proven_on;
mod shapes;

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use self::defaults::{
    default_alpha, default_patience, default_request_timeout, default_settle,
    default_startup_timeout, is_default_request_timeout, is_default_startup_timeout,
};
pub use self::{on_inconclusive::OnInconclusive, proven_on::ProvenOn};
use super::{
    bursts::Bursts, gate::Gate, guardrail::Guardrail, labels::Labels, sequential::Sequential,
    sticky::Sticky, users::Users,
};
pub use super::{
    percent::Percent,
    step::{Hold, Split, Step},
    target::{
        Arms, CanaryMatch, Cookie, HeaderRoute, Protocol, Route, RouteKind, Routes, RuleSelector,
        Rules, Target, VersionLabels,
    },
};

/// The default bound on the probability that a canary which is no worse is rolled back.
pub const DEFAULT_ALPHA: f64 = 0.05;

/// A canary rollout: the target, the two subsets, the steps, the guardrails and the gates.
///
/// The same plan drives [`Plan::simulate`], the embedded lab and a cluster. It is plain data: write it in Rust,
/// or read it from YAML or JSON, where fields are in camelCase and durations are texts such as `90s` or `1h 30m`.
///
/// ```
/// use canary_core::{Plan, rollout::{Guardrail, Hold, Step}};
///
/// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
///     .header("user-group", "canary")
///     .step(Step::new(5).hold(Hold::requests(2_000)))
///     .step(Step::new(30).hold(Hold::requests(4_000)))
///     .step(Step::new(100))
///     .guardrail(Guardrail::error_ratio(1.0))
///     .guardrail(Guardrail::agreement(0.95));
/// assert!(plan.validate().is_empty());
///
/// let text = plan.to_yaml()?;
/// assert_eq!(Plan::from_yaml(&text)?, plan);
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// The objects that the rollout changes.
    pub target: Target,
    /// The subset that serves today.
    pub stable: String,
    /// The subset that is tested.
    pub canary: String,
    /// The pod labels of the canary's subset, used when the `DestinationRule` has to be given that subset.
    /// Empty means `version: <canary>`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub canary_labels: BTreeMap<String, String>,
    /// The request header that leads to the canary at any weight; gates and pairs use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderRoute>,
    /// Further requests that go to the canary at any weight, beside those with the header.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canary_matches: Vec<CanaryMatch>,
    /// The bound on the probability of rolling back a canary that is no worse, over the whole rollout.
    #[serde(default = "default_alpha")]
    pub alpha: f64,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The quantities that must not get worse.
    #[serde(default)]
    pub guardrails: Vec<Guardrail>,
    /// Checks with agreed answers, named by steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// The time after a weight was written during which requests still count as served under the weight before.
    #[serde(
        default = "default_settle",
        with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required"
    )]
    pub settle: Duration,
    /// The longest time that a request of the service takes, its timeout. Where a source knows only when requests
    /// ended, as Prometheus does, its counts are used from [`Plan::settle`] and this time after a weight change: before, the
    /// slow ones and the timed-out ones of the new weight are still missing among them.
    #[serde(
        default = "default_request_timeout",
        skip_serializing_if = "is_default_request_timeout",
        with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required"
    )]
    pub request_timeout: Duration,
    /// The guard of the error and latency ratios against failures that come together.
    #[serde(default, skip_serializing_if = "Bursts::is_auto")]
    pub bursts: Bursts,
    /// The longest time that the canary may take before its first weight: until its pods are ready and it has answered
    /// one input through its header route. Then the release is refused with what is missing.
    #[serde(
        default = "default_startup_timeout",
        skip_serializing_if = "is_default_startup_timeout",
        with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required"
    )]
    pub startup_timeout: Duration,
    /// The longest time that one step may take, pauses aside, before the verdict is Inconclusive.
    #[serde(
        default = "default_patience",
        with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required"
    )]
    pub patience: Duration,
    /// The time from the settled promotion until the old version's `Deployment` is scaled to 0; without it, it is left
    /// unchanged.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::unsigned_duration::friendly::compact::optional"
    )]
    pub scale_down_after: Option<Duration>,
    /// The weights after a verdict of Inconclusive.
    #[serde(default)]
    pub on_inconclusive: OnInconclusive,
    /// Labels that come after the predictions; without it a label comes with its pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    /// The cookie that keeps a user at the version met first; without it each request is drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sticky: Option<Sticky>,
    /// Users as the observations, where a user stays on a version; without it each request is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<Users>,
    /// Looks at planned numbers of requests for the ratios; without it they may be looked at after every request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequential: Option<Sequential>,
    /// The evidence that has to exclude harm before a promotion.
    #[serde(default, skip_serializing_if = "ProvenOn::is_all_steps")]
    pub proven_on: ProvenOn,
    /// `true` when both subsets serve the stable version, and the run measures the service itself; see [`Plan::aa`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub aa: bool,
}

#[cfg(test)]
mod tests;
