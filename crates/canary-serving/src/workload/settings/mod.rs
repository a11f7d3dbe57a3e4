//! The files that set up TensorFlow Serving: its models, their batches, and metrics.

mod batching;
#[cfg(feature = "predict")]
mod labels;
mod model;
mod models;
mod monitoring;
mod text_form;

pub use self::{
    batching::BatchingParameters,
    model::{ModelConfig, RequestLog, VersionPolicy},
    models::ModelServerConfig,
    monitoring::MonitoringConfig,
};

/// The folder in which a pod has the files.
const FOLDER: &str = "/etc/tf-serving";
const MODELS: &str = "models.config";
const BATCHING: &str = "batching.config";
const MONITORING: &str = "monitoring.config";

/// The files that a workload of TensorFlow Serving has beside its model, or in place of it.
///
/// A server reads them when it starts: a change of one of them makes new pods.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerSettings {
    /// Several models, their versions and labels, in place of the workload's one model.
    pub models: Option<ModelServerConfig>,
    /// Batches of requests.
    pub batching: Option<BatchingParameters>,
    /// Metrics for Prometheus.
    pub monitoring: Option<MonitoringConfig>,
}

impl ServerSettings {
    /// Returns `true` without any file.
    pub fn is_empty(&self) -> bool {
        self.models.is_none() && self.batching.is_none() && self.monitoring.is_none()
    }

    /// The files by name, in protobuf's text form.
    ///
    /// ```
    /// use canary_core::serving::{MonitoringConfig, ServerSettings};
    ///
    /// let mut settings = ServerSettings::default();
    /// settings.monitoring = Some(MonitoringConfig::default());
    /// assert!(settings.files()["monitoring.config"].contains("enable: true"));
    /// ```
    pub fn files(&self) -> std::collections::BTreeMap<String, String> {
        let models = self.models.as_ref().map(|models| (MODELS, models.to_text()));
        let batching = self.batching.as_ref().map(|batching| (BATCHING, batching.to_text()));
        let monitoring = self.monitoring.as_ref().map(|one| (MONITORING, one.to_text()));
        let files = [models, batching, monitoring].into_iter().flatten();
        files.map(|(name, text)| (name.to_owned(), text)).collect()
    }

    /// The folder of the files in a pod.
    pub(super) fn folder() -> &'static str {
        FOLDER
    }

    /// The arguments with which a server reads the files.
    pub(super) fn args(&self) -> Vec<String> {
        let mut args = Vec::new();
        if let Some(models) = &self.models {
            args.push(format!("--model_config_file={FOLDER}/{MODELS}"));
            if models.models.iter().any(|model| !model.labels.is_empty()) {
                // Without it a server that starts does not take labels: no version is loaded yet.
                args.push("--allow_version_labels_for_unavailable_models=true".to_owned());
            }
        }
        if self.batching.is_some() {
            args.push("--enable_batching=true".to_owned());
            args.push(format!("--batching_parameters_file={FOLDER}/{BATCHING}"));
        }
        if self.monitoring.is_some() {
            args.push(format!("--monitoring_config_file={FOLDER}/{MONITORING}"));
        }
        args
    }

    /// Finds the mistakes of all files; `object` names the workload.
    pub(super) fn validate(&self, object: &str) -> canary_istio::Findings {
        let models = self.models.iter().flat_map(ModelServerConfig::validate);
        let batching = self.batching.iter().flat_map(BatchingParameters::validate);
        let monitoring = self.monitoring.iter().flat_map(MonitoringConfig::validate);
        models.chain(batching).chain(monitoring).map(|finding| finding.object(object)).collect()
    }
}
