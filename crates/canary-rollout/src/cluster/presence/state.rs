//! The state of the pods behind a subset.

use std::fmt;

/// The state of the pods behind a subset.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presence {
    /// Pods that the `Service` and the subset select are ready.
    Ready {
        /// The ready pods.
        pods: usize,
    },
    /// No pod can serve.
    Missing {
        /// The `Service`, the labels, the pods found instead, and the remedy.
        why: String,
        /// Waiting cannot help: nothing in the cluster makes pods with these labels. `false` while pods are there, or
        /// are being created, that may become ready.
        hopeless: bool,
    },
    /// The subset's pods cannot be judged: its host is no `Service` with a selector in this store.
    Unknown {
        /// The host, and the reason.
        why: String,
    },
}

impl Presence {
    /// Returns `true` when a pod can serve.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready { .. })
    }

    pub(super) fn hopeless(why: String) -> Self {
        Self::Missing { why, hopeless: true }
    }

    pub(super) fn pending(why: String) -> Self {
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
