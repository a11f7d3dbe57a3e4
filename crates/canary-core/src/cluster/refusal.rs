//! Refusals that say something of the store and not of the object: a kind it does not serve, a verb it forbids.

use crate::Error;

/// How the refusal of a kind begins that the store does not serve.
pub(super) const UNSERVED: &str = "the cluster does not serve";
/// How the refusal of a verb begins that the account may not use.
pub(super) const FORBIDDEN: &str = "not permitted (403";

/// Whether the store does not serve the kind that was asked for.
pub(super) fn is_unserved(error: &Error) -> bool {
    begins_with(error, UNSERVED)
}

/// Whether the account may not do what was asked for.
pub(super) fn is_forbidden(error: &Error) -> bool {
    begins_with(error, FORBIDDEN)
}

fn begins_with(error: &Error, text: &str) -> bool {
    matches!(error, Error::Cluster { reason, retryable: false, .. } if reason.starts_with(text))
}
