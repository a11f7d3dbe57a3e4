//! The names of models' only inputs, for protocols that have no inputs without a name.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

/// The names read from the server so far, by model, version and signature; shared by the clones of a client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Arc<Mutex<HashMap<String, Arc<OnceCell<String>>>>>);

impl Names {
    /// The cell of a signature's name, which one caller fills while the others wait.
    pub(crate) fn cell(&self, key: String) -> Arc<OnceCell<String>> {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(names.entry(key).or_default())
    }
}
