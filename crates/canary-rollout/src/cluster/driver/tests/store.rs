//! A store of objects in memory that can fail, hang and be edited at any call.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use futures_core::Stream;
use serde_json::{Value, json};

use super::super::super::{Cluster, ObjectRef, Patch, WatchEvent, scale_of, scale_patch};
use crate::{
    Error, HeaderRoute, Percent, Plan, Result, Split,
    patch::{RouteOf, locate_all},
};

/// The failure at one call, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Trouble {
    None,
    /// The call never ends, and has had no effect.
    HangsBefore(usize),
    /// The call never ends, and has had its effect.
    HangsAfter(usize),
    /// The call fails in a way that may pass, and has had its effect.
    FailsAfter(usize),
    /// So many calls from this one on fail without an effect, as when the server is away.
    Away(usize, usize),
    /// So many calls from this one on have their effect, and the answer is lost.
    Silent(usize, usize),
    /// So many calls from this one on are refused because credentials or permissions are missing, without an effect.
    Denied(usize, usize),
    /// Somebody writes these weights before the call.
    Edit(usize, u64),
    /// Somebody changes a field that the rollout does not own before the call.
    EditElsewhere(usize),
    /// Somebody moves the second route before the call.
    EditOther(usize),
    /// Somebody gives the canary's subset other labels before the call, if it is there.
    Relabel(usize),
}

#[derive(Clone)]
pub(super) struct Store(Arc<Mutex<Inner>>);

pub(super) struct Inner {
    pub(super) objects: BTreeMap<ObjectRef, Value>,
    pub(super) calls: usize,
    pub(super) trouble: Trouble,
    pub(super) splits: Vec<Split>,
    /// The canary's share in each route after each write.
    pub(super) seen: Vec<Vec<Option<Percent>>>,
    /// The objects that were scaled.
    pub(super) scaled: Vec<ObjectRef>,
    /// `true` when the account may not scale.
    pub(super) denies_scale: bool,
    /// The number of writes when somebody moved the second route.
    pub(super) edited_at: Option<usize>,
    /// A route that refuses to give the canary this share.
    pub(super) refuses: Option<(ObjectRef, Percent)>,
    /// The number of splits written when somebody gave the canary's subset other labels.
    pub(super) relabelled: Option<usize>,
    /// The canary's weight now, so that traffic need not read the object.
    canary: Percent,
    version: u64,
    plan: Plan,
}

fn entry(subset: &str, weight: u64) -> Value {
    json!({"destination": {"host": "image-classifier", "subset": subset}, "weight": weight})
}

impl Store {
    /// The seed's objects, without anything of the canary.
    pub(super) fn new(plan: &Plan) -> Self {
        let meta =
            json!({"name": "image-classifier", "namespace": "default", "resourceVersion": "1"});
        let virtual_service = json!({
            "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": meta,
            "spec": {"hosts": ["*"], "http": [
                {"match": [{"uri": {"prefix": "/other"}}], "route": [{"destination": {"host": "other"}}]},
                {"route": [entry("resnet50", 100)]},
            ]},
        });
        let rule = json!({
            "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": meta,
            "spec": {"host": "image-classifier", "subsets": [
                {"name": "resnet50", "labels": {"version": "resnet50"}}]},
        });
        let objects = [virtual_service, rule]
            .into_iter()
            .map(|object| (ObjectRef::of(&object).unwrap(), object))
            .collect();
        Self(Arc::new(Mutex::new(Inner {
            objects,
            calls: 0,
            trouble: Trouble::None,
            splits: Vec::new(),
            seen: Vec::new(),
            scaled: Vec::new(),
            denies_scale: false,
            edited_at: None,
            refuses: None,
            relabelled: None,
            canary: Percent::NONE,
            version: 1,
            plan: plan.clone(),
        })))
    }

    pub(super) fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub(super) fn trouble(&self, trouble: Trouble) {
        let mut inner = self.inner();
        inner.calls = 0;
        inner.trouble = trouble;
    }

    /// Creates or replaces an object.
    pub(super) fn put(&self, object: Value) {
        let (mut inner, name) = (self.inner(), ObjectRef::of(&object).unwrap());
        inner.objects.insert(name.clone(), object);
        inner.bump(&name);
    }

    pub(super) fn virtual_service(&self) -> Value {
        self.inner().objects[&ObjectRef::virtual_service("default", "image-classifier")].clone()
    }

    /// The stored state.
    pub(super) fn state(&self) -> String {
        let annotations = &self.virtual_service()["metadata"]["annotations"];
        annotations[crate::patch::STATE_ANNOTATION].as_str().unwrap().to_owned()
    }

    pub(super) fn rule(&self) -> Value {
        self.inner().objects[&ObjectRef::destination_rule("default", "image-classifier")].clone()
    }

    pub(super) fn canary_weight(&self) -> Percent {
        self.inner().canary
    }

