//! The end of a rollout: its verdict, and the weights that it leaves.

use super::{
    super::{
        event::Action,
        plan::{OnInconclusive, Plan, Split},
        state::{Phase, State},
        totals::Totals,
        verdict::{Cause, Verdict, Why},
    },
    Machine, lacking,
};

#[cold]
pub(super) fn inconclusive(
    machine: &Machine,
    state: &mut State,
    why: Why,
    actions: &mut Vec<Action>,
) {
    let ends = matches!(
        why,
        Why::NotEnoughData { .. } | Why::SourcesEnded { .. } | Why::HarmNotExcluded { .. }
    );
    let why = if ends { aa_instead_of(&machine.plan, state, why) } else { why };
    if ends && let Some(reading) = lacking::confirmation(machine, state) {
        // Harm or a burst: users must not stay on the canary.
        let name = reading.guardrail.clone();
        roll_back(machine, state, &name, reading.e, Cause::Unconfirmed(reading), actions);
        return;
    }
    finish(machine, state, Verdict::Inconclusive { why }, actions);
}

/// The end of an A/A run that lacks data for the rest; `why` itself for any other run.
fn aa_instead_of(plan: &Plan, state: &State, why: Why) -> Why {
    match state.aa(plan) {
        Some(mut report) => {
            report.early = Some(why.to_string());
            Why::Aa { report: report.into() }
        }
        None => why,
    }
}

/// Ends an A/A run whose last step below 100 has been held.
#[cold]
pub(super) fn aa(machine: &Machine, state: &mut State, actions: &mut Vec<Action>) {
    if let Some(report) = state.aa(&machine.plan) {
        let why = Why::Aa { report: report.into() };
        finish(machine, state, Verdict::Inconclusive { why }, actions);
    }
}

#[cold]
pub(super) fn roll_back(
    machine: &Machine,
    state: &mut State,
    guardrail: &str,
    e: f64,
    evidence: Cause,
    actions: &mut Vec<Action>,
) {
    let verdict = rollback(state, guardrail, e, evidence);
    finish(machine, state, verdict, actions);
}

pub(super) fn finish(
    machine: &Machine,
    state: &mut State,
    verdict: Verdict,
    actions: &mut Vec<Action>,
) {
    // The step's earlier actions are no longer wanted.
    actions.retain(|action| {
        !matches!(
            action,
            Action::Write { .. } | Action::JudgeGate(_) | Action::Probe | Action::Inspect
        )
    });
    // The verdict needs their space, and no more inputs are compared.
    state.forget_inputs();
    (state.awaited_ms, state.approved) = (None, false);
    (state.old_version, state.scale_down_at) = (None, None);
    actions.push(final_write(&machine.plan, state, &verdict));
    state.phase = Phase::Finishing(verdict);
}

/// The split that a verdict leaves behind; `None` where the weights stay as they are.
pub(super) fn final_split(plan: &Plan, state: &State, verdict: &Verdict) -> Option<Split> {
    let untouched = state.written.is_none_or(|split| split.canary == 0);
    match verdict {
        Verdict::Promote { .. } | Verdict::PromotedByPerson { .. } if !plan.aa => {
            Some(Split::CANARY)
        }
        Verdict::Promote { .. } | Verdict::PromotedByPerson { .. } | Verdict::Rollback { .. } => {
            Some(Split::STABLE)
        }
        // A canary without weight has nothing to keep. A canary without observations keeps no weight, because it is
        // unknown whether it serves its users. After A/A everything is at the stable version.
        Verdict::Inconclusive { why } => {
            let silent = matches!(why, Why::NotEnoughData { .. } | Why::SourcesEnded { .. })
                && !state.has_seen_canary();
            let keeps = plan.on_inconclusive == OnInconclusive::Keep && !plan.aa;
            (untouched || silent || !keeps).then_some(Split::STABLE)
        }
        _ => None,
    }
}

/// The split that is to be in force: that of the step, or the one that the verdict leaves behind.
pub(super) fn desired(plan: &Plan, state: &State) -> Split {
    match &state.phase {
        Phase::Finishing(verdict)
        | Phase::CleaningUp(verdict)
        | Phase::Keeping(verdict)
        | Phase::ScalingDown(verdict)
        | Phase::Done(verdict) => {
            final_split(plan, state, verdict).or(state.written).unwrap_or(Split::STABLE)
        }
        _ => plan.steps[state.step].split(),
    }
}

/// The write that ends a rollout. Before the first weight everything is at the stable version and is left there,
/// unless a write of that weight may be in force without its response.
pub(super) fn final_write(plan: &Plan, state: &State, verdict: &Verdict) -> Action {
    let touched = state.written.is_some() || state.unanswered;
    let split =
        final_split(plan, state, verdict).filter(|split| touched || *split == Split::CANARY);
    split.map_or(Action::Leave, |split| Action::Write { split, last: true })
}

pub(super) fn rollback(state: &State, guardrail: &str, e: f64, evidence: Cause) -> Verdict {
    let Totals { canary: exposure, stable, pairs, .. } = state.totals;
    let problem = state.health.canary_problem();
    let guardrail = guardrail.to_owned();
    Verdict::Rollback { guardrail, e, evidence, exposure, stable, pairs, problem }
}
