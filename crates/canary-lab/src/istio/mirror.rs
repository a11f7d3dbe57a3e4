//! Writes the objects of a lab to its API server.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use canary_core::{
    cluster::{Cluster, Kubernetes, ObjectRef},
    rollout::Result,
};
use serde_json::Value;
use tokio::sync::watch;

use super::desired::{Desired, KINDS, Key, marker};

/// The desired objects, with their generation.
pub(crate) type Wanted = (u64, Arc<Desired>);

/// The writer of a lab's objects.
#[derive(Debug)]
pub(crate) struct Mirror {
    cluster: Kubernetes,
    written: BTreeMap<(usize, Key), Value>,
}

impl Mirror {
    pub(crate) fn new(cluster: Kubernetes) -> Self {
        let cluster = cluster.field_manager("canary-lab").force(true);
        Self { cluster, written: BTreeMap::new() }
    }

    /// Writes what has changed, and the marker after it.
    ///
    /// An object that the API server refuses is left out and written again with the next change; the first refusal is
    /// returned.
    pub(crate) async fn write(&mut self, (number, desired): &Wanted) -> Result<()> {
        let mut refused = Ok(());
        for (key, object) in &desired.0 {
            if self.written.get(key) == Some(object) {
                continue;
            }
            match self.cluster.apply(object).await {
                Ok(_) => {
                    self.written.insert(key.clone(), object.clone());
                }
                Err(error) => refused = refused.and(Err(error)),
            }
        }
        // Objects are deleted before those that they refer to.
        let gone = self.written.keys().rev().filter(|key| !desired.0.contains_key(key));
        let gone: Vec<(usize, Key)> = gone.cloned().collect();
        for key in gone {
            let (kind, namespace, name) = &key.1;
            let object = ObjectRef::new(KINDS[key.0].1, *kind, namespace.as_str(), name.as_str());
            match self.cluster.delete(&object).await {
                Ok(_) => {
                    self.written.remove(&key);
                }
                Err(error) => refused = refused.and(Err(error)),
            }
        }
        self.cluster.apply(&marker(*number)).await?;
        refused
    }

    /// Writes the newest objects whenever they change, until their sender is gone.
    pub(crate) async fn run(
        mut self,
        mut wanted: watch::Receiver<Wanted>,
        problem: Arc<Mutex<Option<String>>>,
    ) {
        while wanted.changed().await.is_ok() {
            let newest = wanted.borrow_and_update().clone();
            let written = self.write(&newest).await;
            let found = written.err().map(|error| error.to_string());
            *problem.lock().unwrap_or_else(PoisonError::into_inner) = found;
        }
    }
}
