//! The objects of a trial: in the lab's store, or on a real API server that the lab follows.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use canary_core::{
    cluster::{Cluster, Kubernetes, ObjectRef, Patch, WatchEvent},
    rollout::Result,
};
use canary_lab::store::Store;
use canary_tests::{apiserver::ApiServer, status::write_status};
use futures_util::{Stream, StreamExt, stream::BoxStream};
use serde_json::{Value, json};
use tokio::{runtime::Handle, sync::Mutex, task::JoinHandle};

/// The namespace of all trials, as the lab sees it.
const SPACE: &str = "default";

/// The kinds of which the lab is the kubelet: they stay in its store.
const WORKLOADS: [&str; 3] = ["Deployment", "Pod", "ReplicaSet"];

/// A handle of the objects, under the name of a field manager.
#[derive(Clone)]
pub(crate) enum Objects {
    /// In the lab's store.
    Lab(Store),
    /// On a real API server, except workloads.
    Server(Box<Server>),
}

/// A namespace of a real API server. The lab gets a copy of each object before a write returns.
#[derive(Clone)]
pub(crate) struct Server {
    real: Kubernetes,
    /// The namespace there; requests and responses say [`SPACE`].
    space: String,
    /// The lab's store, for workloads.
    lab: Store,
    copies: Arc<Copies>,
}

/// The copies in the lab.
struct Copies {
    lab: Store,
    /// One copy at a time, so that the newest is the last: the generations there and here.
    generations: Mutex<BTreeMap<ObjectRef, (Value, Value)>>,
}

/// The control plane of a trial on a real API server; dropped, it ends.
pub(crate) struct ControlPlane(JoinHandle<()>);

impl Drop for ControlPlane {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Waits for a call from a closure that is not asynchronous.
pub(crate) fn now<T>(call: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| Handle::current().block_on(call))
}

impl Server {
    /// A new namespace with the objects of a lab, apart from workloads; `None` when the server's programs are missing.
    pub(crate) async fn of(lab: &Store, space: String) -> Option<(Self, ControlPlane)> {
        ApiServer::gateway_api("standard")?;
        let shared = ApiServer::shared().await?;
        shared.with_gateway_api().await;
        shared.namespace(&space).await;
        let real = shared.connect("admin").await.unwrap();
        let copies = Copies {
            lab: lab.clone().field_manager("server").force(true),
            generations: Mutex::default(),
        };
        let all = Self { real, space, lab: lab.clone(), copies: Arc::new(copies) };
        for mut object in lab.objects().into_iter().filter(|object| !is_workload(object)) {
            let members = object.as_object_mut().unwrap();
            members.remove("status");
            let metadata = members["metadata"].as_object_mut().unwrap();
            let kept = ["name", "labels", "annotations", "ownerReferences"];
            metadata.retain(|field, _| kept.contains(&field.as_str()));
            Objects::Server(Box::new(all.clone())).by("kubectl").apply(&object).await.unwrap();
        }
        let control_plane = ControlPlane(tokio::spawn(all.clone().report()));
        Some((all, control_plane))
    }

    fn by(mut self, manager: &str) -> Self {
        self.real = self.real.field_manager(manager);
        self.lab = self.lab.field_manager(manager).force(true);
        self
    }

    fn there(&self, object: &ObjectRef) -> ObjectRef {
        let mut there = object.clone();
        if there.namespace == SPACE {
            there.namespace.clone_from(&self.space);
        }
        there
    }

    /// Copies an object into the lab, as it is on the server now.
    async fn copy(&self, object: &ObjectRef) -> Result<()> {
        let mut generations = self.copies.generations.lock().await;
        let Some(live) = self.real.get(&self.there(object)).await? else {
            self.copies.lab.delete(object).await?;
            return Ok(());
        };
        let metadata = &live["metadata"];
        let mut copy = json!({
            "apiVersion": live["apiVersion"], "kind": live["kind"],
            "metadata": {"name": metadata["name"], "namespace": SPACE},
        });
        for field in ["labels", "annotations", "ownerReferences"] {
            if !metadata[field].is_null() {
                copy["metadata"][field] = metadata[field].clone();
            }
        }
        for field in ["spec", "data"] {
            if !live[field].is_null() {
                copy[field] = live[field].clone();
            }
        }
        let copied = self.copies.lab.apply(&copy).await?;
        let of = |object: &Value| object["metadata"]["generation"].clone();
        generations.insert(object.clone(), (of(&live), of(&copied)));
        Ok(())
    }

    /// Writes the status that the lab gives its copies of routes to the server, until it is stopped.
    async fn report(self) {
        let mut written = BTreeMap::new();
        loop {
            tokio::time::sleep(Duration::from_millis(5)).await;
            for live in self.lab.objects() {
                if !["HTTPRoute", "GRPCRoute"].iter().any(|kind| live["kind"] == *kind) {
                    continue;
                }
                let object = ObjectRef::of(&live).unwrap();
                let generations = self.copies.generations.lock().await;
                let Some((there, here)) = generations.get(&object).cloned() else { continue };
                drop(generations);
                let Some(status) = status_of(&live, &here, &there) else { continue };
                if written.get(&object) == Some(&status) {
                    continue;
                }
                let path = format!(
                    "/apis/{}/namespaces/{}/{}s/{}",
                    object.api_version,
                    self.space,
                    object.kind.to_lowercase(),
                    object.name
                );
                // It may be gone.
                if write_status(&self.real, &path, status.clone()).await.is_ok() {
                    written.insert(object, status);
                }
            }
        }
    }