    /// One call: a failure before it, its effect, a failure after it. `None` when it never ends.
    fn call<T>(&self, effect: impl FnOnce(&mut Inner) -> Result<T>) -> Option<Result<T>> {
        let mut inner = self.inner();
        let call = inner.calls;
        inner.calls += 1;
        match inner.trouble {
            Trouble::HangsBefore(at) if at <= call => return None,
            Trouble::Away(at, times) if (at..at + times).contains(&call) => {
                return Some(Err(cut()));
            }
            Trouble::Denied(at, times) if (at..at + times).contains(&call) => {
                return Some(Err(denied()));
            }
            Trouble::Edit(at, canary) if at == call => inner.edit(canary),
            Trouble::EditElsewhere(at) if at == call => inner.edit_elsewhere(),
            Trouble::EditOther(at) if at == call => inner.edit_other(),
            Trouble::Relabel(at) if at == call => inner.relabel(),
            _ => {}
        }
        let result = effect(&mut inner);
        match inner.trouble {
            Trouble::HangsAfter(at) if at <= call => None,
            Trouble::FailsAfter(at) if at == call => Some(Err(cut())),
            Trouble::Silent(at, times) if (at..at + times).contains(&call) => Some(Err(cut())),
            _ => Some(result),
        }
    }
}

/// `true` for the rule whose weights a plan moves, and no rule of a rollout.
fn is_target(route: &Value) -> bool {
    route["route"][0]["destination"]["subset"] == "resnet50"
        && route["name"].as_str().is_none_or(|name| !name.starts_with(HeaderRoute::ROUTE_PREFIX))
}

fn cut() -> Error {
    Error::Cluster {
        action: "a call".into(),
        reason: "the connection was cut".into(),
        retryable: true,
        source: None,
    }
}

fn denied() -> Error {
    Error::Cluster {
        action: "a call".into(),
        reason: "the credentials were refused (401: Unauthorized); log in again".into(),
        retryable: false,
        source: None,
    }
}

impl Inner {
    /// The split that every rule of a route has; none where they differ.
    fn split_of(&self, of: RouteOf<'_>) -> Option<Split> {
        let located = locate_all(of, self.objects.get(&of.object())?).unwrap();
        let first = located[0].split;
        located.iter().all(|one| one.split == first).then_some(first)?
    }

    fn bump(&mut self, object: &ObjectRef) {
        self.version += 1;
        let version = self.version.to_string();
        if let Some(object) = self.objects.get_mut(object) {
            object["metadata"]["resourceVersion"] = json!(version);
        }
    }

    pub(super) fn edit(&mut self, canary: u64) {
        self.canary = u32::try_from(canary).unwrap().into();
        let name = ObjectRef::virtual_service("default", "image-classifier");
        let routes = self.objects.get_mut(&name).unwrap()["spec"]["http"].as_array_mut().unwrap();
        let target = routes.iter_mut().find(|route| is_target(route));
        target.unwrap()["route"] =
            json!([entry("resnet50", 100 - canary), entry("resnet101", canary)]);
        self.bump(&name);
    }

    /// Somebody gives everything back to the stable subset between two runs.
    pub(super) fn reset_weights(&mut self) {
        self.edit(0);
    }

    /// Somebody gives a command.
    pub(super) fn annotate(&mut self, command: &str) {
        let name = ObjectRef::virtual_service("default", "image-classifier");
        let object = self.objects.get_mut(&name).unwrap();
        object["metadata"]["annotations"][crate::COMMAND_ANNOTATION] = json!(command);
        self.bump(&name);
    }

