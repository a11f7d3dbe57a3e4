//! Two versions of one model in the same TensorFlow Serving, told apart by their labels.

use serde::{Deserialize, Serialize};

use crate::cluster::ObjectRef;

/// A version of a model that one set of TensorFlow Servings serves beside the present one, under a label of its own.
///
/// A plan's `stable` and `canary` are the labels. No traffic is divided, because a mesh cannot weight labels: only the
/// rollout itself asks for the canary's label, and compares both labels on the same inputs at weight 0. The promotion moves
/// the stable label to the new version, for all clients at once; the old version stays loaded.
///
/// Clients must ask for the stable label (`/v1/models/NAME/labels/stable`, `version_label` over gRPC): a request without
/// a label is answered by the highest version that is loaded, and so by the canary from the moment it is loaded.
///
/// ```
/// use canary_core::rollout::{Target, VersionLabels};
///
/// let target = VersionLabels::new("pets", 42).deployment("classifiers-v1").service("classifiers");
/// assert_eq!(target.config_map_ref().to_string(), "ConfigMap default/classifiers-v1-configs");
/// assert_eq!(serde_json::to_value(Target::from(target))?, serde_json::json!({
///     "namespace": "default",
///     "versionLabels": {
///         "model": "pets", "version": 42, "deployment": "classifiers-v1", "service": "classifiers",
///     },
/// }));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
#[non_exhaustive]
pub struct VersionLabels {
    /// The namespace of the objects; `default` unless set.
    pub namespace: String,
    /// The name of the model in the model config (`model_config_list.config[].name`).
    pub model: String,
    /// The number of the version that is released (the name of its folder).
    pub version: i64,
    /// The name of the `Deployment` of the servers.
    pub deployment: String,
    /// The name of the `Service` whose endpoints are the servers.
    pub service: String,
    /// The name of the `ConfigMap` that holds the model config file; unless set, the `Deployment`'s name with `-configs`,
    /// as a [`Workload`] names it.
    ///
    /// [`Workload`]: https://docs.rs/canary-core/latest/canary_core/serving/struct.Workload.html
    pub config_map: String,
    /// The key of the file in the `ConfigMap`'s `data`; `models.config` unless set.
    pub file: String,
}

/// The fields in a plan's text, which leaves out what is usual; the namespace is the target's.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    model: String,
    version: i64,
    deployment: String,
    service: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    config_map: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

impl From<Written> for VersionLabels {
    fn from(written: Written) -> Self {
        let Written { model, version, deployment, service, config_map, file } = written;
        let mut labels = Self::new(model, version).deployment(deployment).service(service);
        labels.config_map = config_map.unwrap_or(labels.config_map);
        labels.file = file.unwrap_or(labels.file);
        labels
    }
}

impl From<VersionLabels> for Written {
    fn from(labels: VersionLabels) -> Self {
        let usual = VersionLabels::new("", 0).deployment(&*labels.deployment);
        Self {
            config_map: (labels.config_map != usual.config_map).then_some(labels.config_map),
            file: (labels.file != usual.file).then_some(labels.file),
            model: labels.model,
            version: labels.version,
            deployment: labels.deployment,
            service: labels.service,
        }
    }
}

impl VersionLabels {
    /// The label of the version that clients are served, unless a plan names another.
    pub const STABLE: &str = "stable";
    /// The label of the version that is released, unless a plan names another.
    pub const CANARY: &str = "canary";

    /// A version of a model, in namespace `default`; name the servers with [`VersionLabels::deployment`] and
    /// [`VersionLabels::service`].
    pub fn new(model: impl Into<String>, version: i64) -> Self {
        Self {
            namespace: "default".to_owned(),
            model: model.into(),
            version,
            deployment: String::new(),
            service: String::new(),
            config_map: usual_config_map(""),
            file: "models.config".to_owned(),
        }
    }

    /// Sets the namespace of the objects.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Names the `Deployment` of the servers, and with it the `ConfigMap`, unless that was set.
    #[must_use]
    pub fn deployment(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        if self.config_map == usual_config_map(&self.deployment) {
            self.config_map = usual_config_map(&name);
        }
        self.deployment = name;
        self
    }

    /// Names the `Service` whose endpoints are the servers.
    #[must_use]
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.service = name.into();
        self
    }

    /// Names the `ConfigMap` that holds the model config file, and the file's key in its `data`.
    #[must_use]
    pub fn file(mut self, config_map: impl Into<String>, key: impl Into<String>) -> Self {
        (self.config_map, self.file) = (config_map.into(), key.into());
        self
    }

    /// The `ConfigMap` that holds the model config file, and with it the state of the rollout.
    pub fn config_map_ref(&self) -> ObjectRef {
        ObjectRef::new("v1", "ConfigMap", &self.namespace, &self.config_map)
    }

    /// The `Deployment` of the servers.
    pub fn deployment_ref(&self) -> ObjectRef {
        ObjectRef::new("apps/v1", "Deployment", &self.namespace, &self.deployment)
    }
}

fn usual_config_map(deployment: &str) -> String {
    format!("{deployment}-configs")
}
