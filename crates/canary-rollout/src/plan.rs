//! A rollout as data: its target, its steps, and the quantities that must not get worse.

mod defaults;
mod looks;
mod shapes;
mod text;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use self::defaults::{
    default_alpha, default_patience, default_request_timeout, default_settle,
    default_startup_timeout, is_default_request_timeout, is_default_startup_timeout,
};
use super::{
    bursts::Bursts,
    gate::Gate,
    guardrail::{Check, Guardrail},
    labels::Labels,
    on_alarm::{ASIDE_ALPHA, OnAlarm},
    sequential::Sequential,
    users::Users,
};
pub use super::{
    step::{Hold, Split, Step},
    target::{HeaderRoute, Target},
};
use crate::{
    Result,
    evidence::{Kind, Subsets},
};
use canary_istio::Findings;

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

/// The evidence that has to exclude harm before a promotion, for the guardrails that ask for that.
///
/// Either way each is tested at the plan's whole α: a promotion needs all of them (R. Berger, "Multiparameter hypothesis
/// testing and acceptance sampling", Technometrics 24(4), 1982).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProvenOn {
    /// All evidence since the rollout began.
    #[default]
    AllSteps,
    /// The evidence of the last step in which the guardrail has some: for harm that only appears at large weights.
    LastStep,
}

impl ProvenOn {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_all_steps(&self) -> bool {
        *self == Self::AllSteps
    }
}

/// The weights after a verdict of Inconclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnInconclusive {
    /// They stay as they were last written, and a person decides.
    #[default]
    Keep,
    /// Everything goes back to the stable subset.
    Rollback,
}

impl Plan {
    /// A plan without steps for the `VirtualService` of that name; its one guardrail is the observed split.
    pub fn new(
        virtual_service: impl Into<String>,
        stable: impl Into<String>,
        canary: impl Into<String>,
    ) -> Self {
        Self {
            target: Target::new(virtual_service),
            stable: stable.into(),
            canary: canary.into(),
            canary_labels: BTreeMap::new(),
            header: None,
            alpha: DEFAULT_ALPHA,
            steps: Vec::new(),
            guardrails: vec![Guardrail::observed_split()],
            gates: Vec::new(),
            settle: default_settle(),
            request_timeout: default_request_timeout(),
            bursts: Bursts::Auto,
            startup_timeout: default_startup_timeout(),
            patience: default_patience(),
            scale_down_after: None,
            on_inconclusive: OnInconclusive::Keep,
            labels: None,
            users: None,
            sequential: None,
            proven_on: ProvenOn::AllSteps,
            aa: false,
        }
    }

