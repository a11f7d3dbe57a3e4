//! The one error type: its variants say what a caller can do.

use crate::finding::Findings;

/// A boxed cause from a library below.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call did not do what it was asked to.
///
/// Each message is one lower-case line that names the thing, the place and the remedy; a cause from a library
/// below is in [`std::error::Error::source`], never also in the text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text is not the YAML or JSON of the object expected: correct the text.
    #[error("cannot read {what}: {reason}")]
    Manifest {
        /// The file or object that was being read.
        what: String,
        /// What is wrong, with line and column where they are known.
        reason: String,
    },
    /// An object breaks rules of the mesh: every finding is listed.
    #[error("{0}")]
    Invalid(Findings),
    /// An image, array or tensor cannot be used as it is: give another.
    #[error("{what}: {reason}")]
    Image {
        /// The file or argument.
        what: String,
        /// What is wrong with it, and what would do.
        reason: String,
    },
    /// A prediction failed; [`crate::error::PredictError::origin`] tells server, mesh and network apart.
    #[error("{0}")]
    Predict(Box<PredictError>),
    /// Somebody else changed the object meanwhile; nothing was overwritten.
    #[error("{object} was changed by someone else: {diff}{}", help_suffix(.help))]
    Conflict {
        /// The object, as `Kind namespace/name`.
        object: String,
        /// What differs from what was expected.
        diff: String,
        /// What to do about it; may be empty.
        help: String,
    },
    /// The named thing does not exist.
    #[error("{object} not found{}", help_suffix(.help))]
    NotFound {
        /// The object, as `Kind namespace/name`, or the file.
        object: String,
        /// What to do about it; may be empty.
        help: String,
    },
    /// The cluster, or the lab in its place, could not do what was asked.
    #[error("{action}: {reason}")]
    Cluster {
        /// What was being done, to which object.
        action: String,
        /// What went wrong, and what to do.
        reason: String,
        /// Whether trying again may help.
        retryable: bool,
        /// The cause, when a library below gave one.
        #[source]
        source: Option<BoxError>,
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
    /// A rollout plan cannot run as it is written, or its driver had to stop.
    #[error("the plan cannot run: {0}")]
    Plan(String),
}

fn help_suffix(help: &str) -> String {
    if help.is_empty() { String::new() } else { format!("; {help}") }
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

    /// Whether the same call may succeed when it is made again later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Predict(error) => error.retryable,
            Self::Cluster { retryable, .. } | Self::Store { retryable, .. } => *retryable,
            _ => false,
        }
    }
}

/// Who said no to a prediction.
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

/// A prediction that failed: who said no, with which status, after how many attempts and how long.
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
    /// Whether the server may have seen the request, or a part of it, in the last attempt.
    pub sent: bool,
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
