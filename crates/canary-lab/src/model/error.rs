//! Errors of models.

/// The kind of an error, with the names of `TensorFlow`'s and gRPC's canonical codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The request is not valid: 400.
    InvalidArgument,
    /// There is no such model, version or signature: 404.
    NotFound,
    /// The server is overloaded: 429.
    ResourceExhausted,
    /// The response came too late: 504.
    DeadlineExceeded,
    /// The server is not in the state that the request needs: 412.
    FailedPrecondition,
    /// The server is unavailable: 503.
    Unavailable,
    /// The model failed: 500.
    Internal,
}

impl Code {
    /// The HTTP status with which `TensorFlow` Serving's REST interface answers
    /// (`tensorflow_serving/util/net_http/server/public/response_code_enum.h` and `model_servers/http_rest_api_util.cc`).
    pub fn http_status(self) -> u16 {
        match self {
            Self::InvalidArgument => 400,
            Self::NotFound => 404,
            Self::FailedPrecondition => 412,
            Self::ResourceExhausted => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
            Self::DeadlineExceeded => 504,
        }
    }

    /// The name in TensorFlow Serving's statuses, such as `NOT_FOUND`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::NotFound => "NOT_FOUND",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }

    /// The gRPC status code (`grpc/doc/statuscodes.md`).
    pub fn grpc_code(self) -> i32 {
        match self {
            Self::InvalidArgument => 3,
            Self::DeadlineExceeded => 4,
            Self::NotFound => 5,
            Self::ResourceExhausted => 8,
            Self::FailedPrecondition => 9,
            Self::Internal => 13,
            Self::Unavailable => 14,
        }
    }
}

/// An error of a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct ModelError {
    /// The kind of the error.
    pub code: Code,
    /// The message, as the server sends it.
    pub message: String,
}

impl ModelError {
    /// An error of any kind.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// An invalid request.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }
}
