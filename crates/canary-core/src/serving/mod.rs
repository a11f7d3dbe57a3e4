//! The Kubernetes objects that serve one version of a model with TensorFlow Serving.

mod workload;

pub use workload::{GRPC_PORT, REST_PORT, Workload};
