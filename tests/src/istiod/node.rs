//! The one node of the test's cluster, by whose port the gateway is reached.

use canary_core::cluster::{Cluster, Kubernetes};
use canary_lab::istio::ready_node;

/// Registers the node as its kubelet would.
pub(super) async fn register(cluster: &Kubernetes) {
    let (node, status) = ready_node();
    cluster.apply(&node).await.unwrap();
    crate::status::write_status(cluster, "/api/v1/nodes/loopback", status).await.unwrap();
}
