//! The evidence on which a promotion has to be proven.

use serde::{Deserialize, Serialize};

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
    pub(super) fn is_all_steps(&self) -> bool {
        *self == Self::AllSteps
    }
}
