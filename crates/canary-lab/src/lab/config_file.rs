//! The model config file of a Deployment: the ConfigMap that is mounted where the server reads it.

use canary_core::{
    cluster::ObjectRef,
    rollout::{Error, Result},
    serving::ModelServerConfig,
};
use serde_json::Value;

use crate::store::Store;

/// The model config file of a container, and the flag for its labels.
#[derive(Clone, Debug)]
pub(super) struct ConfigFile {
    pub(super) config: ModelServerConfig,
    /// `--allow_version_labels_for_unavailable_models`.
    pub(super) allows_unavailable: bool,
}

impl ConfigFile {
    /// Reads the file at `path` in the pods of a Deployment.
    ///
    /// # Errors
    /// [`Error::Istio`] when no ConfigMap is mounted there, or the text is not a model config; [`Error::NotFound`] when
    /// the ConfigMap or its key is missing.
    pub(super) fn read(
        store: &Store,
        namespace: &str,
        template: &Value,
        path: &str,
        allows: Option<&str>,
    ) -> Result<Self> {
        let spec = &template["spec"];
        let mounts = spec["containers"][0]["volumeMounts"].as_array().into_iter().flatten();
        let mounted = mounts.filter_map(|mount| {
            let folder = mount["mountPath"].as_str()?.trim_end_matches('/');
            let file = path.strip_prefix(folder)?.strip_prefix('/')?;
            Some((folder.len(), mount["name"].as_str()?, file))
        });
        let none = || {
            let reason = format!("--model_config_file={path}, where no ConfigMap is mounted");
            Error::manifest("spec.template.spec.containers[0].args", reason)
        };
        let (_, volume, file) = mounted.max_by_key(|(depth, ..)| *depth).ok_or_else(none)?;
        let mut volumes = spec["volumes"].as_array().into_iter().flatten();
        let source = volumes.find(|one| one["name"] == volume).ok_or_else(none)?;
        let source = &source["configMap"];
        let name = source["name"].as_str().ok_or_else(none)?;
        let mut items = source["items"].as_array().into_iter().flatten();
        let key = items.find(|item| item["path"] == file).and_then(|item| item["key"].as_str());
        let key = key.unwrap_or(file);
        let object = ObjectRef::new("v1", "ConfigMap", namespace, name);
        let missing = |object: String| Error::NotFound {
            object,
            help: "apply it; the server reads its model config from it".to_owned(),
        };
        let map = store.get_now(&object).ok_or_else(|| missing(object.to_string()))?;
        let text = map["data"][key].as_str();
        let text = text.ok_or_else(|| missing(format!("key {key} of {object}")))?;
        Ok(Self {
            config: text.parse::<ModelServerConfig>()?,
            allows_unavailable: allows.is_some_and(|value| matches!(value, "true" | "1")),
        })
    }
}
