//! The store itself: objects in memory behind one lock.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use canary_core::{
    cluster::{Cluster, ObjectRef, Patch, WatchEvent, failed_tests, scale_of, scale_patch},
    rollout::{Error, Result},
};
use futures_core::Stream;
use serde_json::{Map, Value};

use super::{
    admission, apply,
    change::Change,
    fields::Managers,
    stored::{Key, Stored, group, shown},
    watch::{AllChanges, Watchers},
};

/// The name under which writes are recorded, unless [`Store::field_manager`] gives another.
pub const FIELD_MANAGER: &str = "canary";

/// Objects with resource versions, preconditions, field ownership and watches, as the API server keeps them.
///
/// It implements [`canary_core::cluster::Cluster`]. Cloning gives another handle of the same store. Istio's three
/// kinds are checked on every write as Istio's webhook checks them. `status` belongs to the lab and is left unchanged
/// by writes. Lists are owned as a whole, as in Istio's resource definitions, and also for Kubernetes' kinds, for which
/// the API server merges some lists by key.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use canary_core::cluster::{Cluster, ObjectRef};
/// use canary_lab::store::Store;
/// use serde_json::json;
///
/// let store = Store::new();
/// let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "1"}});
/// let made = store.apply(&map).await?;
/// assert_eq!(made["metadata"]["namespace"], "default");
///
/// let patch = serde_json::from_value(json!([
///     {"op": "test", "path": "/data/k", "value": "1"},
///     {"op": "replace", "path": "/data/k", "value": "2"},
/// ])).unwrap();
/// let object = ObjectRef::of(&map)?;
/// assert_eq!(store.patch(&object, &patch).await?["data"]["k"], "2");
/// assert!(store.patch(&object, &patch).await.is_err());
/// # Ok::<(), canary_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) inner: Arc<Mutex<Inner>>,
    pub(super) manager: String,
    pub(super) force: bool,
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) version: u64,
    pub(super) objects: BTreeMap<Key, Stored>,
    pub(super) watchers: Watchers,
    pub(super) hook: Option<Hook>,
}

type HookFn = dyn Fn(&mut dyn Iterator<Item = &Value>) + Send + Sync;

/// A callback with all objects after each write, before the write returns.
pub(super) struct Hook(Box<HookFn>);

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hook")
    }
}

impl Default for Store {
    fn default() -> Self {
        Self::new()
    }
}

impl Store {
    /// An empty store.
    pub fn new() -> Self {
        Self { inner: Arc::default(), manager: FIELD_MANAGER.to_owned(), force: false }
    }

    /// A handle whose writes are recorded under this name instead of [`FIELD_MANAGER`].
    #[must_use]
    pub fn field_manager(mut self, name: impl Into<String>) -> Self {
        self.manager = name.into();
        self
    }

