//! The state of the gateway at one moment: the mesh compiled from the objects, and the endpoints of its services.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
};

use canary_core::{
    DestinationRule, Gateway, Manifest, Mesh, Object, VirtualService,
    rollout::{Error, Result},
    route::{Cluster, Service},
};
use serde_json::Value;

use crate::envoy::{Backend, BackendEndpoint, Inventory};

/// A running pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pod {
    pub(crate) namespace: String,
    /// The Deployment it belongs to.
    pub(crate) workload: String,
    pub(crate) labels: BTreeMap<String, String>,
    /// Its addresses, by container port.
    pub(crate) ports: BTreeMap<u16, SocketAddr>,
}

/// A pod as a service reaches it.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) workload: String,
    /// Its addresses, by service port.
    pub(crate) ports: BTreeMap<u16, SocketAddr>,
}

/// Everything that a decision about a request depends on.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) mesh: Mesh,
    /// The port of the Gateways that the listener represents.
    pub(crate) port: u16,
    endpoints: HashMap<String, Vec<Endpoint>>,
    /// The inventory from which real Envoy is configured.
    pub(crate) inventory: Inventory,
}

const NETWORKING: &str = "networking.istio.io/";
const GATEWAY_API: &str = "gateway.networking.k8s.io/";

impl Snapshot {
    /// Compiles the objects of the store.
    pub(crate) fn new(objects: &mut dyn Iterator<Item = &Value>, pods: &[Pod]) -> Result<Self> {
        let mut builder = Mesh::builder();
        let mut inventory = Inventory::default();
        let (mut services, mut endpoints) = (Vec::new(), HashMap::new());
        let mut ports = Vec::new();
        for object in objects {
            let version = object["apiVersion"].as_str().unwrap_or_default();
            let kind = object["kind"].as_str().unwrap_or_default();
            if kind == "Service" && version == "v1" {
                let (service, behind) = service(object, pods);
                inventory = inventory.backend(backend(&service, &behind));
                endpoints.insert(service.host.clone(), behind);
                services.push(service);
            } else if version.starts_with(GATEWAY_API) {
                if kind == "Gateway" {
                    let listeners = object["spec"]["listeners"].as_array();
                    ports.extend(listeners.into_iter().flatten().filter_map(listener_port));
                }
                builder = builder.objects(&Manifest::read(&object.to_string())?);
            } else if version == "v1" && kind == "Namespace" {
                builder = builder.object(Object::Other(object.clone()));
            } else if version.starts_with(NETWORKING) {
                match kind {
                    "Gateway" => {
                        let servers = object["spec"]["servers"].as_array();
                        ports.extend(servers.into_iter().flatten().filter_map(http_port));
                        let object = read::<Gateway>(object)?;
                        inventory = inventory.object(object.clone());
                        builder = builder.gateway(object);
                    }
                    "VirtualService" => {
                        let object = read::<VirtualService>(object)?;
                        inventory = inventory.object(object.clone());
                        builder = builder.virtual_service(object);
                    }
                    "DestinationRule" => {
                        let object = read::<DestinationRule>(object)?;
                        inventory = inventory.object(object.clone());
                        builder = builder.destination_rule(object);
                    }
                    _ => {}
                }
            }
        }
        // A port for HTTP on which some Gateway listens; the usual one first.
        let port = if ports.contains(&80) { 80 } else { ports.into_iter().min().unwrap_or(80) };
        Ok(Self { mesh: builder.services(services).build()?, port, endpoints, inventory })
    }

    /// The pod that listens at an address.
    pub(crate) fn endpoint_at(&self, address: SocketAddr) -> Option<&Endpoint> {
        let mut all = self.endpoints.values().flatten();
        all.find(|endpoint| endpoint.ports.values().any(|found| *found == address))
    }

    /// Returns true when weights divide the requests of the Envoy route of this name: its rule has several destinations.
    /// Envoy's log has no more than the name, so rules without a name are one.
    pub(crate) fn divides(&self, route: &str) -> bool {
        let rules = self.inventory.virtual_services();
        let mut rules = rules.iter().flat_map(|service| service.spec.http.iter().flatten());
        rules.any(|rule| {
            let name = rule.name.as_deref().unwrap_or_default();
            let rest = route.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                && rule.route.iter().flatten().count() > 1
        })
    }

