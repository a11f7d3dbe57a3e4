//! The objects that a lab keeps on its API server: those of its store that istiod reads, and substitutes for its pods
//! and its gateway.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::objects::{GATEWAY_NAMESPACE, gateway_objects, gateway_selector, workload_entry};
use crate::gateway::{Pod, SUBSET};

/// The host by which a lab asks its gateway which objects are in force.
pub(crate) const MARKER: &str = "in-force.canary-lab.invalid";

/// An object by kind, namespace and name.
pub(crate) type Key = (&'static str, String, String);

/// The kinds that are written, in this order: an object is written before those that refer to it.
pub(crate) const KINDS: [(&str, &str); 9] = [
    ("Namespace", "v1"),
    ("Service", "v1"),
    ("ServiceEntry", NETWORKING),
    ("WorkloadEntry", NETWORKING),
    ("EnvoyFilter", "networking.istio.io/v1alpha3"),
    ("Sidecar", NETWORKING),
    ("DestinationRule", NETWORKING),
    ("Gateway", NETWORKING),
    ("VirtualService", NETWORKING),
];

const NETWORKING: &str = "networking.istio.io/v1";

/// The desired objects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Desired(pub(crate) BTreeMap<(usize, Key), Value>);

impl Desired {
    /// Those of a store's objects and of its pods. The gateway listens to `listener`, which stands for `port` of the
    /// Gateways.
    pub(crate) fn new(objects: &[&Value], pods: &[Pod], port: u16, listener: u16) -> Self {
        let mut desired = Self::default();
        let services: Vec<&Value> = objects
            .iter()
            .copied()
            .filter(|object| object["kind"] == "Service" && object["apiVersion"] == "v1")
            .collect();
        for object in objects {
            desired.add_read_by_istiod(object);
        }
        for (number, pod) in pods.iter().enumerate() {
            let own: Vec<&Value> =
                services.iter().copied().filter(|service| selects(service, pod)).collect();
            desired.add_pod(number, pod, &own);
        }
        for mut object in gateway_objects(listener) {
            if object["kind"] == "Service" {
                object["spec"]["ports"][0]["port"] = json!(port);
            }
            desired.add(object);
        }
        desired.add(envoy_filter());
        desired.add(marker_gateway(port));
        let namespaces: BTreeSet<String> =
            desired.0.keys().map(|(_, (_, namespace, _))| namespace.clone()).collect();
        for namespace in namespaces.iter().filter(|namespace| !namespace.is_empty()) {
            let metadata = json!({"name": namespace});
            desired.add(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}));
        }
        desired
    }

    fn add(&mut self, object: Value) {
        let kind = object["kind"].as_str().unwrap_or_default();
        let place = KINDS.iter().position(|(known, _)| *known == kind);
        if let Some(place) = place {
            let text =
                |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
            let namespace = match (kind, text("namespace")) {
                ("Namespace", _) => String::new(),
                (_, empty) if empty.is_empty() => "default".to_owned(),
                (_, namespace) => namespace,
            };
            self.0.insert((place, (KINDS[place].0, namespace, text("name"))), object);
        }
    }

    /// Adds an object of the store without the fields that the API server sets.
    fn add_read_by_istiod(&mut self, object: &Value) {
        let version = object["apiVersion"].as_str().unwrap_or_default();
        let service = object["kind"] == "Service" && version == "v1";
        if !service && !version.starts_with("networking.istio.io/") {
            return;
        }
        let mut metadata = json!({});
        for field in ["name", "namespace", "labels", "annotations"] {
            if let Some(value) = object["metadata"].get(field) {
                metadata[field] = value.clone();
            }
        }
        let mut spec = object["spec"].clone();
        if service {
            name_ports(&mut spec);
        }
        self.add(json!({
            "apiVersion": version, "kind": object["kind"], "metadata": metadata, "spec": spec,
        }));
    }

    /// Adds the entry of a pod, with each port by the name that the Services in front of it give to it.
    fn add_pod(&mut self, number: usize, pod: &Pod, services: &[&Value]) {
        let mut ports = BTreeMap::new();
        for service in services {
            for port in service["spec"]["ports"].as_array().into_iter().flatten() {
                let target = port["targetPort"].as_u64().or_else(|| port["port"].as_u64());
                let target = target.and_then(|target| u16::try_from(target).ok());
                if let Some(address) = target.and_then(|target| pod.ports.get(&target)) {
                    ports.insert(port_name(port), *address);
                }
            }
        }
        let Some(address) = ports.values().next().copied() else { return };
        let names = ports.into_iter().filter(|(_, found)| *found == address).map(|(name, _)| name);
        let name = format!("{}-{number}", pod.workload);
        self.add(workload_entry(&pod.namespace, &name, &pod.labels, address, names));
    }
}

/// Returns `true` when the selector of a Service finds the pod.
fn selects(service: &Value, pod: &Pod) -> bool {
    let namespace = service["metadata"]["namespace"].as_str().unwrap_or("default");
    let selector = service["spec"]["selector"].as_object();
    namespace == pod.namespace
        && selector.is_some_and(|selector| {
            !selector.is_empty()
                && selector
                    .iter()
                    .all(|(key, value)| pod.labels.get(key).map(String::as_str) == value.as_str())
        })
}

