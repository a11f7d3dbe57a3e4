//! The objects that represent parts of a cluster that loopback lacks: the gateway's Service and node, and pods.

use std::{
    collections::BTreeMap,
    io,
    net::{SocketAddr, TcpListener},
    sync::atomic::{AtomicU16, Ordering},
};

use serde_json::{Value, json};

/// The namespace of istiod and of the gateway, which is also the mesh's root namespace.
pub const GATEWAY_NAMESPACE: &str = "istio-system";
/// The label of the gateway's pods, which Gateways select.
const GATEWAY_LABEL: (&str, &str) = ("istio", "ingressgateway");

/// The ports that Kubernetes gives to Services of type `NodePort`.
const NODE_PORTS: std::ops::Range<u16> = 30_000..32_768;

/// A port that is free now, among those that Kubernetes gives to Services of type `NodePort`.
///
/// # Errors
/// When none of them is free.
pub fn free_node_port() -> io::Result<u16> {
    // Each search begins at another port, so that two searches at the same time do not return the same one.
    static CALLS: AtomicU16 = AtomicU16::new(0);
    let length = NODE_PORTS.end - NODE_PORTS.start;
    let process = u16::try_from(std::process::id() % u32::from(length)).unwrap_or_default();
    let first = process + CALLS.fetch_add(97, Ordering::Relaxed) % length;
    let free = |port: &u16| TcpListener::bind(("0.0.0.0", *port)).is_ok();
    let mut ports = (0..length).map(|next| NODE_PORTS.start + (first % length + next) % length);
    ports.find(free).ok_or_else(|| io::Error::other("no port from 30000 to 32767 is free"))
}

/// The labels of the gateway's pods.
pub(super) fn gateway_selector() -> Value {
    let (key, value) = GATEWAY_LABEL;
    json!({key: value})
}

/// The objects of an ingress gateway, in the order in which they are applied: its namespace, and its Service, whose port
/// 80 leads to `port`.
///
/// `port` is also the port on the nodes, for which Kubernetes allows 30000 to 32767: together with [`ready_node`],
/// [`gateway_addresses`](canary_core::cluster::gateway_addresses) then returns the address at which the gateway
/// listens.
pub fn gateway_objects(port: u16) -> [Value; 2] {
    let (key, value) = GATEWAY_LABEL;
    [
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": GATEWAY_NAMESPACE}}),
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": "istio-ingressgateway",
                "namespace": GATEWAY_NAMESPACE,
                "labels": {"app": "istio-ingressgateway", key: value},
            },
            "spec": {
                "type": "NodePort",
                "selector": gateway_selector(),
                "ports": [{
                    "name": "http2", "port": 80, "targetPort": port, "nodePort": port,
                }],
            },
        }),
    ]
}

/// The one node, 127.0.0.1, and its status, which is written separately.
pub fn ready_node() -> (Value, Value) {
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "loopback"}});
    let status = json!({
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
    });
    (node, status)
}

/// A `WorkloadEntry` that stands for a pod on loopback, where `EndpointSlices` may not lead: Services select it by its
/// labels. `address` is where its container listens to every one of the Service's `ports`.
pub fn workload_entry(
    namespace: &str,
    name: &str,
    labels: &BTreeMap<String, String>,
    address: SocketAddr,
    ports: impl IntoIterator<Item = impl Into<String>>,
) -> Value {
    let ports: BTreeMap<String, u16> =
        ports.into_iter().map(|name| (name.into(), address.port())).collect();
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "WorkloadEntry",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"address": address.ip().to_string(), "labels": labels, "ports": ports},
    })
}
