//! The services behind the mesh: an optional inventory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
    /// The namespace of the object that declares it; `None` for that of a name of the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The addresses by which clients may call it: cluster IPs, and those of a `ServiceEntry`, ranges among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// The protocols that ports declare, such as `HTTP` or `TLS`. If a port declares none, Istio detects the protocol,
    /// and routes it as HTTP when it is HTTP.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub protocols: BTreeMap<u16, String>,
    /// The ports of the pods, where they are not those of the service.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub target_ports: BTreeMap<u16, u16>,
    /// The labels of the pods behind it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub selector: BTreeMap<String, String>,
    /// The namespaces that see it, in the form of `exportTo`; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub export_to: Vec<String>,
    /// True for a Kubernetes `Service` without cluster IP, whose pods have names of their own below its own.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub headless: bool,
    /// True for a Kubernetes `Service`, which comes before a `ServiceEntry` of the same host.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub kubernetes: bool,
}

/// The families of protocols that Istio routes alike (`pkg/config/protocol/instance.go`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    /// Any version of HTTP.
    Http,
    /// Unknown: the proxy detects the protocol.
    Sniffed,
    /// TLS that is not terminated here.
    Tls,
    /// Any other protocol over TCP.
    Tcp,
    /// As [`Speaks::Tcp`], with a server that speaks first: nothing else can share its address.
    ServerFirst,
    /// UDP, which Istio ignores.
    Udp,
}

impl Speaks {
    /// The family of a protocol by the name that a port declares; case does not count.
    pub(super) fn named(protocol: &str) -> Self {
        match protocol.to_ascii_uppercase().as_str() {
            "HTTP" | "HTTP2" | "HTTP_PROXY" | "GRPC" | "GRPC-WEB" => Self::Http,
            "HTTPS" | "TLS" => Self::Tls,
            "TCP" | "REDIS" => Self::Tcp,
            "MONGO" | "MYSQL" => Self::ServerFirst,
            "UDP" => Self::Udp,
            _ => Self::Sniffed,
        }
    }

    /// Returns true when requests are routed as HTTP, at once or as soon as that is found out.
    pub(super) fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Sniffed)
    }
}

/// The address on which sidecars listen for a service that is not known to speak HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The address of the service.
    Own,
    /// A range, which is a part of the address for all.
    Range,
    /// All addresses, `0.0.0.0`.
    Shared,
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

    /// Adds an address by which clients may call it.
    #[must_use]
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.addresses.push(address.into());
        self
    }

    /// Says what protocol a port speaks, such as `TCP`.
    #[must_use]
    pub fn protocol(mut self, port: u16, protocol: impl Into<String>) -> Self {
        self.protocols.insert(port, protocol.into());
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

    /// This service, with missing values taken from another description of it.
    pub(super) fn completed_by(self, other: &Self) -> Self {
        fn given<T: Clone>(own: Vec<T>, other: &[T]) -> Vec<T> {
            if own.is_empty() { other.to_vec() } else { own }
        }
        fn filled<K: Clone + Ord, V: Clone>(
            own: BTreeMap<K, V>,
            other: &BTreeMap<K, V>,
        ) -> BTreeMap<K, V> {
            if own.is_empty() { other.clone() } else { own }
        }
        Self {
            ports: given(self.ports, &other.ports),
            endpoints: self.endpoints.or_else(|| other.endpoints.clone()),
            external_name: self.external_name.or_else(|| other.external_name.clone()),
            namespace: self.namespace.or_else(|| other.namespace.clone()),
            addresses: given(self.addresses, &other.addresses),
            protocols: filled(self.protocols, &other.protocols),
            target_ports: filled(self.target_ports, &other.target_ports),
            selector: filled(self.selector, &other.selector),
            export_to: given(self.export_to, &other.export_to),
            headless: self.headless || other.headless,
            kubernetes: self.kubernetes || other.kubernetes,
            host: self.host,
        }
    }

    /// Returns true when clients may use the port; without a list they may use any.
    pub(super) fn has_port(&self, port: u16) -> bool {
        self.ports.is_empty() || self.ports.contains(&port)
    }

    /// The port of the pods for each port of the service.
    pub(super) fn translated(&self) -> BTreeMap<u16, u16> {
        let target = |port: &u16| *self.target_ports.get(port).unwrap_or(port);
        self.ports.iter().map(|port| (*port, target(port))).collect()
    }

    /// The family of protocols that a port belongs to.
    pub(super) fn speaks(&self, port: u16) -> Speaks {
        Speaks::named(self.protocols.get(&port).map_or("", String::as_str))
    }

    /// The address on which sidecars listen for it. Kubernetes gives a `Service` one, also where the object does not
    /// write it; the pods of one without cluster IP are called by theirs.
    pub(super) fn place(&self) -> Place {
        let ranges = self.addresses.iter().filter(|address| address.contains('/')).count();
        let given = self.kubernetes && self.external_name.is_none();
        if given || self.headless || ranges < self.addresses.len() {
            Place::Own
        } else if ranges > 0 {
            Place::Range
        } else {
            Place::Shared
        }
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
