//! Generated gateways and routes of the Gateway API, and requests to them.

mod filters;
mod gateways;
mod matches;
mod request;
mod route;

use canary_core::Manifest;
use serde_json::{Value, json};

use super::draw::Draw;
pub use gateways::{GATEWAY, Proxies, gateway_objects};
pub use request::{at_gateway, in_mesh};

/// The namespaces of routes.
const NAMESPACES: [&str; 4] = ["default", "default", "shop", "other"];

/// Routes of both kinds. `mesh` is true for routes whose parents are mostly services.
pub fn routes(draw: &mut Draw, mesh: bool) -> Vec<Value> {
    let mut number = 0;
    draw.several(1, 5, |draw| {
        number += 1;
        route::route(draw, number, mesh)
    })
}

/// Grants for some of the references to other namespaces.
pub fn grants(draw: &mut Draw) -> Vec<Value> {
    let mut number = 0;
    draw.several(0, 2, |draw| {
        number += 1;
        let kind = draw.one(&["HTTPRoute", "HTTPRoute", "GRPCRoute", "Gateway"]);
        let from = json!([{"group": "gateway.networking.k8s.io", "kind": kind, "namespace": draw.one(&NAMESPACES)}]);
        let mut to = json!({"group": "", "kind": draw.one(&["Service", "Service", "Service", "Secret"])});
        if let Some(name) = draw.maybe(2, |draw| draw.one(&["model", "other", "empty"]).to_owned()) {
            to["name"] = json!(name);
        }
        let spec = json!({"from": from, "to": [to]});
        let metadata = json!({"name": format!("grant-{number}"), "namespace": draw.one(&NAMESPACES)});
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "ReferenceGrant",
            "metadata": metadata, "spec": spec,
        })
    })
}

/// Namespaces with labels.
pub fn namespaces(draw: &mut Draw) -> Vec<Value> {
    let mut made = Vec::new();
    for name in ["default", "shop", "other", "istio-system"] {
        let team = draw.one(&["red", "blue"]);
        made.push(json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"team": team}},
        }));
    }
    made
}

/// Name, namespace and a time of creation.
fn metadata(draw: &mut Draw, name: &str, namespace: &str) -> Value {
    let second = draw.below(3);
    json!({
        "name": name, "namespace": namespace,
        "creationTimestamp": format!("2026-01-01T00:00:0{second}Z"),
    })
}

/// Puts a field into an object when there is one.
fn put(object: &mut Value, field: &str, value: Option<Value>) {
    if let Some(value) = value {
        object[field] = value;
    }
}

/// The objects as the reader of manifests reads them.
///
/// # Panics
/// When it refuses one.
pub fn read(objects: &[Value]) -> Vec<canary_core::Object> {
    let read = |object: &Value| {
        let text = object.to_string();
        Manifest::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}")).objects
    };
    objects.iter().flat_map(read).collect()
}
