//! The calls on model servers that a rollout of labels needs.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;

use super::Replica;
use crate::Result;

/// The versions of one model that a configuration serves, and their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelLabels {
    /// The versions that the policy names (`model_version_policy.specific.versions`), in rising order.
    pub versions: Vec<i64>,
    /// The version of each label (`version_labels`).
    pub labels: BTreeMap<String, i64>,
}

impl ModelLabels {
    /// The same with a further version.
    #[must_use]
    pub fn with_version(mut self, version: i64) -> Self {
        if !self.versions.contains(&version) {
            self.versions.push(version);
            self.versions.sort_unstable();
        }
        self
    }

    /// The same with a label at a version.
    #[must_use]
    pub fn with_label(mut self, label: &str, version: i64) -> Self {
        self.labels.insert(label.to_owned(), version);
        self
    }
}

/// A version as a server reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedVersion {
    /// The version's number.
    pub version: i64,
    /// `true` when it takes requests (`AVAILABLE`).
    pub available: bool,
    /// `true` when it has ended (`END`): it was unloaded, or could not be loaded.
    pub ended: bool,
    /// `true` when it has ended with an error: it could not be loaded, and the server does not try again.
    pub failed: bool,
    /// Its state and the server's error, in words, such as `LOADING` or `END (no such op)`.
    pub state: String,
}

/// The model servers of a rollout by labels: their configuration as text, and the calls on each of them.
///
/// The client of `canary-serving` implements it over TensorFlow Serving's gRPC (`ConfiguredServers`).
///
/// # Errors
/// Each call on a server gives [`crate::Error::Cluster`], retryable when it may succeed later; its text names the server
/// and the party that refused.
pub trait ModelServers: Send + Sync {
    /// Reads the versions and labels of a model from the text of a model config file.
    ///
    /// # Errors
    /// [`crate::Error::Istio`] or [`crate::Error::Plan`] when it is not such a text, has no such model, or does not name
    /// the model's versions.
    fn read(&self, text: &str, model: &str) -> Result<ModelLabels>;

    /// The text with other versions and labels of a model; every other model and setting stays as it is.
    ///
    /// # Errors
    /// As [`ModelServers::read`].
    fn write(&self, text: &str, model: &str, labels: &ModelLabels) -> Result<String>;

    /// Reads the states of a model's versions from a server; none when it does not know the model.
    fn versions<'a>(
        &'a self,
        server: &'a Replica,
        model: &'a str,
    ) -> BoxFuture<'a, Result<Vec<ServedVersion>>>;

    /// Asks a server which version a label leads to; `None` when it does not know the label.
    fn labelled<'a>(
        &'a self,
        server: &'a Replica,
        model: &'a str,
        label: &'a str,
    ) -> BoxFuture<'a, Result<Option<i64>>>;

    /// Replaces the configuration of a server by that of the text. A success says that it is accepted; versions are loaded
    /// later.
    fn reload<'a>(&'a self, server: &'a Replica, text: &'a str) -> BoxFuture<'a, Result<()>>;
}
