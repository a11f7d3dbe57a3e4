//! One mesh: its objects, as Istio and as the evaluator get them, and the proxy that is asked.

use std::collections::BTreeMap;

use canary_core::{Manifest, Mesh, Object, Request, VirtualService, route::GatewayWorkload};
use canary_tests::meshes::{
    admissible,
    backends::Backends,
    clients::{self, Client},
    draw::Draw,
    objects,
    routes::{self, GATEWAY, Proxies},
};
use serde_json::{Value, json};

/// The kind of proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A gateway with Istio's own objects.
    Gateway,
    /// A sidecar with Istio's own objects.
    Sidecar,
    /// A gateway of the Gateway API, sometimes with Istio's own objects for the same proxies.
    RoutesAtGateway,
    /// A sidecar with routes whose parents are services, beside Istio's own objects.
    RoutesInMesh,
}

impl Kind {
    /// Returns true for a gateway's proxy.
    pub(crate) fn is_gateway(self) -> bool {
        matches!(self, Self::Gateway | Self::RoutesAtGateway)
    }
}

/// A generated mesh and the client or the gateway in it.
pub(crate) struct Scene {
    pub(crate) kind: Kind,
    pub(crate) objects: Vec<Object>,
    pub(crate) client: Client,
}

impl Scene {
    pub(crate) fn new(kind: Kind, draw: &mut Draw, backends: &Backends) -> Self {
        let mut rules = objects::destination_rules(draw);
        clients::with_policies(draw, &mut rules);
        let mut all: Vec<Object> = rules.into_iter().map(Object::from).collect();
        all.extend(clients::kubernetes_services(backends).into_iter().map(Object::Other));
        all.extend(clients::entries(draw, backends).into_iter().map(Object::Other));
        let client = match kind {
            Kind::RoutesAtGateway => routes_at_gateway(draw, &mut all),
            Kind::RoutesInMesh => {
                if draw.once_in(2) {
                    all.extend(virtual_services(draw).into_iter().map(Object::from));
                }
                if draw.once_in(3) {
                    all.extend(clients::sidecars(draw).into_iter().map(Object::Other));
                }
                let mut made = routes::routes(draw, true);
                made.extend(routes::grants(draw));
                all.extend(routes::read(&made));
                clients::client(draw)
            }
            Kind::Gateway => {
                let mut made = objects::objects(draw);
                for gateway in &mut made.gateways {
                    objects::stamp(draw, &mut gateway.metadata);
                    let first = gateway.spec.servers.as_mut().and_then(|all| all.first_mut());
                    if draw.once_in(2)
                        && let Some(first) = first
                    {
                        first.hosts = Some(vec!["*".to_owned()]);
                    }
                }
                for service in &mut made.services {
                    objects::stamp(draw, &mut service.metadata);
                    admissible::mend(service, false);
                    let last = service.spec.http.as_mut().and_then(|rules| rules.last_mut());
                    if draw.once_in(2)
                        && let Some(last) = last
                    {
                        // Otherwise most requests fit no rule.
                        last.matches = None;
                    }
                }
                all.extend(made.gateways.into_iter().map(Object::from));
                all.extend(made.services.into_iter().map(Object::from));
                let labels = BTreeMap::from([("istio".to_owned(), "ingressgateway".to_owned())]);
                let namespace = draw.one(&["istio-system", "istio-system", "default", "shop"]);
                Client { namespace: namespace.to_owned(), labels }
            }
            Kind::Sidecar => {
                all.extend(virtual_services(draw).into_iter().map(Object::from));
                all.extend(clients::sidecars(draw).into_iter().map(Object::Other));
                clients::client(draw)
            }
        };
        Self { kind, objects: all, client }
    }

    /// The question to Istio.
    pub(crate) fn question(&self, backends: &Backends) -> Value {
        let endpoints = backends.services.iter().flat_map(|service| {
            service.endpoints.iter().flat_map(move |endpoint| {
                endpoint.addresses.iter().map(move |(port, address)| {
                    json!({
                        "host": service.host, "port": port, "labels": endpoint.labels,
                        "address": address.ip().to_string(), "target": address.port(),
                    })
                })
            })
        });
        // As the API server stores them.
        let objects = self.objects.iter().cloned().map(|object| match object {
            Object::GatewayApi(object) => Object::GatewayApi(object.with_defaults()),
            other => other,
        });
        json!({
            "ask": "routes",
            "objects": objects.collect::<Vec<_>>(),
            "endpoints": endpoints.collect::<Vec<_>>(),
            "proxies": [{
                "gateway": self.kind.is_gateway(),
                "namespace": self.client.namespace,
                "labels": self.client.labels,
            }],
        })
    }

