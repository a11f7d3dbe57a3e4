//! The parts of an observed request that a plan uses; unused parts are refused instead of dropped.

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
/// assert!(why.starts_with("has a value, and no guardrail"), "{why}");
/// assert!(Uses::of(&plan.guardrail(Guardrail::custom("rating", 0.7))).check(&rated).is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct Uses {
    /// A guardrail that needs latencies.
    latency: Option<String>,
    /// A guardrail that needs values.
    value: Option<String>,
    /// `true` when custom guardrails score requests: those of a plan with pairs score the pairs.
    scored: bool,
    /// `true` when users are the observations.
    users: bool,
}

impl Uses {
    /// The parts that the plan uses.
    pub fn of(plan: &Plan) -> Self {
        let named = |is: fn(&Check) -> bool| {
            plan.guardrails.iter().find(|one| is(&one.check)).map(|one| one.name.clone())
        };
        Self {
            latency: named(|check| matches!(check, Check::SlowRatio(_) | Check::QuantileRatio(_))),
            value: named(|check| matches!(check, Check::Mean(_))),
            scored: plan.scores_requests(),
            users: plan.users.is_some(),
        }
    }

    /// Returns `true` when custom guardrails score requests.
    pub fn are_scored(&self) -> bool {
        self.scored
    }

    /// Checks a request of a source that gives latencies.
    ///
    /// # Errors
    /// The reason, to follow the name of the observation: it has a value or a user that the plan does not use, or it
    /// lacks a latency or a user that the plan needs.
    pub fn check(&self, request: &Request) -> Result<(), String> {
        let numbered = self.scored || self.value.is_some();
        if request.value.is_some() && !numbered {
            return Err("has a value, and no guardrail of the plan uses it; leave it out, or add the guardrail mean, or \
                        a custom guardrail to a plan without pairs"
                .to_owned());
        }
        if request.user.is_some() && !self.users && !numbered {
            return Err("has a user, and nothing in the plan uses it; leave it out, or count users with users: {within: …}"
                .to_owned());
        }
        if request.arm == Arm::Unknown {
            return Ok(());
        }
        if self.users && request.user.is_none() {
            return Err("has no user, and the plan counts users".to_owned());
        }
        match &self.latency {
            Some(guardrail) if request.latency.is_none() && !request.failed => {
                Err(format!("has no latency, and the guardrail {guardrail} needs it"))
            }
            _ => Ok(()),
        }
    }
}
