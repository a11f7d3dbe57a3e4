//! The parts of Kubernetes' API that another process needs: creation, dry runs, and lists and watches with versions.

use std::sync::{Arc, Mutex};

use canary_core::{cluster::ObjectRef, rollout::Result};
use serde_json::{Value, json};

use super::{
    Store,
    change::Change,
    fields::Managers,
    memory::{Inner, restore},
    stored::{Key, Stored},
    watch::AllChanges,
};

impl Store {
    /// Creates an object; `None` when there is one of that name.
    pub(crate) fn create_now(&self, target: &ObjectRef, wanted: &Value) -> Result<Option<Value>> {
        let mut inner = self.lock();
        if inner.objects.contains_key(&Key::of(target)) {
            return Ok(None);
        }
        let mut object = wanted.clone();
        restore(&mut object, &json!({"metadata": {}}));
        let mut managers = Managers::default();
        managers.updated(&self.manager, &Value::Null, &object);
        inner.put(target, None, Stored { object, managers }).map(Some)
    }

    /// A store with the same objects and without watchers: for writes that are tried and not kept.
    pub(crate) fn detached(&self) -> Self {
        let copy = {
            let inner = self.lock();
            Inner { version: inner.version, objects: inner.objects.clone(), ..Inner::default() }
        };
        Self { inner: Arc::new(Mutex::new(copy)), ..self.clone() }
    }

    /// The objects of a kind, and the version of the store at which they are these.
    pub(crate) fn list_now(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
    ) -> (Vec<Value>, u64) {
        let inner = self.lock();
        (inner.list(api_version, kind, namespace), inner.version)
    }

    /// Remembers the changes from now on, as many as a watch needs that continues.
    pub(crate) fn remember_changes(&self) {
        let mut inner = self.lock();
        let now = inner.version;
        inner.watchers.remember_after(now);
    }

    /// The changes after a version, and all that follow; `None` when changes after that version are forgotten.
    pub(crate) fn changes_after(&self, version: u64) -> Option<(Vec<(Change, Value)>, AllChanges)> {
        let mut inner = self.lock();
        let missed = inner.watchers.changes_after(version)?;
        Some((missed, inner.watchers.add_all()))
    }
}
