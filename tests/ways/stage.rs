//! A lab with the objects of a trial, its users, and the run on it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use canary_core::{
    cluster::{Cluster, ObjectRef, Patch},
    rollout::HeaderRoute,
    serving::Workload,
};
use canary_lab::Lab;
use canary_tests::chaos::Ledger;
use serde_json::{Value, json};
use tokio::task::{JoinSet, spawn_blocking};

use super::{
    front::Front,
    gauge::Gauge,
    kind::Kind,
    objects::{ControlPlane, Objects, now},
};

pub(crate) const APP: &str = "classifier";
pub(crate) const MODEL: &str = "cats";

/// A trial's lab.
pub(crate) struct Stage {
    pub(crate) lab: Arc<Lab>,
    pub(crate) kind: Kind,
    /// The run's handle of the objects.
    pub(super) objects: Objects,
    /// Somebody else's handle of them.
    pub(super) others: Objects,
    /// `None` where the lab is the control plane.
    pub(super) control_plane: Option<ControlPlane>,
    pub(crate) front: Option<Front>,
    pub(super) gauge: Option<Gauge>,
    pub(crate) ledger: Arc<Ledger>,
    pub(super) users: Mutex<JoinSet<()>>,
    pub(super) stop: Arc<AtomicBool>,
}

impl Stage {
    /// Where the users' requests go.
    pub(crate) fn url(&self) -> String {
        self.front.as_ref().map_or_else(|| self.lab.gateway_url(), Front::url)
    }

    fn object(&self, object: &ObjectRef) -> Option<Value> {
        now(self.objects.get(object)).unwrap()
    }

    /// The object that divides the requests.
    pub(crate) fn route(&self) -> Option<Value> {
        self.object(&self.kind.object())
    }

    /// The objects that define the versions.
    pub(crate) fn definitions(&self) -> Vec<Option<Value>> {
        self.kind.definition_refs().iter().map(|object| self.object(object)).collect()
    }

    /// Returns `true` when the run copies requests to the canary.
    pub(crate) fn mirrors(&self) -> bool {
        self.ledger.weights().is_some_and(|weights| weights.mirror > 0)
    }

    /// Somebody else patches an object.
    pub(crate) fn patch(&self, object: &ObjectRef, patch: Value) {
        let patch: Patch = serde_json::from_value(patch).unwrap();
        now(self.others.patch(object, &patch)).unwrap();
    }

    /// Somebody else deletes an object.
    pub(crate) fn delete(&self, object: &ObjectRef) {
        assert!(now(self.others.delete(object)).unwrap(), "{object} was not there");
    }

    pub(crate) fn deployment(version: &str) -> ObjectRef {
        ObjectRef::new("apps/v1", "Deployment", "default", format!("{APP}-{version}"))
    }

    /// Scales a version, and waits until that is so.
    pub(crate) fn scale(&self, version: &str, replicas: u32) {
        let object = Self::deployment(version);
        let path = "/spec/replicas";
        self.patch(&object, json!([{"op": "replace", "path": path, "value": replicas}]));
        Self::until(|| {
            let live = self.object(&object);
            live.is_some_and(|live| live["status"]["readyReplicas"] == replicas)
        });
    }

    fn until(reached: impl Fn() -> bool) {
        for _ in 0..3_000 {
            if reached() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("what is waited for does not come");
    }

    /// Somebody deploys another model as a version, and waits until it serves.
    pub(crate) fn deploy(&self, version: &str, path: &str) {
        for object in Workload::new(APP, version).model(MODEL, path).objects().unwrap() {
            self.lab.apply_by_force(&object).unwrap();
        }
        self.lab.wait_ready(Duration::from_secs(10)).unwrap();
    }

    /// The place of the plan's rule among the rules.
    pub(crate) fn target(&self) -> usize {
        let live = self.route().unwrap();
        let routes = live.pointer(self.kind.rules()).unwrap().as_array().unwrap();
        let ours = |route: &Value| route["name"].as_str().unwrap_or_default().to_owned();
        routes.iter().position(|r| !ours(r).starts_with(HeaderRoute::ROUTE_PREFIX)).unwrap()
    }

    /// Somebody writes these weights into the plan's rule.
    pub(crate) fn split(&self, stable: u64, canary: u64) {
        let route = format!("{}/{}/{}", self.kind.rules(), self.target(), self.kind.entries());
        let weight = |place: u32, weight: u64| json!({"op": "add", "path": format!("{route}/{place}/weight"), "value": weight});
        let patch = json!([weight(0, stable), weight(1, canary)]);
        self.patch(&self.kind.object(), patch);
    }

    /// The place of a subset in the `DestinationRule`.
    pub(crate) fn subset(&self, name: &str) -> usize {
        let live = self.object(&ObjectRef::destination_rule("default", APP)).unwrap();
        let subsets = live["spec"]["subsets"].as_array().unwrap();
        subsets.iter().position(|subset| subset["name"] == name).unwrap()
    }

    pub(crate) fn dismiss_users(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.users.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }

    /// Ends the lab.
    pub(crate) async fn close(mut self) {
        self.dismiss_users();
        drop(self.control_plane.take());
        if let Objects::Server(server) = &self.objects {
            server.close().await;
        }
        spawn_blocking(move || drop(self)).await.unwrap();
    }
}
