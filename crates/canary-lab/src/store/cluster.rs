//! The store as a cluster.

use canary_core::{
    cluster::{Cluster, ObjectRef, Patch, WatchEvent},
    rollout::Result,
};
use futures_core::Stream;
use serde_json::Value;

use super::{Store, group, shown};

impl Cluster for Store {
    async fn get(&self, object: &ObjectRef) -> Result<Option<Value>> {
        Ok(self.get_now(object))
    }

    async fn list(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
    ) -> Result<Vec<Value>> {
        let inner = self.lock();
        let wanted = inner.objects.iter().filter(|(key, _)| {
            key.group == group(api_version)
                && key.kind == kind
                && namespace.is_none_or(|namespace| key.namespace == namespace)
        });
        Ok(wanted.map(|(_, stored)| shown(&stored.object, api_version)).collect())
    }

    async fn apply(&self, object: &Value) -> Result<Value> {
        self.apply_now(object)
    }

    async fn patch(&self, object: &ObjectRef, patch: &Patch) -> Result<Value> {
        self.patch_now(object, patch)
    }

    async fn delete(&self, object: &ObjectRef) -> Result<bool> {
        Ok(self.delete_now(object))
    }

    fn watch(&self, object: &ObjectRef) -> impl Stream<Item = Result<WatchEvent>> + Send + 'static {
        let mut inner = self.lock();
        let now = inner.objects.get(&super::Key::of(object)).map(|stored| stored.object.clone());
        inner.watchers.add(object.clone(), now)
    }
}
