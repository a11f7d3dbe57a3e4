#![doc = include_str!("../README.md")]
// On docs.rs each item says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(all(feature = "grpc", feature = "rollout"))]
mod configured;
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

#[cfg(all(feature = "grpc", feature = "rollout"))]
pub use configured::ConfiguredServers;
pub use error::{Error, Result};
#[cfg(feature = "rollout")]
pub use predictor::Sample;
pub use workload::{
    BatchingParameters, CONFIG_ANNOTATION, DeploymentMode, GRPC_PORT, InferenceService,
    ModelConfig, ModelServer, ModelServerConfig, MonitoringConfig, Predictor, REST_PORT,
    RequestLog, ServerSettings, Toleration, TrafficShare, VersionPolicy, Workload,
};
#[cfg(feature = "grpc")]
pub use workload::{MAX_WARM_UP_REQUESTS, WARM_UP_FILE, read_warm_up, write_warm_up};
