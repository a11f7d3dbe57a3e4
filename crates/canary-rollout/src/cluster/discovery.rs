//! The address under which a mesh's gateway is reached from outside.

use std::{collections::BTreeMap, fmt, net::IpAddr};

use serde::Serialize;
use serde_json::Value;

use super::{Cluster, ObjectRef};
use crate::{
    Error, Result,
    json::{list, text, texts},
};

/// The load balancers of a service.
const BALANCERS: &str = "/status/loadBalancer/ingress";

/// The way to reach a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reach {
    /// By the address of a load balancer.
    LoadBalancer,
    /// By an external IP of the service.
    ExternalIp,
    /// By a port on every node.
    NodePort,
    /// From inside the cluster only.
    ClusterIp,
}

/// One way to reach a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GatewayAddress {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// An IP address or a host name, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The way to reach it.
    pub reach: Reach,
    /// The service in front of it, as `namespace/name`.
    pub service: String,
}

impl GatewayAddress {
    /// The address as a URL; IPv6 in brackets, the scheme's own port left out.
    pub fn url(&self) -> String {
        let host = match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V6(_)) => format!("[{}]", self.host),
            _ => self.host.clone(),
        };
        match (self.scheme, self.port) {
            ("http", 80) | ("https", 443) => format!("{}://{host}", self.scheme),
            (scheme, port) => format!("{scheme}://{host}:{port}"),
        }
    }
}

impl fmt::Display for GatewayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url())
    }
}

/// Finds the addresses of the gateway that a `Gateway` object configures, best first.
///
/// The object's selector leads to the services whose pods it configures, its first server to the port: a service
/// port of that number, else one that leads to it, else the one named `http2` or `https`.
///
/// # Errors
/// [`Error::NotFound`] when there is no such `Gateway`, or no service, or no address yet, each with what to do;
/// [`Error::Cluster`] when the cluster cannot be read.
pub async fn gateway_addresses(
    cluster: &impl Cluster,
    namespace: &str,
    gateway: &str,
) -> Result<Vec<GatewayAddress>> {
    let target = ObjectRef::gateway(namespace, gateway);
    let object = cluster.get(&target).await?.ok_or_else(|| Error::NotFound {
        object: target.to_string(),
        help: "apply the gateway first".to_owned(),
    })?;
    let selector = texts(object.pointer("/spec/selector"));
    let server = object.pointer("/spec/servers/0/port");
    let number = server.and_then(|port| port.get("number")).and_then(Value::as_u64).unwrap_or(80);
    let protocol =
        server.and_then(|port| port.get("protocol")).and_then(Value::as_str).unwrap_or("HTTP");
    let tls = matches!(protocol.to_ascii_uppercase().as_str(), "HTTPS" | "TLS");
    ingress_addresses(cluster, &selector, number, tls).await
}

/// Finds the addresses of the gateway that a `VirtualService` names first, best first.
///
/// # Errors
/// As [`gateway_addresses`]; [`Error::NotFound`] also when there is no such `VirtualService`, or it names no gateway.
pub async fn route_addresses(
    cluster: &impl Cluster,
    namespace: &str,
    virtual_service: &str,
) -> Result<Vec<GatewayAddress>> {
    route_addresses_of(cluster, &ObjectRef::virtual_service(namespace, virtual_service)).await
}

/// Finds the addresses of the gateway that a route names first, best first: of Istio's `Gateway` for a `VirtualService`,
/// and of the Gateway API's `Gateway` that is the parent of an `HTTPRoute` or `GRPCRoute`.
///
/// # Errors
/// As [`route_addresses`]; [`Error::NotFound`] also when the parent `Gateway` has no address yet.
pub async fn route_addresses_of(
    cluster: &impl Cluster,
    target: &ObjectRef,
) -> Result<Vec<GatewayAddress>> {
    let live = cluster.get(target).await?.ok_or_else(|| Error::NotFound {
        object: target.to_string(),
        help: "apply it first, or give the gateway's URL yourself".to_owned(),
    })?;
    if target.kind != "VirtualService" {
        return parent_addresses(cluster, target, &live).await;
    }
    let namespace = target.namespace.as_str();
    let names = list(&live, "/spec/gateways").iter();
    let name = names.filter_map(Value::as_str).find(|name| *name != "mesh");
    let name = name.ok_or_else(|| Error::NotFound {
        object: format!("a gateway in {target}"),
        help: "name one in spec.gateways, or give the gateway's URL yourself".to_owned(),
    })?;
    let (namespace, name) = name.split_once('/').unwrap_or((namespace, name));
    gateway_addresses(cluster, namespace, name).await
}

