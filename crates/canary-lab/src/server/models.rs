//! The models of one server: their versions with their states, their labels, and the choice of a version by a request.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::served::{Choice, Served};
use crate::model::{Code, ModelError};

/// The state of one version.
#[derive(Clone, Debug)]
pub(crate) enum State {
    Start,
    Loading,
    Available(Arc<Served>),
    /// Unloaded, or not loaded for this reason.
    End(Option<ModelError>),
}

impl State {
    /// The name in TensorFlow Serving's statuses.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Start => "START",
            Self::Loading => "LOADING",
            Self::Available(_) => "AVAILABLE",
            Self::End(_) => "END",
        }
    }

    fn served(&self) -> Option<&Arc<Served>> {
        match self {
            Self::Available(served) => Some(served),
            _ => None,
        }
    }
}

/// The versions and labels of one model.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    pub(crate) states: BTreeMap<i64, State>,
    pub(crate) labels: BTreeMap<String, i64>,
}

impl Versions {
    pub(crate) fn is_available(&self, version: i64) -> bool {
        matches!(self.states.get(&version), Some(State::Available(_)))
    }
}

/// All models of one server.
#[derive(Debug, Default)]
pub(crate) struct Models(RwLock<BTreeMap<String, Versions>>);

impl Models {
    /// The models of a server that never changes them.
    pub(crate) fn new(served: impl IntoIterator<Item = Served>) -> Self {
        let mut models: BTreeMap<String, Versions> = BTreeMap::new();
        for one in served {
            let versions = models.entry(one.name.clone()).or_default();
            for label in &one.labels {
                versions.labels.insert(label.clone(), one.version);
            }
            versions.states.insert(one.version, State::Available(Arc::new(one)));
        }
        Self(RwLock::new(models))
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Versions>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Versions>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The version that answers a prediction.
    pub(crate) fn find(&self, name: &str, choice: &Choice) -> Result<Arc<Served>, ModelError> {
        let missing = |request: String| {
            ModelError::new(Code::NotFound, format!("Servable not found for request: {request}"))
        };
        let models = self.read();
        let versions = models.get(name);
        let numbered = |version: i64| {
            versions
                .and_then(|versions| versions.states.get(&version)?.served())
                .cloned()
                .ok_or_else(|| missing(format!("Specific({name}, {version})")))
        };
        match choice {
            Choice::Latest => versions
                .and_then(|versions| versions.states.values().rev().find_map(State::served))
                .cloned()
                .ok_or_else(|| missing(format!("Latest({name})"))),
            Choice::Version(version) => numbered(*version),
            Choice::Label(label) => {
                let version = versions.and_then(|versions| versions.labels.get(label));
                version.map_or_else(
                    || {
                        let reason = format!("Unrecognized servable version label: {label}");
                        Err(ModelError::invalid(reason))
                    },
                    // The version may have been dropped under its label.
                    |version| numbered(*version),
                )
            }
        }
    }

    /// The versions that a status request is about with their states, newest first. It ignores labels, as TensorFlow
    /// Serving does, even unknown ones.
    pub(crate) fn status(
        &self,
        name: &str,
        choice: &Choice,
    ) -> Result<Vec<(i64, State)>, ModelError> {
        let models = self.read();
        let states = models.get(name).map(|versions| &versions.states);
        let listed: Vec<(i64, State)> = states
            .into_iter()
            .flatten()
            .rev()
            .filter(|(version, _)| !matches!(choice, Choice::Version(asked) if asked != *version))
            .map(|(version, state)| (*version, state.clone()))
            .collect();
        if listed.is_empty() {
            let which = match choice {
                Choice::Version(version) => format!("version {version}"),
                _ => "any versions".to_owned(),
            };
            let message = format!("Could not find {which} of model {name}");
            return Err(ModelError::new(Code::NotFound, message));
        }
        Ok(listed)
    }

    /// The models of which a version is available.
    pub(crate) fn available(&self) -> BTreeSet<String> {
        let models = self.read();
        let available = models
            .iter()
            .filter(|(_, versions)| versions.states.values().any(|state| state.served().is_some()));
        available.map(|(name, _)| name.clone()).collect()
    }
}