    /// There is a Service, and behind it a pod of each version, or of the stable one alone.
    pub(super) fn serve(&mut self, canary: bool) {
        let service = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "image-classifier", "namespace": "default"},
            "spec": {"selector": {"app": "pets"}, "ports": [{"port": 80}]}});
        self.objects.insert(ObjectRef::of(&service).unwrap(), service);
        self.objects.retain(|name, _| name.kind != "Pod");
        for version in ["resnet50", "resnet101"] {
            if version == "resnet101" && !canary {
                continue;
            }
            let pod = json!({"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": version, "namespace": "default", "labels": {"app": "pets", "version": version}},
                "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
            self.objects.insert(ObjectRef::of(&pod).unwrap(), pod);
        }
    }

    /// Somebody gives the canary 7 % in the second route.
    fn edit_other(&mut self) {
        let name = ObjectRef::virtual_service("edge", "pets");
        let routes = self.objects.get_mut(&name).unwrap()["spec"]["http"].as_array_mut().unwrap();
        let host = "image-classifier.default.svc.cluster.local";
        let to = |subset: &str, weight: u64| json!({"destination": {"host": host, "subset": subset}, "weight": weight});
        let target = routes.iter_mut().find(|route| is_target(route));
        target.unwrap()["route"] = json!([to("resnet50", 93), to("resnet101", 7)]);
        self.bump(&name);
        self.edited_at = Some(self.seen.len());
    }

    pub(super) fn relabel(&mut self) {
        let rule = ObjectRef::destination_rule("default", "image-classifier");
        let subsets = &mut self.objects.get_mut(&rule).unwrap()["spec"]["subsets"];
        let canary =
            subsets.as_array_mut().unwrap().iter_mut().find(|one| one["name"] == "resnet101");
        if let Some(canary) = canary {
            canary["labels"] = json!({"version": "another"});
            self.relabelled = Some(self.splits.len());
            self.bump(&rule);
        }
    }

    fn edit_elsewhere(&mut self) {
        let name = ObjectRef::virtual_service("default", "image-classifier");
        let object = self.objects.get_mut(&name).unwrap();
        object["metadata"]["labels"] = json!({"team": "vision"});
        object["spec"]["http"].as_array_mut().unwrap().insert(
            0,
            json!({"name": "health", "match": [{"uri": {"exact": "/health"}}],
                   "route": [{"destination": {"host": "health"}}]}),
        );
        self.bump(&name);
        let rule = ObjectRef::destination_rule("default", "image-classifier");
        let rule_now = self.objects.get_mut(&rule).unwrap();
        rule_now["metadata"]["labels"] = json!({"team": "vision"});
        let other = json!({"name": "other", "labels": {"version": "other"}});
        rule_now["spec"]["subsets"].as_array_mut().unwrap().insert(0, other);
        self.bump(&rule);
    }

    fn patch(&mut self, name: &ObjectRef, patch: &Patch) -> Result<Value> {
        let Some(object) = self.objects.get(name) else {
            return Err(Error::NotFound { object: name.to_string(), help: String::new() });
        };
        let mut changed = object.clone();
        json_patch::patch(&mut changed, patch)
            .map_err(|error| Error::conflict(name.to_string(), error.to_string()))?;
        let before = self.objects.insert(name.clone(), changed);
        if let Some((refused, share)) = &self.refuses
            && refused == name
        {
            let of = RouteOf::all(&self.plan).find(|of| of.object() == *name).unwrap();
            if self.split_of(of).is_some_and(|split| split.canary == *share) {
                self.objects.insert(name.clone(), before.unwrap());
                let (action, reason) = (format!("patch {name}"), "not permitted (403)".into());
                return Err(Error::Forbidden { action, reason });
            }
        }
        self.bump(name);
        if *name == self.plan.target.state_object() {
            let split = self.split_of(RouteOf::from(&self.plan)).expect("weights in percent");
            self.canary = split.canary;
            self.splits.push(split);
        }
        if name.kind != "Lease" && name.kind != "DestinationRule" {
            let splits =
                RouteOf::all(&self.plan).map(|of| self.split_of(of).map(|split| split.canary));
            self.seen.push(splits.collect());
        }
        Ok(self.objects[name].clone())
    }
}

async fn or_hang<T>(result: Option<Result<T>>) -> Result<T> {
    match result {
        Some(result) => result,
        None => std::future::pending().await,
    }
}

impl Cluster for Store {
    async fn get(&self, object: &ObjectRef) -> Result<Option<Value>> {
        or_hang(self.call(|inner| Ok(inner.objects.get(object).cloned()))).await
    }

    async fn list(&self, _: &str, kind: &str, _: Option<&str>) -> Result<Vec<Value>> {
        let of_kind = |inner: &mut Inner| {
            let found = inner.objects.iter().filter(|(name, _)| name.kind == kind);
            Ok(found.map(|(_, object)| object.clone()).collect())
        };
        or_hang(self.call(of_kind)).await
    }

    async fn apply(&self, object: &Value) -> Result<Value> {
        let name = ObjectRef::of(object)?;
        let apply = |inner: &mut Inner| {
            inner.objects.entry(name.clone()).or_insert_with(|| object.clone());
            inner.bump(&name);
            Ok(inner.objects[&name].clone())
        };
        or_hang(self.call(apply)).await
    }

    async fn patch(&self, object: &ObjectRef, patch: &Patch) -> Result<Value> {
        or_hang(self.call(|inner| inner.patch(object, patch))).await
    }

    async fn patch_scale(&self, object: &ObjectRef, patch: &Patch) -> Result<Value> {
        let scaled = |inner: &mut Inner| {
            let Some(live) = inner.objects.get(object) else {
                return Err(Error::NotFound { object: object.to_string(), help: String::new() });
            };
            if inner.denies_scale {
                let (action, reason) = (format!("patch {object}"), "not permitted (403)".into());
                return Err(Error::Forbidden { action, reason });
            }
            let patch = scale_patch(live, patch)?;
            inner.scaled.push(object.clone());
            inner.patch(object, &patch).map(|object| scale_of(&object))
        };
        or_hang(self.call(scaled)).await
    }

    async fn delete(&self, object: &ObjectRef) -> Result<bool> {
        or_hang(self.call(|inner| Ok(inner.objects.remove(object).is_some()))).await
    }

    fn watch(&self, _: &ObjectRef) -> impl Stream<Item = Result<WatchEvent>> + Send + 'static {
        futures_util::stream::pending()
    }
}
