//! The status of objects on a real API server, which no control plane writes there.

use canary_core::{cluster::Kubernetes, rollout::Result};
use serde_json::{Value, json};

/// Writes the status of the object at a path of the API, as a controller does.
///
/// # Errors
/// The errors of the API server.
///
/// # Panics
/// When the path is none.
pub async fn write_status(cluster: &Kubernetes, path: &str, status: Value) -> Result<()> {
    let body = json!({"status": status}).to_string().into_bytes();
    let request = http::Request::patch(format!("{path}/status"))
        .header("content-type", "application/merge-patch+json")
        .body(body)
        .unwrap();
    cluster.client().request::<Value>(request).await.map(drop).map_err(|error| {
        canary_core::rollout::Error::Cluster {
            action: format!("write the status of {path}"),
            reason: error.to_string(),
            retryable: true,
            source: Some(Box::new(error)),
        }
    })
}
