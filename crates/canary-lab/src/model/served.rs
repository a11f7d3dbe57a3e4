//! The contract between a server and its models.

use std::{fmt, time::Duration};

use canary_core::tensor::Tensor;

use super::{error::ModelError, signature::Signature};

/// Tensors by name, in the order of the signature.
pub type Tensors = Vec<(String, Tensor)>;

/// A model that a server of the lab can load.
///
/// The server reads the request, checks names and element types against the signature, and writes the response; the
/// model sees tensors only.
pub trait Model: fmt::Debug + Send + Sync + 'static {
    /// The signatures; their names are unique.
    fn signatures(&self) -> &[Signature];

    /// Answers one request.
    ///
    /// `signature` is one of [`Model::signatures`] and `inputs` holds its inputs in order, with the right element
    /// types; the model checks the shapes.
    ///
    /// # Errors
    /// A [`ModelError`], which the server turns into the HTTP status or gRPC code of `TensorFlow` Serving.
    fn predict(&self, signature: &str, inputs: Tensors) -> Result<Tensors, ModelError>;

    /// The time to wait before the next response, in addition to the work itself; drawn again at each call.
    fn wait(&self) -> Duration {
        Duration::ZERO
    }

    /// The time that a server takes to load the model, during which its pod is not ready.
    fn loading(&self) -> Duration {
        Duration::ZERO
    }

    /// Returns `true` when [`Model::predict`] takes so long that it needs a separate thread.
    fn is_heavy(&self) -> bool {
        true
    }
}
