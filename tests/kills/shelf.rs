//! Objects in memory without all that an API server checks: for thousands of rollouts.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use canary_core::{
    cluster::{Cluster, ObjectRef, Patch, WatchEvent},
    rollout::{Error, Result},
};
use futures_util::{Stream, stream};
use serde_json::{Value, json};

/// A store that keeps versions and the preconditions of patches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    objects: BTreeMap<ObjectRef, Value>,
    version: u64,
}

impl Inner {
    fn put(&mut self, name: &ObjectRef, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.insert(name.clone(), object.clone());
        object
    }
}

impl Cluster for Shelf {
    async fn get(&self, object: &ObjectRef) -> Result<Option<Value>> {
        Ok(self.0.lock().unwrap().objects.get(object).cloned())
    }

    async fn list(&self, _: &str, kind: &str, _: Option<&str>) -> Result<Vec<Value>> {
        let inner = self.0.lock().unwrap();
        let of_kind = inner.objects.iter().filter(|(name, _)| name.kind == kind);
        Ok(of_kind.map(|(_, object)| object.clone()).collect())
    }

    async fn apply(&self, object: &Value) -> Result<Value> {
        let name = ObjectRef::of(object)?;
        let mut inner = self.0.lock().unwrap();
        let live = inner.objects.get(&name).cloned();
        Ok(match live {
            Some(live) => live,
            None => inner.put(&name, object.clone()),
        })
    }

    async fn patch(&self, name: &ObjectRef, patch: &Patch) -> Result<Value> {
        let mut inner = self.0.lock().unwrap();
        let Some(live) = inner.objects.get(name) else {
            return Err(Error::NotFound { object: name.to_string(), help: String::new() });
        };
        let mut changed = live.clone();
        json_patch::patch(&mut changed, patch)
            .map_err(|error| Error::conflict(name.to_string(), error.to_string()))?;
        Ok(inner.put(name, changed))
    }

    async fn patch_scale(&self, object: &ObjectRef, _: &Patch) -> Result<Value> {
        panic!("a rollout that does not ask for it scales {object}")
    }

    async fn delete(&self, object: &ObjectRef) -> Result<bool> {
        Ok(self.0.lock().unwrap().objects.remove(object).is_some())
    }

    fn watch(&self, _: &ObjectRef) -> impl Stream<Item = Result<WatchEvent>> + Send + 'static {
        stream::pending()
    }
}
