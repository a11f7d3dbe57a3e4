//! The models of one server, and the choice of a version by a request.

use std::{collections::BTreeMap, sync::Arc};

use crate::model::{Code, Model, ModelError};

/// One loaded version of a model.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Served {
    /// The model's name in request paths.
    pub name: String,
    /// The version number.
    pub version: i64,
    /// Labels of this version.
    pub labels: Vec<String>,
    /// The model itself.
    pub model: Arc<dyn Model>,
}

impl Served {
    /// Version 1 of a model, without labels.
    pub fn new(name: impl Into<String>, model: impl Model) -> Self {
        Self::shared(name, Arc::new(model))
    }

    /// Version 1 of a model that other servers use too, without labels.
    pub fn shared(name: impl Into<String>, model: Arc<dyn Model>) -> Self {
        Self { name: name.into(), version: 1, labels: Vec::new(), model }
    }

    /// Sets the version number.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.version = version;
        self
    }

    /// Adds a label to this version.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.labels.push(label.into());
        self
    }
}

/// The version of a model that a request names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Latest,
    Version(i64),
    Label(String),
}

/// All models of one server.
#[derive(Debug)]
pub(crate) struct Models(BTreeMap<String, BTreeMap<i64, Served>>);

impl Models {
    pub(crate) fn new(served: impl IntoIterator<Item = Served>) -> Self {
        let mut models: BTreeMap<String, BTreeMap<i64, Served>> = BTreeMap::new();
        for one in served {
            models.entry(one.name.clone()).or_default().insert(one.version, one);
        }
        Self(models)
    }

    /// The version that answers a prediction.
    pub(crate) fn find(&self, name: &str, choice: &Choice) -> Result<&Served, ModelError> {
        let missing = |asked: String| {
            ModelError::new(Code::NotFound, format!("Servable not found for request: {asked}"))
        };
        let versions = self.0.get(name);
        match choice {
            Choice::Latest => versions
                .and_then(|versions| versions.values().next_back())
                .ok_or_else(|| missing(format!("Latest({name})"))),
            Choice::Version(version) => versions
                .and_then(|versions| versions.get(version))
                .ok_or_else(|| missing(format!("Specific({name}, {version})"))),
            Choice::Label(label) => versions
                .and_then(|versions| versions.values().find(|one| one.labels.contains(label)))
                .ok_or_else(|| {
                    ModelError::invalid(format!("Unrecognized servable version label: {label}"))
                }),
        }
    }

    /// The versions that a status request is about, newest first.
    pub(crate) fn status(&self, name: &str, choice: &Choice) -> Result<Vec<&Served>, ModelError> {
        let none = |which: String| {
            ModelError::new(Code::NotFound, format!("Could not find {which} of model {name}"))
        };
        match choice {
            Choice::Latest => self
                .0
                .get(name)
                .map(|versions| versions.values().rev().collect())
                .ok_or_else(|| none("any versions".to_owned())),
            Choice::Version(version) => self
                .find(name, choice)
                .map(|one| vec![one])
                .map_err(|_| none(format!("version {version}"))),
            Choice::Label(_) => self.find(name, choice).map(|one| vec![one]),
        }
    }
}
