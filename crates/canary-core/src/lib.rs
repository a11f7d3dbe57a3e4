#![doc = include_str!("../README.md")]
// On docs.rs each item says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod error;

#[doc(inline)]
pub use canary_istio::{
    Decision, DestinationRule, Finding, Findings, Gateway, Manifest, Mesh, Object, Request,
    Severity, VirtualService, analyze, finding, gateway_api, manifest, names, networking as istio,
    route, validate,
};
#[cfg(feature = "metrics")]
#[doc(inline)]
pub use canary_metrics as metrics;
#[cfg(feature = "notify")]
#[doc(inline)]
pub use canary_notify as notify;
#[doc(inline)]
pub use canary_rollout::{self as rollout, Plan, Verdict};
#[cfg(feature = "image")]
#[doc(inline)]
pub use canary_serving::image;
#[cfg(feature = "predict")]
#[doc(inline)]
pub use canary_serving::predict;
#[doc(inline)]
pub use canary_serving::tensor;
#[doc(inline)]
pub use canary_stats as stats;
pub use error::{Error, Result};

/// Clusters, their objects, and the driver of a rollout.
pub mod cluster {
    #[cfg(feature = "cluster")]
    #[doc(inline)]
    pub use canary_kube::*;
    #[doc(inline)]
    pub use canary_rollout::cluster::*;
}

/// Sources of observations of a rollout.
pub mod evidence {
    #[cfg(feature = "prometheus")]
    #[doc(inline)]
    pub use canary_kube::prometheus;
    #[doc(inline)]
    pub use canary_rollout::evidence::*;
    #[cfg(feature = "predict")]
    #[doc(inline)]
    pub use canary_serving::Sample;
}

/// The Kubernetes objects that serve one version of a model with TensorFlow Serving or another model server, its
/// settings, and copies of models.
pub mod serving {
    #[cfg(feature = "grpc")]
    #[doc(inline)]
    pub use canary_serving::ConfiguredServers;
    #[cfg(feature = "store")]
    #[doc(inline)]
    pub use canary_serving::store;
    #[doc(inline)]
    pub use canary_serving::{
        BatchingParameters, CONFIG_ANNOTATION, DeploymentMode, Error, GRPC_PORT, InferenceService,
        ModelConfig, ModelServer, ModelServerConfig, MonitoringConfig, Predictor, REST_PORT,
        RequestLog, Result, ServerSettings, Toleration, TrafficShare, VersionPolicy, Workload,
    };
    #[cfg(feature = "grpc")]
    #[doc(inline)]
    pub use canary_serving::{MAX_WARM_UP_REQUESTS, WARM_UP_FILE, read_warm_up, write_warm_up};
}
