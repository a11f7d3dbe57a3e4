//! Services as objects declare them: Kubernetes' `Service` and Istio's `ServiceEntry`.

use std::{collections::BTreeMap, net::IpAddr};

use serde_json::Value;

use super::services::Service;
use crate::names::service_name;

/// The annotation with the namespaces that see a Kubernetes `Service`.
const EXPORT_TO: &str = "networking.istio.io/exportTo";

/// Objects, oldest first; those without a time come last, in the order given.
pub(super) fn by_age(mut objects: Vec<Value>) -> Vec<Value> {
    let text = |object: &Value, field: &str| {
        object["metadata"][field].as_str().unwrap_or_default().to_owned()
    };
    objects.sort_by_cached_key(|object| {
        let time = text(object, "creationTimestamp");
        let named =
            (!time.is_empty()).then(|| (text(object, "name"), namespace(object).to_owned()));
        (time.is_empty(), time, named)
    });
    objects
}

/// The services that an object declares.
pub(super) fn services(object: &Value, domain: &str) -> Vec<Service> {
    if object["kind"] == "Service" {
        from_service(object, domain).into_iter().collect()
    } else {
        from_service_entry(object)
    }
}

/// The service that a Kubernetes `Service` object describes; `None` when it has no name.
fn from_service(object: &Value, domain: &str) -> Option<Service> {
    let name = object["metadata"]["name"].as_str()?;
    let namespace = namespace(object);
    let spec = &object["spec"];
    let mut service = Service::new(service_name(name, namespace, domain));
    service.kubernetes = true;
    service.namespace = Some(namespace.to_owned());
    for port in list(&spec["ports"]) {
        let Some(number) = number(&port["port"]) else { continue };
        service.ports.push(number);
        if let Some(protocol) = protocol(number, port) {
            service.protocols.insert(number, protocol);
        }
        if let Some(target) = self::number(&port["targetPort"]).filter(|target| *target != number) {
            service.target_ports.insert(number, target);
        }
    }
    if spec["type"] == "ExternalName" {
        service.external_name = spec["externalName"].as_str().map(str::to_owned);
    }
    service.headless = spec["clusterIP"] == "None";
    let one = spec["clusterIP"].as_str();
    let addresses = one.into_iter().chain(texts(&spec["clusterIPs"])).filter_map(ip);
    service.addresses.extend(addresses);
    service.addresses.dedup();
    service.selector = labels(&spec["selector"]);
    let annotation = object["metadata"]["annotations"][EXPORT_TO].as_str().unwrap_or_default();
    service.export_to = annotation
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(str::to_owned)
        .collect();
    Some(service)
}

/// The services that a `ServiceEntry` describes, one for each host.
fn from_service_entry(object: &Value) -> Vec<Service> {
    let spec = &object["spec"];
    let mut common =
        Service { namespace: Some(namespace(object).to_owned()), ..Service::default() };
    for port in list(&spec["ports"]) {
        let Some(number) = number(&port["number"]) else { continue };
        common.ports.push(number);
        if let Some(protocol) = port["protocol"].as_str() {
            common.protocols.insert(number, protocol.to_ascii_uppercase());
        }
    }
    common.addresses = texts(&spec["addresses"]).filter_map(ip).collect();
    common.export_to = texts(&spec["exportTo"]).map(str::to_owned).collect();
    texts(&spec["hosts"])
        .map(|host| Service { host: host.to_ascii_lowercase(), ..common.clone() })
        .collect()
}

