//! One version of a model on a server, and the version that a request names.

use std::sync::Arc;

use crate::model::Model;

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
