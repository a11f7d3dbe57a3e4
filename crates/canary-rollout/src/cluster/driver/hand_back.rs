//! The last action of a run: it gives up the fields that it wrote, so that a later server-side apply by another manager
//! does not conflict with it.

use std::time::Duration;

use super::{
    super::{Cluster, ObjectRef},
    progress::Progress,
    run::Running,
    target::Target,
};
use crate::{
    Result,
    patch::{give_up_spec, state_manager},
};

/// The number of attempts while the cluster does not answer, which limits the delay of the verdict.
const ATTEMPTS: u32 = 4;

impl<C: Cluster> Target<C> {
    /// Gives up the spec's fields that the driver's manager owns by its patches, in both objects. The values stay.
    pub(super) async fn hand_back(&mut self) -> Result<()> {
        let (routes, subsets) = self.watched();
        let (routes, subsets) = (routes.clone(), subsets.clone());
        let Some(live) = self.cluster.get(&routes).await? else { return Ok(()) };
        let Some(manager) = state_manager(&live).map(str::to_owned) else { return Ok(()) };
        self.give_up(&routes, &manager).await?;
        self.give_up(&subsets, &manager).await
    }

    async fn give_up(&mut self, object: &ObjectRef, manager: &str) -> Result<()> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let Some(live) = self.cluster.get(object).await? else { return Ok(()) };
            let Some(patch) = give_up_spec(&live, &object.to_string(), manager)? else {
                return Ok(());
            };
            match self.cluster.patch(object, &patch).await {
                Ok(_) => return Ok(()),
                Err(error) => self.again(attempt, error).await?,
            }
        }
    }
}

impl<C: Cluster + 'static> Running<C> {
    /// Gives up the ownership of the fields at the end; `false` when it has to be tried again after a wait.
    ///
    /// The rollout is decided and written already, and the state says so. A driver that is killed here leaves the
    /// ownership behind, and the next one of the same plan, which only reports the stored verdict, releases it.
    pub(super) async fn hand_back(&mut self) -> bool {
        let Err(error) = self.target.hand_back().await else { return true };
        self.hand_backs += 1;
        if error.is_retryable() && self.hand_backs < ATTEMPTS {
            let (attempt, wait) = self.backoff.failed(&*self.driver.clock);
            let problem = error.to_string();
            self.reports.push_back(Progress::Waiting { problem, attempt, wait });
            return false;
        }
        let problem = format!(
            "the fields that the run wrote still belong to its field manager, so a server-side apply by another one \
             conflicts unless it is forced: {error}"
        );
        let (attempt, wait) = (self.hand_backs, Duration::ZERO);
        self.reports.push_back(Progress::Waiting { problem, attempt, wait });
        true
    }
}
