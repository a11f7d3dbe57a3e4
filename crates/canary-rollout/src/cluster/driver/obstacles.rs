//! The reasons why a person cannot move all traffic at once.

use std::time::Duration;

use super::{
    super::{Cluster, Presence},
    edits,
    running::Running,
};
use crate::{Error, Verb};

/// The obstacle to a command that moves all traffic at once.
pub(super) async fn to<C: Cluster + 'static>(
    running: &mut Running<C>,
    verb: Verb,
) -> Option<String> {
    match verb {
        // Boxed, because otherwise every future of the driver has room for it.
        Verb::Promote => Box::pin(to_promotion(running)).await,
        Verb::Abort => Box::pin(to_return(running)).await,
        _ => None,
    }
}

/// The reason why a person cannot promote the canary now: its pods are missing, have been replaced by another
/// release, or cannot be read.
async fn to_promotion<C: Cluster + 'static>(running: &mut Running<C>) -> Option<String> {
    if running.state.is_decided() {
        return None;
    }
    let found = async {
        let edited = edits::of_subsets(running).await?;
        if edited || edits::of_release(running, Duration::ZERO).await? {
            return Ok(Some("somebody else has changed the canary".to_owned()));
        }
        Ok(match running.target.canary().await?.0 {
            Presence::Missing { why, .. } => Some(format!("no pod of the canary is ready: {why}")),
            _ => None,
        })
    };
    match found.await {
        Ok(obstacle) => obstacle,
        Err::<_, Error>(error) => Some(format!("the canary's pods cannot be checked: {error}")),
    }
}

/// The reason why a person cannot abort while the old version is kept: none of its pods would serve.
async fn to_return<C: Cluster + 'static>(running: &mut Running<C>) -> Option<String> {
    if !running.state.keeps_old_version() {
        return None;
    }
    match running.target.stable().await {
        Ok(Presence::Missing { why, .. }) => Some(format!(
            "no pod of the old version is ready: {why}; bring it back first, then write the weights yourself"
        )),
        // If this cannot be checked, the person decides.
        _ => None,
    }
}