    /// Leaves out what Istio's admission refuses, by its places in the list.
    pub(crate) fn without(&mut self, refused: &Value) {
        let refused = refused.as_array().into_iter().flatten();
        let refused: Vec<u64> = refused.filter_map(|one| one["place"].as_u64()).collect();
        let mut place = 0;
        self.objects.retain(|_| {
            place += 1;
            !refused.contains(&(place - 1))
        });
    }

    /// The evaluator's mesh.
    pub(crate) fn mesh(&self, backends: &Backends) -> canary_core::Result<Mesh> {
        let mut builder =
            Mesh::builder().objects(self.objects.iter().cloned()).services(backends.inventory());
        // Without Istio's own Gateways the proxies are those of the one gateway.
        let istio = self.objects.iter().any(|object| matches!(object, Object::Gateway(_)));
        if self.kind.is_gateway() && istio {
            let names = self.objects.iter().filter(|object| object.kind() == "Gateway");
            let names = names.map(|object| {
                format!("{}/{}", object.namespace().unwrap_or("default"), object.name())
            });
            builder = builder.gateway_workload(GatewayWorkload {
                gateways: names.collect(),
                namespace: self.client.namespace.clone(),
                labels: self.client.labels.clone(),
            });
        }
        Ok(builder.build()?)
    }

    /// A request that the proxy gets; `ports` are those on which a gateway listens.
    pub(crate) fn request(&self, draw: &mut Draw, ports: &[u16]) -> Request {
        match self.kind {
            Kind::Gateway => {
                let mut request = objects::request(draw, ports);
                let hosts = admissible::hosts(&self.objects);
                if !hosts.is_empty() && !draw.once_in(3) {
                    let place = draw.below(hosts.len() as u64);
                    request.authority.clone_from(&hosts[usize::try_from(place).unwrap()]);
                }
                request
            }
            Kind::Sidecar => clients::request(draw, &self.client),
            Kind::RoutesAtGateway => routes::at_gateway(draw, ports, &self.objects),
            Kind::RoutesInMesh => routes::in_mesh(draw, &self.client),
        }
    }

    /// The objects as a reader sees them.
    pub(crate) fn text(&self) -> String {
        let own = self.objects.iter().filter(|object| object.kind() != "Service");
        let yaml = Manifest::from(own.cloned().collect::<Vec<_>>()).to_yaml().unwrap();
        format!("# asked by {:?} {:?}\n{yaml}", self.kind, self.client)
    }
}

/// VirtualServices for sidecars.
fn virtual_services(draw: &mut Draw) -> Vec<VirtualService> {
    let mut made = clients::services(draw);
    for service in &mut made {
        admissible::mend(service, true);
    }
    made
}

/// A gateway of the Gateway API with routes, once in four times with Istio's own objects for the same proxies, whose
/// namespace and labels are returned.
fn routes_at_gateway(draw: &mut Draw, all: &mut Vec<Object>) -> Client {
    let proxies = if draw.once_in(4) { Proxies::Shared } else { Proxies::Own };
    let mut made = routes::gateway_objects(draw, "default", proxies);
    made.extend(routes::routes(draw, false));
    made.extend(routes::grants(draw));
    made.extend(routes::namespaces(draw));
    all.extend(routes::read(&made));
    let label = match proxies {
        Proxies::Own => ("gateway.networking.k8s.io/gateway-name", GATEWAY),
        Proxies::Shared => {
            let mut made = objects::objects(draw);
            for gateway in &mut made.gateways {
                objects::stamp(draw, &mut gateway.metadata);
            }
            for service in &mut made.services {
                objects::stamp(draw, &mut service.metadata);
                admissible::mend(service, false);
            }
            all.extend(made.gateways.into_iter().map(Object::from));
            all.extend(made.services.into_iter().map(Object::from));
            ("istio", "ingressgateway")
        }
    };
    let labels = BTreeMap::from([(label.0.to_owned(), label.1.to_owned())]);
    Client { namespace: "default".to_owned(), labels }
}
