//! Common sequences of steps.

use std::time::Duration;

use super::{Hold, Plan, Step};
use crate::guardrail::Check;

impl Plan {
    /// Steps at these weights, each with the same hold, and none at 100.
    ///
    /// ```
    /// use canary_core::{Plan, rollout::Hold};
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
    ///     .weights([5, 30, 100], Hold::requests(2_000));
    /// assert_eq!(plan.steps.len(), 3);
    /// assert!(!plan.validate().has_errors());
    /// ```
    #[must_use]
    pub fn weights(mut self, weights: impl IntoIterator<Item = u32>, hold: Hold) -> Self {
        self.steps = weights
            .into_iter()
            .map(|weight| Step::new(weight).hold(if weight < 100 { hold } else { Hold::default() }))
            .collect();
        self
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
    /// let weights: Vec<u32> = plan.steps.iter().map(|step| step.weight).collect();
    /// assert_eq!(weights, [30, 60, 90, 100]);
    /// ```
    #[must_use]
    pub fn linear(self, by: u32, hold: Hold) -> Self {
        let by = by.clamp(1, 100);
        let below = (1..).map(move |n| n * by).take_while(|weight| *weight < 100);
        self.weights(below.chain([100]), hold)
    }

    /// Steps that multiply: `first`, `first`·`factor`, …, up to 100, in percent.
    ///
    /// ```
    /// use canary_core::{Plan, rollout::Hold};
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet101").exponential(1, 4, Hold::requests(500));
    /// let weights: Vec<u32> = plan.steps.iter().map(|step| step.weight).collect();
    /// assert_eq!(weights, [1, 4, 16, 64, 100]);
    /// ```
    #[must_use]
    pub fn exponential(self, first: u32, factor: u32, hold: Hold) -> Self {
        let (first, factor) = (first.clamp(1, 100), factor.max(2));
        let below = std::iter::successors(Some(first), move |weight| weight.checked_mul(factor))
            .take_while(|weight| *weight < 100);
        self.weights(below.chain([100]), hold)
    }

    /// First a shadow: the mesh mirrors `mirror` percent of the traffic to the canary and pairs are compared, while
    /// every user is served by the stable subset; then the given weights.
    ///
    /// The shadow step lasts until `pairs` pairs were compared.
    #[must_use]
    pub fn shadow_first(
        mut self,
        mirror: u32,
        pairs: u64,
        weights: impl IntoIterator<Item = u32>,
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
}
