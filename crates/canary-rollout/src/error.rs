//! Errors of plans, of clusters and of a rollout's requests.

use canary_istio::Findings;

/// A boxed cause from a library below.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason why a plan cannot run, or why a call to a cluster failed.
///
/// Each message is one lower-case line that names the thing, the place and the remedy; a cause from a library
/// below is in [`std::error::Error::source`], never also in the text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text is neither an object nor a plan, or the mesh would refuse it.
    #[error(transparent)]
    Istio(#[from] canary_istio::Error),
    /// Somebody else changed the object meanwhile; nothing was overwritten.
    #[error("{object} was changed by someone else: {diff}{}{help}", if .help.is_empty() { "" } else { "; " })]
    Conflict {
        /// The object, as `Kind namespace/name`.
        object: String,
        /// The difference to what was expected.
        diff: String,
        /// The remedy; may be empty.
        help: String,
    },
    /// The named thing does not exist.
    #[error("{object} not found{}{help}", if .help.is_empty() { "" } else { "; " })]
    NotFound {
        /// The object, as `Kind namespace/name`, or the file.
        object: String,
        /// The remedy; may be empty.
        help: String,
    },
    /// A call to the cluster, or to the lab, failed.
    #[error("{action}: {reason}")]
    Cluster {
        /// The action that failed, and its object.
        action: String,
        /// The cause, and the remedy.
        reason: String,
        /// `true` when trying again may help.
        retryable: bool,
        /// The cause, when a library below gave one.
        #[source]
        source: Option<BoxError>,
    },
    /// A workload was not ready in time: wait longer, or fix its pods.
    #[error("{action}: {reason}")]
    NotReady {
        /// The state that was awaited.
        action: String,
        /// The time given, and the state of the pods.
        reason: String,
    },
    /// The account in use may not do it: grant the verb that the reason names.
    #[error("{action}: {reason}")]
    Forbidden {
        /// The action that failed, and its object.
        action: String,
        /// The API server's message, and the verb to grant.
        reason: String,
    },
    /// The cluster does not serve objects of this kind, or has no such namespace.
    #[error("{action}: {reason}")]
    Unserved {
        /// The action that failed, and its object.
        action: String,
        /// The kind, and what to install.
        reason: String,
    },
    /// The API server no longer keeps the resource version, or the place in a list, that the call names: read again.
    #[error("{action}: {reason}")]
    Expired {
        /// The action that failed, and its object.
        action: String,
        /// The API server's message.
        reason: String,
    },
    /// A command to a running release was not carried out; the reason says why.
    #[error("{action}: refused: {reason}")]
    Refused {
        /// The command, and the object of the release.
        action: String,
        /// The reason, and the remedy.
        reason: String,
    },
    /// A source gave an observation that cannot be used; nothing more is read of it.
    #[error("observation {number} of {source_name} {reason}")]
    Observation {
        /// The name of the source.
        source_name: String,
        /// The number of the observation in the order given, from 0.
        number: u64,
        /// The thing found, and the one expected.
        reason: String,
    },
    /// A rollout plan cannot run as it is written, or its driver had to stop.
    #[error("the plan cannot run: {0}")]
    Plan(String),
    /// A model could not be given a request of the rollout; the error is that of the [`Predictor`](crate::evidence::Predictor).
    #[error(transparent)]
    Predictor(BoxError),
}

impl Error {
    /// An object that differs from what was expected of it.
    pub fn conflict(object: impl Into<String>, diff: impl Into<String>) -> Self {
        Self::Conflict { object: object.into(), diff: diff.into(), help: String::new() }
    }

    /// Fields that an apply states otherwise than the field managers who own them; each with its path and its owner.
    pub fn owned_by_others(object: impl Into<String>, diff: impl Into<String>) -> Self {
        let help = "leave these fields out, or apply with `force`, which takes them over; not while a release writes them";
        Self::Conflict { object: object.into(), diff: diff.into(), help: help.to_owned() }
    }

    /// An object or a plan that breaks rules.
    pub fn invalid(findings: Findings) -> Self {
        Self::Istio(canary_istio::Error::Invalid(findings))
    }

    /// A text that is not the object expected.
    pub fn manifest(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Istio(canary_istio::Error::Manifest { what: what.into(), reason: reason.into() })
    }

    /// Returns `true` when the same call may succeed when it is repeated later.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Cluster { retryable: true, .. } | Self::Expired { .. } | Self::NotReady { .. }
        )
    }
}
