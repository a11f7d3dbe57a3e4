//! Requests as Envoy answers them with istiod's own configuration, case by case, where the documentation does not say it.

mod connections;
mod gateways;
mod listeners;
mod rules;
mod sidecars;

use super::*;

/// Where a request ends: the cluster's name, `passed`, or the status with its flag.
fn ends(mesh: &Mesh, request: &Request) -> String {
    match mesh.route(request).outcome() {
        Outcome::Forward(cluster) => cluster.name.clone(),
        Outcome::Passthrough => "passed".to_owned(),
        Outcome::Failure(failure) => format!("{} {}", failure.kind.status(), failure.kind.flag()),
        Outcome::DirectResponse(direct) => direct.status.to_string(),
        other => other.to_string(),
    }
}

/// A Kubernetes Service in `default` with some ports for HTTP, and further fields of its spec.
fn svc(name: &str, ports: &[u16], more: &str) -> String {
    let ports: Vec<String> =
        ports.iter().map(|port| format!("{{port: {port}, name: http-{port}}}")).collect();
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{{more} ports: [{}]}}\n---\n",
        ports.join(", ")
    )
}

/// An object of Istio's; `second` is the age that it was created at, in seconds.
fn object(kind: &str, name: &str, second: u32, spec: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    format!(
        "apiVersion: networking.istio.io/v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}, creationTimestamp: '2026-02-03T04:05:{second:02}Z'}}\nspec: {{{spec}}}\n---\n"
    )
}

fn vs(name: &str, second: u32, spec: &str) -> String {
    object("VirtualService", name, second, spec)
}

fn rule(name: &str, second: u32, spec: &str) -> String {
    object("DestinationRule", name, second, spec)
}

/// A call of a workload with `app: shopper` in a namespace.
fn from(namespace: &str, url: &str) -> Request {
    get(url).from_workload(namespace, [("app", "shopper")])
}

const A: &str = "outbound|80||a.default.svc.cluster.local";
const B: &str = "outbound|80||b.default.svc.cluster.local";
const A_V1: &str = "outbound|80|v1|a.default.svc.cluster.local";
const TO_A: &str = "http: [{route: [{destination: {host: a}}]}]";
const TO_B: &str = "http: [{route: [{destination: {host: b}}]}]";
const TO_A_V1: &str = "http: [{route: [{destination: {host: a, subset: v1}}]}]";
const V1: &str = "subsets: [{name: v1, labels: {version: v1}}]";

/// Services `a` and `b` on port 80.
fn ab() -> String {
    svc("a", &[80], "") + &svc("b", &[80], "")
}

/// The edge gateway, service `a`, and everything sent to its subset v1.
fn edge_to_v1() -> String {
    format!(
        "{EDGE}{}{}",
        svc("a", &[80], ""),
        vs("all", 1, &format!("hosts: ['*'], gateways: [edge], {TO_A_V1}"))
    )
}
