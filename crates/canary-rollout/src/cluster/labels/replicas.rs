//! The servers behind a `Service`, by its endpoints.

use serde_json::Value;

use crate::{
    Error, Result, VersionLabels,
    cluster::Cluster,
    json::{list, text},
};

/// The port of TensorFlow Serving's gRPC, where no port of the endpoints says that it is for gRPC.
const GRPC_PORT: u64 = 8500;

/// One server: an endpoint of the `Service`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replica {
    /// The name of its pod, or its address where the endpoint names none.
    pub name: String,
    /// Its IP address and gRPC port, such as `10.0.0.7:8500`.
    pub address: String,
    /// `true` when it is ready to serve (`conditions.ready`).
    pub ready: bool,
}

impl Replica {
    /// A server of that name at an address, ready to serve.
    ///
    /// ```
    /// use canary_core::cluster::Replica;
    ///
    /// assert_eq!(Replica::new("pets-0", "10.0.0.7:8500").to_string(), "pets-0 (10.0.0.7:8500)");
    /// ```
    pub fn new(name: impl Into<String>, address: impl Into<String>) -> Self {
        Self { name: name.into(), address: address.into(), ready: true }
    }

    /// The servers of a `Service` in its `EndpointSlice`s: the endpoints that are not terminating, by name. The port is
    /// that for gRPC by its name or protocol, the only one, or 8500.
    ///
    /// ```
    /// use canary_core::cluster::Replica;
    ///
    /// let slice = serde_json::json!({
    ///     "metadata": {"labels": {"kubernetes.io/service-name": "pets"}},
    ///     "ports": [{"name": "tf-serving-http", "port": 8501}, {"name": "tf-serving-grpc", "port": 8500}],
    ///     "endpoints": [{"addresses": ["10.0.0.7"], "targetRef": {"kind": "Pod", "name": "pets-0"}}],
    /// });
    /// assert_eq!(Replica::of_service(&[slice], "pets"), [Replica::new("pets-0", "10.0.0.7:8500")]);
    /// ```
    pub fn of_service(slices: &[Value], service: &str) -> Vec<Self> {
        in_slices(slices, service)
    }
}

impl std::fmt::Display for Replica {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name, self.address)
    }
}

/// The servers of a target of labels: the endpoints of its `Service` that are not terminating, in the order of their names.
///
/// # Errors
/// [`Error::Cluster`] when the `EndpointSlice`s cannot be listed.
pub async fn replicas_of(cluster: &impl Cluster, target: &VersionLabels) -> Result<Vec<Replica>> {
    let namespace = Some(target.namespace.as_str());
    let slices = cluster.list("discovery.k8s.io/v1", "EndpointSlice", namespace).await;
    let slices = slices.map_err(|error| match error {
        Error::Unserved { .. } => Error::Plan(format!(
            "the servers behind Service {}/{} are not known: the cluster serves no EndpointSlices",
            target.namespace, target.service
        )),
        error => error,
    })?;
    Ok(in_slices(&slices, &target.service))
}

fn in_slices(slices: &[Value], service: &str) -> Vec<Replica> {
    let of_service = |slice: &&Value| {
        slice["metadata"]["labels"]["kubernetes.io/service-name"] == service
            && slice["addressType"] != "FQDN"
    };
    let mut replicas = Vec::new();
    for slice in slices.iter().filter(of_service) {
        let port = grpc_port(slice);
        for endpoint in list(slice, "/endpoints") {
            if endpoint["conditions"]["terminating"] == true {
                continue;
            }
            let Some(address) = endpoint["addresses"][0].as_str() else { continue };
            // An IPv6 address stands in brackets before a port.
            let host =
                if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
            let pod = text(endpoint, "/targetRef/name");
            let name = if pod.is_empty() { address } else { pod };
            let mut replica = Replica::new(name, format!("{host}:{port}"));
            // An absent condition is to be read as true.
            replica.ready = endpoint["conditions"]["ready"] != false;
            replicas.push(replica);
        }
    }
    replicas.sort_by(|a, b| (&a.name, &a.address).cmp(&(&b.name, &b.address)));
    replicas.dedup_by(|a, b| a.name == b.name);
    replicas
}

/// The port for gRPC: the one whose name or protocol says so, or the server's usual one.
fn grpc_port(slice: &Value) -> u64 {
    let ports = list(slice, "/ports");
    let says_grpc = |port: &&Value| {
        let (name, protocol) = (text(port, "/name"), text(port, "/appProtocol"));
        name.split('-').any(|part| part == "grpc") || protocol.contains("grpc")
    };
    let named = ports.iter().find(says_grpc).or(match ports {
        [only] => Some(only),
        _ => None,
    });
    named.and_then(|port| port["port"].as_u64()).unwrap_or(GRPC_PORT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn slice(service: &str, endpoints: &Value, ports: &Value) -> Value {
        json!({
            "metadata": {"labels": {"kubernetes.io/service-name": service}},
            "addressType": "IPv4", "endpoints": endpoints, "ports": ports,
        })
    }

    #[test]
    fn the_endpoints_of_the_service_are_the_servers() {
        let ports = json!([{"name": "tf-serving-http", "port": 8501}, {"name": "tf-serving-grpc", "port": 8500}]);
        let pod = |name: &str| json!({"kind": "Pod", "name": name});
        let slices = [
            slice(
                "pets",
                &json!([
                    {"addresses": ["10.0.0.8"], "conditions": {"ready": false}, "targetRef": pod("b")},
                    {"addresses": ["10.0.0.7"], "targetRef": pod("a")},
                    {"addresses": ["10.0.0.9"], "conditions": {"terminating": true}, "targetRef": pod("c")},
                ]),
                &ports,
            ),
            slice("cars", &json!([{"addresses": ["10.0.1.1"]}]), &ports),
            // Two address families have an endpoint each for one pod.
            slice("pets", &json!([{"addresses": ["fd00::7"], "targetRef": pod("a")}]), &ports),
        ];
        let found = in_slices(&slices, "pets");
        let shown: Vec<_> = found.iter().map(|one| (one.to_string(), one.ready)).collect();
        assert_eq!(
            shown,
            [("a (10.0.0.7:8500)".to_owned(), true), ("b (10.0.0.8:8500)".to_owned(), false)]
        );
        assert_eq!(in_slices(&slices, "dogs"), []);
    }

    #[test]
    fn the_port_is_the_one_for_grpc() {
        let port = |ports: &Value| grpc_port(&slice("pets", &json!([]), ports));
        assert_eq!(port(&json!([{"port": 9000}])), 9000);
        assert_eq!(
            port(
                &json!([{"name": "rest", "port": 1}, {"name": "x", "appProtocol": "kubernetes.io/grpc", "port": 2}])
            ),
            2
        );
        assert_eq!(port(&json!([{"name": "a", "port": 1}, {"name": "b", "port": 2}])), 8500);
        let six = in_slices(&[slice("p", &json!([{"addresses": ["fd00::7"]}]), &json!([]))], "p");
        assert_eq!(six[0].address, "[fd00::7]:8500");
    }
}
