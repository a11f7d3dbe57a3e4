//! The pods behind a subset of a `DestinationRule`: whether some can serve, or the reason why there are none.

mod behind;
mod host;
mod judge;
mod objects;
mod selection;
mod words;

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use super::Cluster;
use crate::Result;

pub use behind::Behind;
pub(super) use behind::Place;
pub(super) use objects::template;

/// The state of the pods behind a subset.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presence {
    /// So many pods are ready and selected by the `Service` and by the subset.
    Ready {
        /// The ready pods.
        pods: usize,
    },
    /// No pod can serve.
    Missing {
        /// The `Service`, the labels, what was found in their place, and what to do.
        why: String,
        /// Waiting cannot help: nothing in the cluster makes pods with these labels. `false` while pods are there, or
        /// are being created, that may become ready.
        hopeless: bool,
    },
    /// The subset's pods cannot be judged: its host is no `Service` with a selector in this store.
    Unknown {
        /// The host, and what is known of it.
        why: String,
    },
}

impl Presence {
    /// Returns `true` when a pod can serve.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready { .. })
    }

    fn hopeless(why: String) -> Self {
        Self::Missing { why, hopeless: true }
    }

    fn pending(why: String) -> Self {
        Self::Missing { why, hopeless: false }
    }
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready { pods: 1 } => f.write_str("1 pod ready"),
            Self::Ready { pods } => write!(f, "{pods} pods ready"),
            Self::Missing { why, .. } | Self::Unknown { why } => f.write_str(why),
        }
    }
}

/// Finds out whether the pods of a subset can serve.
///
/// The host of the `DestinationRule` is resolved as Istio resolves it from `namespace`. Its `Service` is read, and pods
/// must have the labels of both the `Service`'s selector and the subset. A pod counts when its `Ready` condition is
/// true and it is not being deleted; where a store keeps no pods, as the embedded lab, the status of the workloads
/// counts in their place. `labels` are those of a subset that the rule does not define yet.
///
/// [`Behind`] answers this and [`release_id`](super::release_id) from the same look-ups.
///
/// # Errors
/// [`crate::Error::Cluster`] when the store cannot be reached or does not permit a look-up; the error names the verb
/// that is missing.
pub async fn presence(
    cluster: &impl Cluster,
    namespace: &str,
    destination_rule: &Value,
    subset: &str,
    labels: Option<&BTreeMap<String, String>>,
) -> Result<Presence> {
    Behind::find(cluster, namespace, destination_rule, subset, labels).await?.presence().await
}

#[cfg(test)]
mod tests;
