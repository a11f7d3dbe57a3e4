//! Constructors and setters of a plan.

use std::{collections::BTreeMap, time::Duration};

use super::{
    CanaryMatch, DEFAULT_ALPHA, HeaderRoute, Hold, OnInconclusive, Percent, Plan, ProvenOn, Step,
    Target, VersionLabels,
    defaults::{
        default_patience, default_request_timeout, default_settle, default_startup_timeout,
    },
    shapes,
};
use crate::{
    bursts::Bursts,
    gate::Gate,
    guardrail::{Check, Guardrail},
    labels::Labels,
    sequential::Sequential,
    sticky::Sticky,
    users::Users,
};

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
            canary_matches: Vec::new(),
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
            sticky: None,
            users: None,
            sequential: None,
            proven_on: ProvenOn::AllSteps,
            aa: false,
        }
    }

    /// A release within the same model servers, by the labels `stable` and `canary`: `pairs` pairs decide, then the label
    /// of the clients moves at once.
    ///
    /// ```
    /// use canary_core::{Plan, rollout::{Guardrail, VersionLabels}};
    ///
    /// let target = VersionLabels::new("pets", 42).deployment("classifiers-v1").service("classifiers");
    /// let plan = Plan::version_labels(target, 500)
    ///     .guardrail(Guardrail::agreement(0.95))
    ///     .guardrail(Guardrail::pair_errors());
    /// assert!(plan.validate().is_empty(), "{}", plan.validate());
    /// ```
    pub fn version_labels(target: VersionLabels, pairs: u64) -> Self {
        let plan = Self::new("", VersionLabels::STABLE, VersionLabels::CANARY).target(target);
        plan.blue_green(pairs)
    }

    /// Sets the namespace of the objects.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.target.set_namespace(namespace);
        self
    }

    /// Sets what the rollout moves.
    ///
    /// ```
    /// use canary_core::{Plan, rollout::{Route, Routes}};
    ///
    /// // The HTTPRoute `pets` divides the traffic between two Services.
    /// let plan = Plan::new("pets", "pets-v1", "pets-v2").target(Routes::of([Route::http_route("pets")]));
    /// assert_eq!(plan.target.state_object().to_string(), "HTTPRoute default/pets");
    /// ```
    #[must_use]
    pub fn target(mut self, target: impl Into<Target>) -> Self {
        self.target = target.into();
        self
    }

    /// Names the rule of the first route whose weights are changed.
    #[must_use]
    pub fn route(mut self, route: impl Into<String>) -> Self {
        if let Some(routes) = self.target.routes_mut() {
            routes.set_rule(Some(route.into()));
        }
        self
    }

    /// Names the `DestinationRule` that defines the subsets.
    #[must_use]
    pub fn destination_rule(mut self, name: impl Into<String>) -> Self {
        if let Some(routes) = self.target.routes_mut() {
            routes.destination_rule = Some(name.into());
        }
        self
    }

    /// Sends requests with this header to the canary at any weight.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.header = Some(HeaderRoute { name: name.into(), value: value.into() });
        self
    }

    /// Sends requests that fulfil this condition to the canary at any weight too; the plan needs a header.
    #[must_use]
    pub fn canary_match(mut self, condition: CanaryMatch) -> Self {
        self.canary_matches.push(condition);
        self
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Steps at these weights in percent, each with the same hold, and none at 100.
    ///
    /// ```
    /// use canary_core::{Plan, rollout::{Hold, Percent}};
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
    ///     .weights([5, 30, 100], Hold::requests(2_000));
    /// assert_eq!(plan.steps.len(), 3);
    /// assert!(!plan.validate().has_errors());
    ///
    /// let careful = [Percent::new(0.1)?, 1.into(), 10.into(), 100.into()];
    /// let plan = plan.weights(careful, Hold::total_requests(20_000));
    /// assert_eq!(plan.steps[0].weight.to_string(), "0.1");
    /// # Ok::<(), canary_core::rollout::Error>(())
    /// ```
    #[must_use]
    pub fn weights(
        mut self,
        weights: impl IntoIterator<Item = impl Into<Percent>>,
        hold: Hold,
    ) -> Self {
        self.steps = weights.into_iter().map(|weight| Step::held(weight, hold)).collect();
        self
    }

    /// The usual steps: 5, 30 and 100 percent, each with the same hold.
    #[must_use]
    pub fn usual_weights(self, hold: Hold) -> Self {
        self.weights([5, 30, 100], hold)
    }

    /// The lab of the seed: first the header route alone (weight 0), then 30, then 100.
    ///
    /// Requests with the header see the canary from the first step; everybody else sees it from the second.
    /// `look` is the duration of the first step, for people who try the canary by header.
    #[must_use]
    pub fn header_first(
        mut self,
        header: impl Into<String>,
        value: impl Into<String>,
        look: Duration,
        hold: Hold,
    ) -> Self {
        self = self.header(header, value);
        self.steps =
            vec![Step::new(0).hold(Hold::time(look)), Step::new(30).hold(hold), Step::new(100)];
        self
    }

    /// Equal steps up to 100: `by`, 2·`by`, 3·`by`, …, in percent.
    ///
    /// ```
    /// use canary_core::{Plan, rollout::Hold};
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet101").linear(30, Hold::requests(500));
    /// let weights: Vec<_> = plan.steps.iter().map(|step| step.weight).collect();
    /// assert_eq!(weights, [30, 60, 90, 100]);
    /// ```
    #[must_use]
    pub fn linear(self, by: impl Into<Percent>, hold: Hold) -> Self {
        self.weights(shapes::linear(by.into()), hold)
    }

    /// Steps that multiply: `first`, `first`·`factor`, …, up to 100, in percent.
    ///
    /// ```
    /// use canary_core::{Plan, rollout::Hold};
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet101").exponential(1, 4, Hold::requests(500));
    /// let weights: Vec<_> = plan.steps.iter().map(|step| step.weight).collect();
    /// assert_eq!(weights, [1, 4, 16, 64, 100]);
    /// ```
    #[must_use]
    pub fn exponential(self, first: impl Into<Percent>, factor: u32, hold: Hold) -> Self {
        self.weights(shapes::exponential(first.into(), factor), hold)
    }

    /// First a shadow: the mesh mirrors `mirror` percent of the traffic to the canary and pairs are compared, while
    /// every user is served by the stable subset; then the given weights.
    ///
    /// The shadow step lasts until `pairs` pairs were compared.
    #[must_use]
    pub fn shadow_first(
        mut self,
        mirror: impl Into<Percent>,
        pairs: u64,
        weights: impl IntoIterator<Item = impl Into<Percent>>,
        hold: Hold,
    ) -> Self {
        self = self.weights(weights, hold);
        self.steps.insert(0, Step::new(0).mirror(mirror).hold(Hold::pairs(pairs)));
        self
    }

    /// Blue-green: `pairs` pairs through the header route decide, then all traffic moves at once.
    ///
    /// Tests that compare the traffic of both subsets have no data in this shape, which [`Plan::validate`] reports. The
    /// observed split is removed, because no step divides the traffic.
    #[must_use]
    pub fn blue_green(mut self, pairs: u64) -> Self {
        self.guardrails.retain(|guardrail| !matches!(guardrail.check, Check::ObservedSplit(_)));
        self.steps = vec![Step::new(0).hold(Hold::pairs(pairs)), Step::new(100)];
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

    /// Adds a gate; it is evaluated before the first weight unless a step names it.
    ///
    /// ```
    /// use canary_core::{Plan, rollout::{Gate, Hold}};
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
    ///     .usual_weights(Hold::usual())
    ///     .gate_first(Gate::new("golden"));
    /// assert_eq!(plan.steps[0].gates, ["golden"]);
    /// ```
    #[must_use]
    pub fn gate_first(mut self, gate: Gate) -> Self {
        let named = self.steps.iter().any(|step| step.gates.contains(&gate.name));
        if !named && let Some(first) = self.steps.first_mut() {
            first.gates.push(gate.name.clone());
        }
        self.gate(gate)
    }

    /// Sets the bound on the probability of a false rollback.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
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

    /// Sets the guard against failures that come together.
    #[must_use]
    pub fn bursts(mut self, bursts: Bursts) -> Self {
        self.bursts = bursts;
        self
    }

    /// Makes users the observations, each for this time from its first request; see [`Users`].
    #[must_use]
    pub fn users_within(mut self, time: Duration) -> Self {
        self.users = Some(Users::within(time));
        self
    }

    /// Keeps each user at the version met first while the weights stay; see [`Sticky`].
    #[must_use]
    pub fn sticky(mut self, sticky: Sticky) -> Self {
        self.sticky = Some(sticky);
        self
    }

    /// Waits for labels that come after the predictions, for at most this time; see [`Labels`].
    #[must_use]
    pub fn labels_within(mut self, time: Duration) -> Self {
        self.labels = Some(Labels { within: time });
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

    /// Sets the longest time that the canary may take to be ready before its first weight.
    #[must_use]
    pub fn startup_timeout(mut self, timeout: Duration) -> Self {
        self.startup_timeout = timeout;
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

    /// Makes it an A/A plan: the stable version is deployed a second time as the canary, with pods of its own, and the
    /// run measures the service.
    ///
    /// The steps below 100 run as they would, and then everything goes back to the stable version; the weight 100 is never
    /// written. An alarm of a guardrail is reported and changes nothing ([`Plan::action_of`]), except that of the observed
    /// split. A canary that plainly fails is rolled back as in other plans. The measurement is an [`AaReport`](crate::AaReport).
    ///
    /// ```
    /// use canary_core::{Plan, rollout::{Guardrail, Hold}};
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet50-again")
    ///     .weights([10, 50, 100], Hold::requests(10_000))
    ///     .guardrail(Guardrail::error_ratio(1.0));
    /// assert!(!plan.to_yaml()?.contains("aa:"));
    /// let aa = plan.clone().aa();
    /// assert!(aa.to_yaml()?.contains("aa: true") && aa.validate().is_empty());
    /// assert_ne!(aa.hash(), plan.hash());
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    #[must_use]
    pub fn aa(mut self) -> Self {
        self.aa = true;
        self
    }
}
