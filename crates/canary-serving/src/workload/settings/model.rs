//! One model of a server: its folder, the versions that are served, and their labels.

use std::collections::BTreeMap;

use canary_istio::{Finding, Findings};
use canary_proto::tensorflow::serving::{
    self as wire,
    file_system_storage_path_source_config::{
        ServableVersionPolicy,
        servable_version_policy::{All, Latest, PolicyChoice, Specific},
    },
};
use serde::{Deserialize, Serialize};

/// The versions of a model that a server loads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum VersionPolicy {
    /// So many of the highest version numbers.
    Latest(u32),
    /// All versions in the folder.
    All,
    /// These versions.
    Specific(Vec<i64>),
}

impl Default for VersionPolicy {
    fn default() -> Self {
        Self::Latest(1)
    }
}

/// The log of a model's requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestLog {
    /// The kind of collector that the server was built with.
    pub collector: String,
    /// The beginning of the files' names.
    pub filename_prefix: String,
    /// The part of all requests that is logged, from 0 to 1.
    pub sampling_rate: f64,
}

/// One model of TensorFlow Serving.
///
/// ```
/// use canary_core::serving::{ModelConfig, VersionPolicy};
///
/// let pets = ModelConfig::new("pets", "gs://bucket/pets")
///     .policy(VersionPolicy::Specific(vec![41, 42]))
///     .label("stable", 41)
///     .label("canary", 42);
/// assert!(pets.validate().is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelConfig {
    /// The model's name in requests.
    pub name: String,
    /// The folder of its numbered versions: an absolute path, or a URI such as `gs://bucket/pets`.
    pub base_path: String,
    /// The framework that it is made with; `tensorflow` unless set.
    pub platform: String,
    /// The versions that are served; the highest one unless set.
    pub policy: VersionPolicy,
    /// Names of versions, such as `stable` and `canary`.
    pub labels: BTreeMap<String, i64>,
    /// The log of its requests, if there is one.
    pub log: Option<RequestLog>,
}

impl ModelConfig {
    /// A model with its name in requests and the folder of its versions.
    pub fn new(name: impl Into<String>, base_path: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            base_path: base_path.into(),
            platform: "tensorflow".to_owned(),
            policy: VersionPolicy::default(),
            labels: BTreeMap::new(),
            log: None,
        }
    }

    /// Chooses the versions that are served.
    #[must_use]
    pub fn policy(mut self, policy: VersionPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Gives a version a label, too; one that another version had moves to this one.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>, version: i64) -> Self {
        self.labels.insert(label.into(), version);
        self
    }

    /// Finds the mistakes for which a server would refuse the model, or never serve a label.
    pub fn validate(&self) -> Findings {
        let mut findings = Findings::new();
        let object = format!("model {:?}", self.name);
        let mut push = |finding: Finding, help: &str| {
            findings.push(finding.object(object.as_str()).help(help));
        };
        let error = |path: &str, problem: &str| Finding::error("C200", path, problem);
        if self.name.trim().is_empty() {
            push(error("name", "is empty"), "give the model's name in requests");
        }
        if !self.base_path.starts_with('/') && !self.base_path.contains("://") {
            push(
                error("base_path", "is neither an absolute path nor a URI").found(&self.base_path),
                "give the folder of the numbered versions, such as /models/pets or gs://bucket/pets",
            );
        }
        if self.platform.trim().is_empty() {
            push(error("model_platform", "is empty"), "write tensorflow");
        }
        let path = "model_version_policy";
        match &self.policy {
            VersionPolicy::Latest(0) => push(
                error(path, "serves no version").found("latest 0"),
                "serve the latest 1 or more",
            ),
            VersionPolicy::Specific(versions) if versions.is_empty() => {
                push(error(path, "names no version"), "name the versions to serve");
            }
            VersionPolicy::Specific(versions) => {
                if let Some(negative) = versions.iter().find(|&&version| version < 0) {
                    push(
                        error(path, "is not a version number").found(*negative),
                        "name folders of the model, whose names are numbers from 0 on",
                    );
                }
            }
            _ => {}
        }
        for (label, version) in &self.labels {
            let problem = if label.is_empty() {
                Some("is empty")
            } else if matches!(&self.policy, VersionPolicy::Specific(served) if !served.contains(version))
            {
                Some("names a version that is not served")
            } else {
                None
            };
            if let Some(problem) = problem {
                push(
                    error("version_labels", problem).found(format!("{label}: {version}")),
                    "label versions that model_version_policy serves",
                );
            }
        }
        if let Some(log) = &self.log
            && !(0.0..=1.0).contains(&log.sampling_rate)
        {
            push(
                error("logging_config", "does not sample a part of the requests")
                    .found(log.sampling_rate),
                "give a sampling rate from 0 to 1",
            );
        }
        findings
    }

    /// The model as TensorFlow Serving's message.
    pub fn to_message(&self) -> wire::ModelConfig {
        let choice = match &self.policy {
            VersionPolicy::Latest(1) => None,
            VersionPolicy::Latest(count) => {
                Some(PolicyChoice::Latest(Latest { num_versions: *count }))
            }
            VersionPolicy::All => Some(PolicyChoice::All(All {})),
            VersionPolicy::Specific(versions) => {
                Some(PolicyChoice::Specific(Specific { versions: versions.clone() }))
            }
        };
        wire::ModelConfig {
            name: self.name.clone(),
            base_path: self.base_path.clone(),
            model_platform: self.platform.clone(),
            model_version_policy: choice
                .map(|choice| ServableVersionPolicy { policy_choice: Some(choice) }),
            version_labels: self.labels.clone(),
            logging_config: self.log.as_ref().map(|log| wire::LoggingConfig {
                log_collector_config: Some(wire::LogCollectorConfig {
                    r#type: log.collector.clone(),
                    filename_prefix: log.filename_prefix.clone(),
                }),
                sampling_config: Some(wire::SamplingConfig { sampling_rate: log.sampling_rate }),
            }),
        }
    }

    /// The model of a message.
    pub(super) fn of_message(message: wire::ModelConfig) -> Self {
        let choice = message.model_version_policy.and_then(|policy| policy.policy_choice);
        Self {
            name: message.name,
            base_path: message.base_path,
            platform: message.model_platform,
            policy: match choice {
                None => VersionPolicy::default(),
                // 0 is what a file says that leaves the number out: the server takes 1.
                Some(PolicyChoice::Latest(latest)) => {
                    VersionPolicy::Latest(latest.num_versions.max(1))
                }
                Some(PolicyChoice::All(_)) => VersionPolicy::All,
                Some(PolicyChoice::Specific(specific)) => {
                    VersionPolicy::Specific(specific.versions)
                }
            },
            labels: message.version_labels,
            log: message.logging_config.map(|log| {
                let collector = log.log_collector_config.unwrap_or_default();
                RequestLog {
                    collector: collector.r#type,
                    filename_prefix: collector.filename_prefix,
                    sampling_rate: log.sampling_config.unwrap_or_default().sampling_rate,
                }
            }),
        }
    }
}
