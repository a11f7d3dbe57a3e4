//! Generated gateways.

use serde_json::{Value, json};

use super::{super::draw::Draw, metadata, put};

/// The name of the gateway.
pub const GATEWAY: &str = "public";

/// The proxies of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxies {
    /// Those that Istio deploys for it.
    Own,
    /// Those with the label `istio: ingressgateway`, which Istio's own Gateways select.
    Shared,
}

const HOSTNAMES: [&str; 7] = [
    "a.example.com",
    "*.example.com",
    "*.example.com",
    "*.b.example.com",
    "x.b.example.com",
    "*.com",
    "model.example.org",
];

/// A gateway in a namespace with the Service in front of its proxies.
pub fn gateway_objects(draw: &mut Draw, namespace: &str, proxies: Proxies) -> Vec<Value> {
    let mut number = 0;
    let listeners = draw.several(1, 4, |draw| {
        number += 1;
        listener(draw, number)
    });
    let mut spec = json!({"gatewayClassName": "istio", "listeners": listeners});
    let (service, selector) = match proxies {
        Proxies::Own => {
            (format!("{GATEWAY}-istio"), json!({"gateway.networking.k8s.io/gateway-name": GATEWAY}))
        }
        Proxies::Shared => {
            spec["addresses"] = json!([{"type": "Hostname", "value": "ingress"}]);
            ("ingress".to_owned(), json!({"istio": "ingressgateway"}))
        }
    };
    let mut ports = vec![json!({"port": 80, "name": "http-80", "protocol": "TCP"})];
    if !draw.once_in(8) {
        ports.push(json!({"port": 8080, "name": "http-8080", "protocol": "TCP"}));
    }
    vec![
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
            "metadata": metadata(draw, GATEWAY, namespace), "spec": spec,
        }),
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": service, "namespace": namespace, "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"clusterIP": "10.9.2.1", "selector": selector, "ports": ports},
        }),
    ]
}

fn listener(draw: &mut Draw, number: u64) -> Value {
    let port = if draw.once_in(3) { 8080 } else { 80 };
    let mut listener = json!({"name": format!("l{number}"), "port": port, "protocol": "HTTP"});
    put(&mut listener, "hostname", draw.maybe(2, |draw| json!(draw.one(&HOSTNAMES))));
    let namespaces = match draw.below(6) {
        0 => None,
        1 => Some(json!({"from": "Same"})),
        2 => Some(json!({
            "from": "Selector",
            "selector": {"matchLabels": {"team": draw.one(&["red", "blue"])}},
        })),
        _ => Some(json!({"from": "All"})),
    };
    let mut allowed = json!({});
    put(&mut allowed, "namespaces", namespaces);
    let kinds = draw.maybe(8, |draw| json!([{"kind": draw.one(&["HTTPRoute", "GRPCRoute"])}]));
    put(&mut allowed, "kinds", kinds);
    if allowed != json!({}) {
        listener["allowedRoutes"] = allowed;
    }
    listener
}
