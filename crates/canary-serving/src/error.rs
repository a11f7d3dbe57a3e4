//! Errors of workloads, images, predictions and model stores.

#[cfg(feature = "predict")]
use canary_http::Secrets;

/// A boxed cause from a library below.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason why a workload, an image, a prediction or a copy of a model failed.
///
/// Each message is one lower-case line that names the thing, the place and the remedy; a cause from a library
/// below is in [`std::error::Error::source`], never also in the text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A workload or an input breaks rules: every finding is listed.
    #[error(transparent)]
    Istio(#[from] canary_istio::Error),
    /// An image, an array or a file cannot be used: pass another one.
    #[error("{what}: {reason}")]
    Input {
        /// The file or argument.
        what: String,
        /// The fault, and the remedy.
        reason: String,
    },
    /// A prediction failed; [`PredictError::origin`] distinguishes server, mesh and network.
    #[error(transparent)]
    Predict(Box<PredictError>),
    /// The named output, signature, file or model does not exist.
    #[error("{object} not found{}", help_suffix(.help))]
    NotFound {
        /// The object or the file.
        object: String,
        /// The remedy; may be empty.
        help: String,
    },
    /// A model could not be copied, or is not a SavedModel.
    #[error("{action}: {reason}")]
    Store {
        /// The action, with its source and its target.
        action: String,
        /// The fault, and the remedy.
        reason: String,
        /// True when trying again may help.
        retryable: bool,
        /// The cause, when a library below gave one.
        #[source]
        source: Option<BoxError>,
    },
}

fn help_suffix(help: &str) -> String {
    if help.is_empty() { String::new() } else { format!("; {help}") }
}

impl Error {
    /// A text or a file that is not the object expected.
    pub fn manifest(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Istio(canary_istio::Error::Manifest { what: what.into(), reason: reason.into() })
    }

    /// True when the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Predict(error) => error.retryable,
            Self::Store { retryable, .. } => *retryable,
            _ => false,
        }
    }
}

/// The party at which a prediction failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// The model server returned an error of its own.
    Server,
    /// The mesh in front of it returned an error: no route, no healthy endpoint, an injected fault.
    Mesh,
    /// There is no complete response: the connection was refused or reset, timed out, or did not speak HTTP.
    Network,
    /// The request was not sent: its input or a setting cannot be used.
    Request,
    /// The response does not come from a model server.
    Answer,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Server => "the model server returned an error",
            Self::Mesh => "the mesh returned an error",
            Self::Network => "the network failed",
            Self::Request => "the request was not sent",
            Self::Answer => "the answer cannot be read",
        })
    }
}

/// A prediction that failed: the party at which it failed, the status, the attempts and the time.
#[derive(Debug, thiserror::Error)]
#[error("{url}: {origin}: {message}{}", help_suffix(.help))]
#[non_exhaustive]
pub struct PredictError {
    /// The party at which it failed.
    pub origin: Origin,
    /// The address of the request, without credentials.
    pub url: String,
    /// The server's text or the fault, in one line.
    pub message: String,
    /// The remedy; may be empty.
    pub help: String,
    /// The HTTP status of the last response, when there was one.
    pub status: Option<u16>,
    /// The gRPC status code of the last response, when there was one.
    pub grpc_code: Option<i32>,
    /// Envoy's response flags (`NR`, `UH`, `UF`, …), when they are known.
    pub response_flags: Option<String>,
    /// The subset that responded, when the response named it.
    pub subset: Option<String>,
    /// The number of times that the request was sent.
    pub attempts: u32,
    /// The time from the first attempt to the end of the last.
    pub elapsed: std::time::Duration,
    /// True when trying again may help.
    pub retryable: bool,
    /// `true` when the server may have seen the request, or a part of it, in the last attempt.
    pub sent: bool,
    /// `true` after a timeout: of this client, of the mesh (504), of the server (`DEADLINE_EXCEEDED`), or of a wait.
    pub timed_out: bool,
    /// The cause, when a library below gave one.
    #[source]
    pub source: Option<BoxError>,
}

impl PredictError {
    /// An error with the given origin and message, and nothing else known yet.
    ///
    /// It counts as sent, unless the request itself is at fault.
    pub fn new(origin: Origin, url: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            origin,
            url: url.into(),
            message: message.into(),
            help: String::new(),
            status: None,
            grpc_code: None,
            response_flags: None,
            subset: None,
            attempts: 0,
            elapsed: std::time::Duration::ZERO,
            retryable: false,
            timed_out: false,
            sent: origin != Origin::Request,
            source: None,
        }
    }

    /// Removes the request's secrets from the server's text.
    #[cfg(feature = "predict")]
    pub(crate) fn redact(&mut self, secrets: &Secrets) {
        secrets.redact(&mut self.message);
        secrets.redact(&mut self.help);
        for text in [&mut self.response_flags, &mut self.subset].into_iter().flatten() {
            secrets.redact(text);
        }
    }
}

impl From<PredictError> for Error {
    fn from(error: PredictError) -> Self {
        Self::Predict(Box::new(error))
    }
}
