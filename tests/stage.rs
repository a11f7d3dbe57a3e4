//! A real API server with the objects, and a lab whose gateway follows them: a cluster with a mesh for the programs.

use std::{path::PathBuf, process::Command, time::Duration};

use canary_core::{
    Gateway, VirtualService,
    cluster::{Cluster, Kubernetes, ObjectRef, Typed, WatchEvent},
    predict::Client,
    serving::Workload,
};
use canary_lab::{Lab, model::Scripted};
use canary_tests::{apiserver::ApiServer, programs::canary};
use futures_util::StreamExt;
use serde_json::json;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::rollouts::{APP, set_up};

/// A folder of a test's own, with a kubeconfig in it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(server: &ApiServer, name: &str, user: &str) -> Self {
        let folder = server.folder().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("kubeconfig"), server.kubeconfig(user)).unwrap();
        Self(folder)
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let file = self.0.join(name);
        std::fs::write(&file, text).unwrap();
        file
    }

    /// A subcommand of `canary` with that kubeconfig.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = canary(name);
        command.arg("--kubeconfig").arg(self.0.join("kubeconfig"));
        command
    }
}

/// Brings every change of an object on the cluster into the lab's mesh, as a control plane does into its gateways.
async fn follow(cluster: Kubernetes, lab: canary_lab::store::Store, object: ObjectRef) {
    let lab = lab.force(true);
    let mut events = Box::pin(cluster.watch(&object));
    while let Some(event) = events.next().await {
        if let Ok(WatchEvent::Applied(mut object)) = event {
            object["metadata"] = json!({"name": object["metadata"]["name"], "namespace": object["metadata"]["namespace"]});
            lab.apply(&object).await.unwrap();
        }
    }
}

/// The objects of a rollout in a namespace, and the lab that serves both versions.
pub(crate) struct Stage {
    pub(crate) gateway_url: String,
    lab: Option<Lab>,
    followers: [JoinHandle<()>; 2],
}

impl Stage {
    /// With a canary of which so large a share of the requests fails.
    pub(crate) async fn new(server: &ApiServer, space: &str, errors: f64) -> Self {
        server.namespace(space).await;
        let cluster = server.connect("admin").await.unwrap();
        let builder = Lab::builder()
            .model("models/lite0", Scripted::new("military uniform", 0.9))
            .model("models/lite1", Scripted::new("military uniform", 0.9).errors(errors));
        let namespace = space.to_owned();
        let lab = spawn_blocking(move || {
            let lab = builder.start().unwrap();
            for version in ["lite0", "lite1"] {
                let workload =
                    Workload::new(APP, version).model("model", format!("models/{version}"));
                for object in workload.namespace(&namespace).objects().unwrap() {
                    lab.apply(&object).unwrap();
                }
            }
            lab.apply(&Gateway::http("gateway", 80, ["*"]).namespace(&namespace)).unwrap();
            lab.wait_ready(Duration::from_secs(30)).unwrap();
            lab
        })
        .await
        .unwrap();
        set_up(&cluster, space).await;
        // The routes go to the model's port, and say which subset answered.
        let stable = VirtualService::weighted(APP, [("lite0", 100)])
            .hosts(["*"])
            .gateway("gateway")
            .namespace(space)
            .port(8501)
            .stamp_subset(Client::SUBSET_HEADER);
        cluster.clone().force(true).apply_typed(&stable).await.unwrap();
        let followers =
            [ObjectRef::destination_rule(space, APP), ObjectRef::virtual_service(space, APP)]
                .map(|object| tokio::spawn(follow(cluster.clone(), lab.cluster().clone(), object)));
        Self { gateway_url: lab.gateway_url(), lab: Some(lab), followers }
    }

    /// The address of the gateway's own metrics.
    pub(crate) fn metrics_url(&self) -> String {
        self.lab.as_ref().unwrap().metrics_url()
    }

    /// Stops the lab.
    pub(crate) async fn stop(mut self) {
        for follower in &self.followers {
            follower.abort();
        }
        let lab = self.lab.take();
        spawn_blocking(move || drop(lab)).await.unwrap();
    }
}
