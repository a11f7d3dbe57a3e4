//! The check of the old version that a plan scales down after its promotion.

use canary_rollout::{Plan, cluster::old_version};

use super::{Check, Outcome};
use crate::{Error, Kubernetes};

/// Checks that the old version's `Deployment` can be scaled down; a problem here does not prevent the release itself.
pub(super) async fn old_version_of(cluster: &Kubernetes, plan: &Plan) -> Check {
    const NAME: &str = "old version";
    match old_version(cluster, plan).await {
        Ok(old) => {
            let found = format!("{} will be scaled from {} to 0", old.deployment, old.replicas);
            Check::new(NAME, Outcome::Pass, found)
        }
        Err(Error::Refused { reason, .. }) => {
            Check::new(NAME, Outcome::Warn, format!("will not be scaled down: {reason}"))
                .remedy("remove the obstacle, or leave scaleDownAfter out of the plan")
        }
        Err(error) => Check::unknown(NAME, &error),
    }
}