/// Names the ports without a name, because entries refer to ports by name. The name does not select a protocol, as in a
/// port without a name.
fn name_ports(spec: &mut Value) {
    for port in spec["ports"].as_array_mut().into_iter().flatten() {
        port["name"] = json!(port_name(port));
    }
}

fn port_name(port: &Value) -> String {
    let name = port["name"].as_str().filter(|name| !name.is_empty());
    name.map_or_else(|| format!("port-{}", port["port"]), str::to_owned)
}

/// Keeps the gateway on loopback, and names the subset in every response as the lab's own gateway does.
fn envoy_filter() -> Value {
    let patch = |to: &str, value: Value| {
        json!({
            "applyTo": to,
            "match": {"context": "GATEWAY"},
            "patch": {"operation": "MERGE", "value": value},
        })
    };
    json!({
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": "canary-lab", "namespace": GATEWAY_NAMESPACE},
        "spec": {
            "workloadSelector": {"labels": gateway_selector()},
            "configPatches": [
                patch("LISTENER", json!({"address": {"socket_address": {"address": "127.0.0.1"}}})),
                patch("ROUTE_CONFIGURATION", json!({"response_headers_to_add": [{
                    "header": {"key": SUBSET.as_str(), "value": "%METADATA(CLUSTER:istio:subset)%"},
                    "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
                }]})),
            ],
        },
    })
}

/// The Gateway of the marker, which keeps the port open even before the user's Gateway exists.
fn marker_gateway(port: u16) -> Value {
    json!({
        "apiVersion": NETWORKING,
        "kind": "Gateway",
        "metadata": {"name": "canary-lab", "namespace": GATEWAY_NAMESPACE},
        "spec": {
            "selector": gateway_selector(),
            "servers": [{
                "port": {"number": port, "name": "http", "protocol": "HTTP"}, "hosts": [MARKER],
            }],
        },
    })
}

/// A route by which the gateway answers with the number of the newest objects that it knows. It is written after them,
/// and istiod sends them together.
pub(crate) fn marker(number: u64) -> Value {
    json!({
        "apiVersion": NETWORKING,
        "kind": "VirtualService",
        "metadata": {"name": "canary-lab", "namespace": GATEWAY_NAMESPACE},
        "spec": {
            "hosts": [MARKER],
            "gateways": ["canary-lab"],
            "http": [{"directResponse": {"status": 200, "body": {"string": number.to_string()}}}],
        },
    })
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn service(ports: &Value) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "pets", "namespace": "models", "resourceVersion": "7"},
            "spec": {"selector": {"app": "pets"}, "ports": ports},
            "status": {"loadBalancer": {}},
        })
    }

    fn pod(version: &str, port: u16) -> Pod {
        let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        Pod {
            namespace: "models".to_owned(),
            workload: format!("pets-{version}"),
            labels: BTreeMap::from([label("app", "pets"), label("version", version)]),
            ports: BTreeMap::from([(8501, SocketAddr::from(([127, 0, 0, 1], port)))]),
        }
    }

    fn found<'d>(desired: &'d Desired, kind: &str, name: &str) -> &'d Value {
        let mut all = desired.0.iter();
        all.find(|((_, key), _)| key.0 == kind && key.2 == name).unwrap().1
    }

    #[test]
    fn pods_are_entries_with_the_ports_of_the_services_that_select_them() {
        let ports = json!([
            {"name": "tf-serving-grpc", "port": 8500},
            {"name": "tf-serving-http", "port": 80, "targetPort": 8501},
        ]);
        let service = service(&ports);
        let desired =
            Desired::new(&[&service], &[pod("v1", 40_001), pod("v2", 40_002)], 80, 30_001);
        let entry = found(&desired, "WorkloadEntry", "pets-v2-1");
        assert_eq!(entry["spec"]["ports"], json!({"tf-serving-http": 40_002}));
        assert_eq!(entry["spec"]["labels"]["version"], "v2");
        // Leave out the fields that the API server sets itself.
        let written = found(&desired, "Service", "pets");
        assert_eq!(written["metadata"], json!({"name": "pets", "namespace": "models"}));
        assert!(written.get("status").is_none());
        found(&desired, "Namespace", "models");
        // Objects precede those that refer to them.
        let kinds: Vec<&str> = desired.0.keys().map(|(_, key)| key.0).collect();
        assert!(
            kinds.first() == Some(&"Namespace") && kinds.last() == Some(&"Gateway"),
            "{kinds:?}"
        );
    }

    #[test]
    fn a_port_without_a_name_leads_to_the_pods_as_well() {
        let service = service(&json!([{"port": 8501}]));
        let desired = Desired::new(&[&service], &[pod("v1", 40_001)], 80, 30_001);
        assert_eq!(found(&desired, "Service", "pets")["spec"]["ports"][0]["name"], "port-8501");
        let entry = found(&desired, "WorkloadEntry", "pets-v1-0");
        assert_eq!(entry["spec"]["ports"], json!({"port-8501": 40_001}));
    }
}
