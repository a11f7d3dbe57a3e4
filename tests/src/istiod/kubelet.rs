//! The controllers and kubelets that loopback has not: Deployments run as the lab's model servers.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use canary_core::{
    cluster::{Cluster, Kubernetes, ObjectRef},
    rollout::Result,
};
use canary_lab::{
    istio::workload_entry,
    model::Scripted,
    server::{ModelServer, Served},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::status::write_status;

/// The behaviour of the pods of a Deployment.
#[derive(Debug)]
pub enum Pod {
    /// They serve this model.
    Serves(Scripted),
    /// They say that they are ready, and refuse every connection.
    Refuses,
}

/// Nothing listens there.
const REFUSING: ([u8; 4], u16) = ([127, 0, 0, 77], 9);

/// Follows the Deployments of the namespace `default` and runs one pod of each, until dropped.
#[derive(Debug)]
pub struct Kubelet(JoinHandle<()>);

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Kubelet {
    /// Begins; `pods` are the pods by the label `version` of their Deployment.
    pub fn start<const N: usize>(cluster: &Kubernetes, pods: [(&str, Pod); N]) -> Self {
        let cluster = cluster.clone().field_manager("kubelet").force(true);
        let pods = pods.into_iter().map(|(version, pod)| (version.to_owned(), pod)).collect();
        Self(tokio::spawn(run(cluster, pods)))
    }
}

async fn run(cluster: Kubernetes, mut pods: BTreeMap<String, Pod>) {
    let mut running: BTreeMap<String, Option<ModelServer>> = BTreeMap::new();
    loop {
        let listed = cluster.list("apps/v1", "Deployment", Some("default")).await;
        let Ok(listed) = listed else { return };
        let name = |deployment: &Value| {
            deployment["metadata"]["name"].as_str().unwrap_or_default().to_owned()
        };
        for gone in running.keys().filter(|known| !listed.iter().any(|one| name(one) == **known)) {
            for kind in ["WorkloadEntry", "Pod"] {
                let version = if kind == "Pod" { "v1" } else { "networking.istio.io/v1" };
                let object = ObjectRef::new(version, kind, "default", gone);
                // The API server may be gone already.
                let _ = cluster.delete(&object).await;
            }
        }
        running.retain(|known, _| listed.iter().any(|one| name(one) == *known));
        for deployment in &listed {
            let version = deployment["spec"]["template"]["metadata"]["labels"]["version"].as_str();
            if running.contains_key(&name(deployment)) {
                continue;
            }
            if let Some(pod) = pods.remove(version.unwrap_or_default()) {
                let server = start(&cluster, deployment, pod).await.unwrap();
                running.insert(name(deployment), server);
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Starts the pod of a Deployment and reports it as ready.
async fn start(cluster: &Kubernetes, deployment: &Value, pod: Pod) -> Result<Option<ModelServer>> {
    let name = deployment["metadata"]["name"].as_str().unwrap_or_default();
    let template = &deployment["spec"]["template"];
    let labels: BTreeMap<String, String> =
        serde_json::from_value(template["metadata"]["labels"].clone()).unwrap_or_default();
    let server = match pod {
        Pod::Serves(model) => {
            let model = Served::new(model_name(cluster, template).await?, model);
            Some(ModelServer::start([model]).await?)
        }
        Pod::Refuses => None,
    };
    let address = server.as_ref().map_or_else(|| SocketAddr::from(REFUSING), ModelServer::address);
    let object = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "spec": template["spec"],
    });
    cluster.apply(&object).await?;
    let ready = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    write_status(cluster, &format!("/api/v1/namespaces/default/pods/{name}"), ready).await?;
    // The names of the ports of the Service of TensorFlow Serving; the lab's servers speak both on one.
    let ports = ["tf-serving-grpc", "tf-serving-http"];
    cluster.apply(&workload_entry("default", name, &labels, address, ports)).await?;
    let status = json!({
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1,
        "conditions": [{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}],
    });
    write_status(cluster, &format!("/apis/apps/v1/namespaces/default/deployments/{name}"), status)
        .await?;
    Ok(server)
}

/// The name of the model, which the pods take from their `ConfigMap`.
async fn model_name(cluster: &Kubernetes, template: &Value) -> Result<String> {
    let map = &template["spec"]["containers"][0]["envFrom"][0]["configMapRef"]["name"];
    let map = ObjectRef::new("v1", "ConfigMap", "default", map.as_str().unwrap_or_default());
    let found = cluster.get(&map).await?.unwrap_or_default();
    Ok(found["data"]["MODEL_NAME"].as_str().unwrap_or_default().to_owned())
}
