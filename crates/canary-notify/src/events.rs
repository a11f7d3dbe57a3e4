//! Notices as Kubernetes Events.

use canary_http::causes;
use canary_rollout::{
    Notice,
    cluster::{Cluster, record_event},
};

use crate::recipient::{Deliver, Failure};

/// The cluster on which Events are written.
pub(crate) struct Events<C>(pub(crate) C);

impl<C: Cluster + 'static> Deliver for Events<C> {
    async fn deliver(&self, notice: &Notice) -> Result<(), Failure> {
        match record_event(&self.0, notice).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let texts: Vec<String> = causes(&error).map(ToString::to_string).collect();
                let again = error.is_retryable();
                Err(Failure { reason: texts.join(": "), again, wait: None })
            }
        }
    }
}
