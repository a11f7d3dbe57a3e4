//! The calls of a cluster, counted.

use std::time::{Duration, Instant};

use canary_rollout::{
    Result,
    cluster::{Cluster, ObjectRef, Patch, WatchEvent},
};
use futures_core::Stream;
use futures_util::StreamExt;
use serde_json::Value;

use super::{Answer, Measured, Verb};

impl<C> Measured<C> {
    /// Counts a call that began then.
    fn called<T>(&self, verb: Verb, began: Instant, result: &Result<T>, ok: fn(&T) -> Answer) {
        let Some(metrics) = &self.metrics else { return };
        let answer = result.as_ref().map_or_else(Answer::of, ok);
        metrics.called(verb, answer, Some(began.elapsed()));
    }
}

impl<C: Cluster> Cluster for Measured<C> {
    async fn get(&self, object: &ObjectRef) -> Result<Option<Value>> {
        let began = Instant::now();
        let found = self.inner.get(object).await;
        self.called(Verb::Get, began, &found, |found| match found {
            Some(_) => Answer::Ok,
            None => Answer::NotFound,
        });
        found
    }

    async fn list(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
    ) -> Result<Vec<Value>> {
        let began = Instant::now();
        let listed = self.inner.list(api_version, kind, namespace).await;
        self.called(Verb::List, began, &listed, |_| Answer::Ok);
        listed
    }

    async fn apply(&self, object: &Value) -> Result<Value> {
        let began = Instant::now();
        let applied = self.inner.apply(object).await;
        self.called(Verb::Apply, began, &applied, |_| Answer::Ok);
        applied
    }

    async fn patch(&self, object: &ObjectRef, patch: &Patch) -> Result<Value> {
        let began = Instant::now();
        let patched = self.inner.patch(object, patch).await;
        self.called(Verb::Patch, began, &patched, |_| Answer::Ok);
        patched
    }

    async fn patch_scale(&self, object: &ObjectRef, patch: &Patch) -> Result<Value> {
        let began = Instant::now();
        let patched = self.inner.patch_scale(object, patch).await;
        self.called(Verb::PatchScale, began, &patched, |_| Answer::Ok);
        patched
    }

    async fn delete(&self, object: &ObjectRef) -> Result<bool> {
        let began = Instant::now();
        let deleted = self.inner.delete(object).await;
        self.called(Verb::Delete, began, &deleted, |deleted| match deleted {
            true => Answer::Ok,
            false => Answer::NotFound,
        });
        deleted
    }

    /// A watch lasts as long as the run: its failures are counted, without a duration.
    fn watch(&self, object: &ObjectRef) -> impl Stream<Item = Result<WatchEvent>> + Send + 'static {
        let metrics = self.metrics.clone();
        self.inner.watch(object).inspect(move |event| {
            if let (Some(metrics), Err(error)) = (&metrics, event) {
                metrics.called(Verb::Watch, Answer::of(error), None::<Duration>);
            }
        })
    }
}
