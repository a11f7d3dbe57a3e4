//! The passing of time: the lock, silence, overdue approvals, and the next save.

use std::time::Duration;

use super::{super::Cluster, lease::Renewal, progress::Progress, running::Running, sources};
use crate::{Action, Event, Phase, Result};

/// The wait before the first save after the start, doubled with each up to [`Driver::save_every`]: an interruption then
/// destroys only a small part of the evidence since the start. The times do not depend on the observations, so that
/// storing is not a selection of the evidence.
///
/// [`Driver::save_every`]: super::Driver::save_every
const FIRST_SAVE: Duration = Duration::from_millis(250);

/// The longest time between two saves of a rollout that was interrupted, which decides when it is stored.
const SAVE_RESUMED: Duration = Duration::from_secs(2);

/// Carries out what is due at a tick of the clock.
pub(super) async fn pass<C: Cluster + 'static>(running: &mut Running<C>) -> Result<()> {
    let now = running.driver.clock.now();
    if !running.backoff.is_waiting() {
        match running.renew().await {
            Ok(Renewal::NotDue) => {}
            Ok(_) => running.backoff.succeeded(),
            Err(error) => running.postpone(error)?,
        }
    }
    running.flush_stored();
    let overdue = is_overdue(running);
    running.handle(Event::Tick(now));
    if !running.ended.is_empty() {
        sources::end_without_any(running);
    }
    if let (false, true, Some(step)) =
        (overdue, is_overdue(running), running.state.awaits_approval())
    {
        let waited = running.state.awaited().unwrap_or_default();
        running.reports.push_back(Progress::ApprovalOverdue { step, waited });
    }
    sources::report_silent(running, now);
    running.report_state();
    // Before the preparation and after the decision there is nothing to store.
    let stored = !(*running.state.phase() == Phase::Inspecting
        || running.state.is_done()
        || running.state.keeps_old_version());
    if stored
        && now.since(running.saved) >= time_between_saves(running)
        && running.actions.is_empty()
    {
        running.actions.push_back(Action::Save);
    }
    Ok(())
}

/// Waits before the next check of readiness; time passes for the machine meanwhile.
pub(super) async fn wait<C: Cluster + 'static>(running: &mut Running<C>) -> Result<()> {
    running.driver.clock.sleep(running.driver.tick).await;
    pass(running).await
}

fn time_between_saves<C: Cluster + 'static>(running: &Running<C>) -> Duration {
    let growing = FIRST_SAVE.saturating_mul(2_u32.saturating_pow(running.saves.min(16)));
    let longest = match running.state.resumed() {
        0 => running.driver.save_every,
        _ => running.driver.save_every.min(SAVE_RESUMED),
    };
    growing.min(longest)
}

/// Returns `true` when the approval that is awaited is overdue.
fn is_overdue<C: Cluster + 'static>(running: &Running<C>) -> bool {
    let approval = running.driver.machine.awaited_approval(&running.state);
    approval.zip(running.state.awaited()).is_some_and(|(one, waited)| one.is_overdue(waited))
}
