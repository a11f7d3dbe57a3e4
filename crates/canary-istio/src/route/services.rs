//! The services behind the mesh: an optional inventory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::names::{CLUSTER_DOMAIN, service_name};

/// A service that destinations may name.
///
/// ```
/// use canary_core::route::Service;
///
/// let service = Service::new("image-classifier.default.svc.cluster.local")
///     .port(8501)
///     .endpoint([("version", "resnet50")], true);
/// assert_eq!(service.ports, [8501]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Service {
    /// The fully qualified name, or the name outside the cluster.
    pub host: String,
    /// The ports that clients may use.
    pub ports: Vec<u16>,
    /// The workloads behind it; `None` when they are not known, in which case they count as healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Vec<Endpoint>>,
    /// The host that an `ExternalName` service stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_name: Option<String>,
}

/// One workload behind a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Endpoint {
    /// The labels of the pod.
    pub labels: BTreeMap<String, String>,
    /// True when it takes requests: ready, and not ejected.
    pub healthy: bool,
}

impl Service {
    /// A service without ports, whose endpoints are not known.
    pub fn new(host: impl Into<String>) -> Self {
        Self { host: host.into().to_ascii_lowercase(), ..Self::default() }
    }

    /// A service of the cluster, by name and namespace, in the domain `cluster.local`.
    pub fn of_cluster(namespace: &str, name: &str) -> Self {
        Self::new(service_name(name, namespace, CLUSTER_DOMAIN))
    }

    /// The service that a Kubernetes `Service` object describes; `None` when it has no name.
    pub(super) fn from_kubernetes(object: &Value, domain: &str) -> Option<Self> {
        let name = object["metadata"]["name"].as_str()?;
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or("default");
        let mut service = Self::new(service_name(name, namespace, domain));
        for port in object["spec"]["ports"].as_array().into_iter().flatten() {
            service.ports.extend(port["port"].as_u64().and_then(|port| u16::try_from(port).ok()));
        }
        if object["spec"]["type"] == "ExternalName" {
            service.external_name = object["spec"]["externalName"].as_str().map(str::to_owned);
        }
        Some(service)
    }

    /// Adds a port.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.ports.push(port);
        self
    }

    /// Adds an endpoint by the labels of its pod; from then on, the endpoints count as known.
    #[must_use]
    pub fn endpoint<K: Into<String>, V: Into<String>>(
        mut self,
        labels: impl IntoIterator<Item = (K, V)>,
        healthy: bool,
    ) -> Self {
        let labels = labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        self.endpoints.get_or_insert_default().push(Endpoint { labels, healthy });
        self
    }

    /// Says that no pod is behind the service.
    #[must_use]
    pub fn without_endpoints(mut self) -> Self {
        self.endpoints = Some(Vec::new());
        self
    }

    /// Names the host that the service stands for.
    #[must_use]
    pub fn external_name(mut self, host: impl Into<String>) -> Self {
        self.external_name = Some(host.into());
        self
    }

    /// Returns true when a healthy endpoint has all of the given labels; `true` when the endpoints are not known.
    pub fn has_healthy_endpoint(&self, labels: &BTreeMap<String, String>) -> bool {
        self.endpoints.as_ref().is_none_or(|endpoints| {
            endpoints.iter().any(|endpoint| {
                endpoint.healthy
                    && labels.iter().all(|(key, value)| endpoint.labels.get(key) == Some(value))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_is_judged_by_labels() {
        let labels = |version: &str| BTreeMap::from([("version".to_owned(), version.to_owned())]);
        let service = Service::of_cluster("default", "a")
            .endpoint([("version", "1"), ("app", "a")], true)
            .endpoint([("version", "2")], false);
        assert!(service.has_healthy_endpoint(&labels("1")));
        assert!(!service.has_healthy_endpoint(&labels("2")));
        assert!(service.has_healthy_endpoint(&BTreeMap::new()));
        assert!(!Service::new("a").without_endpoints().has_healthy_endpoint(&BTreeMap::new()));
        assert!(Service::new("a").has_healthy_endpoint(&labels("1")));
    }
}
