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
use canary_lab::{Lab, store::Store};
use canary_tests::chaos::Ledger;
use serde_json::{Value, json};
use tokio::task::{JoinSet, spawn_blocking};

use super::{front::Front, gauge::Gauge};

pub(crate) const APP: &str = "classifier";
pub(crate) const MODEL: &str = "cats";

/// A trial's lab.
pub(crate) struct Stage {
    pub(crate) lab: Arc<Lab>,
    /// Somebody else's handle of its store.
    pub(crate) others: Store,
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
        let is = |live: &Value| ObjectRef::of(live).is_ok_and(|found| found == *object);
        self.lab.cluster().objects().into_iter().find(is)
    }

    pub(crate) fn virtual_service(&self) -> Option<Value> {
        self.object(&ObjectRef::virtual_service("default", APP))
    }

    pub(crate) fn destination_rule(&self) -> Option<Value> {
        self.object(&ObjectRef::destination_rule("default", APP))
    }

    /// Returns `true` when the run copies requests to the canary.
    pub(crate) fn mirrors(&self) -> bool {
        self.ledger.weights().is_some_and(|weights| weights.mirror > 0)
    }

    /// Somebody else patches an object.
    pub(crate) fn patch(&self, object: &ObjectRef, patch: Value) {
        let patch: Patch = serde_json::from_value(patch).unwrap();
        // The store answers at once.
        let patched = futures_util::FutureExt::now_or_never(self.others.patch(object, &patch));
        patched.expect("the lab's store does not wait").unwrap();
    }

    /// Somebody else deletes an object.
    pub(crate) fn delete(&self, object: &ObjectRef) {
        let deleted = futures_util::FutureExt::now_or_never(self.others.delete(object));
        assert!(deleted.expect("the lab's store does not wait").unwrap(), "{object} was not there");
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

    /// The place of the plan's route among the routes.
    pub(crate) fn target(&self) -> usize {
        let live = self.virtual_service().unwrap();
        let routes = live["spec"]["http"].as_array().unwrap();
        let ours = |route: &Value| route["name"].as_str().unwrap_or_default().to_owned();
        routes.iter().position(|r| !ours(r).starts_with(HeaderRoute::ROUTE_PREFIX)).unwrap()
    }

    /// Somebody writes these weights into the plan's route.
    pub(crate) fn split(&self, stable: u64, canary: u64) {
        let route = format!("/spec/http/{}/route", self.target());
        let weight = |place: u32, weight: u64| json!({"op": "add", "path": format!("{route}/{place}/weight"), "value": weight});
        let patch = json!([weight(0, stable), weight(1, canary)]);
        self.patch(&ObjectRef::virtual_service("default", APP), patch);
    }

    /// The place of a subset in the rule.
    pub(crate) fn subset(&self, name: &str) -> usize {
        let live = self.destination_rule().unwrap();
        let subsets = live["spec"]["subsets"].as_array().unwrap();
        subsets.iter().position(|subset| subset["name"] == name).unwrap()
    }

    pub(crate) fn dismiss_users(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.users.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }

    /// Ends the lab.
    pub(crate) async fn close(self) {
        self.dismiss_users();
        spawn_blocking(move || drop(self)).await.unwrap();
    }
}
