//! Patches of live objects: applied, and the resulting routes evaluated for requests.

mod added;
mod canary_matches;
mod contradictions;
mod ends;
mod gateway_api;
mod generated;
mod header_route;
mod left_overs;
mod mirrors;
mod objects;
mod percent;
mod properties;
mod rules;
mod services;
mod sticky;
mod weights;

use serde_json::{Value, json};

use super::*;
use crate::{
    Error, Plan, {HeaderRoute, Hold, Percent, Split},
};
use canary_istio::{
    Mesh, Request,
    manifest::ToObject,
    networking::{Gateway, VirtualService},
};

fn plan() -> Plan {
    Plan::new("image-classifier", "resnet50", "resnet101")
        .header("user-group", "canary")
        .weights([5, 30, 100], Hold::requests(100))
}

fn entry(subset: &str, weight: u64) -> Value {
    json!({
        "destination": {"host": "image-classifier", "subset": subset, "port": {"number": 8501}},
        "headers": {"response": {"set": {"x-served-by": subset}}},
        "weight": weight,
        "someFutureField": [1, 2],
    })
}

/// An object with routes of others around the plan's, which has no name.
fn live() -> Value {
    with_routes(&json!([
        {"match": [{"uri": {"prefix": "/metrics"}}], "route": [{"destination": {"host": "prometheus"}}]},
        {"timeout": "10s", "route": [entry("resnet50", 100), entry("resnet101", 0)]},
        {"name": "rest", "redirect": {"uri": "/"}},
    ]))
}

fn with_routes(http: &Value) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "image-classifier", "namespace": "default", "resourceVersion": "7"},
        "spec": {
            "hosts": ["*"],
            "gateways": ["image-classifier-gateway"],
            "unknown": {"kept": true},
            "http": http,
        },
    })
}

/// The routes of an object, to be changed.
fn routes(object: &mut Value) -> &mut Vec<Value> {
    object["spec"]["http"].as_array_mut().unwrap()
}

fn rules_of(object: &Value) -> &[Value] {
    object["spec"]["http"].as_array().unwrap()
}

/// The managed route of a canary as an earlier rollout left it.
fn left_over(canary: &str, header: (&str, &str)) -> Value {
    json!({
        "name": HeaderRoute::route_name(canary),
        "match": [{"headers": {header.0: {"exact": header.1}}}],
        "route": [{"destination": {"host": "image-classifier", "subset": canary}}],
    })
}

fn apply(object: &Value, patch: &json_patch::Patch) -> Value {
    let mut changed = object.clone();
    json_patch::patch(&mut changed, patch).unwrap();
    changed
}

/// The object after a change.
fn after(plan: &Plan, object: &Value, change: &RouteChange) -> Value {
    apply(object, &change_route(plan, object, change).unwrap())
}

fn split(canary: impl Into<Percent>) -> RouteChange {
    RouteChange { split: Some(Split::new(canary)), ..RouteChange::default() }
}

/// The change of the header route alone.
fn header_route(there: bool) -> RouteChange {
    RouteChange { header_route: Some(there), ..RouteChange::default() }
}

/// The reason why a change is refused.
fn refused(plan: &Plan, object: &Value, change: &RouteChange) -> String {
    match change_route(plan, object, change) {
        Err(Error::Plan(message)) => message,
        other => panic!("{other:?}"),
    }
}

fn mesh(object: &Value) -> Mesh {
    let gateway = Gateway::http("image-classifier-gateway", 80, ["*"]);
    let service: VirtualService = serde_json::from_value(object.clone()).unwrap();
    Mesh::of([gateway.to_object(), service.to_object()]).unwrap()
}

/// The cluster that a request goes to, or its outcome.
fn answered(object: &Value, request: &Request) -> String {
    let mesh = mesh(object);
    let decision = mesh.route(request);
    match decision.cluster() {
        Some(cluster) => cluster.name.clone(),
        None => decision.outcome().to_string(),
    }
}

/// A request for a prediction with some headers, drawn so that the last destination with a weight gets it.
fn request(headers: &[(&str, &str)]) -> Request {
    let plain = Request::post("http://x/v1/models/m:predict").random(u64::MAX);
    headers.iter().fold(plain, |request, (name, value)| request.header(*name, *value))
}

/// Asserts that a request with the plan's header goes to the canary, and one without it to the stable version.
fn assert_reachable(plan: &Plan, object: &Value) {
    let HeaderRoute { name, value } = plan.probe_header();
    let to =
        |subset: &str| format!("outbound|8501|{subset}|image-classifier.default.svc.cluster.local");
    assert_eq!(answered(object, &request(&[(&name, &value)])), to(&plan.canary), "{object:#}");
    assert_eq!(answered(object, &request(&[])), to(&plan.stable), "{object:#}");
    assert!(has_header_route(plan, object));
}
