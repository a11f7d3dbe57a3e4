//! Generated meshes as the sidecars of clients see them: services and their names, `ServiceEntry` and `Sidecar`.

use std::collections::BTreeMap;

use canary_core::{DestinationRule, Request, VirtualService};
use serde_json::{Value, json};

use super::{
    backends::Backends,
    draw::Draw,
    objects::{self, delegates, stamp},
    policies, rules,
};

/// The client whose sidecar is asked.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its namespace.
    pub namespace: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// A client, its labels being those that conditions of rules ask for.
pub fn client(draw: &mut Draw) -> Client {
    let labels = [
        ("app", Some("shopper")),
        ("istio", draw.maybe(2, |draw| draw.one(&["ingressgateway", "other"]))),
    ];
    let labels = labels.into_iter().filter_map(|(key, value)| Some((key, value?)));
    Client {
        namespace: draw.one(&["default", "default", "shop", "other", "istio-system"]).to_owned(),
        labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
    }
}

const HOSTS: &[&str] = &[
    "model",
    "model",
    "other",
    "empty",
    "alias",
    "model.default",
    "model.shop.svc.cluster.local",
    "model.default.svc.cluster.local",
    "other.default.svc.cluster.local",
    "*.default.svc.cluster.local",
    "*.svc.cluster.local",
    "*.local",
    "*.example.com",
    "ext.example.com",
    "a.example.com",
    "*.wild.example.com",
    "nobody",
    "10.9.0.1",
];

/// The `VirtualService`s of a mesh of sidecars, delegates among them.
pub fn services(draw: &mut Draw) -> Vec<VirtualService> {
    let count = 1 + draw.below(4);
    let mut services: Vec<VirtualService> =
        (0..count).map(|number| service(draw, number)).collect();
    delegates(draw, &mut services);
    for service in &mut services {
        stamp(draw, &mut service.metadata);
    }
    services
}

fn service(draw: &mut Draw, number: u64) -> VirtualService {
    let namespace = draw.one(&["default", "default", "shop", "istio-system"]);
    let mut service = VirtualService::default().named(format!("s{number}")).namespace(namespace);
    let mut hosts = draw.several(1, 2, |draw| draw.one(HOSTS).to_owned());
    hosts.dedup();
    service.spec.hosts = Some(hosts);
    service.spec.gateways = draw.maybe(3, |draw| {
        let named = ["mesh", "mesh", "default/edge"];
        draw.several(1, 2, |draw| draw.one(&named).to_owned())
    });
    service.spec.export_to = draw
        .maybe(5, |draw| vec![draw.one(&["*", ".", "istio-system", "shop", "default"]).to_owned()]);
    let mut count = 0;
    service.spec.http = Some(draw.several(1, 3, |draw| {
        count += 1;
        let name = format!("s{number}-{count}");
        if draw.once_in(7) { objects::root(draw, &name) } else { rules::rule(draw, &name) }
    }));
    service
}

/// Kubernetes' Services for the servers of the tests.
pub fn kubernetes_services(backends: &Backends) -> Vec<Value> {
    let mut address = 0;
    backends
        .services
        .iter()
        .map(|backend| {
            let mut labels = backend.host.split('.');
            let (name, namespace) = (labels.next().unwrap(), labels.next().unwrap());
            let ports: Vec<Value> = backend
                .ports
                .iter()
                .map(|port| json!({"port": port, "name": format!("http-{port}"), "protocol": "TCP"}))
                .collect();
            address += 1;
            let spec = match &backend.external_name {
                Some(host) => json!({"type": "ExternalName", "externalName": host, "ports": ports}),
                None => json!({"clusterIP": format!("10.9.0.{address}"), "ports": ports}),
            };
            json!({
                "apiVersion": "v1", "kind": "Service", "spec": spec,
                "metadata": {"name": name, "namespace": namespace, "creationTimestamp": "2026-01-01T00:00:00Z"},
            })
        })
        .collect()
}

/// Hosts that are no Services of Kubernetes.
pub fn entries(draw: &mut Draw, backends: &Backends) -> Vec<Value> {
    let mut entries = Vec::new();
    for (host, ports) in [("ext.example.com", &[80, 8080][..]), ("*.wild.example.com", &[80])] {
        if draw.once_in(2) {
            continue;
        }
        let listed: Vec<Value> = ports
            .iter()
            .map(|port| json!({"number": port, "name": format!("http-{port}"), "protocol": "HTTP"}))
            .collect();
        let served = host.replace('*', "x");
        let targets: BTreeMap<String, u16> = ports
            .iter()
            .filter_map(|port| {
                Some((format!("http-{port}"), backends.outside(&served, *port)?.port()))
            })
            .collect();
        let mut spec = json!({
            "hosts": [host], "ports": listed, "resolution": "STATIC", "location": "MESH_EXTERNAL",
            "endpoints": [{"address": "127.0.0.1", "ports": targets}],
        });
        if let Some(to) = draw.maybe(4, |draw| draw.one(&[".", "shop", "*"]).to_owned()) {
            spec["exportTo"] = json!([to]);
        }
        if host.starts_with('e') && draw.once_in(3) {
            spec["addresses"] = json!(["10.9.1.1"]);
        }
        let number = entries.len();
        entries.push(json!({
            "apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry", "spec": spec,
            "metadata": {"name": format!("entry-{number}"), "namespace": draw.one(&["default", "shop"]),
                "creationTimestamp": "2026-01-01T00:00:00Z"},
        }));
    }
    entries
}

