//! Changes by somebody else: to the routes, to the subsets, and of the release behind the canary.

use std::time::Duration;

use super::{
    super::{Cluster, WatchEvent},
    progress::Progress,
    running::{Running, Unchecked},
    target::Watched,
};
use crate::{
    Arms, Plan, Result, State,
    patch::{Difference, Differences},
};

/// Marks an object for comparison, unless the change is the driver's own.
pub(super) fn watched<C: Cluster + 'static>(
    running: &mut Running<C>,
    what: Watched,
    event: Result<WatchEvent>,
) -> Result<()> {
    match (what, event) {
        (what, Ok(WatchEvent::Applied(live))) if running.target.seen(what, &live) => {}
        (Watched::Versions, Ok(_)) => running.unchecked.versions = true,
        (_, Ok(_)) => running.unchecked.routes = true,
        // The watch continues by itself, and reports what happened meanwhile.
        (_, Err(error)) if error.is_retryable() => {}
        (_, Err(error)) if running.continues_after(&error) => {
            let (problem, wait) = (error.to_string(), Duration::ZERO);
            running.reports.push_back(Progress::Waiting { problem, attempt: 1, wait });
        }
        (_, Err(error)) => return Err(error),
    }
    Ok(())
}

/// Compares the objects that are marked.
pub(super) async fn compare<C: Cluster + 'static>(running: &mut Running<C>) -> Result<()> {
    match of_unchecked(running).await {
        Err(error) => return running.postpone(error),
        Ok(edits) if edits.is_empty() => {}
        Ok(edits) => running.edited(edits),
    }
    running.unchecked = Unchecked::default();
    running.backoff.succeeded();
    Ok(())
}

/// Returns `true` when somebody has changed or deleted an object of the run, which is then over. An object that cannot
/// be read is compared later.
pub(super) async fn of_all<C: Cluster + 'static>(running: &mut Running<C>) -> bool {
    running.unchecked = Unchecked { routes: true, versions: true };
    match of_unchecked(running).await {
        Ok(edits) if !edits.is_empty() => {
            running.unchecked = Unchecked::default();
            running.edited(edits);
            true
        }
        _ => false,
    }
}

async fn of_unchecked<C: Cluster + 'static>(running: &mut Running<C>) -> Result<Differences> {
    if running.unchecked.routes {
        let edits = running.target.compare(&running.state).await?;
        if !edits.is_empty() {
            return Ok(edits);
        }
    }
    if running.unchecked.versions {
        return running.target.compare_versions(&running.state).await;
    }
    Ok(Differences::default())
}

/// Returns `true` when somebody has changed the labels of a subset or removed it; the run is then over.
pub(super) async fn of_subsets<C: Cluster + 'static>(running: &mut Running<C>) -> Result<bool> {
    let edits = running.target.compare_versions(&running.state).await?;
    let edited = !edits.is_empty();
    if edited {
        running.edited(edits);
    }
    Ok(edited)
}

/// Returns `true` when another release is behind the canary's subset; the run is then over, because its evidence is
/// about the one before. Checked no more often than `every`.
pub(super) async fn of_release<C: Cluster + 'static>(
    running: &mut Running<C>,
    every: Duration,
) -> Result<bool> {
    let now = running.driver.clock.now();
    if running.state.is_decided()
        || running.state.release().is_none()
        || now.since(running.release_checked) < every
    {
        return Ok(false);
    }
    let (_, found) = running.target.canary().await?;
    running.release_checked = now;
    let edits = other_release(running.driver.machine.plan(), &running.state, found.as_deref());
    let another = !edits.is_empty();
    if another {
        running.edited(edits);
    }
    Ok(another)
}

/// The other release that has replaced the one behind the canary since the rollout was prepared.
pub(super) fn other_release(plan: &Plan, state: &State, found: Option<&str>) -> Differences {
    let mut differences = Differences::default();
    if let (Some(expected), Some(found)) = (state.release(), found)
        && expected != found
    {
        let services = plan.target.routes().is_some_and(|routes| routes.arms == Arms::Services);
        let version = if services { "Service" } else { "subset" };
        differences.0.push(Difference {
            path: format!("the pod template behind {version} {}", plan.canary),
            expected: format!("release {expected}"),
            found: format!("release {found}: another model or image is another release"),
            by: None,
        });
    }
    differences
}
