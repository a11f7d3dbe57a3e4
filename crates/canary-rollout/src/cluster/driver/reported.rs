//! The reports that follow from a change of the state: an approval that is awaited, an alarm, and the old version.

use super::progress::Progress;
use crate::{Machine, OnAlarm, State};

/// The parts of a state that have been reported.
pub(super) struct Reported {
    awaits_approval: bool,
    /// The number of alarms that are not rollbacks.
    alarms: usize,
    awaits_scale_down: bool,
    scaled_down: bool,
}

impl Reported {
    /// Everything in the state.
    pub(super) fn of(state: &State) -> Self {
        Self {
            awaits_approval: state.awaits_approval().is_some(),
            alarms: state.told().len(),
            awaits_scale_down: state.scale_down_at().is_some(),
            scaled_down: state.scale_down().is_some(),
        }
    }

    /// All that a stored rollout has left behind; the things that it still waits for are reported again.
    pub(super) fn before_start(state: &State) -> Self {
        Self {
            awaits_approval: false,
            alarms: state.told().len(),
            awaits_scale_down: false,
            scaled_down: true,
        }
    }

    /// The reports of the parts that have come since.
    pub(super) fn news(&self, machine: &Machine, state: &State) -> Vec<Progress> {
        let mut reports = Vec::new();
        if let (false, Some(step)) = (self.awaits_approval, state.awaits_approval()) {
            let approval = machine.awaited_approval(state);
            let timeout = approval.and_then(|approval| approval.timeout);
            reports.push(Progress::AwaitingApproval { step, timeout });
        }
        if state.told().len() > self.alarms {
            report_alarm(machine, state, &mut reports);
        }
        if let (false, Some(at), Some(old)) =
            (self.awaits_scale_down, state.scale_down_at(), state.old_version())
        {
            let deployment = old.deployment.to_string();
            reports.push(Progress::ScaleDownAwaited { deployment, at });
        }
        if let (false, Some(outcome)) = (self.scaled_down, state.scale_down()) {
            reports.push(Progress::ScaledDown { outcome: outcome.clone() });
        }
        reports
    }
}

/// Reports the last alarm that is not a rollback.
#[cold]
fn report_alarm(machine: &Machine, state: &State, reports: &mut Vec<Progress>) {
    let plan = machine.plan();
    let Some(name) = state.told().last() else { return };
    let readings = state.readings(plan);
    let of = plan.guardrails.iter().zip(readings).find(|(guardrail, _)| guardrail.name == *name);
    let Some((guardrail, reading)) = of else { return };
    let action = plan.action_of(guardrail);
    reports.push(Progress::Alarmed { reading, action });
    if action == OnAlarm::Pause {
        reports.push(Progress::Paused);
    }
}
