//! Meshes and requests from a seed: small alphabets, so that conditions and requests often meet.

use std::collections::BTreeMap;

use canary_core::{
    DestinationRule, Gateway, Request, VirtualService,
    istio::{
        Delegate, DestinationRuleSpec, HttpRoute, Port, Server, ServerTlsSettings, Subset,
        WorkloadSelector,
    },
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};

use super::{draw::Draw, rules};

/// Istio's objects of one mesh, without the `DestinationRule`s, which a batch has in common.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    /// Gateways.
    pub gateways: Vec<Gateway>,
    /// VirtualServices, delegates among them.
    pub services: Vec<VirtualService>,
}

const SERVER_HOSTS: &[&str] = &[
    "*",
    "*",
    "*.example.com",
    "a.example.com",
    "*.b.example.com",
    "shop/*.example.com",
    "./a.example.com",
    "default/b.example.com",
    "*/example.com",
];
const HOSTS: &[&str] = &[
    "*",
    "*",
    "*.example.com",
    "a.example.com",
    "b.example.com",
    "*.b.example.com",
    "x.b.example.com",
    "example.com",
    "model",
];

/// The rules that all meshes of a batch share.
pub fn destination_rules(draw: &mut Draw) -> Vec<DestinationRule> {
    let mut rules = Vec::new();
    for (host, namespace) in [
        ("model", "default"),
        ("other", "default"),
        ("model", "shop"),
        ("model.default.svc.cluster.local", "istio-system"),
        ("*.default.svc.cluster.local", "default"),
        ("*.local", "istio-system"),
        ("model", "default"),
    ] {
        if draw.once_in(if namespace == "istio-system" { 4 } else { 2 }) {
            continue;
        }
        let subset = |name: &str, version: &str| Subset {
            name: name.to_owned(),
            labels: Some([("version".to_owned(), version.to_owned())].into()),
            traffic_policy: None,
        };
        let all = [
            subset("v1", "v1"),
            subset("v2", "v2"),
            subset("gone", "v9"),
            subset("crossed", "v1"),
            Subset { name: "all".to_owned(), ..Subset::default() },
        ];
        let subsets: Vec<Subset> = all.into_iter().filter(|_| !draw.once_in(4)).collect();
        let selector = draw.maybe(6, |draw| WorkloadSelector {
            match_labels: Some(BTreeMap::from([(
                "istio".to_owned(),
                draw.one(&["ingressgateway", "other"]).to_owned(),
            )])),
        });
        let mut rule =
            DestinationRule::default().named(format!("rule-{}", rules.len())).namespace(namespace);
        rule.spec = DestinationRuleSpec {
            host: host.to_owned(),
            subsets: Some(subsets),
            export_to: draw
                .maybe(4, |draw| vec![draw.one(&["*", ".", "istio-system", "shop"]).to_owned()]),
            workload_selector: selector,
            traffic_policy: None,
        };
        rules.push(rule);
    }
    rules
}

/// A mesh of one or two gateways and a few services.
pub fn objects(draw: &mut Draw) -> Objects {
    let mut gateways = vec![gateway(draw, "edge", "default")];
    gateways.extend(draw.maybe(3, |draw| gateway(draw, "edge", "istio-system")));
    let count = 1 + draw.below(4);
    let mut services: Vec<VirtualService> =
        (0..count).map(|number| service(draw, number)).collect();
    delegates(draw, &mut services);
    for service in &mut services {
        // Seconds apart, alike, or not stamped at all.
        if let Some(second) = draw.maybe(2, |draw| draw.below(3)) {
            service.metadata.creation_timestamp = time(second);
        }
    }
    Objects { gateways, services }
}

/// Adds services that are delegates.
pub(super) fn delegates(draw: &mut Draw, services: &mut Vec<VirtualService>) {
    for number in 0..draw.below(3) {
        let mut delegate = VirtualService::default()
            .named(format!("d{number}"))
            .namespace(draw.one(&["default", "default", "shop"]));
        let mut count = 0;
        delegate.spec.http = Some(draw.several(1, 3, |draw| {
            count += 1;
            rules::rule(draw, &format!("d{number}-{count}"))
        }));
        delegate.spec.export_to =
            draw.maybe(5, |draw| vec![draw.one(&["*", ".", "shop"]).to_owned()]);
        services.push(delegate);
    }
}

/// Stamps an object with one of three seconds, as an API server stamps every one.
pub fn stamp(draw: &mut Draw, metadata: &mut ObjectMeta) {
    metadata.creation_timestamp = time(draw.below(3));
}

fn time(second: u64) -> Option<Time> {
    serde_json::from_str(&format!("\"2026-01-01T00:00:0{second}Z\"")).unwrap()
}

