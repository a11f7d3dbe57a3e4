//! Istio's routing, rule by rule: objects as YAML, requests, and their destinations.

mod answers;
mod delegates;
mod destinations;
mod diffs;
mod gateway_api;
mod gateways;
mod like_istiod;
mod matches;
mod properties;
mod sidecars;
mod why;

use super::{Decision, Mesh, MeshBuilder, Outcome, Request};
use crate::networking::{DestinationRule, Gateway, VirtualService};

/// A Gateway for every host on port 80, to be put before VirtualServices.
const EDGE: &str = "
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, protocol: HTTP, name: http}, hosts: ['*']}
---
";

/// The builder with the objects of a YAML text of several documents.
fn builder(yaml: &str) -> MeshBuilder {
    yaml.split("---\n").filter(|text| !text.trim().is_empty()).fold(
        Mesh::builder(),
        |builder, text| {
            if text.contains("kind: Gateway") {
                builder.gateway(serde_saphyr::from_str::<Gateway>(text).unwrap())
            } else if text.contains("kind: VirtualService") {
                builder.virtual_service(serde_saphyr::from_str::<VirtualService>(text).unwrap())
            } else if text.contains("kind: DestinationRule") {
                builder.destination_rule(serde_saphyr::from_str::<DestinationRule>(text).unwrap())
            } else {
                builder.objects(crate::Manifest::read(text).unwrap())
            }
        },
    )
}

/// The mesh of a YAML text.
fn mesh(yaml: &str) -> Mesh {
    builder(yaml).build().unwrap()
}

/// The mesh of the edge gateway and one VirtualService for every host with these rules.
fn rules(http: &str) -> Mesh {
    mesh(&format!("{EDGE}{}", service("a", "['*']", http)))
}

/// A VirtualService at the edge; `http` is a list, indented by nothing.
fn service(name: &str, hosts: &str, http: &str) -> String {
    let lines: Vec<String> = http.trim().lines().map(|line| format!("  {line}\n")).collect();
    let http = lines.concat();
    format!(
        "kind: VirtualService\nmetadata: {{name: {name}}}\nspec:\n  hosts: {hosts}\n  gateways: [edge]\n  http:\n{http}---\n"
    )
}

/// The host that a request is forwarded to, or its outcome in words.
fn goes(mesh: &Mesh, request: &Request) -> String {
    told(&mesh.route(request))
}

fn told(decision: &Decision<&Request>) -> String {
    match decision.outcome() {
        Outcome::Forward(cluster) => cluster.host.split('.').next().unwrap().to_owned(),
        Outcome::Failure(failure) => format!("{} {}", failure.kind.status(), failure.kind.flag()),
        other => other.to_string(),
    }
}

fn get(url: &str) -> Request {
    Request::get(url)
}
