//! The end of a rollout: its verdict, and the weights that it leaves.

use super::{
    super::{
        event::Action,
        plan::{OnInconclusive, Split},
        state::State,
        totals::Totals,
        verdict::{Cause, Verdict, Why},
    },
    Machine, Phase,
};

impl Machine {
    #[cold]
    pub(super) fn inconclusive(&self, state: &mut State, why: Why, actions: &mut Vec<Action>) {
        let ends = matches!(
            why,
            Why::NotEnoughData { .. } | Why::SourcesEnded { .. } | Why::HarmNotExcluded { .. }
        );
        let why = if ends { self.aa_instead_of(state, why) } else { why };
        if ends && let Some(reading) = self.unconfirmed(state) {
            // Harm or a burst: users must not stay on the canary.
            let name = reading.guardrail.clone();
            self.roll_back(state, &name, reading.e, Cause::Unconfirmed(reading), actions);
            return;
        }
        self.finish(state, Verdict::Inconclusive { why }, actions);
    }

    #[cold]
    pub(super) fn roll_back(
        &self,
        state: &mut State,
        guardrail: &str,
        e: f64,
        evidence: Cause,
        actions: &mut Vec<Action>,
    ) {
        let verdict = rollback(state, guardrail, e, evidence);
        self.finish(state, verdict, actions);
    }

    pub(super) fn finish(&self, state: &mut State, verdict: Verdict, actions: &mut Vec<Action>) {
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
        actions.push(self.final_write(state, &verdict));
        state.phase = Phase::Finishing(verdict);
    }

    /// The split that a verdict leaves behind; `None` where the weights stay as they are.
    pub(super) fn final_split(&self, state: &State, verdict: &Verdict) -> Option<Split> {
        let untouched = state.written.is_none_or(|split| split.canary == 0);
        match verdict {
            Verdict::Promote { .. } | Verdict::PromotedByPerson { .. } if !self.plan.aa => {
                Some(Split::CANARY)
            }
            Verdict::Promote { .. }
            | Verdict::PromotedByPerson { .. }
            | Verdict::Rollback { .. } => Some(Split::STABLE),
            // A canary without weight has nothing to keep. A canary without observations keeps no weight, because it is
            // unknown whether it serves its users. After A/A everything is at the stable version.
            Verdict::Inconclusive { why } => {
                let silent = matches!(why, Why::NotEnoughData { .. } | Why::SourcesEnded { .. })
                    && !state.has_seen_canary();
                let keeps = self.plan.on_inconclusive == OnInconclusive::Keep && !self.plan.aa;
                (untouched || silent || !keeps).then_some(Split::STABLE)
            }
            _ => None,
        }
    }

    /// The split that is to be in force: that of the step, or the one that the verdict leaves behind.
    pub(crate) fn desired(&self, state: &State) -> Split {
        match &state.phase {
            Phase::Finishing(verdict)
            | Phase::CleaningUp(verdict)
            | Phase::Keeping(verdict)
            | Phase::ScalingDown(verdict)
            | Phase::Done(verdict) => {
                self.final_split(state, verdict).or(state.written).unwrap_or(Split::STABLE)
            }
            _ => self.plan.steps[state.step].split(),
        }
    }

    /// The write that ends a rollout. Before the first weight everything is at the stable version and is left there,
    /// unless a write of that weight may be in force without its response.
    pub(super) fn final_write(&self, state: &State, verdict: &Verdict) -> Action {
        let touched = state.written.is_some() || state.unanswered;
        let split =
            self.final_split(state, verdict).filter(|split| touched || *split == Split::CANARY);
        split.map_or(Action::Leave, |split| Action::Write { split, last: true })
    }
}

pub(super) fn rollback(state: &State, guardrail: &str, e: f64, evidence: Cause) -> Verdict {
    let Totals { canary: exposure, stable, pairs, .. } = state.totals;
    let problem = state.health.canary_problem();
    let guardrail = guardrail.to_owned();
    Verdict::Rollback { guardrail, e, evidence, exposure, stable, pairs, problem }
}

/// The message about a canary that has weight but no observations.
pub(super) fn unseen(state: &State) -> Option<&'static str> {
    let weighs = state.written.is_some_and(|split| split.canary > 0);
    (weighs && !state.has_seen_canary()).then_some(
        "nothing was observed of the canary, so all traffic goes back to the stable version",
    )
}