/// `Sidecar` resources, mostly none.
pub fn sidecars(draw: &mut Draw) -> Vec<Value> {
    if !draw.once_in(3) {
        return Vec::new();
    }
    let count = 1 + draw.below(2);
    (0..count)
        .map(|number| {
            let mut spec = json!({});
            let hosts = |draw: &mut Draw| -> Vec<String> {
                draw.several(1, 2, |draw| {
                    draw.one(&[
                        "*/*",
                        "./*",
                        "default/*",
                        "shop/*",
                        "*/model.default.svc.cluster.local",
                        "default/*.default.svc.cluster.local",
                        "*/*.example.com",
                        "~/*",
                    ])
                    .to_owned()
                })
            };
            if !draw.once_in(4) {
                let mut all: Vec<String> = hosts(draw);
                all.sort();
                all.dedup();
                let mut egress = vec![json!({"hosts": all})];
                if draw.once_in(4) {
                    let port = json!({"number": 80, "protocol": "HTTP", "name": "http"});
                    egress.insert(0, json!({"hosts": hosts(draw), "port": port}));
                }
                spec["egress"] = json!(egress);
            }
            if draw.once_in(3) {
                spec["workloadSelector"] =
                    json!({"labels": {"app": draw.one(&["shopper", "shopper", "other"])}});
            }
            if draw.once_in(3) {
                let mode = draw.one(&["REGISTRY_ONLY", "ALLOW_ANY"]);
                spec["outboundTrafficPolicy"] = json!({"mode": mode});
            }
            let second = draw.below(3);
            json!({
                "apiVersion": "networking.istio.io/v1", "kind": "Sidecar", "spec": spec,
                "metadata": {"name": format!("sidecar-{number}"),
                    "namespace": draw.one(&["default", "default", "shop", "istio-system"]),
                    "creationTimestamp": format!("2026-01-01T00:00:0{second}Z")},
            })
        })
        .collect()
}

/// Gives rules policies, some of them in their subsets.
pub fn with_policies(draw: &mut Draw, rules: &mut [DestinationRule]) {
    for rule in rules {
        stamp(draw, &mut rule.metadata);
        rule.spec.traffic_policy = draw.maybe(2, policies::policy);
        for subset in rule.spec.subsets.iter_mut().flatten() {
            subset.traffic_policy = draw.maybe(4, policies::policy);
        }
    }
}

const REQUEST_HOSTS: &[&str] = &[
    "model",
    "model",
    "model.default",
    "model.default.svc",
    "model.default.svc.cluster.local",
    "MODEL.default.svc.cluster.local",
    "model.default.svc.cluster.local.",
    "model.shop",
    "model.shop.svc.cluster.local",
    "other",
    "other.default.svc.cluster.local",
    "empty",
    "empty.default",
    "alias",
    "alias.default.svc.cluster.local",
    "away",
    "ext.example.com",
    "a.example.com",
    "x.wild.example.com",
    "nobody",
    "nobody.default.svc.cluster.local",
    "10.9.0.1",
    "10.9.0.2",
    "10.9.1.1",
    "203.0.113.7",
    "www.example.org",
];
/// Names with a port that they are served on.
const SERVED: &[(&str, u16)] = &[
    ("model", 8501),
    ("model.default.svc.cluster.local", 8501),
    ("model.shop", 9000),
    ("other", 80),
    ("other.default", 8080),
    ("other.default.svc.cluster.local", 80),
    ("alias", 80),
    ("alias.default", 80),
    ("empty", 80),
    ("ext.example.com", 80),
    ("ext.example.com", 8080),
    ("x.wild.example.com", 80),
    ("a.example.com", 80),
    ("10.9.0.2", 80),
];
const PORTS: &[u16] = &[80, 80, 80, 8080, 8501, 8501, 9000, 7777];

/// A call of a client on one of the ports that services have.
pub fn request(draw: &mut Draw, client: &Client) -> Request {
    let port = PORTS[usize::try_from(draw.below(PORTS.len() as u64)).unwrap()];
    let served = usize::try_from(draw.below(SERVED.len() as u64)).unwrap();
    let anywhere = (draw.one(REQUEST_HOSTS), port);
    let (host, port) = if draw.once_in(3) { anywhere } else { SERVED[served] };
    let mut request = objects::request(draw, &[port]);
    host.clone_into(&mut request.authority);
    if port != 80 || draw.once_in(4) {
        // As clients write it.
        request.authority = format!("{}:{port}", request.authority);
    }
    request.gateway = Some("mesh".to_owned());
    request.source_namespace = Some(client.namespace.clone());
    request.source_labels = client.labels.clone();
    request
}
