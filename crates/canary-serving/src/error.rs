//! Errors of workloads, images, predictions and model stores.

/// A boxed cause from a library below.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason why a workload, an image, a prediction or a copy of a model did not come about.
///
/// Each message is one lower-case line that names the thing, the place and the remedy; a cause from a library
/// below is in [`std::error::Error::source`], never also in the text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A workload or an input breaks rules: every finding is listed.
    #[error(transparent)]
    Istio(#[from] canary_istio::Error),
    /// An image, an array or a file cannot be used as it is: give another.
    #[error("{what}: {reason}")]
    Input {
        /// The file or argument.
        what: String,
        /// What is wrong with it, and what would do.
        reason: String,
    },
    /// A prediction failed; [`PredictError::origin`] tells server, mesh and network apart.
    #[error(transparent)]
    Predict(Box<PredictError>),
    /// The named output, signature, file or model does not exist.
    #[error("{object} not found{}", help_suffix(.help))]
    NotFound {
        /// The object or the file.
        object: String,
        /// What to do about it; may be empty.
        help: String,
    },
    /// A model could not be copied, or is none.
    #[error("{action}: {reason}")]
    Store {
        /// What was being done, from where to where.
        action: String,
        /// What went wrong, and what to do.
        reason: String,
        /// Whether trying again may help.
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

    /// Whether the same call may succeed when it is made again later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Predict(error) => error.retryable,
            Self::Store { retryable, .. } => *retryable,
            _ => false,
        }
    }
}

/// The party that said no to a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// The model server answered with an error of its own.
    Server,
    /// The mesh in front of it answered: no route, no healthy endpoint, a fault.
    Mesh,
    /// No complete answer came: refused, reset, timed out, or not HTTP.
    Network,
    /// The request was not sent: the input does not fit what the model wants.
    Request,
    /// An answer came that cannot be understood as one of a model server.
    Answer,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Server => "the model server said no",
            Self::Mesh => "the mesh said no",
            Self::Network => "the network failed",
            Self::Request => "the request was not sent",
            Self::Answer => "the answer cannot be read",
        })
    }
}

/// A prediction that failed: the party that said no, with which status, after how many attempts and how long.
#[derive(Debug, thiserror::Error)]
#[error("{url}: {origin}: {message}{}", help_suffix(.help))]
#[non_exhaustive]
pub struct PredictError {
    /// Who said no.
    pub origin: Origin,
    /// The address that was asked, without credentials.
    pub url: String,
    /// What was said, in one line.
    pub message: String,
    /// What to do about it; may be empty.
    pub help: String,
    /// The HTTP status of the last answer, when there was one.
    pub status: Option<u16>,
    /// The gRPC status code of the last answer, when there was one.
    pub grpc_code: Option<i32>,
    /// Envoy's response flags (`NR`, `UH`, `UF`, …), when they are known.
    pub response_flags: Option<String>,
    /// The subset that answered, when the answer named it.
    pub subset: Option<String>,
    /// How many times the request was sent.
    pub attempts: u32,
    /// The time from the first attempt to the last answer.
    pub elapsed: std::time::Duration,
    /// Whether trying again may help.
    pub retryable: bool,
    /// `true` when the server may have seen the request, or a part of it, in the last attempt.
    pub sent: bool,
    /// `true` when time ran out: a timeout of this client, of the mesh (504) or of the server (`DEADLINE_EXCEEDED`), or
    /// the time given to a wait.
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
}

impl From<PredictError> for Error {
    fn from(error: PredictError) -> Self {
        Self::Predict(Box::new(error))
    }
}
