//! The errors of copies: the action that failed, the reason and the remedy.

use crate::{Error, error::BoxError};

/// The action of an error of a place itself.
pub(super) fn named(text: &str) -> String {
    format!("the model at {text}")
}

/// An error of a place that cannot be used.
pub(super) fn refuse(text: &str, reason: &str) -> Error {
    refused(&named(text), reason)
}

/// An error that a repeated call would return again.
pub(super) fn refused(action: &str, reason: impl Into<String>) -> Error {
    Error::Store {
        action: action.to_owned(),
        reason: reason.into(),
        retryable: false,
        source: None,
    }
}

/// The error of a copy that stops in favour of another one.
pub(super) fn under_way(action: &str, target: &str, place: &str) -> Error {
    Error::Store {
        action: action.to_owned(),
        reason: format!("another copy to {target} is under way{place}; wait until it is done"),
        retryable: true,
        source: None,
    }
}

/// An error of this machine's files.
pub(super) fn broken(action: &str, reason: &str, cause: std::io::Error) -> Error {
    Error::Store {
        action: action.to_owned(),
        reason: reason.to_owned(),
        retryable: false,
        source: Some(Box::new(cause)),
    }
}

/// An error of a store, with its meaning for the user.
pub(super) fn failed(action: &str, error: object_store::Error) -> Error {
    use object_store::Error as Cause;

    let (reason, retryable) = match &error {
        Cause::NotFound { path, .. } => (format!("{path} is not there"), false),
        Cause::PermissionDenied { path, .. } => {
            (format!("these credentials may not reach {path}"), false)
        }
        Cause::Unauthenticated { .. } => {
            ("the credentials are missing or wrong; see Location::parse for the places that are searched".to_owned(), false)
        }
        Cause::Precondition { path, .. } => {
            (format!("{path} was changed while it was being copied; copy again"), true)
        }
        Cause::InvalidPath { .. } => ("a path that cannot be used".to_owned(), false),
        Cause::NotSupported { .. } | Cause::NotImplemented { .. } => {
            ("the store does not support this operation".to_owned(), false)
        }
        Cause::UnknownConfigurationKey { .. } => ("the store's settings are wrong".to_owned(), false),
        _ => ("the store failed; copy again, which continues from the files that are complete".to_owned(), true),
    };
    let source: BoxError = Box::new(error);
    Error::Store { action: action.to_owned(), reason, retryable, source: Some(source) }
}