    /// The pods that a cluster sends requests to.
    pub(crate) fn endpoints<'a>(
        &'a self,
        cluster: &'a Cluster,
    ) -> impl Iterator<Item = (&'a Endpoint, SocketAddr)> + Clone {
        let labels =
            cluster.subset.as_ref().and(cluster.policy.as_ref()).map(|policy| &policy.labels);
        let matches = move |endpoint: &&Endpoint| {
            labels.is_none_or(|labels| {
                labels.iter().all(|(key, value)| endpoint.labels.get(key) == Some(value))
            })
        };
        self.endpoints
            .get(&cluster.host)
            .into_iter()
            .flatten()
            .filter(matches)
            .filter_map(|endpoint| Some((endpoint, *endpoint.ports.get(&cluster.port)?)))
    }
}

fn read<T: serde::de::DeserializeOwned>(object: &Value) -> Result<T> {
    serde_json::from_value(object.clone()).map_err(|error| {
        Error::manifest(
            format!("{} {}", object["kind"], object["metadata"]["name"]),
            error.to_string(),
        )
    })
}

/// The port of a Gateway's server, when it speaks plain HTTP.
fn http_port(server: &Value) -> Option<u16> {
    let protocol = server["port"]["protocol"].as_str().unwrap_or_default();
    let plain =
        ["HTTP", "HTTP2", "GRPC", "GRPC-WEB"].contains(&protocol.to_ascii_uppercase().as_str());
    server["port"]["number"].as_u64().filter(|_| plain).and_then(|port| u16::try_from(port).ok())
}

/// The port of a listener of the Gateway API, when it speaks plain HTTP.
fn listener_port(listener: &Value) -> Option<u16> {
    let plain = listener["protocol"] == "HTTP";
    listener["port"].as_u64().filter(|_| plain).and_then(|port| u16::try_from(port).ok())
}

/// A service and its pods as Envoy's clusters are made from them.
fn backend(service: &Service, behind: &[Endpoint]) -> Backend {
    let endpoint = |endpoint: &Endpoint| BackendEndpoint {
        labels: endpoint.labels.clone(),
        addresses: endpoint.ports.clone(),
    };
    Backend {
        host: service.host.clone(),
        ports: service.ports.clone(),
        external_name: service.external_name.clone(),
        endpoints: behind.iter().map(endpoint).collect(),
    }
}

/// A Kubernetes Service with the pods that its selector finds.
fn service(object: &Value, pods: &[Pod]) -> (Service, Vec<Endpoint>) {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or("default");
    let spec = &object["spec"];
    let ports: Vec<(u16, u16)> = spec["ports"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|port| {
            let number = u16::try_from(port["port"].as_u64()?).ok()?;
            let target = port["targetPort"].as_u64().and_then(|port| u16::try_from(port).ok());
            Some((number, target.unwrap_or(number)))
        })
        .collect();
    let selector: Vec<(&str, &str)> = spec["selector"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .collect();
    let selected = |pod: &&Pod| {
        !selector.is_empty()
            && pod.namespace == namespace
            && selector.iter().all(|(key, value)| pod.labels.get(*key).is_some_and(|v| v == value))
    };
    let mut service = Service::of_cluster(namespace, name);
    if let Some(external) = spec["externalName"].as_str() {
        service = service.external_name(external);
    } else {
        service = service.without_endpoints();
    }
    for (number, _) in &ports {
        service = service.port(*number);
    }
    let mut endpoints = Vec::new();
    for pod in pods.iter().filter(selected) {
        let reached = ports
            .iter()
            .filter_map(|(number, target)| Some((*number, *pod.ports.get(target)?)))
            .collect();
        service = service.endpoint(pod.labels.clone(), true);
        endpoints.push(Endpoint {
            labels: pod.labels.clone(),
            workload: pod.workload.clone(),
            ports: reached,
        });
    }
    (service, endpoints)
}
