//! Reloads of a server's models, as TensorFlow Serving carries them out: it checks the configuration, then gives the
//! labels, then loads and unloads.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use canary_core::serving::{ModelServerConfig, VersionPolicy};

use super::{
    folders::{Folder, Folders},
    models::{Models, State},
    served::Served,
};
use crate::model::{Code, ModelError};

/// The time between two looks at the folders; TensorFlow Serving's own default is a second.
const POLL: Duration = Duration::from_millis(20);

/// The settings of a server whose models can be replaced.
#[derive(Debug)]
pub(crate) struct Reloads {
    pub(crate) models: Arc<Models>,
    folders: Folders,
    /// `--allow_version_labels_for_unavailable_models`.
    allows_unavailable: bool,
    config: Mutex<ModelServerConfig>,
    /// One reload at a time, as in TensorFlow Serving.
    turn: tokio::sync::Mutex<()>,
    pub(crate) refuses: AtomicBool,
}

impl Reloads {
    pub(crate) fn new(folders: Folders, allows_unavailable: bool) -> Arc<Self> {
        let reloads = Arc::new(Self {
            models: Arc::default(),
            folders,
            allows_unavailable,
            config: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            refuses: AtomicBool::new(false),
        });
        tokio::spawn(poll(Arc::downgrade(&reloads)));
        reloads
    }

    /// Replaces the models. A success says that the configuration is accepted; only new model names are waited for.
    pub(crate) async fn reload(&self, config: ModelServerConfig) -> Result<(), ModelError> {
        if self.refuses.load(Ordering::Relaxed) {
            return Err(ModelError::new(Code::Internal, "the script says that reloads fail"));
        }
        let _turn = self.turn.lock().await;
        check(&config)?;
        let known: BTreeSet<String> = self.models.read().keys().cloned().collect();
        self.give_labels(&config)?;
        let names: Vec<String> = config.models.iter().map(|model| model.name.clone()).collect();
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = config;
        self.look();
        for name in names.iter().filter(|name| !known.contains(*name)) {
            self.wait_for(name).await?;
        }
        Ok(())
    }

    /// Replaces all labels, or none: each must be of an available version, unless the server allows new labels of others.
    fn give_labels(&self, config: &ModelServerConfig) -> Result<(), ModelError> {
        let mut models = self.models.write();
        for model in &config.models {
            let now = models.get(&model.name);
            for (label, version) in &model.labels {
                let moved =
                    now.and_then(|now| now.labels.get(label)).is_some_and(|at| at != version);
                let available = now.is_some_and(|now| now.is_available(*version));
                if !available && (moved || !self.allows_unavailable) {
                    return Err(ModelError::new(
                        Code::FailedPrecondition,
                        format!(
                            "Request to assign label {label} to version {version} of model {}, which is not \
                             currently available for inference",
                            model.name
                        ),
                    ));
                }
            }
        }
        for versions in models.values_mut() {
            versions.labels.clear();
        }
        for model in &config.models {
            models.entry(model.name.clone()).or_default().labels.clone_from(&model.labels);
        }
        Ok(())
    }

    /// Waits until a version of a model is available.
    async fn wait_for(&self, name: &str) -> Result<(), ModelError> {
        loop {
            if self.models.available().contains(name) {
                return Ok(());
            }
            if let Some(error) = self.failure_of(name) {
                return Err(error);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The reason why no version of a model will be available, if all have ended.
    fn failure_of(&self, name: &str) -> Option<ModelError> {
        let models = self.models.read();
        let states = models.get(name).map(|versions| &versions.states);
        let states: Vec<&State> = states.into_iter().flatten().map(|(_, state)| state).collect();
        if states.is_empty() {
            let message = format!("No versions of servable {name} found under base path");
            return Some(ModelError::new(Code::NotFound, message));
        }
        let mut failures = states.iter().map(|state| match state {
            State::End(Some(error)) => Some(error.clone()),
            _ => None,
        });
        failures.clone().all(|failure| failure.is_some()).then(|| failures.next().flatten())?
    }

    /// Compares the configuration with the folders: begins to load what is to be served, and unloads the rest once a
    /// version that is to be served is available.
    fn look(&self) {
        let config = self.config.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut models = self.models.write();
        models.retain(|name, _| config.models.iter().any(|model| model.name == *name));
        for model in &config.models {
            let folders = self.folders.under(&model.base_path);
            let wanted: BTreeSet<i64> = match &model.policy {
                VersionPolicy::Specific(versions) => {
                    versions.iter().copied().filter(|one| folders.contains_key(one)).collect()
                }
                VersionPolicy::Latest(count) => {
                    let count = usize::try_from(*count).unwrap_or(usize::MAX);
                    folders.keys().rev().take(count).copied().collect()
                }
                _ => folders.keys().copied().collect(),
            };
            let versions = models.entry(model.name.clone()).or_default();
            let ready = wanted.iter().any(|version| versions.is_available(*version));
            for (version, state) in &mut versions.states {
                if !wanted.contains(version) && (ready || wanted.is_empty()) {
                    *state = State::End(None);
                }
            }
            for version in wanted {
                let known = versions.states.get(&version);
                if !matches!(known, None | Some(State::End(None))) {
                    continue;
                }
                versions.states.insert(version, State::Start);
                if let Some(folder) = folders.get(&version).cloned() {
                    let models = Arc::downgrade(&self.models);
                    tokio::spawn(load(models, model.name.clone(), version, folder));
                }
            }
        }
    }

    /// Waits until a version of each model is available, as a server does before it opens its ports.
    pub(crate) async fn wait_for_all(&self) -> Result<(), ModelError> {
        let config = self.config.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for model in &config.models {
            self.wait_for(&model.name).await?;
        }
        Ok(())
    }
}

/// Refuses what TensorFlow Serving refuses: it unloads all when it is given no model, and takes a label of a version that
/// it drops by the same configuration.
fn check(config: &ModelServerConfig) -> Result<(), ModelError> {
    let findings = config.validate();
    let mut wrong = findings
        .iter()
        .filter(|finding| finding.path != "models" && !finding.path.ends_with("version_labels"));
    wrong.next().map_or(Ok(()), |finding| Err(ModelError::invalid(finding.to_string())))
}

/// Looks at the folders until the server is gone.
async fn poll(reloads: Weak<Reloads>) {
    loop {
        tokio::time::sleep(POLL).await;
        let Some(reloads) = reloads.upgrade() else { return };
        reloads.look();
    }
}

/// Loads a version, unless the server is gone or has dropped it meanwhile.
async fn load(models: Weak<Models>, name: String, version: i64, folder: Folder) {
    let set = |state: State| {
        let Some(models) = models.upgrade() else { return };
        let mut models = models.write();
        let now = models.get_mut(&name).and_then(|versions| versions.states.get_mut(&version));
        if let Some(now) = now.filter(|now| matches!(now, State::Start | State::Loading)) {
            *now = state;
        }
    };
    set(State::Loading);
    match folder {
        Folder::Model(model) => {
            tokio::time::sleep(model.loading()).await;
            let served = Served::shared(name.clone(), model).version(version);
            set(State::Available(Arc::new(served)));
        }
        Folder::Broken(message) => {
            set(State::End(Some(ModelError::new(Code::Internal, message))));
        }
    }
}
