//! The end of an A/A run: everything at the stable version, and the measurement.

use super::{
    super::{
        event::Action,
        state::State,
        verdict::{Verdict, Why},
    },
    Machine,
};

/// The reason why the canary of an A/A run cannot be promoted.
pub(super) const AA_ENDS_STABLE: &str = "it is an A/A run, whose canary is the stable version again: it always ends with \
                                         everything at the stable version; abort ends it now";

impl Machine {
    /// Ends an A/A run whose last step below 100 has been held.
    #[cold]
    pub(super) fn end_aa(&self, state: &mut State, actions: &mut Vec<Action>) {
        if let Some(report) = state.aa(&self.plan) {
            let why = Why::Aa { report: report.into() };
            self.finish(state, Verdict::Inconclusive { why }, actions);
        }
    }

    /// The end of an A/A run that lacks data for the rest; `why` itself for any other run.
    pub(super) fn aa_instead_of(&self, state: &State, why: Why) -> Why {
        match state.aa(&self.plan) {
            Some(mut report) => {
                report.early = Some(why.to_string());
                Why::Aa { report: report.into() }
            }
            None => why,
        }
    }
}
