//! A cluster in memory for the tests of look-ups: objects that can be got and listed, and kinds that cannot.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use futures_core::Stream;
use serde_json::Value;

use super::{Cluster, ObjectRef, Patch, WatchEvent};
use crate::{Error, Result};

/// The result of a look-up of a kind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Failure {
    /// The store does not serve the kind.
    Unserved,
    /// The account may not look.
    Forbidden,
    /// The store does not answer.
    Away,
}

#[derive(Debug, Default)]
pub(super) struct Memory {
    objects: Mutex<BTreeMap<ObjectRef, Value>>,
    failures: BTreeMap<&'static str, Failure>,
    /// The look-ups so far, such as `list Pod`.
    calls: Mutex<Vec<String>>,
}

impl Memory {
    pub(super) fn new(objects: impl IntoIterator<Item = Value>) -> Self {
        let memory = Self::default();
        objects.into_iter().for_each(|object| memory.put(object));
        memory
    }

    /// Creates or replaces an object.
    pub(super) fn put(&self, object: Value) {
        let key = ObjectRef::of(&object).unwrap();
        self.objects.lock().unwrap().insert(key, object);
    }

    pub(super) fn failing(mut self, kind: &'static str, failure: Failure) -> Self {
        self.failures.insert(kind, failure);
        self
    }

    /// The look-ups since the last time.
    pub(super) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn enter(&self, verb: &str, kind: &str) -> Result<()> {
        self.calls.lock().unwrap().push(format!("{verb} {kind}"));
        let action = format!("{verb} {kind}");
        Err(match self.failures.get(kind) {
            None => return Ok(()),
            Some(Failure::Unserved) => {
                Error::Unserved { action, reason: format!("the cluster does not serve {kind}") }
            }
            Some(Failure::Forbidden) => Error::Forbidden {
                action,
                reason: format!("not permitted (403: no); grant the verb \"{verb}\" on {kind}"),
            },
            Some(Failure::Away) => Error::Cluster {
                action,
                reason: "the API server cannot be reached".to_owned(),
                retryable: true,
                source: None,
            },
        })
    }
}

impl Cluster for Memory {
    async fn get(&self, object: &ObjectRef) -> Result<Option<Value>> {
        self.enter("get", &object.kind)?;
        Ok(self.objects.lock().unwrap().get(object).cloned())
    }

    async fn list(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
    ) -> Result<Vec<Value>> {
        self.enter("list", kind)?;
        let objects = self.objects.lock().unwrap();
        let wanted = objects.iter().filter(|(key, _)| {
            key.api_version == api_version
                && key.kind == kind
                && namespace.is_none_or(|namespace| key.namespace == namespace)
        });
        Ok(wanted.map(|(_, object)| object.clone()).collect())
    }

    async fn apply(&self, object: &Value) -> Result<Value> {
        panic!("a look-up writes {object}")
    }

    async fn patch(&self, object: &ObjectRef, _patch: &Patch) -> Result<Value> {
        panic!("a look-up patches {object}")
    }

    async fn patch_scale(&self, object: &ObjectRef, _patch: &Patch) -> Result<Value> {
        panic!("a look-up scales {object}")
    }

    async fn delete(&self, object: &ObjectRef) -> Result<bool> {
        panic!("a look-up deletes {object}")
    }

    fn watch(
        &self,
        _object: &ObjectRef,
    ) -> impl Stream<Item = Result<WatchEvent>> + Send + 'static {
        futures_util::stream::empty()
    }
}