/// The addresses of the Gateway API's `Gateway` that is the first parent of a route, as its status reports them.
async fn parent_addresses(
    cluster: &impl Cluster,
    target: &ObjectRef,
    route: &Value,
) -> Result<Vec<GatewayAddress>> {
    let is_gateway = |parent: &&Value| parent.get("kind").is_none_or(|kind| kind == "Gateway");
    let parent = list(route, "/spec/parentRefs").iter().find(is_gateway);
    let parent = parent.ok_or_else(|| Error::NotFound {
        object: format!("a gateway in {target}"),
        help: "name one in spec.parentRefs, or give the URL of the service yourself".to_owned(),
    })?;
    let namespace = parent.get("namespace").and_then(Value::as_str).unwrap_or(&target.namespace);
    let gateway =
        ObjectRef::new("gateway.networking.k8s.io/v1", "Gateway", namespace, text(parent, "/name"));
    let live = cluster.get(&gateway).await?.ok_or_else(|| Error::NotFound {
        object: gateway.to_string(),
        help: "apply the gateway first".to_owned(),
    })?;
    let listeners = list(&live, "/spec/listeners").iter();
    let section = parent.get("sectionName");
    let serves = |listener: &&Value| {
        section.is_none_or(|name| listener.get("name") == Some(name))
            && matches!(text(listener, "/protocol"), "HTTP" | "HTTPS")
    };
    let listeners: Vec<&Value> = listeners.filter(serves).collect();
    let mut found = Vec::new();
    for address in list(&live, "/status/addresses") {
        for listener in &listeners {
            let host = text(address, "/value").to_owned();
            found.push(GatewayAddress {
                scheme: if text(listener, "/protocol") == "HTTPS" { "https" } else { "http" },
                port: listener["port"]
                    .as_u64()
                    .and_then(|port| u16::try_from(port).ok())
                    .unwrap_or(80),
                reach: if host.contains(".svc.") { Reach::ClusterIp } else { Reach::LoadBalancer },
                service: format!("{}/{}", gateway.namespace, gateway.name),
                host,
            });
        }
    }
    if found.is_empty() {
        return Err(Error::NotFound {
            object: format!("an address of {gateway}"),
            help: "wait until status.addresses of the gateway is set, or give its URL yourself"
                .to_owned(),
        });
    }
    Ok(found)
}

/// Finds the addresses of the gateway whose pods carry these labels, best first.
///
/// # Errors
/// As [`gateway_addresses`].
pub async fn ingress_addresses(
    cluster: &impl Cluster,
    selector: &BTreeMap<String, String>,
    port: u64,
    tls: bool,
) -> Result<Vec<GatewayAddress>> {
    let services = cluster.list("v1", "Service", None).await?;
    let matching: Vec<_> = services
        .iter()
        .filter(|service| {
            let own = texts(service.pointer("/spec/selector"));
            !own.is_empty() && selector.iter().all(|(key, value)| own.get(key) == Some(value))
        })
        .collect();
    let labels = selector.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>();
    if matching.is_empty() {
        return Err(Error::NotFound {
            object: format!("service of the gateway pods ({})", labels.join(",")),
            help: "install an ingress gateway, or give its URL yourself".to_owned(),
        });
    }
    // Without a load balancer's address, as on a local machine, the ports of the nodes are the way in. An
    // account that may not list nodes still gets the other addresses.
    let nodes = if matching.iter().any(|service| needs_nodes(service)) {
        match cluster.list("v1", "Node", None).await {
            Err(error) if error.is_retryable() => return Err(error),
            nodes => nodes.unwrap_or_default(),
        }
    } else {
        Vec::new()
    };
    let mut found: Vec<_> =
        matching.iter().flat_map(|service| addresses(service, port, tls, &nodes)).collect();
    found.sort_by_key(|address| match address.reach {
        Reach::LoadBalancer => 0,
        Reach::ExternalIp => 1,
        Reach::NodePort => 2,
        Reach::ClusterIp => 3,
    });
    if found.is_empty() {
        let names: Vec<_> = matching.iter().map(|service| full_name(service)).collect();
        return Err(Error::NotFound {
            object: format!("port {port} of {}", names.join(", ")),
            help: "give the gateway's URL yourself, or expose the port in the service".to_owned(),
        });
    }
    Ok(found)
}

fn needs_nodes(service: &Value) -> bool {
    match text(service, "/spec/type") {
        "NodePort" => true,
        "LoadBalancer" => list(service, BALANCERS).is_empty(),
        _ => false,
    }
}

