//! The moves of a label from one version to another, each a new configuration for a reload.
//!
//! A server gives labels before it loads versions, so that a label and the load of its version cannot be one reload: the
//! version is added first ([`ModelServerConfig::with_version`]), and labelled when it is available
//! ([`ModelServerConfig::with_label`]).

use super::{ModelConfig, ModelServerConfig, VersionPolicy};
use crate::{
    Error, Result,
    predict::{ModelStatus, State},
};

/// Labels and versions of one model; the other models stay as they are.
impl ModelServerConfig {
    /// The model of that name.
    ///
    /// ```
    /// use canary_core::serving::{ModelConfig, ModelServerConfig};
    ///
    /// let config = ModelServerConfig::new([ModelConfig::new("pets", "/models/pets")]);
    /// assert_eq!(config.model("pets")?.base_path, "/models/pets");
    /// assert!(config.model("cars").unwrap_err().to_string().ends_with("the config has \"pets\""));
    /// # Ok::<(), canary_core::serving::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`] with the names of the models that there are.
    pub fn model(&self, name: &str) -> Result<&ModelConfig> {
        self.models.iter().find(|model| model.name == name).ok_or_else(|| {
            let names: Vec<_> = self.models.iter().map(|one| format!("{:?}", one.name)).collect();
            let has = if names.is_empty() { "no model".to_owned() } else { names.join(", ") };
            Error::NotFound {
                object: format!("model {name:?}"),
                help: format!("the config has {has}"),
            }
        })
    }

    /// The same configuration with a further version of a model to serve; unchanged where it is served already.
    ///
    /// ```
    /// use canary_core::serving::{ModelConfig, ModelServerConfig, VersionPolicy};
    ///
    /// let pets = ModelConfig::new("pets", "/models/pets").policy(VersionPolicy::Specific(vec![41]));
    /// let both = ModelServerConfig::new([pets]).with_version("pets", 42)?;
    /// assert_eq!(both.models[0].policy, VersionPolicy::Specific(vec![41, 42]));
    /// # Ok::<(), canary_core::serving::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a model; [`Error::Input`] when its policy does not name the versions: the server
    /// itself then loads a new version and unloads an old one as soon as a folder appears.
    pub fn with_version(&self, model: &str, version: i64) -> Result<Self> {
        self.change(model, |config| {
            let mut versions = config.named_versions()?.to_vec();
            if !versions.contains(&version) {
                versions.push(version);
                versions.sort_unstable();
            }
            config.policy = VersionPolicy::Specific(versions);
            Ok(())
        })
    }

    /// The same configuration without a version of a model; unchanged where it is not served.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a model; [`Error::Input`] when a label names the version, when it is the last
    /// one, or when the policy does not name the versions.
    pub fn without_version(&self, model: &str, version: i64) -> Result<Self> {
        self.change(model, |config| {
            let mut versions = config.named_versions()?.to_vec();
            versions.retain(|served| *served != version);
            if let Some((label, _)) = config.labels.iter().find(|(_, named)| **named == version) {
                return Err(refused(config, &format!(
                    "version {version} has the label {label:?}, whose requests would fail; take the label away first"
                )));
            }
            if versions.is_empty() {
                return Err(refused(config, &format!(
                    "version {version} is the only one, and a model without versions serves nothing"
                )));
            }
            config.policy = VersionPolicy::Specific(versions);
            Ok(())
        })
    }

    /// The same configuration with a label of a model at a version; `status` is the model's status on the server that
    /// is to be reloaded.
    ///
    /// ```no_run
    /// use canary_core::{predict::Client, serving::ModelServerConfig};
    ///
    /// # async fn run(config: ModelServerConfig) -> canary_core::Result<()> {
    /// let client = Client::new("grpc://10.0.0.7:8500")?.model("pets");
    /// let config = config.with_label("pets", "canary", 42, &client.status().await?)?;
    /// client.reload(&config).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a model; [`Error::Input`] when the label is empty, when the configuration does
    /// not serve the version, or when it is not `AVAILABLE`: the server would refuse the whole configuration.
    pub fn with_label(
        &self,
        model: &str,
        label: &str,
        version: i64,
        status: &ModelStatus,
    ) -> Result<Self> {
        self.change(model, |config| {
            if label.is_empty() {
                return Err(refused(config, "the label is empty; name it, such as \"stable\""));
            }
            if !config.named_versions()?.contains(&version) {
                return Err(refused(config, &format!(
                    "the label {label:?} is for version {version}, which the config does not serve; add it by with_version \
                     first"
                )));
            }
            let state = status.state_of(version);
            if state != Some(State::Available) {
                let found = state
                    .map_or_else(|| "not known to the server".to_owned(), |state| state.to_string());
                return Err(refused(config, &format!(
                    "the label {label:?} is for version {version}, which is {found}; a server gives labels only to \
                     versions that are AVAILABLE: load it by a reload of its own, and wait"
                )));
            }
            config.labels.insert(label.to_owned(), version);
            Ok(())
        })
    }

    /// The same configuration without a label of a model; unchanged where the model has no such label.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a model.
    pub fn without_label(&self, model: &str, label: &str) -> Result<Self> {
        self.change(model, |config| {
            config.labels.remove(label);
            Ok(())
        })
    }

