//! A case: objects in short, and requests with where they end.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    super::super::{Mesh, MeshBuilder, Service},
    text,
};
use crate::{Manifest, Object};

/// Objects, and requests with their ends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// The behaviour that it shows.
    #[serde(rename = "case")]
    shows: String,
    /// The listeners of the gateway `edge` in `default`. Default: one for HTTP on port 80.
    #[serde(default)]
    listeners: Vec<Map<String, Value>>,
    /// The routes in short; see [`route`].
    routes: Vec<Map<String, Value>>,
    /// Further objects, as they are.
    #[serde(default)]
    objects: Vec<Value>,
    /// Texts that must be among the notes of the mesh.
    #[serde(default)]
    notes: Vec<String>,
    /// Requests and their ends.
    asks: Vec<String>,
}

/// The services of every case, each with its port.
const SERVICES: [(&str, &str, u16); 8] = [
    ("default", "a", 80),
    ("default", "b", 80),
    ("default", "c", 80),
    ("default", "d", 80),
    ("default", "root", 80),
    ("default", "two", 80),
    ("other", "a", 80),
    ("other", "root", 80),
];

impl Case {
    /// The number of requests.
    pub(super) fn requests(&self) -> usize {
        self.asks.len()
    }

    /// The mesh of the objects.
    pub(super) fn mesh(&self) -> Mesh {
        self.builder().build().unwrap_or_else(|error| panic!("{}: {error}", self.shows))
    }

    fn builder(&self) -> MeshBuilder {
        let mut listeners = self.listeners.clone();
        if listeners.is_empty() {
            listeners.push(Map::new());
        }
        let listeners: Vec<Value> = listeners.into_iter().enumerate().map(listener).collect();
        let mut objects = vec![json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
            "metadata": {"name": "edge", "namespace": "default"},
            "spec": {"gatewayClassName": "istio", "listeners": listeners},
        })];
        objects
            .extend(self.routes.iter().enumerate().map(|(index, one)| route(index, one.clone())));
        objects.extend(self.objects.iter().cloned());
        let objects = objects.iter().flat_map(|object| {
            let text = object.to_string();
            let read = Manifest::read(&text).unwrap_or_else(|e| panic!("{}: {e}", self.shows));
            read.objects
        });
        let services = SERVICES.map(|(namespace, name, port)| {
            let service = Service::of_cluster(namespace, name).port(port);
            let service = if name == "two" { service.port(8080) } else { service };
            if name == "d" { service.without_endpoints() } else { service }
        });
        Mesh::builder().objects(objects.collect::<Vec<Object>>()).services(services)
    }

    /// The requests that end elsewhere, in words.
    pub(super) fn wrong(&self) -> Vec<String> {
        let mesh = self.mesh();
        let mut wrong: Vec<String> =
            self.asks.iter().filter_map(|line| text::wrong(&mesh, line)).collect();
        let notes: Vec<&str> = mesh.notes().collect();
        let missing =
            self.notes.iter().filter(|wanted| !notes.iter().any(|one| one.contains(*wanted)));
        wrong.extend(missing.map(|wanted| format!("no note {wanted:?} among {notes:?}")));
        wrong.into_iter().map(|found| format!("{}: {found}", self.shows)).collect()
    }
}

/// A listener with what is not written: its name is that of its place, it takes HTTP on port 80 and routes of all
/// namespaces.
fn listener((index, mut written): (usize, Map<String, Value>)) -> Value {
    let mut fill = |field: &str, value: Value| {
        written.entry(field).or_insert(value);
    };
    fill("name", json!(format!("l{index}")));
    fill("port", json!(80));
    fill("protocol", json!("HTTP"));
    fill("allowedRoutes", json!({"namespaces": {"from": "All"}}));
    Value::Object(written)
}

