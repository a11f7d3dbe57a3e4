#![doc = include_str!("../README.md")]
// On docs.rs each item says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod error;
#[cfg(feature = "image")]
pub mod image;
#[cfg(feature = "predict")]
pub mod predict;
#[cfg(feature = "rollout")]
mod predictor;
#[cfg(feature = "rollout")]
mod problem;
pub mod quantity;
#[cfg(feature = "store")]
pub mod store;
pub mod tensor;
mod workload;

pub use error::{Error, Result};
#[cfg(feature = "rollout")]
pub use predictor::Sample;
pub use workload::{CONFIG_ANNOTATION, GRPC_PORT, REST_PORT, Toleration, Workload};