fn gateway(draw: &mut Draw, name: &str, namespace: &str) -> Gateway {
    let mut gateway = Gateway::default().named(name).namespace(namespace);
    let selector = BTreeMap::from([("istio".to_owned(), "ingressgateway".to_owned())]);
    gateway.spec.selector = Some(selector);
    let mut servers = Vec::new();
    for (number, rarity) in [(80, 1), (8080, 3), (80, 5)] {
        if !draw.once_in(rarity) {
            continue;
        }
        let mut hosts = draw.several(1, 2, |draw| draw.one(SERVER_HOSTS).to_owned());
        hosts.dedup();
        servers.push(Server {
            port: Port {
                number: Some(number),
                protocol: draw.one(&["HTTP", "HTTP", "HTTP2", "http"]).to_owned(),
                name: format!("http-{}", servers.len()),
                target_port: None,
            },
            hosts: Some(hosts),
            tls: draw.maybe(24, |draw| ServerTlsSettings {
                https_redirect: Some(!draw.once_in(4)),
                ..ServerTlsSettings::default()
            }),
            ..Server::default()
        });
    }
    gateway.spec.servers = Some(servers);
    gateway
}

fn service(draw: &mut Draw, number: u64) -> VirtualService {
    let namespace = draw.one(&["default", "default", "default", "shop"]);
    let mut service = VirtualService::default().named(format!("s{number}")).namespace(namespace);
    let mut hosts = draw.several(1, 2, |draw| draw.one(HOSTS).to_owned());
    hosts.dedup();
    service.spec.hosts = Some(hosts);
    let edge = draw.one(&["default/edge", "default/edge", "default/edge", "istio-system/edge"]);
    let edge = if namespace == "default" && edge == "default/edge" {
        draw.one(&["edge", "default/edge", "./edge", "edge.default.svc.cluster.local"])
    } else {
        edge
    };
    let mut gateways = vec![edge.to_owned()];
    gateways.extend(draw.maybe(5, |draw| draw.one(&["mesh", "istio-system/edge"]).to_owned()));
    service.spec.gateways = Some(gateways);
    service.spec.export_to =
        draw.maybe(8, |draw| vec![draw.one(&["*", ".", "istio-system", "shop"]).to_owned()]);
    let mut count = 0;
    service.spec.http = Some(draw.several(1, 4, |draw| {
        count += 1;
        let name = format!("s{number}-{count}");
        if draw.once_in(6) { root(draw, &name) } else { rules::rule(draw, &name) }
    }));
    service
}

/// A rule that leaves the rest to a delegate.
pub(super) fn root(draw: &mut Draw, name: &str) -> HttpRoute {
    let mut rule = rules::rule(draw, name);
    rule.route = None;
    rule.redirect = None;
    rule.direct_response = None;
    rule.delegate = Some(Delegate {
        name: Some(draw.one(&["d0", "d0", "d1", "missing"]).to_owned()),
        namespace: draw.maybe(2, |draw| draw.one(&["default", "shop"]).to_owned()),
    });
    rule
}

const REQUEST_HOSTS: &[&str] = &[
    "a.example.com",
    "a.example.com:8080",
    "A.Example.com",
    "b.example.com",
    "x.b.example.com",
    "y.b.example.com:80",
    "example.com",
    "c.example.com",
    ".example.com",
    "203.0.113.7",
    "203.0.113.7:31380",
    "[::1]:80",
    "model.default.svc.cluster.local",
    "localhost",
];
const PATHS: &[&str] = &[
    "/",
    "/v1",
    "/v1/",
    "/v1/models",
    "/v1/models/m:predict",
    "/V1/models",
    "/v1beta",
    "/v2/x",
    "//v1",
    "/v1//models",
    "/v1/../v2/x",
    "/v1/./models",
    "/%76%31",
    "/v1/a%20b",
    "/v1%2Fmodels",
    "/foo/bar",
    "/a/b/",
    "/v1/%zz",
    "/v1/\u{7e}x",
    "/v1/%7Ex",
    "/v1\\models",
    "/../v1",
    "/v1/..",
    "/v1/%2e%2e/v2",
];
const QUERIES: &[&str] = &[
    "",
    "",
    "",
    "?q=1",
    "?q=",
    "?q",
    "?Q=1",
    "?x=a&q=1",
    "?q=2&q=1",
    "?q=%31",
    "?",
    "?q=a/../b",
    "?x=a+b&&q=1",
];

/// A request to one of the ports.
pub fn request(draw: &mut Draw, ports: &[u16]) -> Request {
    let port = ports[usize::try_from(draw.below(ports.len() as u64)).unwrap()];
    let method = draw.one(&["GET", "GET", "GET", "POST", "PUT", "OPTIONS", "DELETE"]);
    let mut request = Request {
        method: method.to_owned(),
        authority: draw.one(REQUEST_HOSTS).to_owned(),
        path: format!("{}{}", draw.one(PATHS), draw.one(QUERIES)),
        port: Some(port),
        ..Request::default()
    };
    // No condition is on the one that comes twice: see docs/envoy.md.
    for name in ["x-user", "X-Group", "x-twice", "X-Twice"] {
        if let Some(value) = draw.maybe(3, |draw| draw.one(&["", "a", "b", "ab", "A", "a b"])) {
            request = request.header(name, value);
        }
    }
    if draw.once_in(if method == "OPTIONS" { 1 } else { 4 }) {
        let origin = draw.one(&["https://a.example", "https://b.example", "null", ""]);
        request = request.header("Origin", origin);
    }
    if draw.once_in(if method == "OPTIONS" { 2 } else { 12 }) {
        request = request.header("access-control-request-method", draw.one(&["POST", "PUT", ""]));
    }
    request
}
