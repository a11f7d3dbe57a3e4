//! Servers of models: the settings of TensorFlow Serving, KServe's object, and warm-up files.

pub(crate) mod batching_parameters;
pub(crate) mod inference_service;
pub(crate) mod model_config;
pub(crate) mod model_server_config;
pub(crate) mod monitoring_config;
pub(crate) mod warm_up;