    /// Sets the namespace of the objects.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.target.namespace = namespace.into();
        self
    }

    /// Names the HTTP route whose weights are changed.
    #[must_use]
    pub fn route(mut self, route: impl Into<String>) -> Self {
        self.target.route = Some(route.into());
        self
    }

    /// Names the `DestinationRule` that defines the subsets.
    #[must_use]
    pub fn destination_rule(mut self, name: impl Into<String>) -> Self {
        self.target.destination_rule = Some(name.into());
        self
    }

    /// Sends requests with this header to the canary at any weight.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.header = Some(HeaderRoute { name: name.into(), value: value.into() });
        self
    }

    /// Sets the bound on the probability of a false rollback.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Adds a guardrail.
    #[must_use]
    pub fn guardrail(mut self, guardrail: Guardrail) -> Self {
        self.guardrails.push(guardrail);
        self
    }

    /// Adds a gate.
    #[must_use]
    pub fn gate(mut self, gate: Gate) -> Self {
        self.gates.push(gate);
        self
    }

    /// Sets the time after a write during which requests count as served under the previous weight.
    #[must_use]
    pub fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// Sets the longest time that a request of the service takes.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Sets the guard against failures that come together.
    #[must_use]
    pub fn bursts(mut self, bursts: Bursts) -> Self {
        self.bursts = bursts;
        self
    }

    /// The length of the windows of the guard against bursts; none without it.
    pub fn burst_window(&self) -> Option<Duration> {
        self.bursts.window(self.request_timeout)
    }

    /// Sets the longest time that the canary may take to be ready before its first weight.
    #[must_use]
    pub fn startup_timeout(mut self, timeout: Duration) -> Self {
        self.startup_timeout = timeout;
        self
    }

    /// Waits for labels that come after the predictions, for at most this time; see [`Labels`].
    #[must_use]
    pub fn labels_within(mut self, time: Duration) -> Self {
        self.labels = Some(Labels { within: time });
        self
    }

    /// Makes users the observations, each for this time from its first request; see [`Users`].
    #[must_use]
    pub fn users_within(mut self, time: Duration) -> Self {
        self.users = Some(Users::within(time));
        self
    }

    /// Tests the ratios of rates at planned looks; see [`Sequential`].
    #[must_use]
    pub fn sequential(mut self, sequential: Sequential) -> Self {
        self.sequential = Some(sequential);
        self
    }

    /// Sets the evidence that has to exclude harm before a promotion.
    #[must_use]
    pub fn proven_on(mut self, proven_on: ProvenOn) -> Self {
        self.proven_on = proven_on;
        self
    }

    /// Sets the longest time that one step may take.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Scales the old version's `Deployment` to 0 at this time after the promotion's last weight has settled.
    ///
    /// The run continues until then. A `Deployment` that an autoscaler or another controller scales, one of several,
    /// and one that other routes still lead to is reported and left alone; so is the old version when somebody has
    /// given it weight again. After a rollback or an inconclusive end nothing is scaled.
    #[must_use]
    pub fn scale_down_after(mut self, time: Duration) -> Self {
        self.scale_down_after = Some(time);
        self
    }

    /// The level of one guardrail: its part of [`Plan::alpha`] by shares, where it rolls back; see [`OnAlarm`] for the
    /// others. The observed split has its own.
    pub fn alpha_of(&self, guardrail: &Guardrail) -> f64 {
        if let Check::ObservedSplit(split) = &guardrail.check {
            return split.alpha;
        }
        let all = match guardrail.on_alarm {
            OnAlarm::Rollback => self.alpha,
            OnAlarm::Pause => ASIDE_ALPHA,
            OnAlarm::Warn => return ASIDE_ALPHA,
        };
        let alike =
            |one: &&Guardrail| one.check.spends_alpha() && one.on_alarm == guardrail.on_alarm;
        let total: f64 = self.guardrails.iter().filter(alike).map(|one| one.share).sum();
        all * guardrail.share / total
    }

    /// The kinds of evidence that the guardrails and holds need.
    ///
    /// ```
    /// use canary_core::{Plan, evidence::Kind, rollout::{Guardrail, Hold}};
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
    ///     .weights([30, 100], Hold::requests(2_000))
    ///     .guardrail(Guardrail::agreement(0.95));
    /// assert!(plan.needs().into_iter().eq([Kind::Requests, Kind::Pairs]));
    /// ```
    pub fn needs(&self) -> BTreeSet<Kind> {
        let guardrails = self.guardrails.iter().map(|guardrail| guardrail.check.needs());
        let holds = self.steps.iter().flat_map(|step| {
            let requests = step.hold.requests.or(step.hold.total_requests).map(|_| Kind::Requests);
            [requests, step.hold.pairs.map(|_| Kind::Pairs)].into_iter().flatten()
        });
        let users = self.users.map(|_| Kind::Users);
        guardrails.chain(holds).chain(users).collect()
    }

    /// The names of its two subsets.
    pub fn subsets(&self) -> Subsets {
        Subsets::new(self.stable.as_str(), self.canary.as_str())
    }

    /// `true` when the plan compares pairs and has no header, so that they come from mirrored traffic.
    pub(crate) fn pairs_are_mirrored(&self) -> bool {
        self.header.is_none() && self.needs_pairs()
    }

    /// `true` when its custom guardrails score requests: those of a plan with a header or a mirror score pairs.
    pub(crate) fn scores_requests(&self) -> bool {
        let pairs = self.header.is_some() || self.steps.iter().any(|step| step.mirror > 0);
        !pairs && self.guardrails.iter().any(|one| matches!(one.check, Check::Custom(_)))
    }

    /// Returns `true` when anything needs pairs: a hold, or a guardrail that compares answers.
    pub fn needs_pairs(&self) -> bool {
        let pairs = [Kind::Pairs, Kind::Labels, Kind::Scores, Kind::Custom];
        self.needs().into_iter().any(|kind| pairs.contains(&kind))
    }

    /// The labels of the canary's pods: as given, or `version: <canary>`.
    pub fn labels_of_canary(&self) -> BTreeMap<String, String> {
        if self.canary_labels.is_empty() {
            BTreeMap::from([("version".to_owned(), self.canary.clone())])
        } else {
            self.canary_labels.clone()
        }
    }

    /// The header that leads to the canary while it is probed: the plan's own, or, for a plan without one, the header
    /// `x-canary-probe` with the first half of [`Plan::hash`] as its value, which no client sends by chance.
    ///
    /// ```
    /// use canary_core::Plan;
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet101");
    /// let header = plan.probe_header();
    /// assert_eq!(header.name, "x-canary-probe");
    /// assert!(plan.hash().starts_with(&header.value) && header.value.len() == 16);
    /// assert_eq!(plan.header("user-group", "canary").probe_header().value, "canary");
    /// ```
    pub fn probe_header(&self) -> HeaderRoute {
        self.header.clone().unwrap_or_else(|| HeaderRoute {
            name: "x-canary-probe".to_owned(),
            value: self.hash().chars().take(16).collect(),
        })
    }

    /// The gate of that name.
    pub fn gate_named(&self, name: &str) -> Option<&Gate> {
        self.gates.iter().find(|gate| gate.name == name)
    }

    /// Every split that the rollout may end with: those of its steps, all stable and all canary.
    pub fn splits(&self) -> Vec<Split> {
        let mut splits = vec![Split::STABLE];
        splits.extend(self.steps.iter().map(Step::split));
        splits.push(Split::CANARY);
        splits
    }

    /// Checks the rules of the plan and lists every finding, with paths such as `steps[1].weight`.
    pub fn validate(&self) -> Findings {
        super::validation::validate(self)
    }

    /// The plan itself when [`Plan::validate`] finds no error.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every finding.
    pub fn validated(self) -> Result<Self> {
        self.validate().into_result()?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests;
