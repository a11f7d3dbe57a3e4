//! The Kubernetes objects that serve one version of a model with TensorFlow Serving.

pub(crate) mod quantity;
mod workload;

pub use workload::{GRPC_PORT, REST_PORT, Workload};
