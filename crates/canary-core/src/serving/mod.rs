//! The Kubernetes objects that serve one version of a model with TensorFlow Serving, and copies of the models
//! themselves (`store`).

pub(crate) mod quantity;
#[cfg(feature = "store")]
pub mod store;
mod workload;

pub use workload::{CONFIG_ANNOTATION, GRPC_PORT, REST_PORT, Workload};
