//! The last action of a run: it gives up the fields that it wrote, so that a later server-side apply by another manager
//! does not conflict with it.

use std::time::Duration;

use super::{super::Cluster, progress::Progress, running::Running};

/// The number of attempts while the cluster does not answer, which limits the delay of the verdict.
const ATTEMPTS: u32 = 4;

/// Gives up the ownership of the fields at the end; `false` when it has to be tried again after a wait.
///
/// The rollout is decided and written already, and the state says so. A driver that is killed here leaves the
/// ownership behind, and the next one of the same plan, which only reports the stored verdict, releases it.
pub(super) async fn attempt<C: Cluster + 'static>(running: &mut Running<C>) -> bool {
    let Err(error) = running.target.hand_back().await else { return true };
    running.hand_backs += 1;
    if error.is_retryable() && running.hand_backs < ATTEMPTS {
        let (attempt, wait) = running.backoff.failed(&*running.driver.clock);
        let problem = error.to_string();
        running.reports.push_back(Progress::Waiting { problem, attempt, wait });
        return false;
    }
    let problem = format!(
        "the fields that the run wrote still belong to its field manager, so a server-side apply by another one \
         conflicts unless it is forced: {error}"
    );
    let (attempt, wait) = (running.hand_backs, Duration::ZERO);
    running.reports.push_back(Progress::Waiting { problem, attempt, wait });
    true
}
