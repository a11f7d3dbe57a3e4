//! The cookie of sticky users in a run: while it is under way, and whether the routes have room for it.

use serde_json::Value;

use crate::{
    Phase, Plan, Result, State, Step,
    evidence::Timestamp,
    patch::{RouteChange, RouteOf, change_route},
};

/// The beginning of the run while its last weights are still to be written; none once they are, when no user is kept with
/// a version.
pub(super) fn run_of(state: &State) -> Option<Timestamp> {
    let over = matches!(
        state.phase(),
        Phase::CleaningUp(_) | Phase::Keeping(_) | Phase::ScalingDown(_) | Phase::Done(_)
    );
    (!over).then(|| state.began())
}

/// Finds an obstacle to the cookie in a route before anything is written, beside the header route where one is needed.
///
/// # Errors
/// [`crate::Error::Plan`] with the field that is in the way.
pub(super) fn check_sticky(plan: &Plan, of: RouteOf<'_>, live: &Value, probes: bool) -> Result<()> {
    let mut splits = plan.steps.iter().map(Step::split);
    let divided = splits.find(|split| split.canary.is_part());
    let Some(split) = divided.filter(|_| plan.sticky.is_some()) else { return Ok(()) };
    let change = RouteChange {
        split: Some(split),
        header_route: (probes && of.takes_headers()).then_some(true),
        ..RouteChange::default()
    };
    change_route(of.of_run(Some(Timestamp(0))), live, &change).map(drop)
}