    /// A handle whose [`apply`](canary_core::cluster::Cluster::apply) takes over the fields of other managers instead
    /// of reporting a conflict.
    #[must_use]
    pub fn force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// Every object, by kind, namespace and name.
    pub fn objects(&self) -> Vec<Value> {
        self.lock().objects.values().map(|stored| stored.object.clone()).collect()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while the lock is held leaves no half-written object: each is replaced at once.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present objects, and every change from now on.
    pub(crate) fn watch_all(&self) -> (Vec<Value>, AllChanges) {
        let mut inner = self.lock();
        let changes = inner.watchers.add_all();
        (inner.objects.values().map(|stored| stored.object.clone()).collect(), changes)
    }

    /// Calls `hook` with all objects now and after each write, before the write returns.
    pub(crate) fn set_hook(
        &self,
        hook: impl Fn(&mut dyn Iterator<Item = &Value>) + Send + Sync + 'static,
    ) {
        let mut inner = self.lock();
        inner.hook = Some(Hook(Box::new(hook)));
        inner.call_hook();
    }

    /// Calls the hook again, when something outside the store has changed.
    pub(crate) fn touch(&self) {
        self.lock().call_hook();
    }

    pub(crate) fn get_now(&self, object: &ObjectRef) -> Option<Value> {
        let inner = self.lock();
        inner.objects.get(&Key::of(object)).map(|stored| shown(&stored.object, &object.api_version))
    }

    pub(crate) fn apply_now(&self, wanted: &Value) -> Result<Value> {
        let target = ObjectRef::of(wanted)?;
        let key = Key::of(&target);
        let mut inner = self.lock();
        let old = inner.objects.get(&key).cloned();
        let mut wanted = wanted.clone();
        if let Some(fields) = wanted.as_object_mut() {
            fields.remove("status");
        }
        if let Some(expected) = wanted.pointer("/metadata/resourceVersion").filter(|v| !v.is_null())
        {
            let found = old.as_ref().map(|old| &old.object["metadata"]["resourceVersion"]);
            if found != Some(expected) {
                let found = found.map_or_else(|| "no object".to_owned(), Value::to_string);
                let diff = format!("metadata.resourceVersion: expected {expected}, found {found}");
                return Err(Error::conflict(target.to_string(), diff));
            }
        }
        let next = apply::merge(&target, old.as_ref(), &wanted, &self.manager, self.force)?;
        inner.put(&target, old.as_ref(), next)
    }

    fn patch_now(&self, target: &ObjectRef, patch: &Patch) -> Result<Value> {
        self.change_now(target, |object| patched(target, object, patch))
    }

    /// Changes an object as a write other than an apply does: what `change` leaves is stored, except for the fields that
    /// the server sets.
    pub(crate) fn change_now(
        &self,
        target: &ObjectRef,
        change: impl FnOnce(&mut Value) -> Result<()>,
    ) -> Result<Value> {
        let mut inner = self.lock();
        let Some(old) = inner.objects.get(&Key::of(target)).cloned() else {
            return Err(Error::NotFound {
                object: target.to_string(),
                help: "apply it before it is patched".to_owned(),
            });
        };
        let before = shown(&old.object, &target.api_version);
        let mut object = before.clone();
        change(&mut object)?;
        let same = ObjectRef::of(&object).is_ok_and(|found| Key::of(&found) == Key::of(target));
        if !same {
            return Err(Error::Cluster {
                action: format!("patch {target}"),
                reason: "kind, group, namespace and name cannot change".to_owned(),
                retryable: false,
                source: None,
            });
        }
        // As on the API server, the owners that a write states replace the recorded ones, unless there are none.
        let stated = &object["metadata"]["managedFields"];
        let stated = (*stated != before["metadata"]["managedFields"])
            .then(|| Managers::read(stated))
            .filter(|stated| *stated != Managers::default());
        restore(&mut object, &before);
        let mut managers = stated.unwrap_or_else(|| old.managers.clone());
        managers.updated(&self.manager, &before, &object);
        inner.put(target, Some(&old), Stored { object, managers })
    }

    pub(crate) fn delete_now(&self, target: &ObjectRef) -> bool {
        let mut inner = self.lock();
        let Some(mut old) = inner.objects.remove(&Key::of(target)) else { return false };
        inner.version += 1;
        old.object["metadata"]["resourceVersion"] = inner.version.to_string().into();
        inner.watchers.tell(Change::Deleted, &old.object);
        inner.call_hook();
        true
    }

    /// Writes the status of an object, which its users cannot; `false` when there is no such object.
    pub(crate) fn set_status(&self, target: &ObjectRef, status: Value) -> bool {
        let mut inner = self.lock();
        let Some(old) = inner.objects.get(&Key::of(target)).cloned() else { return false };
        let mut next = old.clone();
        next.object["status"] = status;
        inner.put(target, Some(&old), next).is_ok()
    }
}

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
        Ok(self.lock().list(api_version, kind, namespace))
    }

    async fn apply(&self, object: &Value) -> Result<Value> {
        self.apply_now(object)
    }

    async fn patch(&self, object: &ObjectRef, patch: &Patch) -> Result<Value> {
        self.patch_now(object, patch)
    }

    async fn patch_scale(&self, object: &ObjectRef, patch: &Patch) -> Result<Value> {
        let Some(live) = self.get_now(object) else {
            return Err(Error::NotFound { object: object.to_string(), help: String::new() });
        };
        let scaled = self.patch_now(object, &scale_patch(&live, patch)?)?;
        Ok(scale_of(&scaled))
    }

    async fn delete(&self, object: &ObjectRef) -> Result<bool> {
        Ok(self.delete_now(object))
    }

    fn watch(&self, object: &ObjectRef) -> impl Stream<Item = Result<WatchEvent>> + Send + 'static {
        let mut inner = self.lock();
        let now = inner.objects.get(&Key::of(object)).map(|stored| stored.object.clone());
        inner.watchers.add(object.clone(), now)
    }
}

