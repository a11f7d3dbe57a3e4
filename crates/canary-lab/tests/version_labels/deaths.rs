//! A cluster and model servers whose caller dies before or after one of its writes.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use canary_core::{
    cluster::{
        Cluster, ModelLabels, ModelServers, ObjectRef, Patch, Replica, ServedVersion, WatchEvent,
    },
    rollout::Result,
};
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::Notify;

/// Counts the writes of one driver, and ends its life at one of them.
#[derive(Clone, Debug)]
pub(super) struct Death {
    writes: Arc<AtomicU64>,
    /// The number of the write at which it dies.
    at: u64,
    /// `true` when the write still takes effect.
    after: bool,
    pub(super) dead: Arc<Notify>,
}

impl Death {
    pub(super) fn at(write: u64, after: bool) -> Self {
        Self { writes: Arc::default(), at: write, after, dead: Arc::default() }
    }

    pub(super) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// Carries out a write, unless the driver dies at it.
    async fn write<T>(&self, write: impl Future<Output = T>) -> T {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        if number < self.at {
            return write.await;
        }
        if number == self.at && self.after {
            write.await;
        }
        self.dead.notify_one();
        std::future::pending().await
    }
}

/// A cluster or model servers under a death.
#[derive(Clone, Debug)]
pub(super) struct Mortal<T> {
    pub(super) inner: T,
    pub(super) death: Death,
}

impl<C: Cluster> Cluster for Mortal<C> {
    async fn get(&self, object: &ObjectRef) -> Result<Option<Value>> {
        self.inner.get(object).await
    }

    async fn list(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
    ) -> Result<Vec<Value>> {
        self.inner.list(api_version, kind, namespace).await
    }

    async fn apply(&self, object: &Value) -> Result<Value> {
        self.inner.apply(object).await
    }

    async fn patch(&self, object: &ObjectRef, patch: &Patch) -> Result<Value> {
        // The lock is not part of the release.
        if object.kind == "Lease" {
            return self.inner.patch(object, patch).await;
        }
        self.death.write(self.inner.patch(object, patch)).await
    }

    async fn patch_scale(&self, object: &ObjectRef, patch: &Patch) -> Result<Value> {
        self.inner.patch_scale(object, patch).await
    }

    async fn delete(&self, object: &ObjectRef) -> Result<bool> {
        self.inner.delete(object).await
    }

    fn watch(
        &self,
        object: &ObjectRef,
    ) -> impl futures_core::Stream<Item = Result<WatchEvent>> + Send + 'static {
        self.inner.watch(object)
    }
}

impl<S: ModelServers> ModelServers for Mortal<S> {
    fn read(&self, text: &str, model: &str) -> Result<ModelLabels> {
        self.inner.read(text, model)
    }

    fn write(&self, text: &str, model: &str, labels: &ModelLabels) -> Result<String> {
        self.inner.write(text, model, labels)
    }

    fn versions<'a>(
        &'a self,
        server: &'a Replica,
        model: &'a str,
    ) -> BoxFuture<'a, Result<Vec<ServedVersion>>> {
        self.inner.versions(server, model)
    }

    fn labelled<'a>(
        &'a self,
        server: &'a Replica,
        model: &'a str,
        label: &'a str,
    ) -> BoxFuture<'a, Result<Option<i64>>> {
        self.inner.labelled(server, model, label)
    }

    fn reload<'a>(&'a self, server: &'a Replica, text: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.death.write(self.inner.reload(server, text)))
    }
}