/// A route with what is not written: its kind is `HTTPRoute`, its name is that of its place, its parent is the gateway.
/// `at` is the second of its creation; `hosts` are its host names; in each rule `to` stands for backends, as `a` or
/// `a 70, b 30`, and `on` for matches, of which `p`, `e` and `r` are paths, `h` headers, `q` queries and `m` the method.
fn route(index: usize, mut written: Map<String, Value>) -> Value {
    let take = |written: &mut Map<String, Value>, field: &str| written.remove(field);
    let kind = take(&mut written, "kind").unwrap_or_else(|| json!("HTTPRoute"));
    let name = take(&mut written, "name").unwrap_or_else(|| json!(format!("r{index}")));
    let namespace = take(&mut written, "in").unwrap_or_else(|| json!("default"));
    let mut metadata = json!({"name": name, "namespace": namespace});
    if let Some(second) = take(&mut written, "at") {
        metadata["creationTimestamp"] =
            json!(format!("2026-02-03T04:05:{:02}Z", second.as_u64().unwrap()));
    }
    if let Some(hosts) = take(&mut written, "hosts") {
        written.insert("hostnames".to_owned(), hosts);
    }
    let parents = written.remove("parents").unwrap_or_else(|| json!(["edge"]));
    let parents: Vec<Value> = parents.as_array().unwrap().iter().map(parent).collect();
    written.insert("parentRefs".to_owned(), json!(parents));
    if let Some(rules) = written.get_mut("rules").and_then(Value::as_array_mut) {
        rules.iter_mut().for_each(rule);
    }
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": kind, "metadata": metadata, "spec": written,
    })
}

/// A parent in short: `edge` or `edge/listener` for the gateway, `svc name`, `svc name:80` or `svc name.ns` for a
/// service; others are written in full.
fn parent(written: &Value) -> Value {
    let Some(text) = written.as_str() else { return written.clone() };
    let Some(service) = text.strip_prefix("svc ") else {
        let (name, section) = text.split_once('/').map_or((text, None), |(n, s)| (n, Some(s)));
        let mut parent = json!({"name": name, "namespace": "default"});
        if let Some(section) = section {
            parent["sectionName"] = json!(section);
        }
        return parent;
    };
    let (service, port) = service.split_once(':').map_or((service, None), |(n, p)| (n, Some(p)));
    let (name, namespace) = service.split_once('.').unwrap_or((service, "default"));
    let mut parent = json!({"group": "", "kind": "Service", "name": name, "namespace": namespace});
    if let Some(port) = port {
        parent["port"] = json!(port.parse::<u16>().unwrap());
    }
    parent
}

fn rule(rule: &mut Value) {
    let fields = rule.as_object_mut().expect("a rule");
    if let Some(to) = fields.remove("to") {
        let backends = to.as_str().unwrap().split(", ").map(|one| {
            let (name, weight) = one.split_once(' ').map_or((one, None), |(n, w)| (n, Some(w)));
            let (name, namespace) =
                name.split_once('.').map_or((name, None), |(n, ns)| (n, Some(ns)));
            let mut backend = json!({"name": name, "port": 80});
            if let Some(weight) = weight {
                backend["weight"] = json!(weight.parse::<u32>().unwrap());
            }
            if let Some(namespace) = namespace {
                backend["namespace"] = json!(namespace);
            }
            backend
        });
        let backends: Vec<Value> = backends.collect();
        fields.insert("backendRefs".to_owned(), json!(backends));
    }
    if let Some(on) = fields.remove("on") {
        let matches: Vec<Value> = on.as_array().unwrap().iter().map(condition).collect();
        fields.insert("matches".to_owned(), json!(matches));
    }
}

fn condition(written: &Value) -> Value {
    let mut found = json!({});
    for (key, value) in written.as_object().expect("a match") {
        let path = |kind: &str| json!({"type": kind, "value": value});
        match key.as_str() {
            "p" => found["path"] = path("PathPrefix"),
            "e" => found["path"] = path("Exact"),
            "r" => found["path"] = path("RegularExpression"),
            "m" => found["method"] = value.clone(),
            "h" => found["headers"] = named(value),
            "q" => found["queryParams"] = named(value),
            _ => found[key] = value.clone(),
        }
    }
    found
}

/// Names and values; a value that begins with `~` is an expression.
fn named(written: &Value) -> Value {
    let pairs = written.as_object().expect("names and values").iter();
    let all: Vec<Value> = pairs
        .map(|(name, value)| match value.as_str().and_then(|text| text.strip_prefix('~')) {
            Some(text) => json!({"type": "RegularExpression", "name": name, "value": text}),
            None => json!({"name": name, "value": value}),
        })
        .collect();
    json!(all)
}
