//! How a model refuses.

/// Why a request was not answered, with the names of `TensorFlow`'s and gRPC's canonical codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The request cannot be answered as it is: 400.
    InvalidArgument,
    /// There is no such model, version or signature: 404.
    NotFound,
    /// The server has too much to do: 429.
    ResourceExhausted,
    /// The answer came too late: 504.
    DeadlineExceeded,
    /// The server cannot answer now: 503.
    Unavailable,
    /// The model is broken: 500.
    Internal,
}

impl Code {
    /// The HTTP status with which `TensorFlow` Serving's REST interface answers
    /// (`tensorflow_serving/util/net_http/server/public/response_code_enum.h` and `model_servers/http_rest_api_util.cc`).
    pub fn http_status(self) -> u16 {
        match self {
            Self::InvalidArgument => 400,
            Self::NotFound => 404,
            Self::ResourceExhausted => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
            Self::DeadlineExceeded => 504,
        }
    }

    /// The gRPC status code (`grpc/doc/statuscodes.md`).
    pub fn grpc_code(self) -> i32 {
        match self {
            Self::InvalidArgument => 3,
            Self::DeadlineExceeded => 4,
            Self::NotFound => 5,
            Self::ResourceExhausted => 8,
            Self::Internal => 13,
            Self::Unavailable => 14,
        }
    }
}

/// A request that a model refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct ModelError {
    /// The kind of refusal.
    pub code: Code,
    /// What is wrong, as the server will say it.
    pub message: String,
}

impl ModelError {
    /// A refusal of any kind.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The request cannot be answered as it is.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }
}
