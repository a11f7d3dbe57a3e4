//! The models of the lab's servers: the [`Model`] trait, scripted models and EfficientNet-Lite.

mod classifier;
mod efficientnet;
mod error;
mod files;
mod labels;
mod layers;
mod scripted;
mod served;
mod signature;
mod weights;

pub use classifier::{Classifier, Preprocessing};
pub use efficientnet::{CLASSES, EfficientNet, Variant};
pub use error::{Code, ModelError};
pub use files::{ClassNames, MODELS_VARIABLE, ModelFiles};
pub use labels::Labels;
pub use scripted::{Latency, Scripted};
pub use served::{Model, Tensors};
pub use signature::{DEFAULT_SIGNATURE, PREPROCESS_SIGNATURE, Signature, TensorInfo};