/// The protocol that a port of a Kubernetes `Service` declares: by `appProtocol`, otherwise by the prefix of its name;
/// a few port numbers are never HTTP (`pkg/config/kube/conversion.go`).
fn protocol(number: u16, port: &Value) -> Option<String> {
    if port["protocol"] == "UDP" {
        return Some("UDP".to_owned());
    }
    let declared = match port["appProtocol"].as_str() {
        Some("kubernetes.io/h2c") => "http2",
        Some("kubernetes.io/ws") => "http",
        Some("kubernetes.io/wss") => "https",
        Some(other) => other,
        None => port["name"].as_str().unwrap_or_default(),
    };
    let lower = declared.to_ascii_lowercase();
    if lower.starts_with("grpc-web") {
        return Some("GRPC-WEB".to_owned());
    }
    let word = lower.split('-').next().unwrap_or_default();
    let known = [
        "tcp",
        "udp",
        "grpc",
        "http",
        "http_proxy",
        "http2",
        "https",
        "tls",
        "mongo",
        "redis",
        "mysql",
    ];
    if known.contains(&word) {
        return Some(word.to_ascii_uppercase());
    }
    matches!(number, 25 | 53 | 3306 | 27017).then(|| "TCP".to_owned())
}

/// The namespace of an object; that of kubectl's default when it names none.
pub(super) fn namespace(object: &Value) -> &str {
    let written = object["metadata"]["namespace"].as_str();
    written.filter(|namespace| !namespace.is_empty()).unwrap_or("default")
}

/// The entries of a list; none when it is not a list.
pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The texts of a list.
pub(super) fn texts(value: &Value) -> impl Iterator<Item = &str> {
    list(value).filter_map(Value::as_str)
}

/// A map of texts.
pub(super) fn labels(value: &Value) -> BTreeMap<String, String> {
    let pairs = value.as_object().into_iter().flatten();
    pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

fn number(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|number| u16::try_from(number).ok())
}

/// An address or a range of addresses; the unspecified one stands for none.
fn ip(text: &str) -> Option<String> {
    let text = text.strip_suffix("/32").unwrap_or(text);
    if let Some((address, bits)) = text.split_once('/') {
        let address: IpAddr = address.parse().ok()?;
        return bits.parse::<u8>().is_ok().then(|| format!("{address}/{bits}"));
    }
    let address: IpAddr = text.parse().ok()?;
    (!address.is_unspecified()).then(|| address.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_service_tells_ports_protocols_and_addresses() {
        let object = json!({
            "metadata": {"name": "a", "namespace": "shop", "annotations": {EXPORT_TO: "., web"}},
            "spec": {"clusterIP": "10.0.0.1", "selector": {"app": "a"}, "ports": [
                {"port": 80, "name": "http", "targetPort": 8080},
                {"port": 443, "appProtocol": "kubernetes.io/wss"},
                {"port": 27017}, {"port": 8081, "name": "odd-port"}, {"port": 53, "protocol": "UDP"},
            ]},
        });
        let service = from_service(&object, "cluster.local").unwrap();
        assert_eq!(service.host, "a.shop.svc.cluster.local");
        assert_eq!(service.ports, [80, 443, 27017, 8081, 53]);
        let protocols: Vec<_> = service.protocols.values().map(String::as_str).collect();
        assert_eq!(protocols, ["UDP", "HTTP", "HTTPS", "TCP"]);
        assert_eq!(service.target_ports, BTreeMap::from([(80, 8080)]));
        assert_eq!(service.addresses, ["10.0.0.1"]);
        assert_eq!(service.export_to, [".", "web"]);
        assert!(!service.headless && from_service(&json!({}), "cluster.local").is_none());
    }

    #[test]
    fn a_service_entry_declares_each_of_its_hosts() {
        let object = json!({
            "metadata": {"name": "e", "namespace": "ns1"},
            "spec": {"hosts": ["Ext.org", "*.org"], "addresses": ["10.1.0.0/16", "10.2.0.1/32", "0.0.0.0"],
                     "ports": [{"number": 443, "name": "tls", "protocol": "tls"}]},
        });
        let services = from_service_entry(&object);
        let hosts: Vec<_> = services.iter().map(|service| service.host.as_str()).collect();
        assert_eq!(hosts, ["ext.org", "*.org"]);
        assert_eq!(services[0].addresses, ["10.1.0.0/16", "10.2.0.1"]);
        assert_eq!(services[0].protocols, BTreeMap::from([(443, "TLS".to_owned())]));
        assert_eq!(services[0].namespace.as_deref(), Some("ns1"));
    }
}