impl Inner {
    pub(super) fn list(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
    ) -> Vec<Value> {
        let wanted = self.objects.iter().filter(|(key, _)| {
            key.group == group(api_version)
                && key.kind == kind
                && namespace.is_none_or(|namespace| key.namespace == namespace)
        });
        wanted.map(|(_, stored)| shown(&stored.object, api_version)).collect()
    }

    /// Stores an object and notifies the watchers, unless it is unchanged.
    pub(super) fn put(
        &mut self,
        target: &ObjectRef,
        old: Option<&Stored>,
        mut next: Stored,
    ) -> Result<Value> {
        next.managers.write_to(&mut next.object, &target.api_version);
        next.object["metadata"]["namespace"] = target.namespace.clone().into();
        let plain = |object: &Value| {
            let mut plain = object.clone();
            if let Some(metadata) = plain.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.remove("managedFields");
            }
            plain
        };
        if let Some(old) = old
            && plain(&old.object) == plain(&next.object)
            && old.managers == next.managers
        {
            return Ok(shown(&old.object, &target.api_version));
        }
        admission::check(target, &next.object)?;
        self.version += 1;
        let changed = |field: &Map<String, Value>| -> Map<String, Value> {
            let keep = |name: &str| !matches!(name, "metadata" | "status" | "apiVersion" | "kind");
            field
                .iter()
                .filter(|(name, _)| keep(name))
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect()
        };
        let generation = match old {
            None => 1,
            Some(old) => {
                let before = old.object["metadata"]["generation"].as_u64().unwrap_or(1);
                let same =
                    old.object.as_object().map(changed) == next.object.as_object().map(changed);
                before + u64::from(!same)
            }
        };
        let metadata = &mut next.object["metadata"];
        metadata["generation"] = generation.into();
        metadata["resourceVersion"] = self.version.to_string().into();
        if old.is_none() {
            let now = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second());
            metadata["creationTimestamp"] =
                now.map(|now| now.to_string()).unwrap_or_default().into();
            metadata["uid"] = format!("00000000-0000-4000-8000-{:012x}", self.version).into();
        }
        let change = if old.is_none() { Change::Created } else { Change::Applied };
        self.watchers.tell(change, &next.object);
        let shown = shown(&next.object, &target.api_version);
        self.objects.insert(Key::of(target), next);
        self.call_hook();
        Ok(shown)
    }

    fn call_hook(&self) {
        if let Some(Hook(hook)) = &self.hook {
            hook(&mut self.objects.values().map(|stored| &stored.object));
        }
    }
}

/// Applies a JSON Patch, and tells the tests that do not hold.
fn patched(target: &ObjectRef, object: &mut Value, patch: &Patch) -> Result<()> {
    let before = object.clone();
    let Err(error) = json_patch::patch(object, patch) else { return Ok(()) };
    // A test sees the operations before it, so the one that failed may hold on the object as it was.
    Err(match (&error.kind, failed_tests(&before, patch)) {
        (_, Some(diff)) => Error::conflict(target.to_string(), diff),
        (json_patch::PatchErrorKind::TestFailed, None) => {
            Error::conflict(target.to_string(), error.to_string())
        }
        (_, None) => Error::Cluster {
            action: format!("patch {target}"),
            reason: format!("the patch does not fit the object: {error}"),
            retryable: false,
            source: None,
        },
    })
}

/// Restores the fields that a patch may not change.
pub(super) fn restore(object: &mut Value, old: &Value) {
    for field in ["uid", "creationTimestamp", "resourceVersion", "generation", "managedFields"] {
        match old["metadata"].get(field) {
            Some(value) => object["metadata"][field] = value.clone(),
            None => {
                if let Some(metadata) = object["metadata"].as_object_mut() {
                    metadata.remove(field);
                }
            }
        }
    }
    match old.get("status") {
        Some(status) => object["status"] = status.clone(),
        None => {
            if let Some(fields) = object.as_object_mut() {
                fields.remove("status");
            }
        }
    }
}
