//! Bodies of requests.

use std::{borrow::Cow, fmt};

use bytes::Bytes;

#[cfg(feature = "grpc")]
use crate::predict::grpc;

/// The body of a request, as its protocol has it.
#[derive(Clone)]
pub(crate) enum Payload {
    Json(Bytes),
    /// JSON of that many bytes, and behind it the elements of arrays: the binary extension of the Open Inference
    /// Protocol.
    Binary {
        body: Bytes,
        json: usize,
    },
    #[cfg(feature = "grpc")]
    Message(grpc::Request),
}

impl Default for Payload {
    /// No body.
    fn default() -> Self {
        Self::Json(Bytes::new())
    }
}

impl fmt::Debug for Payload {
    /// Writes its size alone: it may be an image, or many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = match self {
            Self::Json(body) | Self::Binary { body, .. } => body.len(),
            #[cfg(feature = "grpc")]
            Self::Message(request) => request.len(),
        };
        write!(f, "{size} bytes")
    }
}

impl Payload {
    /// The body in one piece.
    pub(crate) fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Json(body) | Self::Binary { body, .. } => Cow::Borrowed(body),
            #[cfg(feature = "grpc")]
            Self::Message(request) => Cow::Owned(request.to_vec()),
        }
    }
}