fn full_name(service: &Value) -> String {
    format!("{}/{}", text(service, "/metadata/namespace"), text(service, "/metadata/name"))
}

/// The service port that leads to the gateway's port.
fn service_port(service: &Value, number: u64, tls: bool) -> Option<&Value> {
    let ports = list(service, "/spec/ports");
    let named = if tls { "https" } else { "http2" };
    ports
        .iter()
        .find(|port| port["port"] == number)
        .or_else(|| ports.iter().find(|port| port["targetPort"] == number))
        .or_else(|| ports.iter().find(|port| port["name"] == named))
}

fn addresses(service: &Value, number: u64, tls: bool, nodes: &[Value]) -> Vec<GatewayAddress> {
    let Some(port) = service_port(service, number, tls) else { return Vec::new() };
    let scheme = if tls { "https" } else { "http" };
    let as_port = |field: &str| port[field].as_u64().and_then(|port| u16::try_from(port).ok());
    let mut found = Vec::new();
    let mut push = |host: &str, port: Option<u16>, reach: Reach| {
        if let Some(port) = port
            && !host.is_empty()
        {
            let service = full_name(service);
            found.push(GatewayAddress { scheme, host: host.to_owned(), port, reach, service });
        }
    };
    for balancer in list(service, BALANCERS) {
        let host = balancer["ip"].as_str().or_else(|| balancer["hostname"].as_str());
        push(host.unwrap_or_default(), as_port("port"), Reach::LoadBalancer);
    }
    for address in list(service, "/spec/externalIPs").iter().filter_map(Value::as_str) {
        push(address, as_port("port"), Reach::ExternalIp);
    }
    for node in nodes {
        let of = |kind: &str| {
            let known = list(node, "/status/addresses").iter().find(|a| a["type"] == kind);
            known.and_then(|a| a["address"].as_str())
        };
        let host = of("ExternalIP").or_else(|| of("InternalIP")).unwrap_or_default();
        push(host, as_port("nodePort"), Reach::NodePort);
    }
    let (name, namespace) = (text(service, "/metadata/name"), text(service, "/metadata/namespace"));
    let inside = format!("{name}.{namespace}.svc");
    push(&inside, as_port("port"), Reach::ClusterIp);
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(status: &Value, spec: &Value) -> Value {
        let mut service = json!({
            "metadata": {"name": "istio-ingressgateway", "namespace": "istio-system"},
            "spec": {"ports": [
                {"name": "status-port", "port": 15021, "nodePort": 30021},
                {"name": "http2", "port": 80, "targetPort": 8080, "nodePort": 30080},
                {"name": "https", "port": 443, "targetPort": 8443, "nodePort": 30443},
            ]},
            "status": status,
        });
        for (key, value) in spec.as_object().unwrap() {
            service["spec"][key] = value.clone();
        }
        service
    }

    fn urls(service: &Value, number: u64, tls: bool, nodes: &[Value]) -> Vec<String> {
        addresses(service, number, tls, nodes).iter().map(GatewayAddress::url).collect()
    }

    #[test]
    fn every_way_to_reach_the_gateway_is_found() {
        let balancer =
            |entry: Value| service(&json!({"loadBalancer": {"ingress": [entry]}}), &json!({}));
        let inside = "http://istio-ingressgateway.istio-system.svc";
        assert_eq!(
            urls(&balancer(json!({"ip": "34.1.2.3"})), 80, false, &[]),
            ["http://34.1.2.3", inside]
        );
        assert_eq!(
            urls(&balancer(json!({"hostname": "lb.example"})), 80, false, &[])[0],
            "http://lb.example"
        );
        assert_eq!(
            urls(&balancer(json!({"ip": "2001:db8::1"})), 80, false, &[])[0],
            "http://[2001:db8::1]"
        );
        assert_eq!(
            urls(&balancer(json!({"ip": "34.1.2.3"})), 443, true, &[])[0],
            "https://34.1.2.3"
        );
        // A Gateway on the container's port is reached by the service's.
        assert_eq!(
            urls(&balancer(json!({"ip": "34.1.2.3"})), 8080, false, &[])[0],
            "http://34.1.2.3"
        );
        let node =
            json!({"status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.7"}]}});
        let node_port = service(&json!({}), &json!({"type": "NodePort"}));
        assert_eq!(urls(&node_port, 80, false, &[node])[0], "http://10.0.0.7:30080");
        let external = service(&json!({}), &json!({"externalIPs": ["192.0.2.9"]}));
        assert_eq!(urls(&external, 80, false, &[])[0], "http://192.0.2.9");
    }
}
