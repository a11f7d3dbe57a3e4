//! What the API server's refusals mean, as Kubernetes documents them.

use kube::core::Status;

use super::ObjectRef;
use crate::{Error, Finding, Findings};

/// What was asked of the API server; the words of its role rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    List,
    Watch,
    Apply,
    Patch,
    Delete,
}

impl Verb {
    /// The verb that a role must grant. Server-side apply of a new object needs `create` too.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Apply | Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

/// The error for a call that failed, naming the object and the remedy.
pub(crate) fn translate(verb: Verb, object: &ObjectRef, error: kube::Error) -> Error {
    match error {
        kube::Error::Api(status) => from_status(verb, object, &status),
        kube::Error::Auth(cause) => Error::Cluster {
            action: action(verb, object),
            reason: "cannot log in; renew the credentials that the kubeconfig names".to_owned(),
            retryable: false,
            source: Some(Box::new(cause)),
        },
        other => Error::Cluster {
            action: action(verb, object),
            reason: "the API server cannot be reached".to_owned(),
            retryable: true,
            source: Some(Box::new(other)),
        },
    }
}

fn action(verb: Verb, object: &ObjectRef) -> String {
    let verb = if verb == Verb::Apply { "apply" } else { verb.as_str() };
    format!("{verb} {object}")
}

fn from_status(verb: Verb, object: &ObjectRef, status: &Status) -> Error {
    let refused = |reason: String, retryable: bool| Error::Cluster {
        action: action(verb, object),
        reason,
        retryable,
        source: None,
    };
    let message = &status.message;
    match status.code {
        401 => {
            refused(format!("the credentials were refused (401: {message}); log in again"), false)
        }
        403 => refused(
            format!(
                "not permitted (403: {message}); grant the verb \"{}\" on {} to the account in use",
                verb.as_str(),
                super::resource::plural(&object.kind)
                    .map_or(object.kind.as_str(), |(plural, _)| plural),
            ),
            false,
        ),
        404 if verb == Verb::Apply || message.contains("could not find the requested resource") => {
            refused(
                format!(
                    "the cluster does not serve {} {}, or has no namespace {:?}; install the CRDs or create the namespace",
                    object.api_version, object.kind, object.namespace
                ),
                false,
            )
        }
        404 => Error::NotFound { object: object.to_string(), help: String::new() },
        409 => Error::Conflict { object: object.to_string(), diff: conflict(status) },
        410 => refused(format!("the resource version is too old (410: {message})"), true),
        400 | 422 => Error::Invalid(findings(object, status)),
        429 => refused(
            format!(
                "the API server is busy (429: {message}); it asks to wait {} s",
                retry_after(status)
            ),
            true,
        ),
        code @ 500.. => refused(format!("the API server failed ({code}: {message})"), true),
        code => refused(format!("refused ({code}: {message})"), false),
    }
}

/// The seconds that the server asks to wait before the next try; 1 when it names none.
pub(crate) fn retry_after(status: &Status) -> u32 {
    status.details.as_ref().map_or(1, |details| details.retry_after_seconds.max(1))
}

/// For server-side apply the fields owned by others, else the server's own words.
fn conflict(status: &Status) -> String {
    let owned: Vec<_> = status
        .details
        .iter()
        .flat_map(|details| &details.causes)
        .filter(|cause| cause.reason == "FieldManagerConflict")
        .map(|cause| format!("{}: {}", cause.field.trim_start_matches('.'), cause.message))
        .collect();
    if owned.is_empty() { status.message.clone() } else { owned.join("; ") }
}

/// One finding for each cause that the server gives.
fn findings(object: &ObjectRef, status: &Status) -> Findings {
    let causes =
        status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    let help = "correct the field; `validate()` finds the same before anything is sent";
    if causes.is_empty() {
        return Findings(vec![
            Finding::error("K422", "", status.message.clone()).object(object.to_string()),
        ]);
    }
    causes
        .iter()
        .map(|cause| {
            Finding::error("K422", cause.field.clone(), cause.message.clone())
                .object(object.to_string())
                .help(help)
        })
        .collect()
}
