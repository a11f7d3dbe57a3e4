//! The results that a state holds beside the verdict: the measurement of an A/A run, and the old version after a promotion.

use super::{Phase, State};
use crate::{
    aa::{self, AaAdvice, AaAlarm, AaGuardrail, AaReport},
    evidence::Timestamp,
    plan::Plan,
    reading::Reading,
    scale_down::{OldVersion, ScaleDown},
};

impl State {
    /// The report of an A/A run so far, or `None` when the plan is not an A/A run.
    ///
    /// `plan` is the plan that the state belongs to.
    pub fn aa(&self, plan: &Plan) -> Option<AaReport> {
        if !plan.aa {
            return None;
        }
        let of = || plan.guardrails.iter().zip(&self.monitors);
        let guardrails: Vec<AaGuardrail> = of()
            .filter_map(|(guardrail, monitor)| {
                Some(AaGuardrail::of(guardrail, monitor.dispersion()?))
            })
            .collect();
        let alarms = of().filter_map(|(guardrail, monitor)| {
            let alpha = plan.alpha_of(guardrail);
            let alarmed = monitor.max_ln_e() >= -canary_stats::portable::ln(alpha);
            alarmed.then(|| AaAlarm {
                guardrail: guardrail.name.clone(),
                e: Reading::finite_e(monitor.max_ln_e()),
                threshold: 1.0 / alpha,
            })
        });
        let alarms = alarms.collect();
        let advice = AaAdvice::of(aa::window(plan), &guardrails);
        Some(AaReport { guardrails, alarms, advice, early: None })
    }

    /// The `Deployment` of the old version, from the promotion until it is scaled down.
    pub fn old_version(&self) -> Option<&OldVersion> {
        self.old_version.as_ref()
    }

    /// The earliest time of its scale-down, once it is known.
    pub fn scale_down_at(&self) -> Option<Timestamp> {
        self.scale_down_at
    }

    /// The outcome for the old version's `Deployment`; `None` before that, and if the plan does not scale it down.
    pub fn scale_down(&self) -> Option<&ScaleDown> {
        self.scale_down.as_ref()
    }

    /// Returns `true` after a promotion whose old version still waits for its scale-down.
    pub fn keeps_old_version(&self) -> bool {
        matches!(self.phase, Phase::Keeping(_) | Phase::ScalingDown(_))
    }
}
