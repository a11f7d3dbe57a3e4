//! The parts of an observed request that a plan uses: what nothing uses is refused rather than dropped.

use super::observation::{Arm, Request};
use crate::{Check, Plan};

/// The parts of an observed request that a plan uses.
///
/// ```
/// use canary_core::{Plan, evidence::{Arm, Request, Uses}, rollout::Guardrail};
///
/// let plan = Plan::new("image-classifier", "resnet50", "resnet101");
/// let rated = Request::served(Arm::Canary, None).value(0.8);
/// let why = Uses::of(&plan).check(&rated).unwrap_err();
/// assert!(why.starts_with("has a value, and no guardrail"));
/// assert!(Uses::of(&plan.guardrail(Guardrail::custom("rating", 0.7))).check(&rated).is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct Uses {
    /// A guardrail that needs latencies.
    latency: Option<String>,
    /// `true` when custom guardrails score requests: those of a plan with pairs score the pairs.
    scored: bool,
}

impl Uses {
    /// The parts that the plan uses.
    pub fn of(plan: &Plan) -> Self {
        let slow = plan.guardrails.iter().find(|one| matches!(one.check, Check::SlowRatio(_)));
        Self { latency: slow.map(|one| one.name.clone()), scored: plan.scores_requests() }
    }

    /// Returns `true` when custom guardrails score requests.
    pub fn are_scored(&self) -> bool {
        self.scored
    }

    /// Checks a request of a source that gives latencies.
    ///
    /// # Errors
    /// The reason, to follow the name of the observation: it has a value or a user and nothing uses them, or it has no
    /// latency and a guardrail needs one.
    pub fn check(&self, request: &Request) -> Result<(), String> {
        let unused = match (request.value, &request.user) {
            (Some(_), _) => Some("value"),
            (None, Some(_)) => Some("user"),
            (None, None) => None,
        };
        if let Some(what) = unused.filter(|_| !self.scored) {
            return Err(format!(
                "has a {what}, and no guardrail of the plan uses it; leave it out, or add a custom guardrail to a plan \
                 without pairs"
            ));
        }
        match &self.latency {
            Some(guardrail)
                if request.latency.is_none() && !request.failed && request.arm != Arm::Unknown =>
            {
                Err(format!("has no latency, and the guardrail {guardrail} needs it"))
            }
            _ => Ok(()),
        }
    }
}
