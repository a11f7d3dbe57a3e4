//! What stands behind a model server: the [`Model`] trait, scripted models and EfficientNet-Lite.

mod classifier;
mod efficientnet;
mod error;
mod files;
mod labels;
mod layers;
mod scripted;
mod signature;
mod weights;

use std::{fmt, time::Duration};

use canary_core::tensor::Tensor;

pub use classifier::{Classifier, Preprocessing};
pub use efficientnet::{CLASSES, EfficientNet, Variant};
pub use error::{Code, ModelError};
pub use files::{ClassNames, MODELS_VARIABLE, ModelFiles};
pub use labels::Labels;
pub use scripted::{Latency, Scripted};
pub use signature::{DEFAULT_SIGNATURE, PREPROCESS_SIGNATURE, Signature, TensorInfo};

/// Tensors by name, in the order of the signature.
pub type Tensors = Vec<(String, Tensor)>;

/// A model that a server of the lab can load.
///
/// The server reads the request, checks names and element types against the signature, and writes the answer; the
/// model sees tensors only.
pub trait Model: fmt::Debug + Send + Sync + 'static {
    /// The signatures that may be asked for; the names are unique.
    fn signatures(&self) -> &[Signature];

    /// Answers one request.
    ///
    /// `signature` is one of [`Model::signatures`] and `inputs` holds its inputs in order, with the right element
    /// types; the shapes are the model's to check.
    ///
    /// # Errors
    /// A [`ModelError`], which the server turns into the HTTP status or gRPC code of `TensorFlow` Serving.
    fn predict(&self, signature: &str, inputs: Tensors) -> Result<Tensors, ModelError>;

    /// How long to wait before answering the next request, beyond the work itself; drawn anew at each call.
    fn wait(&self) -> Duration {
        Duration::ZERO
    }

    /// How long a server takes to load the model, during which its pod is not ready.
    fn loading(&self) -> Duration {
        Duration::ZERO
    }

    /// Whether [`Model::predict`] computes for long enough to need a thread of its own.
    fn is_heavy(&self) -> bool {
        true
    }
}
