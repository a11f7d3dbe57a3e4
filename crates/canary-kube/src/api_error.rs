//! The meaning of the API server's refusals, as Kubernetes documents them.

use kube::core::Status;

use canary_http::server_text;
use canary_istio::{Finding, Findings};
use canary_rollout::cluster::ObjectRef;

use crate::Error;

/// The verb of a request to the API server, in the words of its role rules.
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
        // The cause may hold what a credential plugin printed, and that may be a token: it is not passed on.
        kube::Error::Auth(cause) => Error::Cluster {
            action: action(verb, object),
            reason: format!("cannot log in: {}; renew the credentials in use", login(&cause)),
            retryable: false,
            source: None,
        },
        kube::Error::SerdeError(cause) => Error::Cluster {
            action: action(verb, object),
            reason: "the response is not one of an API server; check the server's address and a proxy before it"
                .to_owned(),
            retryable: false,
            source: Some(Box::new(cause)),
        },
        // The cause repeats the proxy's address, which may hold a password.
        kube::Error::ProxyProtocolUnsupported { .. } | kube::Error::ProxyProtocolDisabled { .. } => {
            Error::Cluster {
                action: action(verb, object),
                reason: "the proxy on the way to the API server does not begin with http://, https:// or socks5://"
                    .to_owned(),
                retryable: false,
                source: None,
            }
        }
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
    let action = action(verb, object);
    let refused = |reason: String, retryable: bool| Error::Cluster {
        action: action.clone(),
        reason,
        retryable,
        source: None,
    };
    let message = &*server_text(&status.message);
    match status.code {
        401 => {
            refused(format!("the credentials were refused (401: {message}); log in again"), false)
        }
        403 => {
            // Prefer the verb that the server names: an apply of a new object needs `create`, for example.
            let parts = denied(message);
            let (verb, resource) = parts.unwrap_or_else(|| {
                (verb.as_str(), ObjectRef::plural_of(&object.kind).unwrap_or(&object.kind))
            });
            let place = if object.namespace.is_empty() {
                String::new()
            } else {
                format!(" in namespace {}", object.namespace)
            };
            let grant =
                format!("grant the verb \"{verb}\" on {resource}{place} to the account in use");
            Error::Forbidden { action, reason: format!("not permitted (403: {message}); {grant}") }
        }
        404 if verb == Verb::Apply || message.contains("could not find the requested resource") => {
            let ObjectRef { api_version, kind, namespace, .. } = object;
            let reason = format!(
                "the cluster does not serve {api_version} {kind}, or has no namespace {namespace:?}; install the CRDs or \
                 create the namespace"
            );
            Error::Unserved { action, reason }
        }
        404 => Error::NotFound { object: object.to_string(), help: String::new() },
        409 => conflict(object, status),
        410 => {
            let reason = format!("the resource version is too old (410: {message})");
            Error::Expired { action, reason }
        }
        400 | 422 => Error::invalid(findings(object, status)),
        429 => refused(
            format!(
                "the API server is busy (429: {message}); retry after {} s",
                retry_after(status)
            ),
            true,
        ),
        // Server-side apply answers an unknown field or a wrong type with 500, although nothing of the server failed.
        500 if message.contains(TYPED_PATCH) => Error::invalid(untyped(object, message)),
        code @ 500.. => refused(format!("the API server failed ({code}: {message})"), true),
        code => refused(format!("refused ({code}: {message})"), false),
    }
}

const TYPED_PATCH: &str = "failed to create typed patch object";

/// The finding in a message such as `failed to create typed patch object (ns/name; …): .spec.x: field not declared in
/// schema`.
fn untyped(object: &ObjectRef, message: &str) -> Findings {
    let parts = message.split_once("): .").and_then(|(_, rest)| rest.split_once(": "));
    let (path, problem) = parts.unwrap_or(("", message));
    Findings(vec![Finding::error("K422", path, problem).object(object.to_string()).help(
        "correct the field's name or type; reading the manifest with this library finds the same",
    )])
}

/// The verb and the resource that the server's refusal names: `… cannot patch resource "virtualservices" in …`.
fn denied(message: &str) -> Option<(&str, &str)> {
    let (_, rest) = message.split_once(" cannot ")?;
    let (verb, rest) = rest.split_once(" resource \"")?;
    let (resource, _) = rest.split_once('"')?;
    verb.bytes().all(|byte| byte.is_ascii_lowercase()).then_some((verb, resource))
}

/// The problem with the credentials, without the credentials.
fn login(error: &kube::client::AuthError) -> String {
    use kube::client::AuthError as Auth;
    match error {
        Auth::AuthExecRun { out, .. } => {
            format!("the credential plugin failed ({}); run it by hand to see why", out.status)
        }
        Auth::AuthExecStart(error) => format!("the credential plugin cannot be run: {error}"),
        Auth::AuthExecParse(_) | Auth::ExecPluginFailed => {
            "the credential plugin's response is not an ExecCredential".to_owned()
        }
        Auth::ReadTokenFile(error, path) => {
            format!("the token file {} cannot be read: {error}", path.display())
        }
        Auth::InvalidBasicAuth(_) | Auth::InvalidBearerToken(_) => {
            "the token or password has characters that HTTP forbids".to_owned()
        }
        _ => "the credentials cannot be used".to_owned(),
    }
}

/// The seconds to wait before the next try, as the server requests; 1 when it names none.
pub(crate) fn retry_after(status: &Status) -> u32 {
    status.details.as_ref().map_or(1, |details| details.retry_after_seconds.max(1))
}

/// For server-side apply the fields owned by others, else the server's own words.
fn conflict(object: &ObjectRef, status: &Status) -> Error {
    let owned: Vec<_> = status
        .details
        .iter()
        .flat_map(|details| &details.causes)
        .filter(|cause| cause.reason == "FieldManagerConflict")
        .map(|cause| {
            let field = cause.field.trim_start_matches('.');
            server_text(&format!("{field}: {}", cause.message)).into_owned()
        })
        .collect();
    let object = object.to_string();
    if owned.is_empty() {
        Error::conflict(object, server_text(&status.message))
    } else {
        Error::owned_by_others(object, owned.join("; "))
    }
}

/// One finding for each cause that the server gives.
fn findings(object: &ObjectRef, status: &Status) -> Findings {
    let causes =
        status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    let help = "correct the field; `validate()` finds the same before anything is sent";
    if causes.is_empty() {
        return Findings(vec![
            Finding::error("K422", "", server_text(&status.message)).object(object.to_string()),
        ]);
    }
    causes
        .iter()
        .map(|cause| {
            Finding::error("K422", server_text(&cause.field), server_text(&cause.message))
                .object(object.to_string())
                .help(help)
        })
        .collect()
}
