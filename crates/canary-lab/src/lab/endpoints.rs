//! The `EndpointSlice`s of servers with a model config file, as Kubernetes writes them for the Services that select their pods.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{gateway::Pod, store::Store};

/// The slices that were written, by their names.
#[derive(Debug, Default)]
pub(super) struct Endpoints(BTreeMap<(String, String), Value>);

impl Endpoints {
    /// Writes a slice for each pod of a Service, where it is not as it was written last, and removes the others. Each
    /// server of the lab has a port of its own, and the ports of a slice are those of all its endpoints.
    pub(super) fn follow(&mut self, store: &Store, pods: &[Pod]) {
        let objects = store.objects();
        let mut wanted = BTreeMap::new();
        for service in objects.iter().filter(|object| object["kind"] == "Service") {
            for (place, pod) in pods.iter().filter(|pod| selects(service, pod)).enumerate() {
                let slice = slice(service, place, pod);
                let name = |field: &str| slice["metadata"][field].as_str().unwrap_or("").to_owned();
                wanted.insert((name("namespace"), name("name")), slice.clone());
            }
        }
        for (key, slice) in &wanted {
            if self.0.get(key) != Some(slice)
                && let Err(error) = store.clone().force(true).apply_now(slice)
            {
                tracing::warn!(%error, "endpoints not written");
            }
        }
        for (namespace, name) in self.0.keys().filter(|key| !wanted.contains_key(*key)) {
            store.delete_now(&canary_core::cluster::ObjectRef::new(
                "discovery.k8s.io/v1",
                "EndpointSlice",
                namespace,
                name,
            ));
        }
        self.0 = wanted;
    }
}

/// Returns `true` when a Service selects a pod.
fn selects(service: &Value, pod: &Pod) -> bool {
    let selector = service["spec"]["selector"].as_object();
    let namespace = service["metadata"]["namespace"].as_str().unwrap_or("default");
    namespace == pod.namespace
        && selector.is_some_and(|selector| {
            !selector.is_empty()
                && selector
                    .iter()
                    .all(|(key, value)| pod.labels.get(key).map(String::as_str) == value.as_str())
        })
}

fn slice(service: &Value, place: usize, pod: &Pod) -> Value {
    let name = service["metadata"]["name"].as_str().unwrap_or_default();
    let address = pod.ports.values().next();
    let (ip, port) =
        address.map_or_else(Default::default, |one| (one.ip().to_string(), one.port()));
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {
            "name": format!("{name}-{}-{place}", pod.workload), "namespace": pod.namespace,
            "labels": {"kubernetes.io/service-name": name},
        },
        "addressType": "IPv4",
        // The lab's servers answer REST and gRPC on one port.
        "ports": [{"name": "grpc", "port": port}],
        "endpoints": [{
            "addresses": [ip],
            "conditions": {"ready": true},
            "targetRef": {"kind": "Pod", "name": format!("{}-{place}", pod.workload)},
        }],
    })
}