    fn change(
        &self,
        model: &str,
        change: impl FnOnce(&mut ModelConfig) -> Result<()>,
    ) -> Result<Self> {
        self.model(model)?;
        let mut changed = self.clone();
        let named = changed.models.iter_mut().find(|config| config.name == model);
        named.map_or(Ok(()), change)?;
        Ok(changed)
    }
}

impl ModelConfig {
    /// The versions that its policy names (`model_version_policy.specific.versions`).
    ///
    /// ```
    /// use canary_core::serving::{ModelConfig, VersionPolicy};
    ///
    /// let pets = ModelConfig::new("pets", "/models/pets");
    /// assert!(pets.named_versions().unwrap_err().to_string().contains("model_version_policy is latest 1"));
    /// assert_eq!(pets.policy(VersionPolicy::Specific(vec![41])).named_versions()?, [41]);
    /// # Ok::<(), canary_core::serving::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Input`] for a policy that leaves the choice to the server.
    pub fn named_versions(&self) -> Result<&[i64]> {
        let policy = match &self.policy {
            VersionPolicy::Specific(versions) => return Ok(versions),
            VersionPolicy::Latest(count) => format!("latest {count}"),
            VersionPolicy::All => "all".to_owned(),
        };
        Err(refused(
            self,
            &format!(
                "its model_version_policy is {policy}, with which the server itself chooses the versions when a folder \
             appears; name them: specific {{ versions: 41 }}"
            ),
        ))
    }
}

fn refused(config: &ModelConfig, reason: &str) -> Error {
    Error::Input { what: format!("model {:?}", config.name), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::status_of;

    fn config() -> ModelServerConfig {
        ModelServerConfig::new([
            ModelConfig::new("cars", "/models/cars").policy(VersionPolicy::Latest(2)),
            ModelConfig::new("pets", "/models/pets")
                .policy(VersionPolicy::Specific(vec![41]))
                .label("stable", 41),
        ])
    }

    #[test]
    fn a_canary_is_loaded_then_labelled_then_promoted() {
        let loading = config().with_version("pets", 42).unwrap();
        assert_eq!(loading.models[1].policy, VersionPolicy::Specific(vec![41, 42]));
        assert_eq!(loading.models[1].labels, config().models[1].labels, "no label yet");
        let status = status_of(&[(41, State::Available), (42, State::Available)]);
        let labelled = loading.with_label("pets", "canary", 42, &status).unwrap();
        assert_eq!(labelled.models[1].labels["canary"], 42);
        let promoted = labelled.with_label("pets", "stable", 42, &status).unwrap();
        let promoted = promoted.without_label("pets", "canary").unwrap();
        assert_eq!(
            promoted.models[1].labels.iter().collect::<Vec<_>>(),
            [(&"stable".to_owned(), &42)]
        );
        assert_eq!(promoted.models[1].policy, VersionPolicy::Specific(vec![41, 42]));
        let dropped = promoted.without_version("pets", 41).unwrap();
        assert_eq!(dropped.models[1].policy, VersionPolicy::Specific(vec![42]));
        for changed in [&loading, &labelled, &promoted, &dropped] {
            assert_eq!(changed.models[0], config().models[0], "the other model stays");
            assert!(changed.validate().is_empty(), "{}", changed.validate());
        }
    }

    #[test]
    fn a_label_waits_for_its_version() {
        let loading = config().with_version("pets", 42).unwrap();
        for (versions, said) in [
            (vec![(41, State::Available)], "not known to the server"),
            (vec![(42, State::Start)], "is START"),
            (vec![(42, State::Loading)], "is LOADING"),
            (vec![(42, State::Unloading)], "is UNLOADING"),
            (vec![(42, State::End)], "is END"),
        ] {
            let error =
                loading.with_label("pets", "canary", 42, &status_of(&versions)).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
        let status = status_of(&[(42, State::Available)]);
        let error = config().with_label("pets", "canary", 42, &status).unwrap_err().to_string();
        assert!(error.contains("does not serve"), "{error}");
        let error = loading.with_label("pets", "", 42, &status).unwrap_err().to_string();
        assert!(error.contains("is empty"), "{error}");
    }

    #[test]
    fn what_would_unload_or_surprise_is_refused() {
        let error = config().with_version("cars", 3).unwrap_err().to_string();
        assert!(error.contains("model_version_policy is latest 2"), "{error}");
        let error = config().without_version("pets", 41).unwrap_err().to_string();
        assert!(error.contains("has the label \"stable\""), "{error}");
        let bare = config().without_label("pets", "stable").unwrap();
        let error = bare.without_version("pets", 41).unwrap_err().to_string();
        assert!(error.contains("is the only one"), "{error}");
        let error = config().with_version("pet", 42).unwrap_err().to_string();
        assert!(error.contains("\"cars\", \"pets\""), "{error}");
        let error = ModelServerConfig::default().model("pets").unwrap_err().to_string();
        assert!(error.ends_with("the config has no model"), "{error}");
    }

    #[test]
    fn a_label_that_is_not_there_is_taken_away_without_change() {
        assert_eq!(config().without_label("pets", "canary").unwrap(), config());
        assert_eq!(config().with_version("pets", 41).unwrap(), config());
        assert_eq!(config().without_version("pets", 40).unwrap(), config());
    }
}
