//! The numbered version folders of models, as a model server's disk has them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::model::Model;

/// One version folder: a model, or the reason why it cannot be loaded.
#[derive(Clone, Debug)]
pub(crate) enum Folder {
    Model(Arc<dyn Model>),
    Broken(String),
}

/// Version folders by base path and number; clones share them, as pods share a bucket.
///
/// ```
/// use canary_lab::{model::Scripted, server::Folders};
///
/// let folders = Folders::default();
/// folders.add("/models/pets", 41, Scripted::new("cat", 0.9));
/// folders.add_broken("/models/pets", 42, "saved_model.pb is cut off");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Folders(Arc<Mutex<BTreeMap<String, BTreeMap<i64, Folder>>>>);

impl Folders {
    /// Adds a version folder with a model. A server that serves this version loads it at its next look, after the
    /// time of [`Model::loading`].
    pub fn add(&self, base_path: impl Into<String>, version: i64, model: impl Model) {
        self.insert(&base_path.into(), version, Folder::Model(Arc::new(model)));
    }

    /// Adds a version folder that cannot be loaded, with the server's message.
    pub fn add_broken(
        &self,
        base_path: impl Into<String>,
        version: i64,
        message: impl Into<String>,
    ) {
        self.insert(&base_path.into(), version, Folder::Broken(message.into()));
    }

    /// Adds a version folder with a model that others have too.
    pub(crate) fn add_shared(&self, base_path: &str, version: i64, model: Arc<dyn Model>) {
        self.insert(base_path, version, Folder::Model(model));
    }

    fn insert(&self, base_path: &str, version: i64, folder: Folder) {
        let base_path = base_path.trim_end_matches('/').to_owned();
        self.lock().entry(base_path).or_default().insert(version, folder);
    }

    /// The version folders under a base path.
    pub(crate) fn under(&self, base_path: &str) -> BTreeMap<i64, Folder> {
        self.lock().get(base_path.trim_end_matches('/')).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, BTreeMap<i64, Folder>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