    /// Removes what others cannot have as well: the addresses of Services.
    pub(crate) async fn close(&self) {
        for service in self.real.list("v1", "Service", Some(&self.space)).await.unwrap() {
            self.real.delete(&ObjectRef::of(&service).unwrap()).await.unwrap();
        }
    }
}

/// The status of a route in the lab for its generation there; `None` while the lab has another generation in mind.
fn status_of(live: &Value, here: &Value, there: &Value) -> Option<Value> {
    let mut status = live["status"].clone();
    for parent in status["parents"].as_array_mut()? {
        for condition in parent["conditions"].as_array_mut()? {
            if condition["observedGeneration"] != *here {
                return None;
            }
            condition["observedGeneration"] = there.clone();
            condition["lastTransitionTime"] = "2026-01-01T00:00:00Z".into();
        }
    }
    Some(status)
}

fn is_workload(object: &Value) -> bool {
    object["kind"].as_str().is_some_and(|kind| WORKLOADS.contains(&kind))
}

fn moved(mut object: Value, from: &str, to: &str) -> Value {
    if object["metadata"]["namespace"] == from {
        object["metadata"]["namespace"] = to.into();
    }
    object
}

impl Objects {
    /// The handle of another field manager, whose writes take fields over.
    pub(crate) fn by(&self, manager: &str) -> Self {
        match self {
            Self::Lab(store) => Self::Lab(store.clone().field_manager(manager).force(true)),
            Self::Server(server) => Self::Server(Box::new((**server).clone().by(manager))),
        }
    }

    /// The store with an object of this kind, or the server.
    fn at(&self, kind: &str) -> std::result::Result<&Store, &Server> {
        match self {
            Self::Lab(store) => Ok(store),
            Self::Server(server) if WORKLOADS.contains(&kind) => Ok(&server.lab),
            Self::Server(server) => Err(server),
        }
    }
}

impl Cluster for Objects {
    async fn get(&self, object: &ObjectRef) -> Result<Option<Value>> {
        match self.at(&object.kind) {
            Ok(store) => store.get(object).await,
            Err(all) => {
                let found = all.real.get(&all.there(object)).await?;
                Ok(found.map(|found| moved(found, &all.space, SPACE)))
            }
        }
    }

    async fn list(&self, version: &str, kind: &str, namespace: Option<&str>) -> Result<Vec<Value>> {
        match self.at(kind) {
            Ok(store) => store.list(version, kind, namespace).await,
            Err(all) => {
                // Each trial has a namespace of its own.
                let found = all.real.list(version, kind, Some(&all.space)).await?;
                Ok(found.into_iter().map(|one| moved(one, &all.space, SPACE)).collect())
            }
        }
    }

    async fn apply(&self, object: &Value) -> Result<Value> {
        let of = ObjectRef::of(object)?;
        match self.at(&of.kind) {
            Ok(store) => store.apply(object).await,
            Err(all) => {
                let mut there = object.clone();
                there["metadata"]["namespace"] = all.space.clone().into();
                let written = all.real.apply(&there).await?;
                all.copy(&of).await?;
                Ok(moved(written, &all.space, SPACE))
            }
        }
    }

    async fn patch(&self, object: &ObjectRef, patch: &Patch) -> Result<Value> {
        match self.at(&object.kind) {
            Ok(store) => store.patch(object, patch).await,
            Err(all) => {
                let written = all.real.patch(&all.there(object), patch).await?;
                all.copy(object).await?;
                Ok(moved(written, &all.space, SPACE))
            }
        }
    }

    async fn patch_scale(&self, object: &ObjectRef, patch: &Patch) -> Result<Value> {
        match self.at(&object.kind) {
            Ok(store) => store.patch_scale(object, patch).await,
            Err(all) => all.real.patch_scale(&all.there(object), patch).await,
        }
    }

    async fn delete(&self, object: &ObjectRef) -> Result<bool> {
        match self.at(&object.kind) {
            Ok(store) => store.delete(object).await,
            Err(all) => {
                let deleted = all.real.delete(&all.there(object)).await?;
                all.copy(object).await?;
                Ok(deleted)
            }
        }
    }

    fn watch(&self, object: &ObjectRef) -> impl Stream<Item = Result<WatchEvent>> + Send + 'static {
        match self.at(&object.kind) {
            Ok(store) => store.watch(object).left_stream(),
            Err(all) => {
                let (real, there) = (all.real.clone(), all.there(object));
                let space = all.space.clone();
                let back = move |event| match event {
                    WatchEvent::Applied(live) => WatchEvent::Applied(moved(live, &space, SPACE)),
                    WatchEvent::Deleted(last) => WatchEvent::Deleted(moved(last, &space, SPACE)),
                    other => other,
                };
                let events: BoxStream<'static, _> = Box::pin(real.watch(&there));
                events.map(move |event| event.map(&back)).right_stream()
            }
        }
    }
}
